//! From the order in which frames are decoded to the one in which they are shown, by what their packets say alone: so the
//! number of a frame is known although those before it are not decoded. Pure: no decoder and no file.

use std::collections::VecDeque;

use crate::capture::clock::LONGEST;

/// Frames that may be decoded before one that is shown before them, at most: no codec has more.
const MOST_REORDERED: usize = 16;
/// Packets that are remembered at most, while nobody asks for them.
const MOST_HELD: usize = 64;

/// Frames that are to be shown, `K` what is kept of those that are key frames.
#[derive(Debug)]
pub(super) struct ShownOrder<K> {
    /// In the order in which they are shown.
    coming: VecDeque<Coming<K>>,
    /// How often the clock has jumped, up to the last packet.
    jumps: u64,
    /// When the last packet is decoded, in microseconds.
    decoded: Option<i64>,
}

/// A frame that is to be shown.
#[derive(Debug, PartialEq)]
pub(super) struct Coming<K> {
    jumps: u64,
    /// When, in ticks of its stream.
    pub(super) shown: i64,
    /// There where it is a key frame.
    pub(super) key: Option<K>,
}

impl<K> ShownOrder<K> {
    pub(super) fn new() -> Self {
        Self { coming: VecDeque::with_capacity(MOST_HELD + 1), jumps: 0, decoded: None }
    }

    /// The next packet: its frame is shown at `shown`, in ticks of the stream, and decoded at `decoded`, in microseconds, where
    /// that is known.
    pub(super) fn push(&mut self, decoded: Option<i64>, shown: i64, key: Option<K>) {
        if let Some(now) = decoded {
            let step = self.decoded.replace(now).map_or(0, |before| now.saturating_sub(before));
            // The order in which packets are decoded has no step back. Behind one, times say nothing of what was before.
            self.jumps += u64::from(!(0..=LONGEST).contains(&step));
        }
        if self.coming.len() == MOST_HELD {
            self.coming.pop_front();
        }
        let place = (self.jumps, shown);
        let at = self.coming.iter().rposition(|before| (before.jumps, before.shown) <= place).map_or(0, |at| at + 1);
        self.coming.insert(at, Coming { jumps: self.jumps, shown, key });
    }

    /// The next frame that is shown, once it is known; `ended` where no packet is to come.
    pub(super) fn next(&mut self, ended: bool) -> Option<Coming<K>> {
        if ended || self.coming.len() > MOST_REORDERED { self.coming.pop_front() } else { None }
    }

    /// Forgets the key frame that is shown at `shown`, and all that is shown before it. Whether there is such a one.
    pub(super) fn forget_to(&mut self, shown: i64) -> bool {
        let at = self.coming.iter().position(|coming| coming.key.is_some() && coming.shown == shown);
        self.coming.drain(..at.map_or(0, |at| at + 1));
        at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// The order in which frames are shown, as the times that they are shown at; key frames are below zero in `packets`, where
    /// each has when it is decoded and when it is shown, in seconds.
    fn order(packets: &[(i64, i64)]) -> Vec<i64> {
        let mut order = ShownOrder::new();
        let mut shown = Vec::new();
        for &(decoded, time) in packets {
            order.push(Some(decoded * SECOND), time.abs(), (time < 0).then_some(time));
            shown.extend(order.next(false).map(|coming| coming.key.unwrap_or(coming.shown)));
        }
        while let Some(coming) = order.next(true) {
            shown.push(coming.key.unwrap_or(coming.shown));
        }
        shown
    }

    #[test]
    fn a_key_frame_comes_behind_those_that_are_decoded_after_it_and_shown_before() {
        // An open group: two frames lead to the key frame at 7.
        let packets = [(1, -1), (2, 4), (3, 2), (4, 3), (5, -7), (6, 5), (7, 6), (8, 10), (9, 8), (10, 9)];
        assert_eq!(order(&packets), [-1, 2, 3, 4, 5, 6, -7, 8, 9, 10]);
    }

    #[test]
    fn a_frame_may_be_sixteen_late() {
        let packets: Vec<_> = (1..=40).map(|at| (at, if at % 17 == 0 { at - 16 } else { at + 1 })).collect();
        let found = order(&packets);
        assert!(found.is_sorted(), "{found:?}");
    }

    #[test]
    fn a_clock_that_jumps_leaves_the_order_as_it_is() {
        assert_eq!(order(&[(100, -100), (101, 102), (102, 101), (0, -1), (1, 2)]), [-100, 101, 102, -1, 2]);
        assert_eq!(order(&[(0, -1), (1, 2), (90, -90), (91, 91)]), [-1, 2, -90, 91]);
        // It begins anew, and comes to times that it has had.
        assert_eq!(order(&[(5, -5), (6, 6), (5, -5), (6, 6)]), [-5, 6, -5, 6]);
    }

    #[test]
    fn what_is_before_the_first_key_frame_is_forgotten() {
        let mut order = ShownOrder::new();
        for (decoded, shown) in (0..).zip([-1, 4, 2, 3, -7, 5, 6]) {
            order.push(Some(decoded), i64::abs(shown), (shown < 0).then_some(shown));
        }
        assert!(!order.forget_to(4), "it is no key frame");
        assert!(order.forget_to(1));
        let left: Vec<_> = std::iter::from_fn(|| order.next(true)).map(|coming| coming.shown).collect();
        assert_eq!(left, [2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn nobody_who_asks_is_no_reason_to_keep_all() {
        let mut order = ShownOrder::new();
        (0..1000).for_each(|at| order.push(Some(at), at, Some(at)));
        assert_eq!(order.next(true).map(|coming| coming.shown), Some(936));
        assert!(order.coming.capacity() < 2 * MOST_HELD);
    }
}
