//! A share of faces with its interval.

use serde::Serialize;

use super::normal::REACH_95;

/// So many of so many, with E. B. Wilson's 95 % interval of the share (JASA 22, 1927), which stays in 0 to 1 and is of use at
/// few faces and at shares of 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Proportion {
    /// How many did.
    pub count: usize,
    /// Of how many.
    pub of: usize,
    /// The share.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Proportion {
    /// `count` of `of`; nothing of none.
    #[must_use]
    pub fn new(count: usize, of: usize) -> Option<Self> {
        if of == 0 {
            return None;
        }
        let share = count as f64 / of as f64;
        let (low, high) = wilson(share, of as f64);
        Some(Self { count, of, share, low, high })
    }
}

/// Wilson's 95 % interval of a share of `n`.
pub(super) fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z = REACH_95;
    let middle = share + z * z / (2.0 * n);
    let reach = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: usize, of: usize, low: f64, high: f64) {
        let found = Proportion::new(count, of).expect("there are faces");
        assert!((found.low - low).abs() < 1e-3 && (found.high - high).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn intervals_are_wilsons() {
        // Worked by hand from the formula; 0 of 10 is the textbook's 0 to 0.278.
        check(0, 10, 0.0, 0.278);
        check(10, 10, 0.722, 1.0);
        check(5, 10, 0.237, 0.763);
        check(8, 100, 0.041, 0.150);
        assert_eq!(Proportion::new(0, 0), None);
    }
}
