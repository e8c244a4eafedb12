//! p over time in bounded memory: neighbours are joined when there are too many, the lowest and the highest kept.

/// Points of a person's timeline, at most. Each has a lowest and a highest value, so a chart has twice as many.
const MOST: usize = 1000;
/// The first grid, in microseconds: finer than any frame rate.
const FINEST: i64 = 1000;

/// The frames of one cell of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Presentation time of its first frame in microseconds.
    pub first: i64,
    /// Presentation time of its last frame in microseconds.
    pub last: i64,
    /// Lowest p, 0 to 1.
    pub low: f32,
    /// Highest p, 0 to 1.
    pub high: f32,
    /// Sum of p over its frames.
    pub sum: f64,
    /// Its frames, at least 1.
    pub count: u64,
}

impl Bucket {
    /// Mean p, 0 to 1.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The middle of its time in seconds.
    #[must_use]
    pub fn time(&self) -> f64 {
        (self.first as f64 + self.last as f64) / 2e6
    }

    fn join(&mut self, later: &Self) {
        self.first = self.first.min(later.first);
        self.last = self.last.max(later.last);
        self.low = self.low.min(later.low);
        self.high = self.high.max(later.high);
        self.sum += later.sum;
        self.count += later.count;
    }
}

/// Collects the timeline of a person.
#[derive(Clone, Debug)]
pub struct Timeline {
    buckets: Vec<Bucket>,
    width: i64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { buckets: Vec::new(), width: FINEST }
    }
}

impl Timeline {
    /// Adds a frame: its presentation time in microseconds, and its p. Times may stand still, or go back a little.
    pub fn add(&mut self, time: i64, probability: f32) {
        let new =
            Bucket { first: time, last: time, low: probability, high: probability, sum: probability.into(), count: 1 };
        self.place(new);
        while self.buckets.len() > MOST {
            self.width = self.width.saturating_mul(2);
            let all = std::mem::take(&mut self.buckets);
            // The memory is asked for again, once for each doubling of the clip.
            self.buckets.reserve(MOST + 1);
            for bucket in all {
                self.place(bucket);
            }
        }
    }

    /// The points, by time.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    fn place(&mut self, new: Bucket) {
        match self.buckets.last_mut() {
            // A clock that goes back joins what is there: the chart runs to the right.
            Some(last) if new.first.div_euclid(self.width) <= last.first.div_euclid(self.width) => last.join(&new),
            _ => self.buckets.push(new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_clip_keeps_each_frame() {
        let mut timeline = Timeline::default();
        for frame in 0..10 {
            timeline.add(frame * 40_000, frame as f32 / 10.0);
        }
        assert_eq!(timeline.buckets().len(), 10);
        assert_eq!(timeline.buckets()[3].time(), 0.12);
    }

    #[test]
    fn a_long_clip_stays_small_and_keeps_its_peaks() {
        let mut timeline = Timeline::default();
        let frames = 100_000_u64;
        for frame in 0..frames {
            let p = if frame == 54_321 {
                0.99
            } else if frame == 12_345 {
                0.01
            } else {
                0.5
            };
            timeline.add(frame as i64 * 40_000, p);
        }
        let buckets = timeline.buckets();
        assert!((MOST / 2..=MOST).contains(&buckets.len()), "{}", buckets.len());
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), frames);
        let peaks: Vec<_> = buckets.iter().filter(|bucket| bucket.high > 0.9).collect();
        assert_eq!(peaks.len(), 1);
        assert!((peaks[0].first..=peaks[0].last).contains(&(54_321 * 40_000)));
        assert_eq!(buckets.iter().filter(|bucket| bucket.low < 0.1).count(), 1);
        assert!(buckets.windows(2).all(|pair| pair[0].last < pair[1].first));
    }

    #[test]
    fn a_clock_that_jumps_back_ends_nothing() {
        let mut timeline = Timeline::default();
        for time in [0, 40_000, -80_000, i64::MAX, i64::MIN, 80_000] {
            timeline.add(time, 0.5);
        }
        assert_eq!(timeline.buckets().iter().map(|bucket| bucket.count).sum::<u64>(), 6);
    }
}
