//! When a person was called synthetic: spans of time, bounded in number.

/// Frames further apart than this, in microseconds, are two intervals.
const GAP: i64 = 300_000;
/// Intervals of a person, at most; then the nearest ones are joined.
const MOST: usize = 50;

/// A span in which each frame of a person was called synthetic, but for gaps of less than a third of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Presentation time of its first frame in microseconds.
    pub first: i64,
    /// Presentation time of its last frame in microseconds, not before `first`.
    pub last: i64,
}

/// Adds a frame that was called synthetic at `time`, in microseconds.
pub(super) fn add(intervals: &mut Vec<Interval>, time: i64) {
    match intervals.last_mut() {
        Some(last) if time.saturating_sub(last.last) <= GAP => {
            last.last = last.last.max(time);
        }
        _ => intervals.push(Interval { first: time, last: time }),
    }
    if intervals.len() > MOST {
        let gap = |pair: &[Interval]| pair[1].first.saturating_sub(pair[0].last);
        let nearest = (1..intervals.len()).min_by_key(|&index| gap(&intervals[index - 1..=index])).unwrap_or(1);
        let later = intervals.remove(nearest);
        intervals[nearest - 1].last = later.last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_frames_are_one_interval_and_far_ones_two() {
        let mut intervals = Vec::new();
        for millis in [0, 40, 340, 641, 700] {
            add(&mut intervals, millis * 1000);
        }
        let expected = [Interval { first: 0, last: 340_000 }, Interval { first: 641_000, last: 700_000 }];
        assert_eq!(intervals, expected);
    }

    #[test]
    fn their_number_is_bounded_and_no_frame_is_left_outside() {
        let mut intervals = Vec::new();
        for second in 0..500 {
            add(&mut intervals, second * 3_000_000);
        }
        assert_eq!(intervals.len(), MOST);
        let inside = |time: i64| intervals.iter().any(|interval| interval.first <= time && time <= interval.last);
        assert!((0..500).all(|second| inside(second * 3_000_000)));
        assert_eq!((intervals[0].first, intervals[MOST - 1].last), (0, 499 * 3_000_000));
    }
}
