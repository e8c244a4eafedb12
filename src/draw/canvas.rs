//! A picture in memory to draw on.

use std::ops::Range;

use crate::frame::PixelBox;

/// An RGB picture to draw on.
#[derive(Debug)]
pub struct Canvas<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    stride: usize,
    pixels: &'a mut [u8],
}

impl<'a> Canvas<'a> {
    /// A canvas over `pixels`: RGB, rows from the top, one every `stride` bytes. `None` when they don't fit in there.
    #[must_use]
    pub fn new(width: usize, height: usize, stride: usize, pixels: &'a mut [u8]) -> Option<Self> {
        // The last row may end with its last pixel: a canvas can be a part of a picture.
        let fits = stride >= width * 3 && pixels.len() >= stride * height.saturating_sub(1) + width * 3;
        fits.then_some(Self { width, height, stride, pixels })
    }

    /// The columns of the canvas whose centres lie in `place`.
    #[must_use]
    pub fn span_x(&self, place: &PixelBox) -> Range<usize> {
        span(place.left, place.width, self.width)
    }

    /// The rows of the canvas whose centres lie in `place`.
    #[must_use]
    pub fn span_y(&self, place: &PixelBox) -> Range<usize> {
        span(place.top, place.height, self.height)
    }

    /// Mixes a colour into a pixel; `strength` in 0 (nothing) to 1 (the colour alone). Outside the canvas nothing happens.
    pub fn blend(&mut self, x: usize, y: usize, colour: [u8; 3], strength: f32) {
        if x >= self.width || y >= self.height {
            return;
        }
        mix(self.row(y, x..x + 1), colour, strength);
    }

    /// Pixels of a row, which are in the canvas.
    pub(super) fn row(&mut self, y: usize, columns: Range<usize>) -> &mut [u8] {
        &mut self.pixels[y * self.stride..][columns.start * 3..columns.end * 3]
    }

    /// Mixes a colour into all pixels whose centres lie in `place`.
    pub(super) fn fill(&mut self, place: &PixelBox, colour: [u8; 3], strength: f32) {
        let columns = self.span_x(place);
        for y in self.span_y(place) {
            self.row(y, columns.clone()).chunks_exact_mut(3).for_each(|pixel| mix(pixel, colour, strength));
        }
    }
}

/// Mixes a colour into a pixel; `strength` in 0 to 1. In whole numbers: of a face in a large picture these are millions.
pub(super) fn mix(pixel: &mut [u8], colour: [u8; 3], strength: f32) {
    const ONE: i32 = 1 << 15;
    let strength = (strength * ONE as f32) as i32;
    for (old, new) in pixel.iter_mut().zip(colour) {
        let (from, to) = (i32::from(*old), i32::from(new));
        *old = (from + (((to - from) * strength + ONE / 2) >> 15)) as u8;
    }
}

fn span(start: f32, length: f32, limit: usize) -> Range<usize> {
    // A pixel's centre is half a pixel in. Casts saturate, so a box far outside gives an empty span.
    let first = (start - 0.5).ceil().max(0.0) as usize;
    let last = (start + length - 0.5).ceil().max(0.0) as usize;
    first.min(limit)..last.min(limit)
}
