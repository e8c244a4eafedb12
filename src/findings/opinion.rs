//! What one model says: of the faces in a frame, and of a whole source. Several models that are asked stand side by side.

use crate::classify::classifier::ActivationMaps;
use crate::verdict::track::{TrackSummary, TrackedFace};
use crate::verdict::{Judgement, Score, Verdict};

/// What a model says of the faces of one frame, in their order. The vectors keep their memory from one frame to the next.
#[derive(Clone, Debug, Default)]
pub struct Opinion {
    /// A score for each face.
    pub scores: Vec<Score>,
    /// A map for each face.
    pub maps: ActivationMaps,
    /// A judgement for each face.
    pub judgements: Vec<Judgement>,
    /// What is said of each face's track; empty where faces are not followed, as in photos.
    pub tracked: Vec<TrackedFace>,
}

/// What one model says of a source.
#[derive(Clone, Debug, Default)]
pub struct OpinionSummary {
    /// Faces judged authentic, unsure, synthetic.
    pub verdicts: [u64; 3],
    /// What is said of each track, in order of their numbers, which all models share; there at the end of the run.
    pub tracks: Vec<TrackSummary>,
    /// Sum of p(synthetic) over all faces.
    probability_sum: f64,
}

impl OpinionSummary {
    /// How many faces were judged so.
    #[must_use]
    pub fn count_of(&self, verdict: Verdict) -> u64 {
        self.verdicts[verdict as usize]
    }

    /// Mean p(synthetic) over all faces; `None` without a face.
    #[must_use]
    pub fn mean_probability(&self) -> Option<f64> {
        let faces: u64 = self.verdicts.iter().sum();
        (faces > 0).then(|| self.probability_sum / faces as f64)
    }

    pub(super) fn count(&mut self, opinion: &Opinion) {
        for judgement in &opinion.judgements {
            self.verdicts[judgement.verdict as usize] += 1;
            self.probability_sum += f64::from(judgement.probability.value());
        }
    }
}
