//! Judges single faces by a model's own calibration and thresholds.

use cyborg_models::contract::{Calibration, Contract, Thresholds};

use super::judgement::{Judgement, SyntheticProbability, Verdict};
use super::reason::Reason;
use super::score::Score;
use super::track::TrackJudge;

/// Turns scores into judgements by a model's own calibration and thresholds.
#[derive(Clone, Debug)]
pub struct Judge {
    pub(super) calibration: Calibration,
    pub(super) thresholds: Thresholds,
}

impl Judge {
    /// A judge by the numbers of a model file.
    #[must_use]
    pub fn new(contract: &Contract) -> Self {
        Self { calibration: contract.calibration, thresholds: contract.thresholds.clone() }
    }

    /// Puts a judgement for each score, in order, in place of what `judgements` held.
    pub fn judge(&self, scores: &[Score], judgements: &mut Vec<Judgement>) {
        judgements.clear();
        judgements.extend(scores.iter().map(|score| {
            let probability = SyntheticProbability::new(score.logits, &self.calibration);
            let verdict = match score.unfamiliar {
                true => Verdict::Unsure,
                false => Verdict::new(probability, &self.thresholds),
            };
            let reason = match verdict {
                Verdict::Authentic => None,
                Verdict::Unsure if score.unfamiliar => Some(Reason::Unfamiliar),
                Verdict::Unsure => Some(Reason::BetweenThresholds),
                Verdict::Synthetic => Reason::looks(score.kind),
            };
            Judgement { probability, verdict, reason }
        }));
    }

    /// A judge for the tracks of one source.
    #[must_use]
    pub fn tracks(&self) -> TrackJudge {
        TrackJudge::new(self.calibration, self.thresholds.clone())
    }
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::Kind;

    use super::*;
    use crate::face::crop::CropSquare;
    use crate::verdict::Logits;

    #[test]
    fn a_face_gets_its_verdict_and_a_word_on_it() {
        let calibration = Calibration { temperature: 1.0, bias: 0.0 };
        let thresholds = Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None };
        let judge = Judge { calibration, thresholds };
        let check = |synthetic: f32, kind: Option<Kind>, unfamiliar: bool, verdict: Verdict, reason: Option<Reason>| {
            let square = CropSquare { left: 0, top: 0, side: 1 };
            let score = Score { kind, unfamiliar, ..Score::new(square, Logits { authentic: 0.0, synthetic }) };
            let mut judgements = Vec::new();
            judge.judge(&[score], &mut judgements);
            assert_eq!((judgements[0].verdict, judgements[0].reason), (verdict, reason), "{score:?}");
            let p = SyntheticProbability::of_evidence(synthetic);
            assert_eq!(judgements[0].probability, p, "p is what the evidence says, in any case");
        };
        check(3.0, None, false, Verdict::Synthetic, None);
        check(3.0, Some(Kind::Generated), false, Verdict::Synthetic, Some(Reason::LooksGenerated));
        check(3.0, Some(Kind::Swapped), false, Verdict::Synthetic, Some(Reason::LooksSwapped));
        check(0.0, Some(Kind::Swapped), false, Verdict::Unsure, Some(Reason::BetweenThresholds));
        check(-3.0, Some(Kind::Swapped), false, Verdict::Authentic, None);
        check(3.0, Some(Kind::Swapped), true, Verdict::Unsure, Some(Reason::Unfamiliar));
        check(-3.0, None, true, Verdict::Unsure, Some(Reason::Unfamiliar));
    }
}
