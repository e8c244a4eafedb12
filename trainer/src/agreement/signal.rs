//! Sensitivity and bias of somebody who calls faces real or synthetic, by signal detection theory.
//!
//! A hit is a synthetic face that was called synthetic, a false alarm a real one that was. With `z` the quantile of the normal
//! distribution, `d' = z(H) - z(F)` and the criterion `c = -(z(H) + z(F)) / 2`, which is above 0 for somebody who rather says
//! real (N. Macmillan and C. Creelman, "Detection Theory", 2nd edition 2005, chapters 1 and 2). Rates are corrected
//! log-linearly, half a hit and one trial added, so that they never reach 0 or 1 (M. Hautus, Behavior Research Methods 27, 1995).
//!
//! Of two photos to choose from, the share of right choices `p` gives `d' = sqrt(2) z(p)` (the same book, chapter 7): the
//! number is comparable with that of single faces, while the share isn't.

use serde::Serialize;

use crate::metrics::quantile;

/// Answers to faces shown alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// Synthetic faces that were called synthetic.
    pub hits: usize,
    /// Synthetic faces.
    pub synthetic: usize,
    /// Real faces that were called synthetic.
    pub false_alarms: usize,
    /// Real faces.
    pub real: usize,
}

impl Answers {
    /// How many were right.
    #[must_use]
    pub fn right(&self) -> usize {
        self.hits + self.real - self.false_alarms
    }

    /// How many there are.
    #[must_use]
    pub fn all(&self) -> usize {
        self.synthetic + self.real
    }

    /// `z(H)` and `z(F)`; nothing where faces of a class are missing.
    fn z(&self) -> Option<(f64, f64)> {
        (self.synthetic > 0 && self.real > 0)
            .then(|| (corrected(self.hits, self.synthetic), corrected(self.false_alarms, self.real)))
    }

    /// d'; nothing where faces of a class are missing.
    #[must_use]
    pub fn d_prime(&self) -> Option<f64> {
        self.z().map(|(hits, false_alarms)| hits - false_alarms)
    }

    /// The criterion; nothing where faces of a class are missing.
    #[must_use]
    pub fn criterion(&self) -> Option<f64> {
        self.z().map(|(hits, false_alarms)| -(hits + false_alarms) / 2.0)
    }
}

/// d' of somebody who chose the synthetic one of two photos `right` times of `all`; nothing of none.
#[must_use]
pub fn d_prime_of_pairs(right: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| std::f64::consts::SQRT_2 * corrected(right, all))
}

/// `z` of a log-linearly corrected rate.
fn corrected(count: usize, of: usize) -> f64 {
    quantile((count as f64 + 0.5) / (of as f64 + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bias_is_told_from_sensitivity() {
        let of = |hits, false_alarms| Answers { hits, synthetic: 20, false_alarms, real: 20 };
        let sure = of(20, 0);
        assert!(sure.d_prime().is_some_and(|d| (3.9..4.1).contains(&d)), "{:?}", sure.d_prime());
        assert!(sure.criterion().is_some_and(|c| c.abs() < 1e-12));
        let yes = of(20, 20);
        assert!(yes.d_prime().is_some_and(|d| d.abs() < 1e-12) && yes.criterion().is_some_and(|c| c < -1.5));
        assert_eq!((yes.right(), yes.all()), (20, 40));
        assert_eq!(Answers { hits: 3, synthetic: 4, ..Answers::default() }.d_prime(), None);
    }

    #[test]
    fn pairs_by_hand() {
        // p = 0.75 after the correction: z = 0.6745.
        let found = d_prime_of_pairs(7, 9).expect("there are pairs");
        assert!((found - std::f64::consts::SQRT_2 * 0.674_489_750_196_081_7).abs() < 1e-10, "{found}");
        assert_eq!(d_prime_of_pairs(0, 0), None);
    }
}
