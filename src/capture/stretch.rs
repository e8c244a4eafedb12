//! Which frames of a source are wanted: from a time, up to a time, each Nth.

use std::num::NonZeroU64;

use crate::frame::PresentationTime;

/// The frames that are wanted. Times are those of the tables: on the source's own clock, whatever its first frame has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// No frame before this time.
    pub start: Option<PresentationTime>,
    /// No frame at or after this time, so that two stretches that touch share none.
    pub end: Option<PresentationTime>,
    /// Of these each Nth, the first one among them.
    pub every: NonZeroU64,
}

impl Stretch {
    /// All frames.
    pub const WHOLE: Self = Self { start: None, end: None, every: NonZeroU64::MIN };

    /// How many frames are wanted of `frames`; nothing where only the times would tell.
    #[must_use]
    pub fn share_of(&self, frames: u64) -> Option<u64> {
        (self.start.is_none() && self.end.is_none()).then(|| frames.div_ceil(self.every.get()))
    }
}

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    Take,
    Skip,
    End,
}

/// Goes along with the frames of one source, in the order of their times.
#[derive(Debug)]
pub(super) struct Picker {
    stretch: Stretch,
    inside: u64,
}

impl Picker {
    pub(super) fn new(stretch: Stretch) -> Self {
        Self { stretch, inside: 0 }
    }

    pub(super) fn pick(&mut self, time: PresentationTime) -> Pick {
        if self.stretch.end.is_some_and(|end| time >= end) {
            return Pick::End;
        }
        // A source whose clock goes back is not left again once it was entered.
        if self.inside == 0 && self.stretch.start.is_some_and(|start| time < start) {
            return Pick::Skip;
        }
        self.inside += 1;
        if (self.inside - 1).is_multiple_of(self.stretch.every.get()) { Pick::Take } else { Pick::Skip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames at 0, 1, 2, ... seconds: which are taken before the end.
    fn check(start: Option<i64>, end: Option<i64>, every: u64, taken: &[i64]) {
        let second = |second| PresentationTime(second * 1_000_000);
        let every = NonZeroU64::new(every).expect("not zero");
        let mut picker = Picker::new(Stretch { start: start.map(second), end: end.map(second), every });
        let picks = (0..10).map(|at| (at, picker.pick(second(at)))).take_while(|(_, pick)| *pick != Pick::End);
        let found: Vec<i64> = picks.filter(|(_, pick)| *pick == Pick::Take).map(|(at, _)| at).collect();
        assert_eq!(found, taken);
    }

    #[test]
    fn start_is_inside_and_end_is_not() {
        check(None, None, 1, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        check(Some(3), Some(6), 1, &[3, 4, 5]);
        check(Some(20), None, 1, &[]);
        check(None, Some(0), 1, &[]);
    }

    #[test]
    fn each_nth_counts_from_the_start() {
        check(None, None, 4, &[0, 4, 8]);
        check(Some(3), None, 3, &[3, 6, 9]);
    }

    #[test]
    fn a_share_is_rounded_up() {
        let every = |every| Stretch { every: NonZeroU64::new(every).expect("not zero"), ..Stretch::WHOLE };
        assert_eq!(every(4).share_of(10), Some(3));
        assert_eq!(Stretch { end: Some(PresentationTime(1)), ..Stretch::WHOLE }.share_of(10), None);
    }
}
