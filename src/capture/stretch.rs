//! Which frames of a source to judge: from a time, up to a time, every Nth or key frames alone.

use std::num::NonZeroU64;

use crate::frame::{PresentationTime, Running};

/// A moment of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// When it has run for so long, from its first frame on.
    Running(PresentationTime),
    /// When its own clock says this, which may be at several moments, or never.
    Clock(PresentationTime),
}

/// The frames that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// No frame before this moment.
    pub start: Option<Mark>,
    /// No frame at or after this moment, so that two stretches that touch share none.
    pub end: Option<Mark>,
    /// Which of these.
    pub every: Every,
}

/// Which frames of a stretch are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Each Nth, the first one among them.
    Nth(NonZeroU64),
    /// Key frames: those that can be decoded without others. A video is then decoded no further than for these.
    Key,
}

impl Every {
    /// All frames.
    pub const FRAME: Self = Self::Nth(NonZeroU64::MIN);
}

impl Mark {
    fn is_reached(self, time: PresentationTime, running: PresentationTime) -> bool {
        match self {
            Self::Running(mark) => running >= mark,
            Self::Clock(mark) => time >= mark,
        }
    }
}

impl Stretch {
    /// All frames.
    pub const WHOLE: Self = Self { start: None, end: None, every: Every::FRAME };

    /// How many frames are wanted of `frames`; nothing where only the times or the frames themselves would tell.
    #[must_use]
    pub fn share_of(&self, frames: u64) -> Option<u64> {
        match self.every {
            Every::Nth(nth) if self.start.is_none() && self.end.is_none() => Some(frames.div_ceil(nth.get())),
            Every::Nth(_) | Every::Key => None,
        }
    }
}

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    Take,
    Skip,
    End,
}

/// What it means that a source's own clock has come to the end that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtClockEnd {
    /// The clock may step back yet: the source is read on.
    GoOn,
    /// The source has no end of its own.
    #[cfg_attr(not(feature = "video"), expect(dead_code, reason = "only addresses have none"))]
    End,
}

/// Goes along with the frames of one source, in the order in which they are shown.
#[derive(Debug)]
pub(super) struct Picker {
    stretch: Stretch,
    at_clock_end: AtClockEnd,
    inside: u64,
}

impl Picker {
    pub(super) fn new(stretch: Stretch, at_clock_end: AtClockEnd) -> Self {
        Self { stretch, at_clock_end, inside: 0 }
    }

    /// What was asked for as the start.
    #[cfg_attr(not(feature = "video"), expect(dead_code, reason = "only a video can jump there"))]
    pub(super) fn start(&self) -> Option<Mark> {
        self.stretch.start
    }

    /// Whether key frames alone are wanted.
    #[cfg_attr(not(feature = "video"), expect(dead_code, reason = "only a video has frames that aren't key frames"))]
    pub(super) fn only_keys(&self) -> bool {
        self.stretch.every == Every::Key
    }

    /// How many frames so far lay between start and end, wanted or not.
    #[cfg_attr(not(feature = "video"), expect(dead_code, reason = "only a video has frames that aren't key frames"))]
    pub(super) fn inside(&self) -> u64 {
        self.inside
    }

