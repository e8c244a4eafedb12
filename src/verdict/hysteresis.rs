//! A verdict that doesn't flicker: it is entered at the model's threshold and left a bit beyond it.

use cyborg_models::contract::Thresholds;

use super::judgement::{SyntheticProbability, Verdict};

/// How far beyond its threshold a verdict is left, in logits: at a threshold of 0.7, synthetic is left below 0.61.
const MARGIN: f32 = 0.4;

impl Verdict {
    /// The verdict on a probability, where the verdict just before was `self`.
    #[must_use]
    pub fn next(self, probability: SyntheticProbability, thresholds: &Thresholds) -> Self {
        let p = probability.value();
        let stays = match self {
            Self::Authentic => p < moved(thresholds.authentic_below, MARGIN),
            Self::Unsure => false,
            Self::Synthetic => p > moved(thresholds.synthetic_above, -MARGIN),
        };
        if stays { self } else { Self::new(probability, thresholds) }
    }
}

/// A probability moved by `by` logits. 0 and 1 stay what they are.
fn moved(probability: f32, by: f32) -> f32 {
    if probability <= 0.0 || probability >= 1.0 {
        return probability;
    }
    1.0 / (1.0 + (1.0 - probability) / probability * (-by).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts on a series of probabilities, as first letters.
    fn verdicts(authentic_below: f32, synthetic_above: f32, series: &[f32]) -> String {
        let thresholds = Thresholds { authentic_below, synthetic_above, error_rates: None };
        let mut verdict = Verdict::Unsure;
        let mut letter = |p: f32| {
            verdict = verdict.next(SyntheticProbability(p), &thresholds);
            verdict.to_string().remove(0)
        };
        series.iter().map(|&p| letter(p)).collect()
    }

    #[test]
    fn a_verdict_is_entered_at_its_threshold_and_left_beyond_it() {
        // By hand: logit(0.7) - 0.4 is that of 0.610, logit(0.3) + 0.4 that of 0.390.
        assert_eq!(verdicts(0.3, 0.7, &[0.5, 0.69, 0.71, 0.69, 0.62, 0.60, 0.65, 0.71]), "uusssuus");
        assert_eq!(verdicts(0.3, 0.7, &[0.31, 0.29, 0.31, 0.38, 0.40, 0.31]), "uaaauu");
        assert_eq!(verdicts(0.3, 0.7, &[0.71, 0.1, 0.9]), "sas");
    }

    #[test]
    fn equal_thresholds_have_hysteresis_too() {
        assert_eq!(verdicts(0.5, 0.5, &[0.51, 0.49, 0.41, 0.39, 0.51, 0.59, 0.61]), "sssaaas");
    }

    #[test]
    fn thresholds_at_the_ends_are_never_crossed() {
        assert_eq!(verdicts(0.0, 1.0, &[0.0, 1.0, 0.5]), "uuu");
    }
}
