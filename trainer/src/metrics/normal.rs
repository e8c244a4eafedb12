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

/// The number below which a standard normal variable lies with a probability of `p`, to about 12 digits; infinite at 0 and 1.
///
/// Begins with Abramowitz and Stegun 26.2.23, which is right to 4.5e-4, and goes on by Newton's steps in the tail.
#[must_use]
pub fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    if p.is_nan() || p <= 0.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    let t = (-2.0 * p.ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = (above / below - t).min(0.0);
    for _ in 0..4 {
        let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
        if density > 0.0 {
            z -= (two_sided_p(z) / 2.0 - p) / density;
        }
        z = z.min(0.0);
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_undoes_the_probability() {
        for p in [1e-12, 1e-4, 0.02, 0.3, 0.499, 0.5] {
            let z = quantile(p);
            assert!((two_sided_p(z) / 2.0 - p).abs() < 1e-11 * p && z <= 0.0, "{p}: {z}");
        }
        assert!((quantile(0.975) - REACH_95).abs() < 1e-12);
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(quantile(-0.1).is_nan() && quantile(1.1).is_nan());
    }

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
