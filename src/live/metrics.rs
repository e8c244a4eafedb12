//! Numbers of a feed of a live run, which any thread may count up and any may read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
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

/// All numbers of a feed.
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
    /// Events reported.
    pub events: AtomicU64,
    /// How each output of events fares, which all feeds have in common; not set where there is none.
    pub outputs: OnceLock<Vec<Arc<OutputCounts>>>,
    /// How the record of the session fares; not set where there is none.
    pub record: OnceLock<Arc<RecordCounts>>,
}

/// How the record of a session fares.
#[derive(Debug, Default)]
pub struct RecordCounts {
    /// Scored faces that are in all files.
    pub written: AtomicU64,
    /// Those that had no room, or could not be written.
    pub dropped: AtomicU64,
}

/// How an output of events fares.
#[derive(Debug)]
pub struct OutputCounts {
    /// The output's name.
    pub name: &'static str,
    /// Events that were sent.
    pub delivered: AtomicU64,
    /// Tries that failed and were made again.
    pub retried: AtomicU64,
    /// Events that could not be sent.
    pub failed: AtomicU64,
    /// Events that had to make room for newer ones, or were left at the end.
    pub dropped: AtomicU64,
    /// Events that wait.
    pub waiting: AtomicU64,
}

/// The numbers of an output at a moment; see [`OutputCounts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OutputCount {
    /// See [`OutputCounts::name`].
    pub name: &'static str,
    /// See [`OutputCounts::delivered`].
    pub delivered: u64,
    /// See [`OutputCounts::retried`].
    pub retried: u64,
    /// See [`OutputCounts::failed`].
    pub failed: u64,
    /// See [`OutputCounts::dropped`].
    pub dropped: u64,
    /// See [`OutputCounts::waiting`].
    pub waiting: u64,
}

impl OutputCounts {
    /// An output that has sent nothing yet.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let [delivered, retried, failed, dropped, waiting] = [(); 5].map(|()| AtomicU64::new(0));
        Self { name, delivered, retried, failed, dropped, waiting }
    }

    /// Reads them.
    #[must_use]
    pub fn now(&self) -> OutputCount {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        OutputCount {
            name: self.name,
            delivered: read(&self.delivered),
            retried: read(&self.retried),
            failed: read(&self.failed),
            dropped: read(&self.dropped),
            waiting: read(&self.waiting),
        }
    }
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
    /// The numbers of all outputs of events.
    #[must_use]
    pub fn output_counts(&self) -> Vec<OutputCount> {
        self.outputs.get().map_or(&[][..], |outputs| outputs).iter().map(|output| output.now()).collect()
    }

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
