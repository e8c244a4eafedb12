//! The normal distribution, as far as intervals and p values need it.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// A normal variable lies within so many standard deviations of its mean with a probability of 95 %.
pub(super) const REACH_95: f64 = 1.959_963_984_540_054;

/// Probability that a standard normal variable is at least `z` away from 0: `erfc(|z| / sqrt 2)`, to about 12 digits.
///
/// Near 0 by the series of Abramowitz and Stegun 7.1.6, whose terms are all positive; further out, where one minus that
/// would lose digits, by the continued fraction 7.1.14.
pub(super) fn two_sided_p(z: f64) -> f64 {
    let x = z.abs() * FRAC_1_SQRT_2;
    let density = (-x * x).exp() / PI.sqrt();
    if x < 2.0 {
        let mut term = x;
        let mut sum = x;
        for n in 1..60 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        return 1.0 - 2.0 * density * sum;
    }
    // x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...))), from the far end.
    let fraction = (1..=120).rev().fold(x, |below, n| x + f64::from(n) / 2.0 / below);
    density / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_five_in_a_hundred_at_the_usual_reach() {
        assert!((two_sided_p(REACH_95) - 0.05).abs() < 1e-14);
        assert!((two_sided_p(-REACH_95) - 0.05).abs() < 1e-14);
        assert_eq!(two_sided_p(0.0), 1.0);
        assert_eq!(two_sided_p(f64::INFINITY), 0.0);
    }

    #[test]
    fn meets_scipy() {
        let kept: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/metrics.json")).expect("the fixture is JSON");
        let rows: Vec<(f64, f64)> = serde_json::from_value(kept["normal"].clone()).expect("it has pairs");
        assert_eq!(rows.len(), 12);
        for (z, p) in rows {
            let found = two_sided_p(z);
            assert!((found - p).abs() < 1e-11 * p, "{z}: {found} is not {p}");
        }
    }
}
