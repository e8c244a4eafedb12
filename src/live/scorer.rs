//! The scorer's thread: scores the face whose score is oldest, in the newest frame there is, and says what its person is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::desk::{Desk, Job, POLL_INTERVAL, Said};
use super::limits::{Limits, SharedLimits, ThresholdSwitch as _};
use super::metrics::LiveMetrics;
use super::opinions::Scored;
use super::seat::{FirstSight, Seat, Told};
use super::view::LiveOpinion;
use crate::BoxError;
use crate::classify::classifier::Classify;
use crate::verdict::Judge;

/// Maps that are kept to be used again.
const MAPS: usize = 32;

/// Scores and judges.
pub(super) struct Scorer<'a> {
    /// Who decides.
    seat: Seat<'a>,
    /// A quicker one, who speaks of a person until the first has seen enough.
    quick: Option<Quick<'a>>,
    limits: &'a SharedLimits,
    desk: &'a Desk,
    metrics: &'a LiveMetrics,
    scene: u64,
    kept: Vec<Arc<[f32]>>,
}

/// A quicker classifier.
struct Quick<'a> {
    seat: Seat<'a>,
    /// Its own thresholds, where no others are asked for.
    own: Limits,
}

impl<'a> Scorer<'a> {
    pub(super) fn new(
        classifier: (&'a mut dyn Classify, &'a Judge),
        quick: Option<FirstSight<'a>>,
        limits: &'a SharedLimits,
        desk: &'a Desk,
        metrics: &'a LiveMetrics,
    ) -> Self {
        let quick =
            quick.map(|FirstSight { classifier, judge, own }| Quick { seat: Seat::new(classifier, judge), own });
        let seat = Seat::new(classifier.0, classifier.1);
        Self { seat, quick, limits, desk, metrics, scene: 0, kept: Vec::with_capacity(MAPS) }
    }

    /// Scores until the run is over, or the classifier fails.
    pub(super) fn score(&mut self, done: &AtomicBool) -> Result<(), BoxError> {
        let mut current: Option<Job> = None;
        while !done.load(Ordering::Relaxed) {
            // A face of an old frame is not worth the time once there is a newer one.
            let newer = if current.is_some() { self.desk.jobs.try_take() } else { self.desk.jobs.take(POLL_INTERVAL) };
            if let Some(older) = newer.and_then(|job| current.replace(job)) {
                self.desk.give_back(older);
            }
            if let Some(job) = current.take() {
                if self.step(&job)? {
                    current = Some(job);
                } else {
                    self.desk.give_back(job);
                }
            }
        }
        Ok(())
    }

    /// Scores what a classifier takes at once; gives whether there may be more to score.
    ///
    /// The quick one goes first, for persons of whom neither has seen enough. Then it is the other's turn.
    fn step(&mut self, job: &Job) -> Result<bool, BoxError> {
        let Some(view) = &job.view else {
            return Ok(false);
        };
        let Self { seat, quick, limits, desk, metrics, scene, kept } = self;
        if job.scene != *scene {
            *scene = job.scene;
            seat.begin_scene();
            if let Some(quick) = quick {
                quick.seat.begin_scene();
            }
        }
        let frame = &view.frame;
        let mut say = |told: &Told<'_>, at_first_sight| {
            let age = frame.captured.elapsed();
            metrics.verdict_age.count(age);
            let opinion = LiveOpinion {
                probability: told.tracked.probability,
                verdict: told.tracked.verdict,
                reason: told.tracked.reason,
                at_first_sight,
                scored: frame.captured,
                map: keep(kept, told.map),
                map_size: told.map_size,
                square: told.score.square,
            };
            let bounds = told.face.bounds;
            let scored = Scored { scene: *scene, track: told.tracked.id, bounds, opinion };
            let (score, quality) = (*told.score, told.tracked.quality);
            desk.said.force_push(Said { scored, view: Arc::clone(view), score, quality, age });
            // Whoever sees that it is counted finds it.
            metrics.scored.fetch_add(1, Ordering::Release);
        };
        let alone = quick.is_none();
        if let Some(Quick { seat: quick, own }) = quick {
            let limits = limits.asked().unwrap_or(*own);
            if quick.step(job, frame, limits, |known, track| !known && !seat.is_settled(track))? {
                quick.told().for_each(|told| say(&told, true));
                return Ok(true);
            }
        }
        if !seat.step(job, frame, limits.now(), |_, _| true)? {
            return Ok(false);
        }
        // Of a person of whom it has seen too little, the quick one knows more.
        let speaks = |told: &Told<'_>| alone || seat.is_settled(told.tracked.id);
        seat.told().filter(speaks).for_each(|told| say(&told, false));
        Ok(true)
    }
}

/// The map, in the memory of one that everybody has done with.
fn keep(kept: &mut Vec<Arc<[f32]>>, map: &[f32]) -> Arc<[f32]> {
    for old in kept.iter_mut().filter(|old| old.len() == map.len()) {
        if let Some(values) = Arc::get_mut(old) {
            values.copy_from_slice(map);
            return Arc::clone(old);
        }
    }
    let new: Arc<[f32]> = map.into();
    if kept.len() < MAPS {
        kept.push(Arc::clone(&new));
    }
    new
}
