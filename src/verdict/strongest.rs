//! The few frames of a track that speak most for synthetic, for a person to look at.

use super::judgement::SyntheticProbability;
use crate::frame::{PixelBox, PresentationTime};

/// Frames that are kept.
const KEPT: usize = 4;
/// Frames closer than this show the same, in microseconds.
const APART: u64 = 500_000;

/// A frame of a track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrongFrame {
    /// Number of the frame.
    pub frame: u64,
    /// When it is shown on the running clock.
    pub time: PresentationTime,
    /// Where the face is in it.
    pub bounds: PixelBox,
    /// p(synthetic) of this frame alone.
    pub probability: SyntheticProbability,
}

/// The strongest frames so far, at least half a second apart.
#[derive(Clone, Debug)]
pub(super) struct Strongest {
    frames: Vec<StrongFrame>,
}

impl Strongest {
    pub(super) fn new() -> Self {
        Self { frames: Vec::with_capacity(KEPT + 1) }
    }

    /// Takes a frame in if it is stronger than all that are close to it, and than the weakest that is kept.
    pub(super) fn offer(&mut self, frame: StrongFrame) {
        let close = |kept: &StrongFrame| kept.time.0.abs_diff(frame.time.0) < APART;
        let weaker = |kept: &StrongFrame| kept.probability < frame.probability;
        if self.frames.iter().any(|kept| close(kept) && !weaker(kept)) {
            return;
        }
        self.frames.retain(|kept| !close(kept));
        let at = self.frames.iter().position(weaker).unwrap_or(self.frames.len());
        self.frames.insert(at, frame);
        self.frames.truncate(KEPT);
    }

    /// The strongest first.
    pub(super) fn sorted(&self) -> Vec<StrongFrame> {
        self.frames.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(offered: &[(i64, f32)], expected: &[i64]) {
        let mut strongest = Strongest::new();
        let bounds = PixelBox { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
        for (frame, &(tenths, p)) in offered.iter().enumerate() {
            let time = PresentationTime(tenths * 100_000);
            strongest.offer(StrongFrame { frame: frame as u64, time, bounds, probability: SyntheticProbability(p) });
        }
        let found: Vec<_> = strongest.sorted().iter().map(|frame| frame.time.0 / 100_000).collect();
        assert_eq!(found, expected, "{offered:?}");
    }

    #[test]
    fn the_strongest_frames_are_kept_apart_in_time() {
        check(&[(0, 0.5), (1, 0.6), (2, 0.4)], &[1]);
        check(&[(0, 0.5), (10, 0.9), (20, 0.7)], &[10, 20, 0]);
        check(&[(0, 0.1), (10, 0.2), (20, 0.3), (30, 0.4), (40, 0.5), (50, 0.0)], &[40, 30, 20, 10]);
        check(&[(0, 0.5), (5, 0.5), (3, 0.9)], &[3]);
    }
}
