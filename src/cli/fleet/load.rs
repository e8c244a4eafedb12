//! How many more cameras a worker could judge, by how those fare that it judges. Numbers in, numbers out.
//!
//! A live run looks at the newest frame, and drops what it has no time for: a worker that has too much to do looks at each camera less
//! often, and its verdicts are of older frames. That it drops frames is no fault by itself.

use std::time::Duration;

/// A camera that is looked at so many times a second, or as often as it has frames, has all that it needs.
const ENOUGH_LOOKS: f64 = 5.0;
/// And so it has where the frames that verdicts are of are no older than this, on average.
const FRESH: Duration = Duration::from_millis(1500);
/// A window in which too much was to be done counts if the one before it was like it: cameras that are opened take time, once.
const IN_A_ROW: u32 = 2;
/// So many windows after the last one of them it is tried again with more cameras.
const LAPSES_AFTER: u32 = 60;

/// How a camera fared in a window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fared {
    /// Frames that came.
    pub(super) captured: u64,
    /// Frames in which faces were looked for.
    pub(super) looked_at: u64,
    /// Faces that were scored.
    pub(super) scored: u64,
    /// The sum of the ages that their frames had by then.
    pub(super) verdict_age: Duration,
}

/// What was learned of this machine.
#[derive(Clone, Debug)]
pub(super) struct Load {
    capacity: u64,
    /// How many cameras it could do when it had too many, and how many windows ago that was.
    most: Option<(u64, u32)>,
    in_a_row: u32,
}

impl Fared {
    /// Which share of what it needs a camera got in this time; nothing where it gave no frames.
    fn share(&self, time: Duration) -> Option<f64> {
        let a_second = |count: u64| count as f64 / time.as_secs_f64().max(1e-3);
        let needed = a_second(self.captured).min(ENOUGH_LOOKS);
        let age = self.verdict_age.as_secs_f64() / self.scored.max(1) as f64;
        let fresh = FRESH.as_secs_f64() / age.max(1e-9);
        (self.captured > 0).then(|| (a_second(self.looked_at) / needed).min(fresh).min(1.0))
    }
}

impl Load {
    /// Of a worker that is made for so many cameras.
    pub(super) fn new(capacity: u64) -> Self {
        Self { capacity, most: None, in_a_row: 0 }
    }

    /// A window of so long is over, in which its cameras fared like this.
    pub(super) fn learn(&mut self, cameras: &[Fared], time: Duration) {
        let shares: Vec<f64> = cameras.iter().filter_map(|camera| camera.share(time)).collect();
        // Ten that are looked at half as often as they need are as much work as five. A little less than all is all.
        let done = (shares.iter().sum::<f64>() + 0.25) as u64;
        let is_overloaded = done < shares.len() as u64;
        self.in_a_row = if is_overloaded { self.in_a_row + 1 } else { 0 };
        if self.in_a_row >= IN_A_ROW {
            self.most = Some((done.max(1), 0));
        } else if let Some((most, windows)) = self.most {
            self.most = (windows < LAPSES_AFTER).then_some((most, windows + 1));
        }
    }

    /// How many more it could judge than the `held` ones; below zero: how many it has too many.
    pub(super) fn headroom(&self, held: u64) -> i64 {
        let most = self.most.map_or(self.capacity, |(most, _)| most.min(self.capacity));
        i64::try_from(most).unwrap_or(i64::MAX).saturating_sub(i64::try_from(held).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(5);

    /// A camera of so many frames a second that is looked at so often, with verdicts of this age.
    fn camera(rate: u64, looks: u64, age_ms: u64) -> Fared {
        let verdict_age = Duration::from_millis(age_ms * 50);
        Fared { captured: rate * 5, looked_at: looks * 5, scored: 50, verdict_age }
    }

    #[test]
    fn what_a_camera_got_of_what_it_needs() {
        let check = |fared: Fared, expected: Option<f64>| {
            let found = fared.share(WINDOW);
            let is_near = |(found, expected): (f64, f64)| (found - expected).abs() < 1e-6;
            assert!(found.zip(expected).map_or(found == expected, is_near), "{fared:?}: {found:?}");
        };
        check(camera(25, 25, 40), Some(1.0));
        // Frames are dropped, and it is looked at often enough.
        check(camera(30, 6, 300), Some(1.0));
        check(camera(2, 2, 300), Some(1.0));
        check(camera(25, 1, 300), Some(0.2));
        check(camera(25, 25, 3000), Some(0.5));
        check(camera(0, 0, 0), None);
        // Nobody is in the picture.
        check(Fared { scored: 0, verdict_age: Duration::ZERO, ..camera(25, 5, 0) }, Some(1.0));
    }

    #[test]
    fn who_has_too_much_to_do_says_how_much() {
        let mut load = Load::new(20);
        assert_eq!((load.headroom(0), load.headroom(7)), (20, 13));
        let (well, badly) = (vec![camera(25, 9, 200); 10], vec![camera(25, 3, 200); 10]);
        load.learn(&well, WINDOW);
        load.learn(&badly, WINDOW);
        assert_eq!(load.headroom(10), 10, "once may be for cameras that are opened");
        load.learn(&well, WINDOW);
        load.learn(&badly, WINDOW);
        load.learn(&badly, WINDOW);
        assert_eq!(load.headroom(10), -4);
        // It gave four up: with six all is well, which doesn't mean that there is room again.
        for _ in 0..LAPSES_AFTER {
            load.learn(&well[..6], WINDOW);
            assert_eq!(load.headroom(6), 0);
        }
        load.learn(&well[..6], WINDOW);
        assert_eq!(load.headroom(6), 14, "it is tried again");
        (0..2).for_each(|_| load.learn(&[camera(25, 1, 9000)], WINDOW));
        assert_eq!(load.headroom(1), 0, "one can always be judged");
        (0..=LAPSES_AFTER).for_each(|_| load.learn(&[], WINDOW));
        assert_eq!(load.headroom(0), 20);
    }
}
