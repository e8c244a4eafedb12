//! A live source with a script, an audience that writes down what it is told, and a run of both.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cyborg_edge::BoxError;
use cyborg_edge::capture::{AtEnd, Open, Opened, Read, Source, SourceInfo};
use cyborg_edge::face::follow::{DetectEvery, TrackId};
use cyborg_edge::frame::{Frame, PresentationTime};
use cyborg_edge::live::backoff::BackOff;
use cyborg_edge::live::limits::SharedLimits;
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::view::{Audience, SourceState, View};
use cyborg_edge::live::watch::{FirstSight, KeepSettings, LiveStages};
use cyborg_edge::verdict::Judge;

use super::alone::alone;
use super::model::contract;
use super::stages::{BrightnessClassifier, MiddleFace};

/// What a source does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Gives frames, one each so many milliseconds.
    Frames { count: u32, millis: u64 },
    /// Has pictures of this size from here on.
    Size(usize, usize),
    /// Has pictures that take many bytes as JPEG from here on.
    Rough,
    /// A picture that can't be decoded.
    Damaged,
    /// Says nothing for so many milliseconds.
    Silence(u64),
    /// Fails, as an unplugged camera does.
    Break(&'static str),
    /// Panics, as a driver with a bug does.
    Panic,
}

/// What comes of opening the source.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    /// It can't be opened.
    Refused(&'static str),
    /// It plays; the stream is lost at the end of the steps.
    Plays(Vec<Step>),
    /// It plays, and there is no more at the end of the steps.
    Last(Vec<Step>),
}

/// Opens one session after the other; when there are no more, it is refused.
pub(crate) struct ScriptedOpener {
    sessions: Mutex<VecDeque<Session>>,
    /// What is said to differ from what was asked.
    pub(crate) differs: Option<&'static str>,
}

struct Scripted {
    info: SourceInfo,
    steps: VecDeque<Step>,
    frames: u64,
    due: Instant,
    rough: bool,
}

impl Open for ScriptedOpener {
    fn open(&self) -> Result<Opened, BoxError> {
        let session = self.sessions.lock().expect("no test thread panics here").pop_front();
        let (steps, at_end) = match session {
            Some(Session::Plays(steps)) => (steps, AtEnd::Reopen),
            Some(Session::Last(steps)) => (steps, AtEnd::Finish),
            Some(Session::Refused(reason)) => return Err(reason.into()),
            None => return Err("the script is over".into()),
        };
        let info = SourceInfo { name: "scripted".into(), size: (64, 48), rate: Some(50.0), claimed_frames: None };
        let source = Box::new(Scripted { info, steps: steps.into(), frames: 0, due: Instant::now(), rough: false });
        Ok(Opened { source, differs: self.differs.map(ToOwned::to_owned), at_end })
    }
}

impl Source for Scripted {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        loop {
            match self.steps.pop_front() {
                None => return Ok(Read::End),
                Some(Step::Size(width, height)) => self.info.size = (width, height),
                Some(Step::Rough) => self.rough = true,
                Some(Step::Silence(millis)) => thread::sleep(Duration::from_millis(millis)),
                Some(Step::Break(reason)) => return Err(reason.into()),
                Some(Step::Panic) => std::panic::resume_unwind(Box::new("a bug in the driver")),
                Some(Step::Damaged) => return Ok(Read::Damaged("the script says so".into())),
                Some(Step::Frames { count: 0, .. }) => {}
                Some(Step::Frames { count, millis }) => {
                    self.steps.push_front(Step::Frames { count: count - 1, millis });
                    self.due = (self.due + Duration::from_millis(millis)).max(Instant::now());
                    thread::sleep(self.due.saturating_duration_since(Instant::now()));
                    frame.resize(self.info.size.0, self.info.size.1);
                    // Bright: the classifier is sure of it.
                    if self.rough {
                        frame.pixels.iter_mut().enumerate().for_each(|(at, value)| *value = 250 - (at * at % 89) as u8);
                    } else {
                        frame.pixels.fill(250);
                    }
                    frame.number = self.frames;
                    frame.time = PresentationTime(0);
                    frame.captured = Instant::now();
                    self.frames += 1;
                    return Ok(Read::Frame);
                }
            }
        }
    }
}

/// What the audience was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    State(SourceState),
    Shown { number: u64, size: (usize, usize), tracks: Vec<TrackId>, opinions: usize },
}

/// Writes down what it is told, and keeps no picture but the newest.
#[derive(Default)]
pub(crate) struct Recorder {
    told: Mutex<Vec<Told>>,
    newest: Mutex<Option<Arc<View>>>,
    /// Where in memory the pictures were.
    buffers: Mutex<Vec<usize>>,
}

impl Recorder {
    fn note(&self, told: Told) {
        self.told.lock().expect("no test thread panics here").push(told);
    }
}

impl Audience for Recorder {
    fn show(&self, view: Arc<View>) {
        let place = view.frame.pixels.as_ptr() as usize;
        let mut buffers = self.buffers.lock().expect("no test thread panics here");
        if !buffers.contains(&place) {
            buffers.push(place);
        }
        self.note(Told::Shown {
            number: view.frame.number,
            size: (view.frame.width, view.frame.height),
            tracks: view.persons.iter().map(|person| person.track).collect(),
            opinions: view.persons.iter().filter(|person| person.opinion.is_some()).count(),
        });
        *self.newest.lock().expect("no test thread panics here") = Some(view);
    }

