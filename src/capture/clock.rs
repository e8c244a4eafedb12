//! The running clock of a source: its own clock with the jumps taken out.
//!
//! Clocks of recorders and cameras begin anew, are set right by hours, and step back; files are cut together of several
//! such pieces. What counts time here (stretches, tracks, the annotated video, reports) counts it by this clock, which
//! never goes back: after a step back it goes on by a frame, and a gap that no source has by itself is a second. Tables have
//! the source's own times beside it. Pure: times in, times out.

use crate::frame::{PresentationTime, Running};

/// No clock that runs on leaves out more than this between two frames, nor more than a number of usual steps.
pub const LONGEST: i64 = 10_000_000;
/// See [`LONGEST`]: a source may have a picture a minute.
const MOST_STEPS: i64 = 10;
/// What a jump ahead counts for.
const GAP: i64 = 1_000_000;
/// A clock that steps back by less may be that of frames in a wrong order: it is looked at some more of them first.
const SLIGHT: i64 = 1_000_000;
/// Frames in which a slight step back shows what it is.
const DOUBTED: u8 = 4;
/// Steps that a frame rate may claim, in microseconds.
const STEPS: (i64, i64) = (1_000, 60_000_000);
/// The step where nothing is claimed.
const USUAL: i64 = 40_000;
/// Times beyond these are those of no clock; within them no sum overflows.
const FARTHEST: i64 = i64::MAX / 8;

/// Goes along with all frames of one source, in the order in which they are shown.
#[derive(Clone, Debug)]
pub struct RunningClock {
    begin: Begin,
    /// Mean step between frames, jumps left out.
    usual: i64,
    last: Option<Last>,
    /// What is added to the source's own time.
    offset: i64,
    jumps: u64,
    doubt: Option<Doubt>,
}

/// What the first frame has.
#[derive(Clone, Copy, Debug)]
enum Begin {
    /// Zero.
    Zero,
    /// The time since this one.
    Since(i64),
}

#[derive(Clone, Copy, Debug)]
struct Last {
    time: i64,
    running: i64,
}

/// A slight step back that may be none.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    /// Of the clock before the step.
    offset: i64,
    highest: i64,
    left: u8,
}