    /// What is to be done with the next frame. `is_key` is of a frame that can be decoded without others.
    pub(super) fn pick(&mut self, time: PresentationTime, running: Running, is_key: bool) -> Pick {
        if let Some(end) = self.stretch.end.filter(|end| end.is_reached(time, running.time)) {
            return match (end, self.at_clock_end) {
                (Mark::Clock(_), AtClockEnd::GoOn) => Pick::Skip,
                _ => Pick::End,
            };
        }
        // A source whose clock goes back is not left again once it was entered.
        if self.inside == 0 && self.stretch.start.is_some_and(|start| !start.is_reached(time, running.time)) {
            return Pick::Skip;
        }
        self.inside += 1;
        let is_wanted = match self.stretch.every {
            Every::Nth(nth) => (self.inside - 1).is_multiple_of(nth.get()),
            Every::Key => is_key,
        };
        if is_wanted { Pick::Take } else { Pick::Skip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(second: i64) -> PresentationTime {
        PresentationTime(second * 1_000_000)
    }

    /// Frames that are shown at these seconds of the source's own clock, and at 0, 1, 2, ... of the running one: which are
    /// taken before the end.
    fn check(times: &[i64], start: Option<Mark>, end: Option<Mark>, every: u64, taken: &[i64]) {
        check_keys(times, start, end, nth(every), taken);
    }

    fn nth(every: u64) -> Every {
        Every::Nth(NonZeroU64::new(every).expect("not zero"))
    }

    /// The same, where each third frame from the second one on is a key frame.
    fn check_keys(times: &[i64], start: Option<Mark>, end: Option<Mark>, every: Every, taken: &[i64]) {
        let mut picker = Picker::new(Stretch { start, end, every }, AtClockEnd::GoOn);
        let mut found = Vec::new();
        for (at, &time) in (0..).zip(times) {
            match picker.pick(second(time), Running { time: second(at), jumps: 0 }, at % 3 == 1) {
                Pick::Take => found.push(at),
                Pick::Skip => {}
                Pick::End => break,
            }
        }
        assert_eq!(found, taken, "{start:?} {end:?} {every:?}");
    }

    const PLAIN: [i64; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    /// A clock that begins anew.
    const ANEW: [i64; 8] = [100, 101, 102, 103, 0, 1, 2, 3];

    fn ran(seconds: i64) -> Option<Mark> {
        Some(Mark::Running(second(seconds)))
    }

    fn clock(seconds: i64) -> Option<Mark> {
        Some(Mark::Clock(second(seconds)))
    }

    #[test]
    fn start_is_inside_and_end_is_not() {
        check(&PLAIN, None, None, 1, &PLAIN);
        check(&PLAIN, ran(3), ran(6), 1, &[3, 4, 5]);
        check(&PLAIN, ran(20), None, 1, &[]);
        check(&PLAIN, None, ran(0), 1, &[]);
        check(&PLAIN, clock(3), clock(6), 1, &[3, 4, 5]);
    }

    #[test]
    fn running_time_goes_through_jumps_of_the_clock() {
        check(&ANEW, ran(2), ran(6), 1, &[2, 3, 4, 5]);
        check(&ANEW, None, ran(7), 1, &[0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_sources_own_clock_ends_nothing_early() {
        check(&ANEW, clock(102), None, 1, &[2, 3, 4, 5, 6, 7]);
        check(&ANEW, None, clock(102), 1, &[0, 1, 4, 5, 6, 7]);
        let mut picker = Picker::new(Stretch { end: clock(102), ..Stretch::WHOLE }, AtClockEnd::End);
        assert_eq!(picker.pick(second(102), Running::default(), true), Pick::End);
    }

    #[test]
    fn each_nth_counts_from_the_start() {
        check(&PLAIN, None, None, 4, &[0, 4, 8]);
        check(&PLAIN, ran(3), None, 3, &[3, 6, 9]);
    }

    #[test]
    fn key_frames_are_those_inside() {
        check_keys(&PLAIN, None, None, Every::Key, &[1, 4, 7]);
        check_keys(&PLAIN, ran(2), ran(7), Every::Key, &[4]);
        check_keys(&PLAIN, ran(8), None, Every::Key, &[]);
    }

    #[test]
    fn a_share_is_rounded_up() {
        let every = |every| Stretch { every, ..Stretch::WHOLE };
        assert_eq!(every(nth(4)).share_of(10), Some(3));
        assert_eq!(every(Every::Key).share_of(10), None, "nobody knows how many these are");
        assert_eq!(Stretch { end: ran(1), ..Stretch::WHOLE }.share_of(10), None);
    }
}
