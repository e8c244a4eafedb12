//! What a face and its surroundings look like, in a few hundred numbers: enough to know a person again within seconds, when a
//! picture shows the same tile in another place. It is no recognition of faces: background and clothes tell as much, and another day
//! it knows nobody.

use crate::frame::{Frame, PixelBox, luma};

/// Cells across and down of the face itself, whose greys are looked at without their brightness and contrast.
const PATCH: usize = 12;
/// Cells across and down of the face with its surroundings, whose colours are looked at as they are.
const GRID: usize = 10;
/// Side of the surroundings, in longer sides of the face's box. More of it would be the neighbour's tile.
const SURROUNDINGS: f32 = 1.6;
/// Pixels that are looked at in each cell, across and down.
const SAMPLES: usize = 2;
/// Less of a spread than this, in levels of grey, is noise.
const LEAST_SPREAD: f32 = 4.0;
/// What a difference of the patches counts beside that of the colours: heads turn and mouths move.
const PATCH_COUNTS: f32 = 0.1;

/// What a face looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Looks {
    /// Greys of the face, of mean 0 and spread 1.
    patch: [f32; PATCH * PATCH],
    /// Luma and both differences of colour, each 0 to 1 or -0.5 to 0.5.
    grid: [[f32; 3]; GRID * GRID],
}

impl Looks {
    /// The looks of a face in a frame; where its box is no box or the frame is empty, they are those of a grey wall.
    pub(super) fn of(frame: &Frame, bounds: &PixelBox) -> Self {
        let mut looks = Self { patch: [0.0; PATCH * PATCH], grid: [[0.0; 3]; GRID * GRID] };
        if frame.width == 0 || frame.height == 0 {
            return looks;
        }
        let side = bounds.width.max(bounds.height);
        sample(frame, bounds, side, PATCH, |cell, pixel| looks.patch[cell] += luma(pixel));
        let one = 1.0 / (255 * SAMPLES * SAMPLES) as f32;
        sample(frame, bounds, side * SURROUNDINGS, GRID, |cell, pixel| {
            let grey = luma(pixel);
            let colours = [grey, 0.564 * (f32::from(pixel[2]) - grey), 0.713 * (f32::from(pixel[0]) - grey)];
            looks.grid[cell].iter_mut().zip(colours).for_each(|(sum, colour)| *sum += colour * one);
        });
        let count = looks.patch.len() as f32;
        let mean = looks.patch.iter().sum::<f32>() / count;
        let spread = (looks.patch.iter().map(|grey| (grey - mean).powi(2)).sum::<f32>() / count).sqrt();
        let least = LEAST_SPREAD * (SAMPLES * SAMPLES) as f32;
        looks.patch.iter_mut().for_each(|grey| *grey = (*grey - mean) / (spread + least));
        looks
    }

    /// How unlike two looks are: 0 for the same, 0.1 from one moment of a person to the next, 0.3 and more for others.
    pub(super) fn distance(&self, other: &Self) -> f32 {
        let alike: f32 = self.patch.iter().zip(&other.patch).map(|(a, b)| a * b).sum::<f32>() / self.patch.len() as f32;
        let apart = |a: &[f32; 3], b: &[f32; 3]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() + (a[2] - b[2]).abs();
        let colours: f32 = self.grid.iter().zip(&other.grid).map(|(a, b)| apart(a, b)).sum();
        PATCH_COUNTS * (1.0 - alike) + colours / self.grid.len() as f32
    }

    /// Goes so far towards others: 0 stays, 1 becomes them.
    pub(super) fn approach(&mut self, other: &Self, share: f32) {
        let mine = self.patch.iter_mut().chain(self.grid.as_flattened_mut());
        let theirs = other.patch.iter().chain(other.grid.as_flattened());
        mine.zip(theirs).for_each(|(mine, their)| *mine += share * (their - *mine));
    }
}

