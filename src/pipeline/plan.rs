//! In which frames faces are looked for: in all of them, or in each k-th one with the tracker's motion between.

use std::num::NonZeroU32;

/// Faces are looked for in the first frame, in each k-th one from there, and in the first one of each scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectEvery(pub NonZeroU32);

impl DetectEvery {
    /// In every frame.
    pub const FRAME: Self = Self(NonZeroU32::MIN);
}

/// Where in the rhythm a source is.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    every: DetectEvery,
    /// Frames since the last one in which faces were looked for, that one included.
    since: u32,
}

impl Rhythm {
    pub(crate) fn new(every: DetectEvery) -> Self {
        Self { every, since: every.0.get() }
    }

    /// Whether faces are looked for in the next frame; `cut` when a scene begins with it.
    pub(crate) fn looks(&mut self, cut: bool) -> bool {
        let looks = cut || self.since >= self.every.0.get();
        self.since = if looks { 1 } else { self.since + 1 };
        looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(every: u32, cuts: &[usize], expected: &str) {
        let every = DetectEvery(NonZeroU32::new(every).expect("not zero"));
        let mut rhythm = Rhythm::new(every);
        let looks = (0..expected.len()).map(|frame| if rhythm.looks(cuts.contains(&frame)) { 'x' } else { '.' });
        assert_eq!(looks.collect::<String>(), expected);
    }

    #[test]
    fn a_cut_begins_the_rhythm_anew() {
        check(1, &[], "xxxx");
        check(3, &[], "x..x..x.");
        check(3, &[4], "x..xx..x");
        check(4, &[1, 2], "xxx...x");
    }
}
