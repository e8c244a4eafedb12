//! Scene cuts: two frames in a row that show different things.
//!
//! Two small summaries of a frame are compared. The thumbnail changes at a cut and when the camera moves, the spread of
//! greys changes at a cut and when the light does; only a cut changes both.

use crate::frame::Frame;

/// Cells of the thumbnail, across and down.
const CELLS: (usize, usize) = (32, 18);
/// Pixels that are looked at in each cell, across and down. All of them would cost more and tell no more.
const SAMPLES: usize = 3;
/// Steps of grey in the histogram.
const BINS: usize = 32;
/// At a cut, the thumbnails differ by more than this on average.
const PICTURE_DIFFERS: f32 = 0.08;
/// At a cut, more than this share of the pixels has another grey.
const TONES_DIFFER: f32 = 0.25;
/// Thumbnails that differ by more than this are a cut, however alike the greys are: no camera turns so fast.
const PICTURE_IS_ANOTHER: f32 = 0.2;

/// What is remembered of a frame: a grey thumbnail, and how its greys are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Mean grey of each cell, 0 to 1.
    cells: [f32; CELLS.0 * CELLS.1],
    /// Share of the pixels in each step of grey; the sum is 1.
    tones: [f32; BINS],
}

/// How much two frames differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Mean absolute difference of the thumbnails' greys, 0 to 1.
    pub picture: f32,
    /// Share of pixels that would have to change their grey to make the histograms equal, 0 to 1.
    pub tones: f32,
}

impl Signature {
    /// The signature of a frame; that of a frame without pixels is all black.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        let mut signature = Self { cells: [0.0; CELLS.0 * CELLS.1], tones: [0.0; BINS] };
        if frame.width == 0 || frame.height == 0 {
            return signature;
        }
        let one = 1.0 / (SAMPLES * SAMPLES) as f32;
        let share = one / (CELLS.0 * CELLS.1) as f32;
        // The middle of the sample's part of the frame, which is inside it.
        let place = |sample: usize, cells: usize, length: usize| (2 * sample + 1) * length / (2 * cells * SAMPLES);
        for down in 0..CELLS.1 * SAMPLES {
            let row = place(down, CELLS.1, frame.height) * frame.width;
            for across in 0..CELLS.0 * SAMPLES {
                let at = (row + place(across, CELLS.0, frame.width)) * 3;
                let grey = luma(&frame.pixels[at..at + 3]);
                signature.cells[down / SAMPLES * CELLS.0 + across / SAMPLES] += grey / 255.0 * one;
                signature.tones[usize::from(grey as u8) * BINS / 256] += share;
            }
        }
        signature
    }

    /// How much this frame differs from another one.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Difference {
        let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>();
        Difference {
            picture: apart(&self.cells, &other.cells) / self.cells.len() as f32,
            tones: apart(&self.tones, &other.tones) / 2.0,
        }
    }
}

impl Difference {
    /// Whether frames that differ so show different scenes.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.picture > PICTURE_IS_ANOTHER || self.picture > PICTURE_DIFFERS && self.tones > TONES_DIFFER
    }
}

/// Looks for cuts in the frames of a source.
#[derive(Clone, Debug, Default)]
pub struct CutFinder {
    last: Option<Signature>,
}

impl CutFinder {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a new scene begins with `frame`. The first frame begins none.
    pub fn begins_scene(&mut self, frame: &Frame) -> bool {
        let signature = Signature::of(frame);
        let cut = self.last.as_ref().is_some_and(|last| signature.difference(last).is_cut());
        self.last = Some(signature);
        cut
    }
}

/// Grey of an RGB pixel, 0 to 255, with the weights of ITU-R BT.601.
pub(super) fn luma(pixel: &[u8]) -> f32 {
    0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey frame made from a function of the place, each coordinate in 0 to 1.
    fn frame(width: usize, height: usize, grey: impl Fn(f32, f32) -> f32) -> Frame {
        let mut frame = Frame::empty();
        frame.resize(width, height);
        for (index, pixel) in frame.pixels.chunks_exact_mut(3).enumerate() {
            let (x, y) = ((index % width) as f32 / width as f32, (index / width) as f32 / height as f32);
            pixel.fill(grey(x, y).clamp(0.0, 255.0) as u8);
        }
        frame
    }

    fn ramp(shift: f32) -> Frame {
        frame(320, 180, |x, y| 60.0 + 100.0 * (x + shift) + 30.0 * (y * 20.0).sin())
    }

    #[test]
    fn the_difference_is_the_one_by_hand() {
        let (dark, light) = (frame(64, 36, |_, _| 51.0), frame(64, 36, |_, _| 204.0));
        let found = Signature::of(&dark).difference(&Signature::of(&light));
        assert!((found.picture - 0.6).abs() < 1e-4 && (found.tones - 1.0).abs() < 1e-4, "{found:?}");
        // Half of the picture gets other greys.
        let half = frame(64, 36, |x, _| if x < 0.5 { 51.0 } else { 204.0 });
        let found = Signature::of(&dark).difference(&Signature::of(&half));
        assert!((found.picture - 0.3).abs() < 1e-4 && (found.tones - 0.5).abs() < 1e-4, "{found:?}");
    }

    fn check(next: &Frame, expected: bool) {
        let mut finder = CutFinder::new();
        assert!(!finder.begins_scene(&ramp(0.0)), "the first frame is no cut");
        assert!(!finder.begins_scene(&ramp(0.0)), "the same frame is no cut");
        assert_eq!(finder.begins_scene(next), expected);
        assert!(!finder.begins_scene(next), "a scene begins once");
    }

    #[test]
    fn motion_and_light_are_no_cuts() {
        check(&ramp(0.05), false);
        check(&frame(320, 180, |x, y| 70.0 + 100.0 * x + 30.0 * (y * 20.0).sin()), false);
    }

    #[test]
    fn another_scene_is_a_cut() {
        check(&frame(320, 180, |x, y| 200.0 - 180.0 * y + 20.0 * (x * 30.0).sin()), true);
        check(&frame(320, 180, |_, _| 0.0), true);
        // The same greys in other places.
        check(&frame(320, 180, |x, y| 400.0 - 400.0 * x + 30.0 * (y * 20.0).sin()), true);
    }

    #[test]
    fn tiny_and_empty_frames_have_signatures() {
        assert_eq!(Signature::of(&Frame::empty()).difference(&Signature::of(&Frame::empty())).picture, 0.0);
        let found = Signature::of(&frame(1, 1, |_, _| 255.0)).difference(&Signature::of(&Frame::empty()));
        assert!((found.picture - 1.0).abs() < 1e-4, "{found:?}");
    }
}
