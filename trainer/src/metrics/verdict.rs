//! Thresholds of the three-way verdict from error rates that must not be exceeded.

use super::classes::Classes;
use super::{ErrorRates, Scored, error_rates};

/// A probability below `authentic_below` is authentic, one above `synthetic_above` synthetic, the others are unsure.
///
/// The thresholds are numbers of 32 bits, as the model file and the runtime have them, and the rates are those of these very
/// numbers.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct VerdictThresholds {
    /// In 0 to 1; at most `synthetic_above`.
    pub authentic_below: f32,
    /// In 0 to 1.
    pub synthetic_above: f32,
    /// Error rates at these thresholds; at most those asked for.
    pub reached: ErrorRates,
    /// Share of all faces that are unsure.
    pub unsure: f64,
    /// Share of authentic faces that are unsure.
    pub unsure_authentic: f64,
    /// Share of synthetic faces that are unsure.
    pub unsure_synthetic: f64,
}

/// Why there are no thresholds.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum VerdictError {
    /// A wanted rate that is none.
    #[error("invalid error rate {0}: give a number from 0 to below 1, such as 0.05")]
    Rate(f64),
    /// A score outside 0 to 1.
    #[error(
        "the score of face {face} is {score}, and thresholds are set on probabilities in 0 to 1: calibrate it first"
    )]
    NotAProbability {
        /// Which face, from 0.
        face: usize,
        /// Its score.
        score: f64,
    },
    /// A class is missing.
    #[error("thresholds need faces of both classes: add the missing one to the list")]
    OneClass,
}

/// The thresholds that leave the fewest faces unsure while passing neither rate of `wanted` on these faces.
///
/// `authentic_below` is the largest threshold with a share of at most `wanted.apcer` of the synthetic faces below it,
/// `synthetic_above` the smallest with at most `wanted.bpcer` of the authentic faces above it. Classes that overlap little
/// would let them cross; then both become the middle between the two, where either rate is still kept, and only a score that
/// meets it exactly is unsure.
///
/// On other faces the rates will differ. The scores should come from the runtime's own formula: a face whose probability
/// the runtime rounds otherwise may lie on the other side.
///
/// # Errors
///
/// When a rate or a score is out of range, or a class is missing.
pub fn verdict_thresholds(scored: &[Scored], wanted: ErrorRates) -> Result<VerdictThresholds, VerdictError> {
    for rate in [wanted.apcer, wanted.bpcer] {
        if !(0.0..1.0).contains(&rate) {
            return Err(VerdictError::Rate(rate));
        }
    }
    if let Some(face) = scored.iter().position(|each| !(0.0..=1.0).contains(&each.score)) {
        return Err(VerdictError::NotAProbability { face, score: scored[face].score });
    }
    let Classes { authentic, synthetic } = Classes::sorted(scored).ok_or(VerdictError::OneClass)?;
    // Below the score after the last one that may be missed there are no more than may be missed.
    let mut authentic_below = down_to_f32(synthetic[allowed(wanted.apcer, synthetic.len())]);
    let mut synthetic_above = up_to_f32(authentic[authentic.len() - 1 - allowed(wanted.bpcer, authentic.len())]);
    if authentic_below > synthetic_above {
        let middle = f32::midpoint(authentic_below, synthetic_above);
        (authentic_below, synthetic_above) = (middle, middle);
    }
    let (low, high) = (f64::from(authentic_below), f64::from(synthetic_above));
    let unsure = |scores: &[f64]| scores.iter().filter(|score| (low..=high).contains(*score)).count() as f64;
    let (of_authentic, of_synthetic) = (unsure(&authentic), unsure(&synthetic));
    Ok(VerdictThresholds {
        authentic_below,
        synthetic_above,
        reached: error_rates(scored, low, high).ok_or(VerdictError::OneClass)?,
        unsure: (of_authentic + of_synthetic) / scored.len() as f64,
        unsure_authentic: of_authentic / authentic.len() as f64,
        unsure_synthetic: of_synthetic / synthetic.len() as f64,
    })
}

/// The most of `count` faces whose share is at most `rate`, which is below 1. The share is compared, for a product is
/// rounded: 0.29 times 100 is less than 29.
fn allowed(rate: f64, count: usize) -> usize {
    let close = (rate * count as f64) as usize;
    (close.saturating_sub(1)..=close + 1).rfind(|&faces| faces as f64 / count as f64 <= rate).unwrap_or(0)
}

fn down_to_f32(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) > value { nearest.next_down() } else { nearest }
}

