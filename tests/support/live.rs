//! A live source with a script, an audience that writes down what it is told, and a run of both.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use cyborg_edge::BoxError;
use cyborg_edge::capture::{AtEnd, Open, Opened, Read, Source, SourceInfo};
use cyborg_edge::clock::Clock;
use cyborg_edge::face::follow::{DetectEvery, TrackId};
use cyborg_edge::frame::{Frame, PresentationTime};
use cyborg_edge::live::backoff::BackOff;
use cyborg_edge::live::limits::SharedLimits;
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::view::{Audience, SourceState, View};
use cyborg_edge::live::watch::{FirstSight, KeepSettings, LiveStages};
use cyborg_edge::verdict::Judge;

use super::model::contract;
use super::stages::{BrightnessClassifier, MiddleFace};

/// What a source does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Gives frames, one each so many milliseconds of the run's clock. Where that is held, each frame waits until somebody took
    /// the one before; with no time between them none does.
    Frames { count: u32, millis: u64 },
    /// Has pictures of this size from here on.
    Size(usize, usize),
    /// Has pictures that take many bytes as JPEG from here on.
    Rough,
    /// A picture that can't be decoded.
    Damaged,
    /// Says nothing for so many milliseconds of the run's clock. Where that is held, it then waits to be given up.
    Silence(u64),
    /// The user wants an end.
    Stop,
    /// Hangs in its driver until the run is over.
    Hang,
    /// Says nothing until a face was scored.
    UntilScored,
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

/// Opens one session after the other; when there are no more, it is refused, and a run to the end is stopped.
pub(crate) struct ScriptedOpener {
    sessions: Mutex<VecDeque<Session>>,
    /// What is said to differ from what was asked.
    pub(crate) differs: Option<&'static str>,
    stage: Arc<Stage>,
}

/// What the sources of a run have in common.
#[derive(Default)]
struct Stage {
    clock: Clock,
    metrics: Arc<LiveMetrics>,
    /// How many sessions were begun.
    opened: AtomicU64,
    /// The user's wish for an end, and when it came.
    stop: AtomicBool,
    stopped: OnceLock<Instant>,
    over: AtomicBool,
}

struct Scripted {
    info: SourceInfo,
    steps: VecDeque<Step>,
    frames: u64,
    due: Instant,
    rough: bool,
    stage: Arc<Stage>,
    /// Its session, counted from one.
    session: u64,
    /// How many frames somebody must have taken before it goes on.
    taken: u64,
}

impl Stage {
    /// Frames that were shown, or replaced by newer ones.
    fn taken(&self) -> u64 {
        self.metrics.shown.load(Ordering::SeqCst) + self.metrics.overwritten.load(Ordering::SeqCst)
    }

