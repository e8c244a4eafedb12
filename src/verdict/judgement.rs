//! From logits to a calibrated probability and a three-way verdict on it.

use std::fmt;

use cyborg_models::contract::{Calibration, Thresholds};
use serde::{Serialize, Serializer};

use super::reason::Reason;
use super::score::Logits;

/// How probable it is that a face is synthetic, in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct SyntheticProbability(pub(super) f32);

/// What is said of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Below the lower threshold.
    Authentic,
    /// Between the thresholds.
    Unsure,
    /// Above the upper threshold.
    Synthetic,
}

/// What is said of one face in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// The calibrated probability of this frame alone.
    pub probability: SyntheticProbability,
    /// The verdict on it; unsure where the face is unlike anything that was trained on.
    pub verdict: Verdict,
    /// Why it is unsure, or what it looks like where it is synthetic and that is known.
    pub reason: Option<Reason>,
}

/// The calibrated evidence for synthetic, in logits: the difference of the logits over the temperature, plus the bias.
/// NaN where the network gave no number.
#[must_use]
pub fn evidence(logits: Logits, calibration: &Calibration) -> f32 {
    (logits.synthetic - logits.authentic) / calibration.temperature + calibration.bias
}

impl SyntheticProbability {
    /// The calibrated probability: sigmoid of the calibrated evidence.
    ///
    /// A network that gives no number (NaN) has said nothing, which is 0.5.
    #[must_use]
    pub fn new(logits: Logits, calibration: &Calibration) -> Self {
        Self::of_evidence(evidence(logits, calibration))
    }

    /// The sigmoid of evidence in logits; that of NaN is 0.5.
    #[must_use]
    pub fn of_evidence(evidence: f32) -> Self {
        let probability = 1.0 / (1.0 + (-evidence).exp());
        Self(if probability.is_nan() { 0.5 } else { probability })
    }

    /// No evidence either way.
    pub const HALF: Self = Self(0.5);

    /// The number, in 0 to 1.
    #[must_use]
    pub fn value(self) -> f32 {
        self.0
    }
}

impl Serialize for SyntheticProbability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f32(self.0)
    }
}

impl Verdict {
    /// The verdict on a probability by a model's own thresholds.
    #[must_use]
    pub fn new(probability: SyntheticProbability, thresholds: &Thresholds) -> Self {
        if probability.0 < thresholds.authentic_below {
            Self::Authentic
        } else if probability.0 > thresholds.synthetic_above {
            Self::Synthetic
        } else {
            Self::Unsure
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authentic => "authentic",
            Self::Unsure => "unsure",
            Self::Synthetic => "synthetic",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(authentic: f32, synthetic: f32, expected: f32, verdict: Verdict) {
        let calibration = Calibration { temperature: 2.0, bias: 0.0 };
        let thresholds = Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None };
        let probability = SyntheticProbability::new(Logits { authentic, synthetic }, &calibration);
        assert!((probability.value() - expected).abs() < 1e-6, "{probability:?}");
        assert_eq!(Verdict::new(probability, &thresholds), verdict);
    }

    #[test]
    fn follows_the_contracts_formula() {
        // 1 / (1 + exp(-2 / 2)) by hand.
        check(1.0, 3.0, 0.731_058_6, Verdict::Synthetic);
        check(3.0, 1.0, 0.268_941_4, Verdict::Authentic);
        check(0.5, 0.5, 0.5, Verdict::Unsure);
    }

    #[test]
    fn stays_a_probability_at_the_ends() {
        check(f32::MAX, -f32::MAX, 0.0, Verdict::Authentic);
        check(0.0, 1e30, 1.0, Verdict::Synthetic);
        check(f32::NAN, 0.0, 0.5, Verdict::Unsure);
    }
}
