//! What one model comes to of a source's faces: of each alone, and of the persons whose faces they are.

use super::judge::Judge;
use super::judgement::Judgement;
use super::score::Score;
use super::track::{Look, TrackJudge, TrackSummary, TrackedFace};
use crate::face::follow::TrackId;
use crate::face::quality::Quality;
use crate::frame::PresentationTime;

/// Faces of one frame, followed and measured; all models judge the same. The slices run in step.
#[derive(Clone, Copy, Debug)]
pub struct Followed<'a> {
    /// Its presentation time.
    pub time: PresentationTime,
    /// The same on the running clock.
    pub running: PresentationTime,
    /// The track of each face.
    pub tracks: &'a [TrackId],
    /// How well each is seen.
    pub qualities: &'a [Quality],
}

/// Judges the faces and tracks of one source by one model, over files and live alike.
#[derive(Clone, Debug)]
pub struct ModelJudge<'a> {
    faces: &'a Judge,
    tracks: TrackJudge,
}

impl<'a> ModelJudge<'a> {
    /// A judge who has seen nobody.
    #[must_use]
    pub fn new(judge: &'a Judge) -> Self {
        Self { faces: judge, tracks: judge.tracks() }
    }

    /// The same for a source of which key frames alone are seen: see [`TrackJudge::over_gaps`].
    #[must_use]
    pub fn over_gaps(judge: &'a Judge) -> Self {
        Self { faces: judge, tracks: judge.tracks().over_gaps() }
    }

    /// Puts judgements of the faces, by their `scores`, and of their tracks in place of what the vectors held.
    pub fn judge(
        &mut self,
        followed: &Followed<'_>,
        scores: &[Score],
        judgements: &mut Vec<Judgement>,
        tracked: &mut Vec<TrackedFace>,
    ) {
        self.faces.judge(scores, judgements);
        let Followed { time, running, tracks, qualities } = *followed;
        self.tracks.judge(&Look { time, running, tracks, qualities, scores }, tracked);
    }

    /// Judges persons by these thresholds from now on: see [`TrackJudge::switch`].
    pub fn switch(&mut self, authentic_below: f32, synthetic_above: f32) {
        self.tracks.switch(authentic_below, synthetic_above);
    }

    /// Forgets the tracks that ended: see [`TrackJudge::forget_ended`].
    pub fn forget_ended(&mut self) {
        self.tracks.forget_ended();
    }

    /// Hands over what is said of the tracks that ended: see [`TrackJudge::take_ended`].
    pub fn take_ended(&mut self, into: &mut Vec<TrackSummary>) {
        self.tracks.take_ended(into);
    }

    /// Forgets everybody: who comes from now on is somebody else.
    pub fn begin_anew(&mut self) {
        self.tracks = self.faces.tracks();
    }

    /// Ends all tracks; gives what is said of each, in order of their numbers.
    #[must_use]
    pub fn finish(self) -> Vec<TrackSummary> {
        self.tracks.finish()
    }
}
