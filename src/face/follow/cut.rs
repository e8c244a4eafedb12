//! Scene cuts: consecutive frames that show different scenes.
//!
//! Two small summaries of a frame are compared. The thumbnail changes at a cut and when the camera moves, the spread of
//! greys changes at a cut and when the light does; only a cut changes both.

use crate::face::resize::Resize;
use crate::frame::{Frame, luma};

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

/// At a jump of the source's clock nobody knows what was left out: a part of the picture that differs by more than this, as
/// another person in the same place does, begins a scene. Frames that follow each other at once differ by less.
const PART_DIFFERS: f32 = 0.12;
/// Cells of such a part, across and down.
const PART: (usize, usize) = (4, 3);
/// Where pictures change their size, at least this share of the thumbnail is in both.
const SHARED: f32 = 0.25;

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

    /// The greatest mean difference of the thumbnails in a part of the picture, 0 to 1.
    #[must_use]
    pub fn greatest_difference(&self, other: &Self) -> f32 {
        let mut parts = [0.0; (CELLS.0 / PART.0) * (CELLS.1 / PART.1)];
        for (cell, (a, b)) in self.cells.iter().zip(&other.cells).enumerate() {
            let (across, down) = (cell % CELLS.0 / PART.0, cell / CELLS.0 / PART.1);
            parts[down * (CELLS.0 / PART.0) + across] += (a - b).abs() / (PART.0 * PART.1) as f32;
        }
        parts.into_iter().fold(0.0, f32::max)
    }

    /// Whether a frame of another size and shape shows the same as the one of `size` that this is of.
    fn is_seen_in(&self, size: (usize, usize), frame: &Frame) -> bool {
        Resize::ways(size, (frame.width, frame.height)).iter().any(|way| {
            let (mut sum, mut shared) = (0.0, 0.0_f32);
            for (cell, known) in self.cells.iter().enumerate() {
                if let Some(grey) = cell_in(frame, size, way, (cell % CELLS.0, cell / CELLS.0)) {
                    sum += (known - grey).abs();
                    shared += 1.0;
                }
            }
            shared > SHARED * self.cells.len() as f32 && sum / shared <= PICTURE_DIFFERS
        })
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

/// Mean grey, 0 to 1, of what a thumbnail's cell of pictures of `size` shows, in a frame of another size; `None` where that
/// is not in it.
fn cell_in(frame: &Frame, size: (usize, usize), way: &Resize, (across, down): (usize, usize)) -> Option<f32> {
    let place = |cell: usize, sample: usize, cells: usize, length: usize| {
        (2 * (cell * SAMPLES + sample) + 1) as f32 * length as f32 / (2 * cells * SAMPLES) as f32
    };
    let mut sum = 0.0;
    for sample in 0..SAMPLES * SAMPLES {
        let (x, y) =
            way.point(place(across, sample % SAMPLES, CELLS.0, size.0), place(down, sample / SAMPLES, CELLS.1, size.1));
        let inside = x >= 0.0 && y >= 0.0 && (x as usize) < frame.width && (y as usize) < frame.height;
        let at = if inside { (y as usize * frame.width + x as usize) * 3 } else { return None };
        sum += luma(&frame.pixels[at..at + 3]);
    }
    Some(sum / 255.0 / (SAMPLES * SAMPLES) as f32)
}

/// Looks for cuts in the frames of a source.
#[derive(Clone, Debug, Default)]
pub struct CutFinder {
    last: Option<Last>,
}

/// What is remembered of the last frame.
#[derive(Clone, Debug)]
struct Last {
    signature: Signature,
    size: (usize, usize),
    jumps: u64,
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
        let size = (frame.width, frame.height);
        let cut = self.last.as_ref().is_some_and(|last| {
            // Whoever only scales or cuts its pictures shows the same.
            if last.size != size && last.signature.is_seen_in(last.size, frame) {
                return false;
            }
            let jumped = last.jumps != frame.jumps();
            signature.difference(&last.signature).is_cut()
                || jumped && signature.greatest_difference(&last.signature) > PART_DIFFERS
        });
        self.last = Some(Last { signature, size, jumps: frame.jumps() });
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{PresentationTime, Running};

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
    fn another_size_or_shape_is_no_cut() {
        let scene = |x: f32, y: f32| 128.0 + 60.0 * (x * 9.0).sin() + 60.0 * (y * 7.0).cos();
        let show = |width: usize, height: usize| frame(width, height, |x, y| scene(x * 16.0 / 9.0, y));
        let next = |next: &Frame| {
            let mut finder = CutFinder::new();
            finder.begins_scene(&show(320, 180));
            finder.begins_scene(next)
        };
        assert!(!next(&show(640, 360)), "scaled");
        assert!(!next(&show(320, 320)), "stretched");
        let bars =
            |x: f32, y: f32| if (0.125..0.875).contains(&y) { scene(x * 16.0 / 9.0, (y - 0.125) / 0.75) } else { 0.0 };
        assert!(!next(&frame(320, 240, bars)), "with bars");
        // As much around the same middle, at the same scale.
        let turned = |x: f32, y: f32| scene((160.0 + 180.0 * (x - 0.5)) / 180.0, (90.0 + 320.0 * (y - 0.5)) / 180.0);
        assert!(!next(&frame(180, 320, turned)), "turned");
        assert!(next(&frame(320, 240, |x, y| scene(3.0 - y * 5.0, x * 4.0))), "another scene");
        assert!(next(&frame(640, 360, |x, y| 255.0 - scene(x * 16.0 / 9.0, y))), "another scene of the same shape");
    }

    #[test]
    fn a_part_that_changes_at_a_jump_of_the_clock_begins_a_scene() {
        let show = |grey: f32, jumps: u64| {
            let person = |x: f32, y: f32| (0.4..0.6).contains(&x) && (0.3..0.7).contains(&y);
            let mut frame = frame(320, 180, |x, y| if person(x, y) { grey } else { 60.0 + 100.0 * x });
            frame.running = Some(Running { time: PresentationTime(0), jumps });
            frame
        };
        let next = |grey: f32, jumps: u64| {
            let mut finder = CutFinder::new();
            finder.begins_scene(&show(100.0, 0));
            finder.begins_scene(&show(grey, jumps))
        };
        assert!(!next(160.0, 0), "the clock runs on");
        assert!(!next(110.0, 1), "the same at another time");
        assert!(next(160.0, 1), "somebody else in the same place");
    }

    #[test]
    fn tiny_and_empty_frames_have_signatures() {
        assert_eq!(Signature::of(&Frame::empty()).difference(&Signature::of(&Frame::empty())).picture, 0.0);
        let found = Signature::of(&frame(1, 1, |_, _| 255.0)).difference(&Signature::of(&Frame::empty()));
        assert!((found.picture - 1.0).abs() < 1e-4, "{found:?}");
    }
}
