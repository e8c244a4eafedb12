//! What one model says of the faces in a frame. Where several models are asked, each has its own, beside the first one.

use crate::classify::classifier::ActivationMaps;
use crate::face::Face;
use crate::face::follow::TrackId;
use crate::face::quality::Quality;
use crate::frame::Frame;
use crate::verdict::track::{Look, TrackJudge, TrackSummary, TrackedFace};
use crate::verdict::{Judge, Judgement, Score};

/// What a model says of the faces of one frame, in their order. The vectors keep their memory from one frame to the next.
#[derive(Clone, Debug, Default)]
pub struct Opinion {
    /// A score for each face.
    pub scores: Vec<Score>,
    /// A map for each face.
    pub maps: ActivationMaps,
    /// A judgement for each face.
    pub judgements: Vec<Judgement>,
    /// What is said of each face's track; empty where faces are not followed.
    pub tracked: Vec<TrackedFace>,
}

/// What a run of one source came to by one of the further models.
#[derive(Clone, Debug, Default)]
pub struct OpinionSummary {
    /// Faces judged authentic, unsure, synthetic.
    pub verdicts: [u64; 3],
    /// What is said of each track, in order of their numbers: the same tracks as the first model's.
    pub tracks: Vec<TrackSummary>,
    /// Sum of p(synthetic) over all faces.
    pub(super) probability_sum: f64,
}

/// What all models share of a frame when they judge it. The slices run in step.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) frame: &'a Frame,
    pub(super) faces: &'a [Face],
    pub(super) tracks: &'a [TrackId],
    pub(super) qualities: &'a [Quality],
}

/// Judges single faces, and the source's tracks, by one model.
pub(super) struct OpinionJudge<'a> {
    faces: &'a Judge,
    pub(super) tracks: TrackJudge,
}

impl<'a> OpinionJudge<'a> {
    pub(super) fn new(judge: &'a Judge) -> Self {
        Self { faces: judge, tracks: judge.tracks() }
    }

    /// Puts judgements of faces and tracks in place of what the vectors held.
    pub(super) fn judge(
        &mut self,
        seen: &Seen<'_>,
        scores: &[Score],
        judgements: &mut Vec<Judgement>,
        tracked: &mut Vec<TrackedFace>,
    ) {
        self.faces.judge(scores, judgements);
        let look = Look {
            frame: seen.frame.number,
            time: seen.frame.time,
            running: seen.frame.running(),
            faces: seen.faces,
            tracks: seen.tracks,
            qualities: seen.qualities,
            scores,
            judgements,
        };
        self.tracks.judge(&look, tracked);
    }
}

impl OpinionSummary {
    pub(super) fn count(&mut self, opinion: &Opinion) {
        for judgement in &opinion.judgements {
            self.verdicts[judgement.verdict as usize] += 1;
            self.probability_sum += f64::from(judgement.probability.value());
        }
    }
}
