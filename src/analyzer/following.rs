//! Persons in frames that follow each other.

use super::Analyzer;
use super::error::AnalyzeError;
use super::judged_face::JudgedFace;
use super::moving::Moving;
use crate::classify::classifier::Classify;
use crate::classify::panel::Panel;
use crate::face::detector::Detector;
use crate::face::follow::{DetectEvery, Follower, Planner, TrackId};
use crate::face::quality::Quality;
use crate::face::{Face, Locate};
use crate::findings::Opinion;
use crate::frame::Frame;
use crate::verdict::track::{TrackSummary, TrackedFace};
use crate::verdict::{Followed, ModelJudge};

/// A face of a frame, and the person whose face it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FollowedFace {
    /// The face in this frame alone.
    pub face: JudgedFace,
    /// What is said of the person by now: the verdict to show.
    pub person: TrackedFace,
}

/// Follows and judges the persons of one source, frame by frame. Another source wants another one.
#[derive(Debug)]
pub struct Following<'a> {
    detector: &'a mut Detector,
    model: &'a mut Panel,
    moving: &'a mut Moving,
    judge: ModelJudge<'a>,
    planner: Planner,
    follower: Follower,
    faces: &'a mut Vec<Face>,
    opinion: &'a mut Opinion,
    tracks: Vec<TrackId>,
    qualities: Vec<Quality>,
}

impl<'a> Following<'a> {
    pub(super) fn new(analyzer: &'a mut Analyzer) -> Self {
        let Analyzer { detector, model, moving, judge, faces, opinion, .. } = analyzer;
        Self {
            detector,
            model,
            moving,
            judge: ModelJudge::new(judge),
            planner: Planner::new(DetectEvery::FRAME),
            follower: Follower::new(),
            faces,
            opinion,
            tracks: Vec::new(),
            qualities: Vec::new(),
        }
    }

    /// Judges the persons of the next frame, whose [`Frame::time`] says when it is shown. None where no face was found.
    ///
    /// A clock that jumps ends the tracks of those it jumps over: whoever brings frames of such a one sets [`Frame::running`], by a
    /// [`RunningClock`](crate::capture::clock::RunningClock).
    ///
    /// # Errors
    ///
    /// When a network fails. The frames before it stay judged.
    pub fn frame(&mut self, frame: &Frame) -> Result<Vec<FollowedFace>, AnalyzeError> {
        let Self { detector, model, moving, judge, planner, follower, faces, opinion, tracks, qualities } = self;
        let plan = planner.plan(frame);
        if plan.looks {
            detector.locate(frame, faces).map_err(AnalyzeError::network)?;
        }
        follower.follow(frame, plan, faces, tracks);
        let Opinion { scores, maps, judgements, tracked } = &mut **opinion;
        let model = moving.panel(model)?;
        model.classify_frame(frame, faces, scores, maps).map_err(AnalyzeError::network)?;
        qualities.clear();
        qualities.extend(faces.iter().map(|face| Quality::of(frame, face)));
        let followed = Followed { time: frame.time, running: frame.running(), tracks, qualities };
        judge.judge(&followed, scores, judgements, tracked);
        let persons = self.opinion.tracked.iter();
        let faces = JudgedFace::all(self.faces, self.opinion).into_iter();
        Ok(faces.zip(persons).map(|(face, &person)| FollowedFace { face, person }).collect())
    }

    /// Ends; gives what is said of each person in the end, in the order in which they came.
    #[must_use]
    pub fn finish(self) -> Vec<TrackSummary> {
        self.judge.finish()
    }
}
