//! Numbers of a live run, which any thread may count up and any may read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Upper edges of the buckets of ages, in milliseconds; above the last one there is one more.
pub const AGE_EDGES_MS: [u64; 12] = [5, 10, 20, 33, 50, 75, 100, 150, 250, 500, 1000, 5000];

/// How old things were, by bucket.
#[derive(Debug, Default)]
pub struct Ages {
    buckets: [AtomicU64; AGE_EDGES_MS.len() + 1],
    sum_micros: AtomicU64,
}

impl Ages {
    /// Counts one.
    pub fn count(&self, age: Duration) {
        let bucket = AGE_EDGES_MS.iter().position(|&edge| age <= Duration::from_millis(edge));
        self.buckets[bucket.unwrap_or(AGE_EDGES_MS.len())].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(age.as_micros() as u64, Ordering::Relaxed);
    }

    /// How many there were in each bucket, not summed up.
    #[must_use]
    pub fn buckets(&self) -> [u64; AGE_EDGES_MS.len() + 1] {
        std::array::from_fn(|bucket| self.buckets[bucket].load(Ordering::Relaxed))
    }

    /// The sum of all ages.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_micros.load(Ordering::Relaxed))
    }
}

/// All numbers of a live run.
#[derive(Debug, Default)]
pub struct LiveMetrics {
    /// Frames that the source gave.
    pub captured: AtomicU64,
    /// Frames that a newer one replaced before faces were looked for.
    pub overwritten: AtomicU64,
    /// Frames that could not be decoded.
    pub damaged: AtomicU64,
    /// Frames that were shown.
    pub shown: AtomicU64,
    /// Faces that were scored.
    pub scored: AtomicU64,
    /// Times that the source was lost.
    pub lost: AtomicU64,
    /// Persons that turned to authentic, unsure, synthetic, in this order.
    pub verdicts: [AtomicU64; 3],
    /// Age of a frame when it was shown.
    pub shown_age: Ages,
    /// Age of a frame when its faces' verdict stood.
    pub verdict_age: Ages,
}

/// The numbers at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// See [`LiveMetrics::captured`].
    pub captured: u64,
    /// See [`LiveMetrics::overwritten`].
    pub overwritten: u64,
    /// See [`LiveMetrics::damaged`].
    pub damaged: u64,
    /// See [`LiveMetrics::shown`].
    pub shown: u64,
    /// See [`LiveMetrics::scored`].
    pub scored: u64,
    /// See [`LiveMetrics::lost`].
    pub lost: u64,
}

impl LiveMetrics {
    /// Reads them. Each is right by itself; others may go on meanwhile.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            captured: read(&self.captured),
            overwritten: read(&self.overwritten),
            damaged: read(&self.damaged),
            shown: read(&self.shown),
            scored: read(&self.scored),
            lost: read(&self.lost),
        }
    }
}
