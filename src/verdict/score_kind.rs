//! What stands for a face in a table of scores.

use std::fmt;
use std::str::FromStr;

use super::judgement::SyntheticProbability;
use super::score::Logits;

/// Which number is the score of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// The calibrated p(synthetic), which is the softmax where the model is not calibrated.
    Softmax,
    /// Sigmoid of the second logit alone, as the published CYBORG test script has it.
    Reference,
}

impl ScoreKind {
    /// The score, in 0 to 1, with the runtime's 32 bits. A logit that is no number has said nothing, which is 0.5.
    #[must_use]
    pub fn of(self, logits: Logits, probability: SyntheticProbability) -> f32 {
        match self {
            Self::Softmax => probability.value(),
            Self::Reference => {
                let score = 1.0 / (1.0 + (-logits.synthetic).exp());
                if score.is_nan() { 0.5 } else { score }
            }
        }
    }
}

impl FromStr for ScoreKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "softmax" => Ok(Self::Softmax),
            "reference" => Ok(Self::Reference),
            _ => Err(format!("unknown score `{text}`: expected softmax or reference")),
        }
    }
}

impl fmt::Display for ScoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Softmax => "softmax",
            Self::Reference => "reference",
        })
    }
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::Calibration;

    use super::*;

    fn check(kind: ScoreKind, authentic: f32, synthetic: f32, expected: f32) {
        let logits = Logits { authentic, synthetic };
        let probability = SyntheticProbability::new(logits, &Calibration { temperature: 2.0, bias: 0.0 });
        let score = kind.of(logits, probability);
        assert!((score - expected).abs() < 1e-6, "{kind} of {logits:?}: {score}");
    }

    #[test]
    fn the_reference_looks_at_one_logit_and_the_softmax_at_both() {
        // 1 / (1 + exp(-1)) by hand.
        check(ScoreKind::Reference, 3.0, 1.0, 0.731_058_6);
        check(ScoreKind::Reference, -3.0, 1.0, 0.731_058_6);
        check(ScoreKind::Softmax, -1.0, 1.0, 0.731_058_6);
        check(ScoreKind::Reference, 0.0, f32::NAN, 0.5);
        check(ScoreKind::Reference, 0.0, -f32::MAX, 0.0);
    }

    #[test]
    fn an_unknown_score_is_an_error() {
        assert!("sigmoid".parse::<ScoreKind>().is_err());
        assert_eq!("reference".parse(), Ok(ScoreKind::Reference));
    }
}
