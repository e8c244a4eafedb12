//! A live source with a script, an audience that writes down what it is told, and a run of both.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use cyborg_edge::BoxError;
use cyborg_edge::capture::{AtEnd, NeverAgain, Open, Opened, Read, Source, SourceInfo};
use cyborg_edge::clock::Clock;
use cyborg_edge::face::follow::{DetectEvery, TrackId};
use cyborg_edge::frame::{Frame, PresentationTime};
use cyborg_edge::live::backoff::BackOff;
use cyborg_edge::live::limits::SharedLimits;
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::view::{Audience, SourceState, View};
use cyborg_edge::live::watch::{Feed, FirstSight, KeepSettings, LiveStages};
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
    /// It can't be opened, and not at any other time either.
    Forbidden(&'static str),
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
    stop: Arc<AtomicBool>,
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
            Some(Session::Forbidden(reason)) => return Err(NeverAgain(reason.into()).into()),
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

/// A feed of a live run, to be built and run, alone or together with others.
pub(crate) struct LiveRun {
    pub(crate) sessions: Vec<Session>,
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
        let (clock, metrics) = (self.clock.clone(), Arc::clone(metrics));
        let stage = Arc::new(Stage { clock, metrics, ..Stage::default() });
        watch_all(std::slice::from_mut(self), &[stage], &[audience], stop).remove(0)
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Ran {
        Self::together(vec![self]).remove(0)
    }

    /// Runs them to the end as the feeds of one run, with classifiers and clock of the first.
    pub(crate) fn together(mut runs: Vec<Self>) -> Vec<Ran> {
        let (stop, clock) = (Arc::<AtomicBool>::default(), runs[0].clock.clone());
        let stages: Vec<Arc<Stage>> = runs
            .iter()
            .map(|run| {
                let (clock, metrics, stop) = (clock.clone(), Arc::clone(&run.metrics), Arc::clone(&stop));
                Arc::new(Stage { clock, metrics, stop, ..Stage::default() })
            })
            .collect();
        let recorder = |(run, stage): (&Self, &Arc<Stage>)| {
            let (stage, stop_at) = (Arc::clone(stage), run.stop_at);
            Recorder { stage, stop_at, ..Recorder::default() }
        };
        let recorders: Vec<Recorder> = runs.iter().zip(&stages).map(recorder).collect();
        let audiences: Vec<&dyn Audience> = recorders.iter().map(|recorder| recorder as &dyn Audience).collect();
        let ended = watch_all(&mut runs, &stages, &audiences, &stop);
        let inner = "no test thread panics here";
        let ran = runs.into_iter().zip(recorders).zip(stages).zip(ended).map(|(((run, recorder), stage), ended)| Ran {
            told: recorder.told.into_inner().expect(inner),
            newest: recorder.newest.into_inner().expect(inner),
            buffers: recorder.buffers.into_inner().expect(inner).len(),
            stopping: stage.stopped.get().map(|&since| stage.clock.since(since)),
            metrics: run.metrics,
            ended,
            looks: run.detector.looks,
        });
        ran.collect()
    }
}

/// Watches until the steps of all are over, or `stop` becomes true; gives how each ended. What ends the whole run is the first's.
fn watch_all(
    runs: &mut [LiveRun],
    stages: &[Arc<Stage>],
    audiences: &[&dyn Audience],
    stop: &AtomicBool,
) -> Vec<anyhow::Result<()>> {
    let ended: Mutex<Vec<_>> = Mutex::new(runs.iter().map(|_| Ok(())).collect());
    let (judge, quick_judge) = (Judge::new(&contract()), Judge::new(&contract()));
    let limits = SharedLimits::of(&contract());
    let own = limits.own();
    let (mut feeds, mut common) = (Vec::new(), None);
    for ((run, stage), &audience) in runs.iter_mut().zip(stages).zip(audiences) {
        let LiveRun { sessions, differs, detector, classifier, first_sight, keep, detect_every, .. } = run;
        let sessions = Mutex::new(std::mem::take(sessions).into());
        let opener = Arc::new(ScriptedOpener { sessions, differs: *differs, stage: Arc::clone(stage) });
        let metrics = Arc::clone(&stage.metrics);
        let (detector, audience, leaves) = (Box::new(detector), Arc::new(audience), Arc::default());
        feeds.push(Feed { opener, detector, audience, metrics, keep: *keep, rejoins: false, leaves });
        common.get_or_insert((classifier, first_sight, DetectEvery(NonZeroU32::new(*detect_every).expect("not zero"))));
    }
    let (classifier, first_sight, detect) = common.expect("there is a first");
    let first_sight = first_sight.as_mut().map(|classifier| FirstSight { classifier, judge: &quick_judge, own });
    let failed = |feed: usize, error| {
        ended.lock().expect("no test thread panics here")[feed] = Err(anyhow::Error::from_boxed(error));
    };
    let (limits, clock, failed) = (Arc::new(limits), stages[0].clock.clone(), &failed);
    let all =
        LiveStages { feeds, joining: None, detect, classifier, judge: &judge, first_sight, limits, clock, failed };
    let run = cyborg_edge::live::watch(all, stop);
    stages.iter().for_each(|stage| stage.over.store(true, Ordering::SeqCst));
    let mut ended = ended.into_inner().expect("no test thread panics here");
    if let Err(error) = run {
        ended[0] = Err(anyhow::Error::from_boxed(error));
    }
    ended
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
