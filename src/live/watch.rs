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
use super::newest::Bell;
use super::reader::Shared;
use super::scorer::Scorer;
use super::view::{Audience, SourceState};
use crate::BoxError;
use crate::capture::Open;
use crate::classify::classifier::Classify;
use crate::clock::Clock;
use crate::face::Locate;
use crate::face::follow::{DetectEvery, Follower};
use crate::verdict::Judge;

pub use super::keeper::KeepSettings;
pub use super::seat::FirstSight;

/// Who does the work of a live run.
pub struct LiveStages<'a> {
    /// What is watched.
    pub feeds: Vec<Feed<'a>>,
    /// In which frames faces are looked for.
    pub detect: DetectEvery,
    /// Scores the faces of all feeds.
    pub classifier: &'a mut dyn Classify,
    /// Turns scores into verdicts.
    pub judge: &'a Judge,
    /// Speaks of a person until the classifier has seen enough, where that is slow.
    pub first_sight: Option<FirstSight<'a>>,
    /// The thresholds of persons' verdicts, which may be switched meanwhile.
    pub limits: Arc<SharedLimits>,
    /// By which a silent source is lost and tried again; the frames' own times are by it too.
    pub clock: Clock,
    /// Is told of a feed whose detector failed or whose source is not to be opened again, by its number, as soon as it is so. That
    /// feed has ended; the others go on.
    pub failed: &'a (dyn Fn(usize, BoxError) + Sync),
}

/// A source of a live run, and all that is of this source alone. Feeds are numbered from 0, in their order.
pub struct Feed<'a> {
    /// Opens the source, and opens it again.
    pub opener: Arc<dyn Open>,
    /// Finds faces.
    pub detector: &'a mut dyn Locate,
    /// Is told what there is to see.
    pub audience: &'a dyn Audience,
    /// What is counted.
    pub metrics: Arc<LiveMetrics>,
    /// When the source counts as lost, and when it is tried again.
    pub keep: KeepSettings,
    /// Whether persons keep their numbers when they are in another place at once, by what they look like: for a screen, where the
    /// tiles of a call may be arranged anew.
    pub rejoins: bool,
}

/// Ends the run when its owner goes, in whatever way: the others then end too.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Ends a feed when its owner goes, and the whole run where that is a panic.
struct Closed<'a> {
    desk: &'a Desk,
    done: &'a AtomicBool,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.desk.close();
        if thread::panicking() {
            self.done.store(true, Ordering::Relaxed);
        }
    }
}

/// Watches all feeds until none of them has more to give, or `stop` becomes true, and tells their audiences what there is to see.
///
/// A source that is lost ends nothing: it is opened again. One that has no more to give, that is not to be opened again, or whose
/// detector fails, ends alone. A reader that hangs in a driver at the end is left behind.
///
/// # Errors
///
/// When the classifier fails, or no thread can be begun.
pub fn watch(stages: LiveStages<'_>, stop: &AtomicBool) -> Result<(), BoxError> {
    let LiveStages { feeds, detect, classifier, judge, first_sight, limits, clock, failed } = stages;
    let (bell, done, begun) = (Bell::new(), AtomicBool::new(false), clock.now());
    let desks: Vec<Desk> = feeds.iter().map(|_| Desk::new(&bell)).collect();
    let shared: Vec<Arc<Shared>> =
        feeds.iter().map(|feed| Arc::new(Shared::new(Arc::clone(&feed.metrics), clock.clone(), begun))).collect();
    thread::scope(|scope| {
        let over = Done(&done);
        // Anew, for it lives shorter here.
        let first_sight =
            first_sight.map(|FirstSight { classifier, judge, own }| FirstSight { classifier, judge, own });
        let places = desks.iter().zip(&shared).map(|(desk, shared)| (desk, &*shared.metrics));
        let mut scorer = Scorer::new((classifier, judge), first_sight, &limits, &bell, places);
        let done = &done;
        let scoring = thread::Builder::new().name("scorer".to_owned()).spawn_scoped(scope, move || {
            let _over = Done(done);
            scorer.score(done)
        })?;
        let mut watching = Vec::with_capacity(desks.len());
        for (number, ((feed, desk), shared)) in feeds.into_iter().zip(&desks).zip(&shared).enumerate() {
            let Feed { opener, detector, audience, keep, rejoins, .. } = feed;
            let follower = if rejoins { Follower::rejoining() } else { Follower::new() };
            let mut locator = Locator::new(detector, detect, follower, (shared, desk), audience);
            let locating = thread::Builder::new().name("locator".to_owned()).spawn_scoped(scope, move || {
                let _closed = Closed { desk, done };
                if let Err(error) = locator.work(done) {
                    failed(number, error);
                }
            })?;
            watching.push(thread::Builder::new().name("keeper".to_owned()).spawn_scoped(scope, move || {
                let closed = Closed { desk, done };
                let keeper = Keeper { opener: &opener, shared, settings: &keep, audience, stop, done, desk };
                if let Err(error) = keeper.keep() {
                    failed(number, error);
                }
                drop(closed);
                join(locating);
                // Nothing is shown after it.
                audience.source(SourceState::Ended);
            })?);
        }
        watching.into_iter().for_each(join);
        drop(over);
        join(scoring)
    })
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