    fn stop(&self) {
        self.stopped.get_or_init(|| self.clock.now());
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Waits for another thread. One that never comes is no reason to wait for ever: the test then fails by what it finds.
    fn wait_until(&self, done: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done() && !self.over.load(Ordering::SeqCst) && Instant::now() < end {
            thread::sleep(Duration::from_micros(100));
        }
    }
}

impl Open for ScriptedOpener {
    fn open(&self) -> Result<Opened, BoxError> {
        let session = self.sessions.lock().expect("no test thread panics here").pop_front();
        let number = self.stage.opened.fetch_add(1, Ordering::SeqCst) + 1;
        let (steps, at_end) = match session {
            Some(Session::Plays(steps)) => (steps, AtEnd::Reopen),
            Some(Session::Last(steps)) => (steps, AtEnd::Finish),
            Some(Session::Refused(reason)) => return Err(reason.into()),
            None => {
                // Nothing more will happen: a test that waits for something then fails, and doesn't go on for ever.
                self.stage.stop();
                return Err("the script is over".into());
            }
        };
        let info = SourceInfo { name: "scripted".into(), size: (64, 48), rate: Some(50.0), claimed_frames: None };
        let stage = Arc::clone(&self.stage);
        let due = stage.clock.now();
        let source =
            Scripted { info, steps: steps.into(), frames: 0, due, rough: false, stage, session: number, taken: 0 };
        let source = Box::new(source);
        Ok(Opened { source, differs: self.differs.map(ToOwned::to_owned), at_end })
    }
}

impl Source for Scripted {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let (stage, session) = (&self.stage, self.session);
        stage.wait_until(|| stage.taken() >= self.taken || stage.stop.load(Ordering::SeqCst));
        loop {
            match self.steps.pop_front() {
                None => return Ok(Read::End),
                Some(Step::Size(width, height)) => self.info.size = (width, height),
                Some(Step::Rough) => self.rough = true,
                Some(Step::Silence(millis)) => {
                    stage.clock.sleep(Duration::from_millis(millis));
                    if stage.clock.is_held() {
                        stage.wait_until(|| stage.opened.load(Ordering::SeqCst) > session);
                    }
                }
                Some(Step::Stop) => stage.stop(),
                Some(Step::UntilScored) => stage.wait_until(|| stage.metrics.scored.load(Ordering::SeqCst) > 0),
                Some(Step::Hang) => {
                    stage.wait_until(|| false);
                    // Who still waits for it, waits too long. After the run the clock stands, for the time that it took is read then.
                    if !stage.over.load(Ordering::SeqCst) {
                        stage.clock.sleep(PATIENCE);
                    }
                }
                Some(Step::Break(reason)) => return Err(reason.into()),
                Some(Step::Panic) => std::panic::resume_unwind(Box::new("a bug in the driver")),
                Some(Step::Damaged) => return Ok(Read::Damaged("the script says so".into())),
                Some(Step::Frames { count: 0, .. }) => {}
                Some(Step::Frames { count, millis }) => {
                    self.steps.push_front(Step::Frames { count: count - 1, millis });
                    self.due = (self.due + Duration::from_millis(millis)).max(stage.clock.now());
                    stage.clock.sleep(self.due.saturating_duration_since(stage.clock.now()));
                    if stage.clock.is_held() && millis > 0 {
                        self.taken = stage.taken() + 1;
                    }
                    frame.resize(self.info.size.0, self.info.size.1);
                    // Bright: the classifier is sure of it.
                    if self.rough {
                        frame.pixels.iter_mut().enumerate().for_each(|(at, value)| *value = 250 - (at * at % 89) as u8);
                    } else {
                        frame.pixels.fill(250);
                    }
                    frame.number = self.frames;
                    frame.time = PresentationTime(0);
                    frame.captured = stage.clock.now();
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
    stage: Arc<Stage>,
    /// At the first of these the user wants an end.
    stop_at: Option<fn(&Told) -> bool>,
    told: Mutex<Vec<Told>>,
    newest: Mutex<Option<Arc<View>>>,
    /// Where in memory the pictures were.
    buffers: Mutex<Vec<usize>>,
}

impl Recorder {
    fn note(&self, told: Told) {
        if self.stop_at.is_some_and(|stops| stops(&told)) {
            self.stage.stop();
        }
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
    stop_at: Option<fn(&Told) -> bool>,
    clock: Clock,
    detect_every: u32,
    pub(crate) detector: MiddleFace,
    pub(crate) classifier: BrightnessClassifier,
    /// Speaks until the classifier has seen enough.
    pub(crate) first_sight: Option<BrightnessClassifier>,
    pub(crate) keep: KeepSettings,
    /// The numbers of [`LiveRun::run`].
    pub(crate) metrics: Arc<LiveMetrics>,
}

/// How long a test waits for another thread, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run came to.
pub(crate) struct Ran {
    pub(crate) told: Vec<Told>,
    pub(crate) metrics: Arc<LiveMetrics>,
    pub(crate) ended: anyhow::Result<()>,
    pub(crate) newest: Option<Arc<View>>,
    /// From the wish to stop to the end of the run, by its clock.
    pub(crate) stopping: Option<Duration>,
    /// How many buffers pictures came in.
    pub(crate) buffers: usize,
    /// In how many frames faces were looked for.
    pub(crate) looks: u64,
}

impl LiveRun {
    /// By the machine's clock.
    pub(crate) fn of(sessions: impl IntoIterator<Item = Session>) -> Self {
        let backoff = BackOff { first: Duration::from_millis(10), most: Duration::from_millis(40) };
        let (stall, opening) = (Duration::from_millis(250), Duration::from_millis(500));
        Self {
            sessions: sessions.into_iter().collect(),
            differs: None,
            stop_at: None,
            clock: Clock::machine(),
            detect_every: 1,
            detector: MiddleFace::default(),
            classifier: BrightnessClassifier::new(Duration::ZERO),
            first_sight: None,
            keep: KeepSettings { stall, opening, backoff, steady: Duration::from_secs(5) },
            metrics: Arc::default(),
        }
    }

    /// By a clock that only the source's steps and the waits of the run move.
    pub(crate) fn held(sessions: impl IntoIterator<Item = Session>) -> Self {
        Self { clock: Clock::held(), ..Self::of(sessions) }
    }

    /// The user wants an end as soon as this is told.
    pub(crate) fn stop_at(mut self, told: fn(&Told) -> bool) -> Self {
        self.stop_at = Some(told);
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
        self.watch_on(&self.stage(metrics), audience, stop)
    }

    fn stage(&self, metrics: &Arc<LiveMetrics>) -> Arc<Stage> {
        let (clock, metrics) = (self.clock.clone(), Arc::clone(metrics));
        Arc::new(Stage { clock, metrics, ..Stage::default() })
    }

    fn watch_on(&mut self, stage: &Arc<Stage>, audience: &dyn Audience, stop: &AtomicBool) -> anyhow::Result<()> {
        let sessions = Mutex::new(std::mem::take(&mut self.sessions).into());
        let quick_judge = Judge::new(&contract());
        let limits = SharedLimits::of(&contract());
        let first_sight = self.first_sight.as_mut().map(|classifier| FirstSight {
            classifier,
            judge: &quick_judge,
            own: limits.own(),
        });
        let stages = LiveStages {
            opener: Arc::new(ScriptedOpener { sessions, differs: self.differs, stage: Arc::clone(stage) }),
            detector: &mut self.detector,
            detect: DetectEvery(NonZeroU32::new(self.detect_every).expect("not zero")),
            classifier: &mut self.classifier,
            judge: &Judge::new(&contract()),
            first_sight,
            limits: Arc::new(limits),
            clock: stage.clock.clone(),
        };
        let ended = cyborg_edge::live::watch(stages, &self.keep, audience, &stage.metrics, stop);
        stage.over.store(true, Ordering::SeqCst);
        ended.map_err(anyhow::Error::from_boxed)
    }

    /// Runs to the end.
    pub(crate) fn run(mut self) -> Ran {
        let metrics = Arc::clone(&self.metrics);
        let stage = self.stage(&metrics);
        let recorder = Recorder { stage: Arc::clone(&stage), stop_at: self.stop_at, ..Recorder::default() };
        let ended = self.watch_on(&stage, &recorder, &stage.stop);
        let stopping = stage.stopped.get().map(|&since| stage.clock.since(since));
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
