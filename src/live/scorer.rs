//! The scorer's thread: scores the face whose score is oldest, in the newest frame there is, of one feed after the other, and
//! says what its person is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::desk::{Desk, Job, POLL_INTERVAL, Said};
use super::limits::{Limits, SharedLimits, ThresholdSwitch as _};
use super::metrics::LiveMetrics;
use super::newest::Bell;
use super::opinions::Scored;
use super::seat::{FirstSight, Seat, Told};
use super::shares::Shares;
use super::view::LiveOpinion;
use crate::BoxError;
use crate::classify::classifier::Classify;
use crate::verdict::Judge;

/// Maps of a feed that are kept to be used again.
const MAPS: usize = 32;

/// Scores and judges.
pub(super) struct Scorer<'a> {
    /// Who decides.
    classifier: &'a mut dyn Classify,
    /// A quicker one, who speaks of a person until the first has seen enough, and its own thresholds, where no others are asked
    /// for.
    quick: Option<(&'a mut dyn Classify, Limits)>,
    limits: &'a SharedLimits,
    /// Rings when there is something new at any desk.
    bell: &'a Bell,
    /// Feeds that come.
    entrance: Receiver<Entrant>,
    /// Makes the place of a feed.
    judges: (&'a Judge, Option<&'a Judge>),
    places: Vec<Place<'a>>,
    shares: Shares,
}

/// A feed that comes.
pub(super) struct Entrant {
    pub(super) desk: Arc<Desk>,
    pub(super) metrics: Arc<LiveMetrics>,
}

/// All that the scorer knows of a feed.
struct Place<'a> {
    desk: Arc<Desk>,
    metrics: Arc<LiveMetrics>,
    /// What the one who decides made of its persons.
    seat: Seat<'a>,
    /// The same of the quicker one.
    quick: Option<Seat<'a>>,
    scene: u64,
    /// The faces that may still be scored.
    current: Option<Job>,
    kept: Vec<Arc<[f32]>>,
}

impl<'a> Scorer<'a> {
    /// Of the feeds that come by this entrance.
    pub(super) fn new(
        (classifier, judge): (&'a mut dyn Classify, &'a Judge),
        quick: Option<FirstSight<'a>>,
        limits: &'a SharedLimits,
        bell: &'a Bell,
        entrance: Receiver<Entrant>,
    ) -> Self {
        let judges = (judge, quick.as_ref().map(|quick| quick.judge));
        let quick = quick.map(|FirstSight { classifier, own, .. }| (classifier, own));
        Self { classifier, quick, limits, bell, entrance, judges, places: Vec::new(), shares: Shares::default() }
    }

    /// Scores until the run is over, or the classifier fails.
    pub(super) fn score(&mut self, done: &AtomicBool) -> Result<(), BoxError> {
        while !done.load(Ordering::Relaxed) {
            self.meet();
            self.places.iter_mut().for_each(Place::look);
            let Self { classifier, quick, limits, places, shares, .. } = self;
            let Some(turn) = shares.pick(|feed| places[feed].current.is_some()) else {
                self.bell.wait(POLL_INTERVAL);
                continue;
            };
            let begun = Instant::now();
            let quick: Option<(&mut dyn Classify, Limits)> = match quick {
                Some((quick, own)) => Some((&mut **quick, limits.asked().unwrap_or(*own))),
                None => None,
            };
            if places[turn].step(*classifier, quick, limits.now())? {
                shares.charge(turn, begun.elapsed());
            }
        }
        Ok(())
    }
}

impl<'a> Scorer<'a> {
    /// Gives each feed that came its place, and takes those away of feeds that have ended.
    fn meet(&mut self) {
        for Entrant { desk, metrics } in self.entrance.try_iter() {
            self.places.push(Place::new(desk, metrics, self.judges));
            self.shares.add();
        }
        while let Some(over) = self.places.iter().position(|place| place.desk.is_closed()) {
            self.places.remove(over);
            self.shares.remove(over);
        }
    }
}

impl<'a> Place<'a> {
    fn new(desk: Arc<Desk>, metrics: Arc<LiveMetrics>, (judge, quick): (&'a Judge, Option<&'a Judge>)) -> Self {
        Self {
            desk,
            metrics,
            seat: Seat::new(judge),
            quick: quick.map(Seat::new),
            scene: 0,
            current: None,
            kept: Vec::with_capacity(MAPS),
        }
    }

    /// Looks for new faces: one of an old frame is not worth the time once there is a newer one.
    fn look(&mut self) {
        if let Some(older) = self.desk.jobs.try_take().and_then(|job| self.current.replace(job)) {
            self.desk.give_back(older);
        }
    }

    /// Scores what a classifier takes at once; gives whether there was anything left to score, and keeps the faces then.
    fn step(
        &mut self,
        classifier: &mut dyn Classify,
        quick: Option<(&mut dyn Classify, Limits)>,
        limits: Limits,
    ) -> Result<bool, BoxError> {
        let Some(job) = self.current.take() else {
            return Ok(false);
        };
        let scored = self.score(&job, classifier, quick, limits)?;
        if scored {
            self.current = Some(job);
        } else {
            self.desk.give_back(job);
        }
        Ok(scored)
    }

    /// The quick one goes first, for persons of whom neither has seen enough. Then it is the other's turn.
    fn score(
        &mut self,
        job: &Job,
        classifier: &mut dyn Classify,
        quick: Option<(&mut dyn Classify, Limits)>,
        limits: Limits,
    ) -> Result<bool, BoxError> {
        let Some(view) = &job.view else {
            return Ok(false);
        };
        let Self { desk, metrics, seat, quick: quick_seat, scene, kept, .. } = self;
        if job.scene != *scene {
            *scene = job.scene;
            seat.begin_scene();
            quick_seat.iter_mut().for_each(Seat::begin_scene);
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
        let alone = quick_seat.is_none();
        if let Some((quick_seat, (quick, limits))) = quick_seat.as_mut().zip(quick)
            && quick_seat.step(quick, job, frame, limits, |known, track| !known && !seat.is_settled(track))?
        {
            quick_seat.told().for_each(|told| say(&told, true));
            return Ok(true);
        }
        if !seat.step(classifier, job, frame, limits, |_, _| true)? {
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