    fn source(&self, state: SourceState) {
        self.note(Told::State(state));
    }
}

/// A live run, to be built and run.
pub(crate) struct LiveRun {
    sessions: Vec<Session>,
    differs: Option<&'static str>,
    stop_after: Option<Duration>,
    detect_every: u32,
    pub(crate) detector: MiddleFace,
    pub(crate) classifier: BrightnessClassifier,
    /// Speaks until the classifier has seen enough.
    pub(crate) first_sight: Option<BrightnessClassifier>,
    pub(crate) keep: KeepSettings,
}

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) told: Vec<Told>,
    pub(crate) metrics: Arc<LiveMetrics>,
    pub(crate) ended: anyhow::Result<()>,
    pub(crate) newest: Option<Arc<View>>,
    /// From the wish to stop to the end of the run.
    pub(crate) stopping: Option<Duration>,
    /// How many buffers pictures came in.
    pub(crate) buffers: usize,
    /// In how many frames faces were looked for.
    pub(crate) looks: u64,
}

impl LiveRun {
    pub(crate) fn of(sessions: impl IntoIterator<Item = Session>) -> Self {
        let backoff = BackOff { first: Duration::from_millis(10), most: Duration::from_millis(40) };
        let (stall, opening) = (Duration::from_millis(250), Duration::from_millis(500));
        Self {
            sessions: sessions.into_iter().collect(),
            differs: None,
            stop_after: None,
            detect_every: 1,
            detector: MiddleFace::default(),
            classifier: BrightnessClassifier::new(Duration::ZERO),
            first_sight: None,
            keep: KeepSettings { stall, opening, backoff, steady: Duration::from_secs(5) },
        }
    }

    pub(crate) fn stop_after(mut self, millis: u64) -> Self {
        self.stop_after = Some(Duration::from_millis(millis));
        self
    }

    pub(crate) fn differs(mut self, words: &'static str) -> Self {
        self.differs = Some(words);
        self
    }

    pub(crate) fn detect_every(mut self, frames: u32) -> Self {
        self.detect_every = frames;
        self
    }

    pub(crate) fn classifier_takes(mut self, millis: u64) -> Self {
        self.classifier.latency = Duration::from_millis(millis);
        self
    }

    /// Watches for `audience` until the steps are over, or `stop` becomes true.
    pub(crate) fn watch(
        &mut self,
        audience: &dyn Audience,
        metrics: &Arc<LiveMetrics>,
        stop: &AtomicBool,
    ) -> anyhow::Result<()> {
        let sessions = Mutex::new(std::mem::take(&mut self.sessions).into());
        let quick_judge = Judge::new(&contract());
        let limits = SharedLimits::of(&contract());
        let first_sight = self.first_sight.as_mut().map(|classifier| FirstSight {
            classifier,
            judge: &quick_judge,
            own: limits.own(),
        });
        let stages = LiveStages {
            opener: Arc::new(ScriptedOpener { sessions, differs: self.differs }),
            detector: &mut self.detector,
            detect: DetectEvery(NonZeroU32::new(self.detect_every).expect("not zero")),
            classifier: &mut self.classifier,
            judge: &Judge::new(&contract()),
            first_sight,
            limits: Arc::new(limits),
        };
        cyborg_edge::live::watch(stages, &self.keep, audience, metrics, stop).map_err(anyhow::Error::from_boxed)
    }

    /// Runs to the end. What is late on a busy machine would be a lost source: one such run at a time.
    pub(crate) fn run(mut self) -> Ran {
        let _alone = alone();
        let (recorder, metrics) = (Recorder::default(), Arc::new(LiveMetrics::default()));
        let (stop, stop_after) = (AtomicBool::new(false), self.stop_after);
        let (ended, stopping) = thread::scope(|scope| {
            let watching = scope.spawn(|| self.watch(&recorder, &metrics, &stop));
            let since = stop_after.map(|after| {
                thread::sleep(after);
                stop.store(true, Ordering::Relaxed);
                Instant::now()
            });
            let ended = watching.join().expect("a run doesn't panic");
            (ended, since.map(|since| since.elapsed()))
        });
        let inner = "no test thread panics here";
        Ran {
            told: recorder.told.into_inner().expect(inner),
            newest: recorder.newest.into_inner().expect(inner),
            buffers: recorder.buffers.into_inner().expect(inner).len(),
            metrics,
            ended,
            stopping,
            looks: self.detector.looks,
        }
    }
}

impl Ran {
    /// The states of the source in their order, in short: what was lost with its reason and number of tries.
    pub(crate) fn states(&self) -> Vec<String> {
        let state = |told: &Told| match told {
            Told::State(SourceState::Starting) => Some("starting".to_owned()),
            Told::State(SourceState::Playing { size, .. }) => Some(format!("playing {}x{}", size.0, size.1)),
            Told::State(SourceState::Lost { reason, tries, .. }) => Some(format!("lost {tries}: {reason}")),
            Told::State(SourceState::Ended) => Some("ended".to_owned()),
            Told::Shown { .. } => None,
        };
        self.told.iter().filter_map(state).collect()
    }

    /// The tracks that were seen, in the order in which they came.
    pub(crate) fn tracks(&self) -> Vec<u64> {
        let mut seen = Vec::new();
        for told in &self.told {
            if let Told::Shown { tracks, .. } = told {
                for track in tracks {
                    if !seen.contains(&track.0) {
                        seen.push(track.0);
                    }
                }
            }
        }
        seen
    }
}
