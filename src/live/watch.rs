//! A live run: its threads, wired.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};

use super::desk::{Desk, POLL_INTERVAL};
use super::keeper::Keeper;
use super::limits::SharedLimits;
use super::locator::Locator;
use super::metrics::LiveMetrics;
use super::newest::Bell;
use super::reader::Shared;
use super::scorer::{Entrant, Scorer};
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
    /// What is watched from the beginning.
    pub feeds: Vec<Feed<'a>>,
    /// What comes later; the run goes on for as long as somebody may send more.
    pub joining: Option<Receiver<Feed<'static>>>,
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

/// A source of a live run, and all that is of this source alone. Feeds are numbered from 0, in the order in which they come.
pub struct Feed<'a> {
    /// Opens the source, and opens it again.
    pub opener: Arc<dyn Open>,
    /// Finds faces.
    pub detector: Box<dyn Locate + 'a>,
    /// Is told what there is to see.
    pub audience: Arc<dyn Audience + 'a>,
    /// What is counted.
    pub metrics: Arc<LiveMetrics>,
    /// When the source counts as lost, and when it is tried again.
    pub keep: KeepSettings,
    /// Whether persons keep their numbers when they are in another place at once, by what they look like: for a screen, where the
    /// tiles of a call may be arranged anew.
    pub rejoins: bool,
    /// Ends this feed alone when it becomes true.
    pub leaves: Arc<AtomicBool>,
}

/// What all feeds of a run have in common, for the threads of each.
struct Common<'a> {
    detect: DetectEvery,
    bell: Bell,
    clock: Clock,
    begun: Instant,
    failed: &'a (dyn Fn(usize, BoxError) + Sync),
    stop: &'a AtomicBool,
    done: AtomicBool,
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

/// Watches all feeds until none of them has more to give and none is to come, or `stop` becomes true, and tells their audiences what
/// there is to see.
///
/// A source that is lost ends nothing: it is opened again. One that has no more to give, that is not to be opened again, or whose
/// detector fails, ends alone. A reader that hangs in a driver at the end is left behind.
///
/// # Errors
///
/// When the classifier fails, or no thread can be begun.
pub fn watch(stages: LiveStages<'_>, stop: &AtomicBool) -> Result<(), BoxError> {
    let LiveStages { feeds, joining, detect, classifier, judge, first_sight, limits, clock, failed } = stages;
    let begun = clock.now();
    let common = Common { detect, bell: Bell::new(), clock, begun, failed, stop, done: AtomicBool::new(false) };
    thread::scope(|scope| {
        let (common, over) = (&common, Done(&common.done));
        // Anew, for it lives shorter here.
        let first_sight =
            first_sight.map(|FirstSight { classifier, judge, own }| FirstSight { classifier, judge, own });
        let (enter, entrance) = unbounded();
        let mut scorer = Scorer::new((classifier, judge), first_sight, &limits, &common.bell, entrance);
        let scoring = thread::Builder::new().name("scorer".to_owned()).spawn_scoped(scope, move || {
            let _over = Done(&common.done);
            scorer.score(&common.done)
        })?;
        let mut watching = Vec::with_capacity(feeds.len());
        let mut count = 0..;
        // A scorer that has ended needs to know of no further feed.
        let mut begin =
            |feed| common.begin(scope, count.next().unwrap_or(usize::MAX), feed, |entrant| drop(enter.send(entrant)));
        for feed in feeds {
            watching.push(begin(feed)?);
        }
        if let Some(joining) = joining {
            while !stop.load(Ordering::Relaxed) && !common.done.load(Ordering::Relaxed) {
                match joining.recv_timeout(POLL_INTERVAL) {
                    Ok(feed) => watching.push(begin(feed)?),
                    Err(RecvTimeoutError::Timeout) => {
                        watching.extract_if(.., |thread| thread.is_finished()).for_each(join);
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        }
        watching.into_iter().for_each(join);
        drop(over);
        join(scoring)
    })
}

impl<'a> Common<'a> {
    /// Begins the threads of a feed, and tells who scores its faces; gives the one that ends last.
    fn begin<'scope, 'feed: 'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        number: usize,
        feed: Feed<'feed>,
        enter: impl FnOnce(Entrant),
    ) -> Result<ScopedJoinHandle<'scope, ()>, BoxError> {
        let Feed { opener, mut detector, audience, metrics, keep, rejoins, leaves } = feed;
        let desk = Arc::new(Desk::new(&self.bell));
        let shared = Arc::new(Shared::new(Arc::clone(&metrics), self.clock.clone(), self.begun));
        enter(Entrant { desk: Arc::clone(&desk), metrics });
        let locating = {
            let (desk, shared, audience) = (Arc::clone(&desk), Arc::clone(&shared), Arc::clone(&audience));
            let follower = if rejoins { Follower::rejoining() } else { Follower::new() };
            thread::Builder::new().name("locator".to_owned()).spawn_scoped(scope, move || {
                let _closed = Closed { desk: &desk, done: &self.done };
                let mut locator = Locator::new(&mut *detector, self.detect, follower, (&shared, &desk), &*audience);
                if let Err(error) = locator.work(&self.done) {
                    (self.failed)(number, error);
                }
            })?
        };
        let keeping = thread::Builder::new().name("keeper".to_owned()).spawn_scoped(scope, move || {
            let closed = Closed { desk: &desk, done: &self.done };
            let keeper = Keeper {
                opener: &opener,
                shared: &shared,
                settings: &keep,
                audience: &*audience,
                stop: [self.stop, &leaves, &self.done],
                desk: &desk,
            };
            if let Err(error) = keeper.keep() {
                (self.failed)(number, error);
            }
            drop(closed);
            join(locating);
            // Nothing is shown after it.
            audience.source(SourceState::Ended);
        })?;
        Ok(keeping)
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
