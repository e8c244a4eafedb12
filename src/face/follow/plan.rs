//! In which frames faces are looked for: in all of them, or in every k-th one with the tracker's motion between.

use std::num::NonZeroU32;

use super::cut::CutFinder;
use crate::frame::Frame;

/// Faces are looked for in the first frame, in every k-th one from there, and in the first one of each scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectEvery(pub NonZeroU32);

impl DetectEvery {
    /// In every frame.
    pub const FRAME: Self = Self(NonZeroU32::MIN);
}

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// A scene begins with it: nobody is followed from the frame before.
    pub cut: bool,
    /// Faces are looked for in it; else the tracks say where they must be.
    pub looks: bool,
    /// Width and height of the frame before, where this one has others.
    pub resized_from: Option<(usize, usize)>,
}

impl Plan {
    /// Faces are looked for, in a frame that goes on from the one before.
    pub const LOOK: Self = Self { cut: false, looks: true, resized_from: None };
}

/// Makes the plan for each frame of one source.
#[derive(Debug)]
pub struct Planner {
    cuts: CutFinder,
    rhythm: Rhythm,
    /// Width and height of the last frame.
    size: Option<(usize, usize)>,
}

impl Planner {
    /// A planner that has seen no frame.
    #[must_use]
    pub fn new(every: DetectEvery) -> Self {
        Self { cuts: CutFinder::new(), rhythm: Rhythm::new(every), size: None }
    }

    /// The plan for the next frame.
    pub fn plan(&mut self, frame: &Frame) -> Plan {
        let cut = self.cuts.begins_scene(frame);
        let new = (frame.width, frame.height);
        let resized_from = self.size.replace(new).filter(|&old| old != new);
        // Where faces are in pictures of another size is not to be guessed.
        let looks = self.rhythm.looks(cut || resized_from.is_some());
        Plan { cut, looks, resized_from }
    }
}

/// Where in its rhythm a source is.
#[derive(Clone, Debug)]
struct Rhythm {
    every: DetectEvery,
    /// Frames since the last one in which faces were looked for, that one included.
    since: u32,
}

impl Rhythm {
    fn new(every: DetectEvery) -> Self {
        Self { every, since: every.0.get() }
    }

    /// Whether faces are looked for in the next frame; `anew` where nothing is known of the frames before it.
    fn looks(&mut self, anew: bool) -> bool {
        let looks = anew || self.since >= self.every.0.get();
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
