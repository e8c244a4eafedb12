//! Judges the cameras that a worker holds as `cyborg live` judges them: each is a feed of one live run, which has one set of networks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::load::{Fared, Load};
use super::pool::Pool;
use super::to_broker::ToBroker;
use crate::cli::live::cured::CuredOpener;
use crate::cli::live::feeds::LiveFeed;
use crate::cli::live::input::LiveSource;
use crate::cli::live::keep::KeepArgs;
use crate::cli::live::printer::words;
use crate::cli::live::watched::Watched;
use crate::cli::outcome::note;
use crate::fleet::cameras::allowed::AllowedCameras;
use crate::fleet::cameras::entry::{Camera, CameraName};
use crate::fleet::cameras::watch::{Outbox, Watch};
use crate::live::alerts::Alerts;
use crate::live::alerts::event::Origin;
use crate::live::metrics::LiveMetrics;
use crate::live::view::{Audience, SourceState};
use crate::live::watch::Feed;

/// How long it is looked how cameras fare before the load is told anew.
const WINDOW: Duration = Duration::from_secs(5);
/// How long the last events of a camera may take to the queue of its lease, which is next door: on a machine with much else to do.
const FAREWELL: Duration = Duration::from_secs(1);

/// Feeds that ended by a failure, by their numbers, and why.
#[derive(Clone, Default)]
pub(super) struct Failures(Arc<Mutex<Vec<(usize, String)>>>);

/// What cameras are judged with.
pub(super) struct JudgeSettings {
    /// Which may be opened.
    pub(super) allowed: AllowedCameras,
    /// When one counts as lost.
    pub(super) keep: KeepArgs,
    /// The name of the model that decides.
    pub(super) model: String,
    /// Cameras at most.
    pub(super) capacity: u64,
    /// Becomes true when the worker is to end.
    pub(super) stop: &'static AtomicBool,
}

/// The command line's judge of cameras.
pub(super) struct CameraJudge {
    settings: JudgeSettings,
    detectors: Pool,
    /// The live run.
    run: Sender<Feed<'static>>,
    failures: Failures,
    cameras: BTreeMap<CameraName, Judged>,
    /// Feeds that were given to the run.
    count: usize,
    load: Load,
    window: Instant,
}

/// A camera that is judged, or is about to be.
struct Judged {
    feed: LiveFeed,
    leaves: Arc<AtomicBool>,
    alerts: Arc<Alerts>,
    /// Tells its events.
    lookout: Arc<dyn Audience>,
    /// Its number in the run, once it has a detector.
    number: Option<usize>,
    told: Option<SourceState>,
    /// Its numbers when the window began.
    before: Option<Fared>,
}

impl Failures {
    /// A feed has ended.
    pub(super) fn put(&self, feed: usize, reason: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((feed, reason));
    }

    fn take(&self) -> Vec<(usize, String)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CameraJudge {
    /// Has cameras judged by a live run, which takes them by `run`.
    pub(super) fn new(
        settings: JudgeSettings,
        detectors: Pool,
        run: Sender<Feed<'static>>,
        failures: Failures,
    ) -> Self {
        let load = Load::new(settings.capacity);
        Self { settings, detectors, run, failures, cameras: BTreeMap::new(), count: 0, load, window: Instant::now() }
    }

    /// Gives the run those that wait for a detector: the one of a camera that was stopped comes back a moment later.
    fn begin(&mut self) {
        let keep = self.settings.keep.settings();
        for judged in self.cameras.values_mut().filter(|judged| judged.number.is_none()) {
            let Some(detector) = self.detectors.take() else {
                return;
            };
            judged.number = Some(self.count);
            self.count += 1;
            // A run that has ended takes nothing, and ends the worker.
            let _ = self.run.send(judged.feed.with(detector, keep, Arc::clone(&judged.leaves)));
        }
    }

    /// Says how sources are, where that is another thing than before.
    fn tell(&mut self) {
        if self.settings.stop.load(Ordering::Relaxed) {
            return;
        }
        for (name, judged) in &mut self.cameras {
            let now = judged.feed.pulse.source();
            if judged.number.is_some() && judged.told.as_ref() != Some(&now) {
                note(&format!("camera {name}: {}", words(&now, true)));
                judged.told = Some(now);
            }
        }
    }

    fn measure(&mut self) {
        let time = self.window.elapsed();
        if time < WINDOW {
            return;
        }
        self.window = Instant::now();
        let mut fared = Vec::with_capacity(self.cameras.len());
        for judged in self.cameras.values_mut() {
            let now = counted(&judged.feed.metrics);
            fared.extend(judged.before.replace(now).map(|before| since(now, before)));
        }
        self.load.learn(&fared, time);
    }
}

impl Watch for CameraJudge {
    fn start(&mut self, camera: &Camera, outbox: Outbox) -> Result<(), String> {
        self.stop(&camera.name);
        if !camera.flags.is_empty() {
            return Err("it has flags that this version doesn't know".to_owned());
        }
        let address = self.settings.allowed.camera(&camera.address).map_err(|error| error.to_string())?;
        let stream = self.settings.keep.stream(address.clone(), true, self.settings.stop);
        let source = LiveSource {
            name: address.name(),
            watched: Watched::Stream(address),
            whole: true,
            opener: Arc::new(CuredOpener { opener: stream }),
        };
        let mut feed = LiveFeed::of(source, &self.settings.keep.settings());
        let alerts = Alerts::begin(vec![Box::new(ToBroker(outbox))]).map(Arc::new);
        let alerts = alerts.map_err(|error| format!("no thread can be begun for its events: {error}"))?;
        let origin = Origin { source: feed.source.name.clone(), model: self.settings.model.clone(), whole: true };
        let lookout = alerts.audience(origin, None, &feed.metrics);
        feed.tell(Arc::clone(&lookout));
        let leaves = Arc::default();
        let judged = Judged { feed, leaves, alerts, lookout, number: None, told: None, before: None };
        self.cameras.insert(camera.name.clone(), judged);
        self.begin();
        Ok(())
    }

    fn stop(&mut self, camera: &CameraName) {
        let Some(judged) = self.cameras.remove(camera) else {
            return;
        };
        judged.leaves.store(true, Ordering::Relaxed);
        // Its feed ends a moment later; for its events it ends now.
        judged.lookout.source(SourceState::Ended);
        judged.alerts.finish_within(FAREWELL);
    }

    fn headroom(&mut self) -> i64 {
        self.begin();
        self.tell();
        self.measure();
        self.load.headroom(self.cameras.len() as u64)
    }

    fn ended(&mut self) -> Vec<(CameraName, String)> {
        let failed = self.failures.take().into_iter().filter_map(|(number, reason)| {
            let (name, _) = self.cameras.iter().find(|(_, judged)| judged.number == Some(number))?;
            Some((name.clone(), reason))
        });
        failed.collect()
    }
}

fn counted(metrics: &LiveMetrics) -> Fared {
    let counts = metrics.counts();
    Fared {
        captured: counts.captured,
        looked_at: counts.shown,
        scored: counts.scored,
        verdict_age: metrics.verdict_age.sum(),
    }
}

fn since(now: Fared, before: Fared) -> Fared {
    Fared {
        captured: now.captured.saturating_sub(before.captured),
        looked_at: now.looked_at.saturating_sub(before.looked_at),
        scored: now.scored.saturating_sub(before.scored),
        verdict_age: now.verdict_age.saturating_sub(before.verdict_age),
    }
}
