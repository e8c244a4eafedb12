//! Percentiles of durations in memory that doesn't grow.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest duration that is told from a longer one, in microseconds: a quarter of an hour.
const MOST_MICROS: u64 = 900_000_000;
/// Decimal digits to which a duration counts: percentiles are right to a hundredth.
const DIGITS: u8 = 2;

/// Counts durations from 1 microsecond to 15 minutes; what lies outside counts as the nearest end.
#[derive(Clone, Debug)]
pub(super) struct Ages {
    micros: Histogram<u64>,
    longest: Duration,
}

impl Ages {
    pub(super) fn new() -> Self {
        let micros = Histogram::new_with_bounds(1, MOST_MICROS, DIGITS).expect("the bounds are constants in range");
        Self { micros, longest: Duration::ZERO }
    }

    pub(super) fn add(&mut self, age: Duration) {
        // Longer ones than fit the type are far beyond the scale.
        self.micros.saturating_record(u64::try_from(age.as_micros()).unwrap_or(MOST_MICROS));
        self.longest = self.longest.max(age);
    }

    /// The duration in milliseconds that `share` of all, 0 to 1, don't exceed; `None` when there are none.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let longest = self.longest()?;
        let step = self.micros.value_at_quantile(share);
        Some((self.micros.median_equivalent(step) as f64 / 1e3).min(longest))
    }

    /// The longest in milliseconds.
    pub(super) fn longest(&self) -> Option<f64> {
        (!self.micros.is_empty()).then_some(self.longest.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_hundredth() {
        let mut ages = Ages::new();
        assert_eq!(ages.percentile(0.5), None);
        for millis in 1..=1000 {
            ages.add(Duration::from_millis(millis));
        }
        for (share, expected) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let found = ages.percentile(share).expect("there are some");
            assert!((found / expected - 1.0).abs() < 0.011, "{share}: {found}");
        }
        assert_eq!(ages.longest(), Some(1000.0));
        ages.add(Duration::from_secs(100_000));
        ages.add(Duration::ZERO);
        assert_eq!((ages.micros.len(), ages.longest()), (1002, Some(1e8)));
    }
}