impl RunningClock {
    /// A clock that counts from the first frame; `rate` is what the source claims, in frames a second.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        Self::begun(Begin::Zero, rate)
    }

    /// A clock that counts from `zero`, for a source whose first frames are passed over, or that counts by itself.
    #[must_use]
    pub fn since(zero: PresentationTime, rate: Option<f64>) -> Self {
        Self::begun(Begin::Since(zero.0), rate)
    }

    fn begun(begin: Begin, rate: Option<f64>) -> Self {
        // The cast saturates.
        let step = rate.filter(|rate| *rate > 0.0).map_or(USUAL, |rate| (1e6 / rate) as i64);
        Self { begin, usual: step.clamp(STEPS.0, STEPS.1), last: None, offset: 0, jumps: 0, doubt: None }
    }

    /// The next frame is shown at `time` by the source's own clock. `went_on` tells of two times whether something else, its
    /// sound for example, shows that the source went on between them.
    pub fn tell(&mut self, time: PresentationTime, went_on: impl FnOnce(i64, i64) -> bool) -> Running {
        let time = time.0.clamp(-FARTHEST, FARTHEST);
        let running = match self.last {
            None => {
                let zero = match self.begin {
                    Begin::Zero => time,
                    Begin::Since(zero) => zero.clamp(-FARTHEST, FARTHEST),
                };
                self.offset = -zero;
                time - zero
            }
            Some(last) => self.next(last, time, went_on),
        };
        self.last = Some(Last { time, running });
        Running { time: PresentationTime(running), jumps: self.jumps }
    }

    fn next(&mut self, last: Last, time: i64, went_on: impl FnOnce(i64, i64) -> bool) -> i64 {
        let ahead = time - last.time;
        if let Some(doubt) = self.doubt.filter(|doubt| (1..=self.longest()).contains(&(time - doubt.highest))) {
            // The clock goes on where it was: some frames were out of order.
            self.doubt = None;
            self.offset = doubt.offset;
        } else if (-SLIGHT..0).contains(&ahead) {
            // Small enough that the clock can catch up, should these be frames out of order.
            let running = last.running + self.usual / 4;
            let known = Doubt { offset: self.offset, highest: last.time, left: DOUBTED };
            self.doubt.get_or_insert(known);
            self.offset = running - time;
        } else if ahead < 0 {
            self.jump(last.running + self.usual, time);
        } else if ahead > self.longest() && !went_on(last.time, time) {
            self.jump(last.running + GAP, time);
        } else if ahead > 0 {
            self.usual = (self.usual + (ahead - self.usual) / 8).max(STEPS.0);
        }
        if let Some(doubt) = &mut self.doubt {
            doubt.left -= 1;
            if doubt.left == 0 {
                self.doubt = None;
                self.jumps += 1;
            }
        }
        (time + self.offset).max(last.running)
    }

    fn jump(&mut self, running: i64, time: i64) {
        self.offset = running - time;
        self.doubt = None;
        self.jumps += 1;
    }

    fn longest(&self) -> i64 {
        LONGEST.max(self.usual.saturating_mul(MOST_STEPS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times in, running times out, both in milliseconds; and how many jumps there were.
    fn check(times: &[i64], expected: &[i64], jumps: u64) {
        let mut clock = RunningClock::new(Some(25.0));
        let told: Vec<Running> =
            times.iter().map(|time| clock.tell(PresentationTime(time * 1000), |_, _| false)).collect();
        let running: Vec<i64> = told.iter().map(|told| told.time.0 / 1000).collect();
        assert_eq!(running, expected, "{times:?}");
        assert_eq!(told.last().map(|told| told.jumps), Some(jumps), "{times:?}");
    }

    #[test]
    fn a_clock_that_runs_on_counts_from_its_first_frame() {
        check(&[0, 40, 80, 120], &[0, 40, 80, 120], 0);
        check(&[1400, 1440, 1480], &[0, 40, 80], 0);
        check(&[-80, -40, 0], &[0, 40, 80], 0);
        // Uneven steps, a pause, and a picture that is shown twice.
        check(&[0, 500, 9000, 9000, 9040], &[0, 500, 9000, 9000, 9040], 0);
    }

    #[test]
    fn a_clock_that_begins_anew_goes_on_by_a_frame() {
        check(&[100_000, 100_040, 0, 40, 80], &[0, 40, 80, 120, 160], 1);
        check(&[30_000, 30_040, 28_000, 28_040, 0, 40], &[0, 40, 80, 120, 160, 200], 2);
    }

    #[test]
    fn a_jump_ahead_is_a_second() {
        check(&[0, 40, 3_600_000, 3_600_040], &[0, 40, 1040, 1080], 1);
        check(&[0, 40, 1_764_310_001_000, 1_764_310_001_040, 120], &[0, 40, 1040, 1080, 1120], 2);
    }

    #[test]
    fn frames_out_of_order_are_no_jump() {
        check(&[0, 40, 120, 80, 160, 200], &[0, 40, 120, 131, 160, 200], 0);
        check(&[0, 80, 40, 160, 120, 240, 200], &[0, 80, 91, 160, 171, 240, 251], 0);
        check(&[0, 120, 80, 40, 160, 200], &[0, 120, 132, 145, 160, 200], 0);
    }

    #[test]
    fn a_slight_step_back_that_lasts_is_a_jump() {
        check(
            &[0, 40, 80, 120, 160, 200, 240, 0, 40, 80, 120, 160],
            &[0, 40, 80, 120, 160, 200, 240, 250, 290, 330, 370, 410],
            1,
        );
    }

    #[test]
    fn a_sparse_source_has_long_steps() {
        let mut clock = RunningClock::new(Some(1.0 / 30.0));
        for frame in 0..5 {
            let told = clock.tell(PresentationTime(frame * 30_000_000), |_, _| false);
            assert_eq!(told, Running { time: PresentationTime(frame * 30_000_000), jumps: 0 });
        }
    }

    #[test]
    fn what_went_on_all_the_while_is_a_pause() {
        let mut clock = RunningClock::new(None);
        clock.tell(PresentationTime(0), |_, _| false);
        let told = clock.tell(PresentationTime(60_000_000), |from, to| (from, to) == (0, 60_000_000));
        assert_eq!(told, Running { time: PresentationTime(60_000_000), jumps: 0 });
    }

    #[test]
    fn a_source_whose_first_frames_are_passed_over() {
        let mut clock = RunningClock::since(PresentationTime(1_400_000), None);
        assert_eq!(clock.tell(PresentationTime(61_400_000), |_, _| false).time.0, 60_000_000);
    }

    #[test]
    fn no_time_is_too_far() {
        let mut clock = RunningClock::new(Some(f64::MIN_POSITIVE));
        let mut before = 0;
        for time in [i64::MIN, i64::MAX, 0, i64::MIN, -1, i64::MAX, i64::MAX] {
            let told = clock.tell(PresentationTime(time), |_, _| false).time.0;
            assert!(told >= before && told < 1_000_000_000_000, "{told}");
            before = told;
        }
    }
}
