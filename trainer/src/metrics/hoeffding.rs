//! Bounds on a mean over pairs of faces that hold for any distribution and any number of faces.
//!
//! The AUC is a mean over all pairs, which aren't independent. But it is also a mean of means over `k` pairs that share no
//! face, `k` being the size of the smaller class, so that Hoeffding's first bound (W. Hoeffding 1963, theorem 1 with section
//! 5 on U statistics) holds with `k` in the place of the number of samples:
//!
//! ```text
//! P(estimate >= x) <= exp(-k * KL(x, truth))   for x >= truth in 0 to 1, and likewise below
//! KL(x, t) = x ln(x / t) + (1 - x) ln((1 - x) / (1 - t))
//! ```
//!
//! For an estimate of 1 it is the exact binomial limit of Clopper and Pearson over `k` pairs: `low = 0.025^(1 / k)`.

/// Each side of an interval of 95 % may be wrong once in 40 times.
const ONE_SIDE: f64 = 40.0;

/// Interval of 95 % at least for the truth behind `estimate`, a mean over pairs of values in 0 to 1, with `independent`
/// pairs that share no face.
pub(super) fn interval(estimate: f64, independent: usize) -> (f64, f64) {
    let allowed = ONE_SIDE.ln() / independent as f64;
    (furthest(estimate, 0.0, allowed), furthest(estimate, 1.0, allowed))
}

/// Upper limit of the probability to be as far from `truth` as `estimate` is, to either side.
pub(super) fn two_sided_p(estimate: f64, truth: f64, independent: usize) -> f64 {
    (2.0 * (-(independent as f64) * divergence(estimate, truth)).exp()).min(1.0)
}

/// The value between `estimate` and `end` that is as far from `estimate` as is allowed, by halving.
fn furthest(estimate: f64, end: f64, allowed: f64) -> f64 {
    let (mut within, mut beyond) = (estimate, end);
    for _ in 0..100 {
        let middle = f64::midpoint(within, beyond);
        if divergence(estimate, middle) <= allowed {
            within = middle;
        } else {
            beyond = middle;
        }
    }
    within
}

fn divergence(x: f64, truth: f64) -> f64 {
    let part = |x: f64, t: f64| if x == 0.0 { 0.0 } else { x * (x / t).ln() };
    part(x, truth) + part(1.0 - x, 1.0 - truth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn is_the_binomial_limit_at_the_ends() {
        for independent in [1, 3, 50, 1000] {
            let (low, high) = interval(1.0, independent);
            close(low, 0.025_f64.powf(1.0 / independent as f64));
            close(high, 1.0);
            let (low, high) = interval(0.0, independent);
            close(low, 0.0);
            close(high, 1.0 - 0.025_f64.powf(1.0 / independent as f64));
        }
    }

    #[test]
    fn lies_even_about_one_half_and_shrinks_with_the_faces() {
        // KL(1/2, t) = -ln(4 t (1 - t)) / 2, so that 4 t (1 - t) = 40^(-2 / k).
        for independent in [2, 100, 10_000] {
            let (low, high) = interval(0.5, independent);
            let expected = (1.0 - 40.0_f64.powf(-2.0 / independent as f64)).sqrt() / 2.0;
            close(0.5 - low, expected);
            close(high - 0.5, expected);
        }
    }

    #[test]
    fn a_p_value_goes_with_the_interval() {
        let (low, _) = interval(0.8, 30);
        close(two_sided_p(0.8, low, 30), 0.05);
        assert_eq!(two_sided_p(0.5, 0.5, 30), 1.0);
        close(two_sided_p(1.0, 0.5, 10), 2.0 * 0.5_f64.powi(10));
    }
}
