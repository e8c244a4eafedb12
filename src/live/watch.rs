//! A live run: its threads, wired.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};

use super::desk::Desk;
use super::keeper::Keeper;
use super::limits::SharedLimits;
use super::locator::Locator;
use super::metrics::LiveMetrics;
use super::reader::Shared;
use super::scorer::Scorer;
use super::view::{Audience, SourceState};
use crate::BoxError;
use crate::capture::Open;
use crate::classify::classifier::Classify;
use crate::clock::Clock;
use crate::face::Locate;
use crate::face::follow::DetectEvery;
use crate::verdict::Judge;

pub use super::keeper::KeepSettings;
pub use super::seat::FirstSight;

/// Who does the work of a live run.
pub struct LiveStages<'a> {
    /// Opens the source, and opens it again.
    pub opener: Arc<dyn Open>,
    /// Finds faces.
    pub detector: &'a mut dyn Locate,
    /// In which frames it looks for them.
    pub detect: DetectEvery,
    /// Scores faces.
    pub classifier: &'a mut dyn Classify,
    /// Turns scores into verdicts.
    pub judge: &'a Judge,
    /// Speaks of a person until the classifier has seen enough, where that is slow.
    pub first_sight: Option<FirstSight<'a>>,
    /// The thresholds of persons' verdicts, which may be switched meanwhile.
    pub limits: Arc<SharedLimits>,
    /// By which a silent source is lost and tried again; the frames' own times are by it too.
    pub clock: Clock,
}

/// Becomes true when its owner goes, in whatever way: the others then end too.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Watches a source until it has no more to give, or `stop` becomes true, and tells `audience` what there is to see.
///
/// A source that is lost ends no run: it is opened again. A reader that hangs in a driver at the end is left behind.
///
/// # Errors
///
/// When the detector or the classifier fails, or no thread can be begun.
pub fn watch(
    stages: LiveStages<'_>,
    settings: &KeepSettings,
    audience: &dyn Audience,
    metrics: &Arc<LiveMetrics>,
    stop: &AtomicBool,
) -> Result<(), BoxError> {
    let LiveStages { opener, detector, detect, classifier, judge, first_sight, limits, clock } = stages;
    let shared = Arc::new(Shared::new(Arc::clone(metrics), clock));
    let (desk, done) = (Desk::new(), AtomicBool::new(false));
    let ended = thread::scope(|scope| {
        let over = Done(&done);
        // Anew, for it lives shorter here.
        let first_sight =
            first_sight.map(|FirstSight { classifier, judge, own }| FirstSight { classifier, judge, own });
        let mut locator = Locator::new(detector, detect, &shared, &desk, audience);
        let mut scorer = Scorer::new((classifier, judge), first_sight, &limits, &desk, metrics);
        let done = &done;
        let locating = thread::Builder::new().name("locator".to_owned()).spawn_scoped(scope, move || {
            let _over = Done(done);
            locator.work(done)
        })?;
        let scoring = thread::Builder::new().name("scorer".to_owned()).spawn_scoped(scope, move || {
            let _over = Done(done);
            scorer.score(done)
        })?;
        Keeper { opener: &opener, shared: &shared, settings, audience, stop, done }.keep();
        drop(over);
        join(locating).and(join(scoring))
    });
    // Nothing is shown after it.
    audience.source(SourceState::Ended);
    ended
}

fn join(thread: ScopedJoinHandle<'_, Result<(), BoxError>>) -> Result<(), BoxError> {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
