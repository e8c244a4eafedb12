//! The scorer's thread: scores the face whose score is oldest, in the newest frame there is, and says what its person is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_queue::ArrayQueue;

use super::limits::{Limits, SharedLimits, ThresholdSwitch as _};
use super::looker::GLANCE;
use super::metrics::LiveMetrics;
use super::newest::Newest;
use super::opinions::Said;
use super::schedule::Schedule;
use super::view::{LiveOpinion, View};
use crate::face::Face;
use crate::face::quality::Quality;
use crate::face::tracker::TrackId;
use crate::frame::Frame;
use crate::model::classifier::{ActivationMaps, Classify, Score};
use crate::verdict::track::{Look, TrackJudge, TrackedFace};
use crate::verdict::{Judge, Judgement};

/// Jobs whose memory is kept: one in the looker's hands, one in the slot, one with the scorer.
const JOBS: usize = 3;
/// Opinions that wait for the looker at most, which takes them all with each frame. A newer one takes the oldest one's place.
const OPINIONS: usize = 64;
/// Maps that are kept to be used again.
const MAPS: usize = 32;

/// What lies between looker and scorer.
pub(super) struct Desk {
    /// The faces of the newest frame.
    pub(super) jobs: Newest<Job>,
    /// Memory of jobs that are done.
    pub(super) free: ArrayQueue<Job>,
    /// What was said, for the looker.
    pub(super) said: ArrayQueue<Said>,
}

/// The faces of a frame, and its picture.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) scene: u64,
    pub(super) view: Option<Arc<View>>,
    pub(super) faces: Vec<Face>,
    /// The track of each.
    pub(super) tracks: Vec<TrackId>,
}

/// Scores and judges.
pub(super) struct Scorer<'a> {
    classifier: &'a mut dyn Classify,
    judge: &'a Judge,
    limits: &'a SharedLimits,
    desk: &'a Desk,
    metrics: &'a LiveMetrics,
    schedule: Schedule,
    judged: TrackJudge,
    scene: u64,
    picked: Vec<usize>,
    faces: Vec<Face>,
    tracks: Vec<TrackId>,
    qualities: Vec<Quality>,
    scores: Vec<Score>,
    maps: ActivationMaps,
    judgements: Vec<Judgement>,
    tracked: Vec<TrackedFace>,
    kept: Vec<Arc<[f32]>>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { jobs: Newest::new(), free: ArrayQueue::new(JOBS), said: ArrayQueue::new(OPINIONS) }
    }
}

impl<'a> Scorer<'a> {
    pub(super) fn new(
        classifier: &'a mut dyn Classify,
        judge: &'a Judge,
        limits: &'a SharedLimits,
        desk: &'a Desk,
        metrics: &'a LiveMetrics,
    ) -> Self {
        Self {
            classifier,
            judge,
            limits,
            desk,
            metrics,
            schedule: Schedule::new(),
            judged: judge.tracks(),
            scene: 0,
            picked: Vec::new(),
            faces: Vec::new(),
            tracks: Vec::new(),
            qualities: Vec::new(),
            scores: Vec::new(),
            maps: ActivationMaps::default(),
            judgements: Vec::new(),
            tracked: Vec::new(),
            kept: Vec::with_capacity(MAPS),
        }
    }

    /// Scores until the run is over, or the classifier fails.
    pub(super) fn score(&mut self, done: &AtomicBool) -> anyhow::Result<()> {
        let mut current: Option<Job> = None;
        while !done.load(Ordering::Relaxed) {
            // A face of an old frame is not worth the time once there is a newer one.
            let newer = if current.is_some() { self.desk.jobs.try_take() } else { self.desk.jobs.take(GLANCE) };
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

    /// Scores what the classifier takes at once; gives whether there may be more to score.
    fn step(&mut self, job: &Job) -> anyhow::Result<bool> {
        let Some(view) = &job.view else {
            return Ok(false);
        };
        if job.scene != self.scene {
            self.scene = job.scene;
            self.judged = self.judge.tracks();
        }
        let (frame, most) = (&view.frame, self.classifier.faces_at_once().max(1));
        self.schedule.pick(&job.tracks, frame.captured, most, &mut self.picked);
        if self.picked.is_empty() {
            return Ok(false);
        }
        self.faces.clear();
        self.faces.extend(self.picked.iter().map(|&at| job.faces[at]));
        self.tracks.clear();
        self.tracks.extend(self.picked.iter().map(|&at| job.tracks[at]));
        self.classifier.classify_frame(frame, &self.faces, &mut self.scores, &mut self.maps)?;
        self.judge(frame);
        self.say(frame);
        Ok(true)
    }

    fn judge(&mut self, frame: &Frame) {
        self.qualities.clear();
        self.qualities.extend(self.faces.iter().map(|face| Quality::of(frame, face)));
        self.judge.judge(&self.scores, &mut self.judgements);
        let look = Look {
            frame: frame.number,
            time: frame.time,
            running: frame.running(),
            faces: &self.faces,
            tracks: &self.tracks,
            qualities: &self.qualities,
            scores: &self.scores,
            judgements: &self.judgements,
        };
        let Limits { authentic_below, synthetic_above } = self.limits.now();
        self.judged.switch(authentic_below, synthetic_above);
        self.judged.judge(&look, &mut self.tracked);
        self.judged.forget_ended();
    }

    fn say(&mut self, frame: &Frame) {
        let age = frame.captured.elapsed();
        for (index, tracked) in self.tracked.iter().enumerate() {
            self.metrics.scored.fetch_add(1, Ordering::Relaxed);
            self.metrics.verdict_age.count(age);
            let opinion = LiveOpinion {
                probability: tracked.probability,
                verdict: tracked.verdict,
                reason: tracked.reason,
                scored: frame.captured,
                map: keep(&mut self.kept, self.maps.of(index)),
                map_size: (self.maps.height, self.maps.width),
                square: self.scores[index].square,
            };
            let bounds = self.faces[index].bounds;
            self.desk.said.force_push(Said { scene: self.scene, track: tracked.id, bounds, opinion });
        }
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
