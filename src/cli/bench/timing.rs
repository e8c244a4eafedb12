//! Durations in numbers: rates and percentiles. Pure.

use std::time::Duration;

use serde::Serialize;

/// What a series of runs comes to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    /// Items (faces or frames) a second, over the whole series.
    pub(super) per_second: f64,
    /// Half of the runs took at most this, in milliseconds.
    pub(super) p50_ms: f64,
    /// 95 of 100 runs took at most this, in milliseconds.
    pub(super) p95_ms: f64,
    /// 99 of 100 runs took at most this, in milliseconds.
    pub(super) p99_ms: f64,
    /// Number of runs.
    pub(super) runs: usize,
}

impl Figures {
    /// The figures of runs of `items` each, that took `wall` in all; `None` without a run.
    pub(super) fn of(runs: &[Duration], items: usize, wall: Duration) -> Option<Self> {
        let mut sorted: Vec<f64> = runs.iter().map(|run| run.as_secs_f64() * 1e3).collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            per_second: (runs.len() * items) as f64 / wall.as_secs_f64().max(f64::MIN_POSITIVE),
            p50_ms: percentile(&sorted, 50)?,
            p95_ms: percentile(&sorted, 95)?,
            p99_ms: percentile(&sorted, 99)?,
            runs: runs.len(),
        })
    }
}

/// The smallest value that `share` of 100 values don't exceed (nearest rank); `None` without values.
fn percentile(sorted: &[f64], share: usize) -> Option<f64> {
    let rank = (sorted.len() * share).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        let of = |share| percentile(&hundred, share);
        assert_eq!((of(50), of(95), of(99)), (Some(50.0), Some(95.0), Some(99.0)));
        // Ranks 1.5, 2.85 and 2.97 of three go up.
        let three = [1.0, 2.0, 9.0];
        assert_eq!((percentile(&three, 50), percentile(&three, 95)), (Some(2.0), Some(9.0)));
        assert_eq!((percentile(&[4.0], 1), percentile(&[], 50)), (Some(4.0), None));
    }

    #[test]
    fn the_rate_counts_items_over_the_whole_time() {
        let runs = [30, 10, 20].map(Duration::from_millis);
        let figures = Figures::of(&runs, 4, Duration::from_millis(120)).expect("there are runs");
        assert_eq!((figures.per_second, figures.p50_ms, figures.p99_ms, figures.runs), (100.0, 20.0, 30.0, 3));
        assert_eq!(Figures::of(&[], 1, Duration::ZERO), None);
    }
}
