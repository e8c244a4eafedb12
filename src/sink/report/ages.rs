//! Percentiles of durations in memory that doesn't grow: counts on a scale of equal ratios.

use std::time::Duration;

/// Each step of the scale is this much above the one before: percentiles are right to half of that.
const RATIO: f64 = 1.02;
/// Steps from a microsecond to a quarter of an hour.
const STEPS: usize = 1042;

/// Counts durations from 1 microsecond to 15 minutes; what lies outside counts as the nearest end.
#[derive(Clone, Debug)]
pub(super) struct Ages {
    counts: Box<[u64; STEPS]>,
    total: u64,
    longest: Duration,
}

impl Ages {
    pub(super) fn new() -> Self {
        Self { counts: Box::new([0; STEPS]), total: 0, longest: Duration::ZERO }
    }

    pub(super) fn add(&mut self, age: Duration) {
        let step = (age.as_secs_f64() * 1e6).max(1.0).ln() / RATIO.ln();
        self.counts[(step as usize).min(STEPS - 1)] += 1;
        self.total += 1;
        self.longest = self.longest.max(age);
    }

    /// The duration in milliseconds that `share` of all, 0 to 1, don't exceed; `None` when there are none.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let step = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        let longest = self.longest.as_secs_f64() * 1e3;
        Some((RATIO.powf(step as f64 + 0.5) / 1e3).min(longest))
    }

    /// The longest in milliseconds.
    pub(super) fn longest(&self) -> Option<f64> {
        (self.total > 0).then_some(self.longest.as_secs_f64() * 1e3)
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
        assert_eq!(ages.total, 1002);
    }
}