fn up_to_f32(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) < value { nearest.next_up() } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::*;

    fn of(authentic: &[f64], synthetic: &[f64], apcer: f64, bpcer: f64) -> VerdictThresholds {
        verdict_thresholds(&faces(authentic, synthetic), ErrorRates { apcer, bpcer }).expect("there are thresholds")
    }

    /// 0, 1/32, 2/32 and so on: numbers that 32 bits hold.
    fn steps(range: std::ops::Range<u32>) -> Vec<f64> {
        range.map(|step| f64::from(step) / 32.0).collect()
    }

    #[test]
    fn each_rate_sets_its_own_threshold() {
        // Ten of each: authentic 0 to 18, synthetic 9 to 27, by twos.
        let authentic: Vec<_> = steps(0..20).into_iter().step_by(2).collect();
        let synthetic: Vec<_> = steps(9..29).into_iter().step_by(2).collect();
        let found = of(&authentic, &synthetic, 0.1, 0.2);
        // Below 11 lies 9 alone; above 14 lie 16 and 18.
        assert_eq!((found.authentic_below, found.synthetic_above), (11.0 / 32.0, 14.0 / 32.0));
        assert_eq!(found.reached, ErrorRates { apcer: 0.1, bpcer: 0.2 });
        // Unsure are 12 and 14, 11 and 13.
        assert_eq!((found.unsure, found.unsure_authentic, found.unsure_synthetic), (0.2, 0.2, 0.2));
        let none = of(&authentic, &synthetic, 0.0, 0.0);
        assert_eq!((none.authentic_below, none.synthetic_above), (9.0 / 32.0, 18.0 / 32.0));
        assert_eq!(none.reached, ErrorRates { apcer: 0.0, bpcer: 0.0 });
    }

    #[test]
    fn thresholds_that_would_cross_meet_in_the_middle() {
        let found = of(&[0.0, 0.125, 0.25], &[0.75, 0.875, 1.0], 0.05, 0.05);
        assert_eq!((found.authentic_below, found.synthetic_above), (0.5, 0.5));
        assert_eq!((found.reached, found.unsure), (ErrorRates { apcer: 0.0, bpcer: 0.0 }, 0.0));
        // Crossing for want of errors: half of each class may be wrong.
        let loose = of(&[0.0, 0.5, 0.625, 0.75], &[0.25, 0.375, 0.5, 1.0], 0.5, 0.5);
        assert_eq!((loose.authentic_below, loose.synthetic_above), (0.5, 0.5));
        assert_eq!(loose.reached, ErrorRates { apcer: 0.5, bpcer: 0.5 });
    }

    #[test]
    fn ties_do_not_pass_the_rate() {
        // One of four may be missed, but two tie.
        let found = of(&[0.5; 4], &[0.25, 0.25, 0.75, 0.75], 0.25, 0.25);
        assert_eq!((found.authentic_below, found.synthetic_above), (0.25, 0.5));
        assert_eq!(found.reached, ErrorRates { apcer: 0.0, bpcer: 0.0 });
        let constant = of(&[0.3; 5], &[0.3; 5], 0.05, 0.05);
        assert_eq!((constant.reached, constant.unsure), (ErrorRates { apcer: 0.0, bpcer: 0.0 }, 1.0));
    }

    #[test]
    fn keeps_the_rates_at_32_bits() {
        // 0.1 and 0.7 lie on different sides of their nearest number of 32 bits; either way nothing may be passed.
        for score in [0.1, 0.7, 0.3, 0.9] {
            let found = of(&[score; 3], &[score; 3], 0.0, 0.0);
            assert_eq!(found.reached, ErrorRates { apcer: 0.0, bpcer: 0.0 });
            assert_eq!(found.unsure, 1.0);
            assert!(f64::from(found.authentic_below) <= score && score <= f64::from(found.synthetic_above));
            assert!(found.synthetic_above - found.authentic_below < 1e-7);
        }
    }

    #[test]
    fn a_share_is_compared_and_not_a_product() {
        for count in 1..=200 {
            for part in 0..count {
                assert_eq!(allowed(part as f64 / count as f64, count), part, "{part} of {count}");
            }
        }
        assert_eq!(allowed(0.29, 100), 29);
        assert_eq!((allowed(0.05, 19), allowed(0.05, 20), allowed(0.999, 3)), (0, 1, 2));
    }

    #[test]
    fn refuses_what_has_no_answer() {
        let check = |scored: &[Scored], apcer, bpcer, expected| {
            assert_eq!(verdict_thresholds(scored, ErrorRates { apcer, bpcer }), Err(expected));
        };
        check(&faces(&[0.1], &[0.9]), 1.0, 0.05, VerdictError::Rate(1.0));
        check(&faces(&[0.1], &[0.9]), 0.05, -0.1, VerdictError::Rate(-0.1));
        check(&faces(&[0.1], &[1.5]), 0.05, 0.05, VerdictError::NotAProbability { face: 1, score: 1.5 });
        check(&faces(&[0.1], &[]), 0.05, 0.05, VerdictError::OneClass);
    }
}
