//! A classifier's place at a feed: its results on each person so far.

use super::desk::Job;
use super::limits::Limits;
use super::schedule::{Offered, Schedule};
use crate::BoxError;
use crate::classify::classifier::{ActivationMaps, Classify};
use crate::face::Face;
use crate::face::follow::TrackId;
use crate::face::quality::Quality;
use crate::frame::Frame;
use crate::verdict::reason::Reason;
use crate::verdict::track::TrackedFace;
use crate::verdict::{Followed, Judge, Judgement, ModelJudge, Score};

/// Persons of whom it is known that enough was seen of them, at most: the oldest make room.
const SETTLED: usize = 256;

/// A classifier that is quicker than the one that decides.
pub struct FirstSight<'a> {
    /// Scores faces.
    pub classifier: &'a mut dyn Classify,
    /// Turns its scores into verdicts.
    pub judge: &'a Judge,
    /// Its own thresholds, for as long as no others are asked for.
    pub own: Limits,
}

/// What a classifier made of a feed's persons. The classifier itself goes from feed to feed.
pub(super) struct Seat<'a> {
    judge: ModelJudge<'a>,
    schedule: Schedule,
    /// Persons who were seen in enough frames for a verdict.
    settled: Vec<TrackId>,
    /// The places in the job of the faces that may be scored, and what the schedule is told of them.
    offered: Vec<usize>,
    offers: Vec<Offered>,
    picked: Vec<usize>,
    faces: Vec<Face>,
    tracks: Vec<TrackId>,
    qualities: Vec<Quality>,
    scores: Vec<Score>,
    maps: ActivationMaps,
    judgements: Vec<Judgement>,
    tracked: Vec<TrackedFace>,
}

/// What is said of a face that was scored.
pub(super) struct Told<'a> {
    pub(super) face: &'a Face,
    pub(super) tracked: &'a TrackedFace,
    pub(super) score: &'a Score,
    pub(super) map: &'a [f32],
    /// Height and width of the map.
    pub(super) map_size: (usize, usize),
}

impl<'a> Seat<'a> {
    pub(super) fn new(judge: &'a Judge) -> Self {
        Self {
            judge: ModelJudge::new(judge),
            schedule: Schedule::new(),
            settled: Vec::new(),
            offered: Vec::new(),
            offers: Vec::new(),
            picked: Vec::new(),
            faces: Vec::new(),
            tracks: Vec::new(),
            qualities: Vec::new(),
            scores: Vec::new(),
            maps: ActivationMaps::default(),
            judgements: Vec::new(),
            tracked: Vec::new(),
        }
    }

    /// Who comes from now on is somebody else.
    pub(super) fn begin_scene(&mut self) {
        self.judge.begin_anew();
        self.settled.clear();
    }

    /// Whether a person was seen in enough frames for a verdict.
    pub(super) fn is_settled(&self, track: TrackId) -> bool {
        self.settled.contains(&track)
    }

    /// Scores as many of the faces as the classifier takes at once, those first whose score is oldest; gives whether there were
    /// any. `wanted` is asked of each track, and told whether it is settled here.
    pub(super) fn step(
        &mut self,
        classifier: &mut dyn Classify,
        job: &Job,
        frame: &Frame,
        limits: Limits,
        wanted: impl Fn(bool, TrackId) -> bool,
    ) -> Result<bool, BoxError> {
        self.offered.clear();
        let settled = &self.settled;
        let is_wanted = |track: TrackId| wanted(settled.contains(&track), track);
        self.offered.extend((0..job.tracks.len()).filter(|&at| is_wanted(job.tracks[at])));
        self.offers.clear();
        self.offers.extend(self.offered.iter().map(|&at| Offered::new(job.tracks[at], &job.faces[at])));
        let most = classifier.faces_at_once().max(1);
        self.schedule.pick(&self.offers, frame.captured, most, &mut self.picked);
        if self.picked.is_empty() {
            return Ok(false);
        }
        let places = || self.picked.iter().map(|&at| self.offered[at]);
        self.faces.clear();
        self.faces.extend(places().map(|at| job.faces[at]));
        self.tracks.clear();
        self.tracks.extend(places().map(|at| job.tracks[at]));
        classifier.classify_frame(frame, &self.faces, &mut self.scores, &mut self.maps)?;
        self.judge(frame, limits);
        Ok(true)
    }

    fn judge(&mut self, frame: &Frame, limits: Limits) {
        self.qualities.clear();
        self.qualities.extend(self.faces.iter().map(|face| Quality::of(frame, face)));
        let followed =
            Followed { time: frame.time, running: frame.running(), tracks: &self.tracks, qualities: &self.qualities };
        self.judge.switch(limits.authentic_below, limits.synthetic_above);
        self.judge.judge(&followed, &self.scores, &mut self.judgements, &mut self.tracked);
        self.judge.forget_ended();
        for tracked in self.tracked.iter().filter(|tracked| tracked.reason != Some(Reason::TooFewFrames)) {
            if !self.settled.contains(&tracked.id) {
                if self.settled.len() == SETTLED {
                    self.settled.remove(0);
                }
                self.settled.push(tracked.id);
            }
        }
    }

    /// What the last step made of its faces.
    pub(super) fn told(&self) -> impl Iterator<Item = Told<'_>> {
        self.tracked.iter().enumerate().map(|(index, tracked)| Told {
            face: &self.faces[index],
            tracked,
            score: &self.scores[index],
            map: self.maps.of(index),
            map_size: (self.maps.height, self.maps.width),
        })
    }
}