/// Tells of pixels of the square around the middle of a box, with the number of the cell that each is in. Beside the frame are its
/// nearest pixels.
fn sample(frame: &Frame, bounds: &PixelBox, side: f32, cells: usize, mut tell: impl FnMut(usize, &[u8])) {
    let middle = (bounds.left + bounds.width / 2.0, bounds.top + bounds.height / 2.0);
    let count = cells * SAMPLES;
    // Casts saturate, and what is no number becomes 0.
    let place = |middle: f32, at: usize, length: usize| {
        let along = middle + ((at as f32 + 0.5) / count as f32 - 0.5) * side;
        (along as usize).min(length - 1)
    };
    for down in 0..count {
        let row = place(middle.1, down, frame.height) * frame.width;
        for across in 0..count {
            let at = (row + place(middle.0, across, frame.width)) * 3;
            tell(down / SAMPLES * cells + across / SAMPLES, &frame.pixels[at..at + 3]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face of `side` pixels at a place, drawn by a function of where in it one is, 0 to 1 and beyond.
    fn frame(left: f32, top: f32, side: f32, paint: impl Fn(f32, f32) -> [u8; 3]) -> (Frame, PixelBox) {
        let mut frame = Frame::empty();
        frame.resize(400, 300);
        for (at, pixel) in frame.pixels.chunks_exact_mut(3).enumerate() {
            let (x, y) = ((at % 400) as f32, (at / 400) as f32);
            pixel.copy_from_slice(&paint((x - left) / side, (y - top) / side));
        }
        (frame, PixelBox { left, top, width: side * 0.8, height: side })
    }

    fn one(x: f32, y: f32) -> [u8; 3] {
        [(120.0 + 80.0 * (7.0 * x).sin()) as u8, (100.0 + 60.0 * (9.0 * y).cos()) as u8, 60]
    }

    fn other(x: f32, y: f32) -> [u8; 3] {
        [90, (130.0 + 80.0 * (5.0 * x + 4.0 * y).sin()) as u8, (100.0 + 60.0 * (6.0 * x).cos()) as u8]
    }

    fn looks(left: f32, top: f32, side: f32, paint: impl Fn(f32, f32) -> [u8; 3]) -> Looks {
        let (frame, bounds) = frame(left, top, side, paint);
        Looks::of(&frame, &bounds)
    }

    #[test]
    fn place_and_size_change_nothing() {
        let known = looks(60.0, 60.0, 100.0, one);
        assert!(known.distance(&known) < 0.05);
        for (left, top, side) in [(200.0, 90.0, 100.0), (150.0, 60.0, 150.0), (40.0, 40.0, 50.0)] {
            let found = known.distance(&looks(left, top, side, one));
            assert!(found < 0.08, "{found} at {left}, {top}, {side}");
        }
        let found = known.distance(&looks(60.0, 60.0, 100.0, other));
        assert!(found > 0.3, "{found}");
    }

    #[test]
    fn a_mean_becomes_what_is_seen() {
        let (mut mean, seen) = (looks(60.0, 60.0, 100.0, one), looks(60.0, 60.0, 100.0, other));
        for _ in 0..50 {
            mean.approach(&seen, 0.2);
        }
        assert!(mean.distance(&seen) < 0.05);
    }

    #[test]
    fn odd_boxes_and_empty_frames_do_no_harm() {
        let (frame, _) = frame(60.0, 60.0, 100.0, one);
        for odd in [f32::NAN, f32::INFINITY, -1e30, 0.0, 1e30] {
            let bounds = PixelBox { left: odd, top: odd, width: odd, height: odd };
            assert!(!Looks::of(&frame, &bounds).distance(&looks(60.0, 60.0, 100.0, one)).is_nan(), "{odd}");
        }
        let nothing = PixelBox { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
        assert!(Looks::of(&Frame::empty(), &nothing).distance(&looks(60.0, 60.0, 100.0, one)) > 0.1);
    }
}
