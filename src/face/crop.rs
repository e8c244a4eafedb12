//! From a face box to the pixels that a classifier sees: the one crop-and-resize of the project.

use cyborg_models::contract::CropRule;
use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::frame::{Frame, PixelBox};

/// A square in whole pixels of a frame; it may reach over the frame's edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CropSquare {
    /// Distance from the left edge of the frame, negative where the square begins outside.
    pub left: i64,
    /// Distance from the upper edge of the frame.
    pub top: i64,
    /// Side, at least 1.
    pub side: usize,
}

/// The longest side of a crop. A box beyond it comes from a broken detector, not from a picture.
const LONGEST_SIDE: f32 = 65_536.0;

impl CropSquare {
    /// The square of `rule` around a face box: same centre, side `margin` times the longer side of the box, rounded.
    #[must_use]
    pub fn around(bounds: &PixelBox, rule: &CropRule) -> Self {
        let side = (bounds.width.max(bounds.height) * rule.margin).round().clamp(1.0, LONGEST_SIDE);
        let left = (bounds.left + bounds.width / 2.0 - side / 2.0).round();
        let top = (bounds.top + bounds.height / 2.0 - side / 2.0).round();
        Self { left: left as i64, top: top as i64, side: side as usize }
    }

    /// The square as a box.
    #[must_use]
    pub fn bounds(&self) -> PixelBox {
        PixelBox { left: self.left as f32, top: self.top as f32, width: self.side as f32, height: self.side as f32 }
    }

    fn is_inside(&self, frame: &Frame) -> bool {
        let fits = |start: i64, length: usize| start >= 0 && start as u64 + self.side as u64 <= length as u64;
        fits(self.left, frame.width) && fits(self.top, frame.height)
    }
}

/// A picture that can't be resized.
#[derive(Debug, thiserror::Error)]
#[error("can't resize a picture of {width}x{height}: {reason}")]
pub struct ResizeError {
    width: usize,
    height: usize,
    reason: String,
}

/// Cuts squares out of frames and resizes pictures, keeping its buffers between calls.
///
/// Resizing is bilinear with the support widened when shrinking, as Pillow does it, at most one grey level from it.
#[derive(Debug)]
pub struct Cropper {
    resizer: Resizer,
    border: Vec<u8>,
}

impl Default for Cropper {
    fn default() -> Self {
        Self::new()
    }
}

impl Cropper {
    /// A cropper with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self { resizer: Resizer::new(), border: Vec::new() }
    }

    /// Cuts `square` out of `frame` and writes it to `out` as `side` x `side` RGB pixels.
    ///
    /// Where the square leaves the frame, the nearest pixel of the frame stands.
    ///
    /// # Errors
    ///
    /// When the frame is empty, or `out` doesn't hold `side * side * 3` bytes.
    pub fn cut(&mut self, frame: &Frame, square: &CropSquare, side: usize, out: &mut [u8]) -> Result<(), ResizeError> {
        if frame.width == 0 || frame.height == 0 {
            return Err(error(frame.width, frame.height, "it has no pixels"));
        }
        if square.is_inside(frame) {
            let whole = (frame.width, frame.height);
            let window = Window { left: square.left as u32, top: square.top as u32, size: (square.side, square.side) };
            return resize(&mut self.resizer, &frame.pixels, whole, window, out, (side, side));
        }
        fill_border(frame, square, &mut self.border);
        let whole = (square.side, square.side);
        let window = Window { left: 0, top: 0, size: whole };
        resize(&mut self.resizer, &self.border, whole, window, out, (side, side))
    }

    /// Resizes a whole RGB picture of `from` (width, height) into `out` of `to` (width, height).
    ///
    /// # Errors
    ///
    /// When one of the buffers is shorter than its size says, or a size is 0.
    pub fn resize(
        &mut self,
        pixels: &[u8],
        from: (usize, usize),
        out: &mut [u8],
        to: (usize, usize),
    ) -> Result<(), ResizeError> {
        resize(&mut self.resizer, pixels, from, Window { left: 0, top: 0, size: from }, out, to)
    }
}

/// The part of a picture that is resized, in whole pixels and inside the picture.
struct Window {
    left: u32,
    top: u32,
    size: (usize, usize),
}

fn resize(
    resizer: &mut Resizer,
    pixels: &[u8],
    from: (usize, usize),
    window: Window,
    out: &mut [u8],
    to: (usize, usize),
) -> Result<(), ResizeError> {
    let fail = |reason: String| error(from.0, from.1, &reason);
    let sides = [from.0, from.1, to.0, to.1, window.size.0, window.size.1].map(u32::try_from);
    let [Ok(from_width), Ok(from_height), Ok(to_width), Ok(to_height), Ok(width), Ok(height)] = sides else {
        return Err(fail("a side is too long".to_owned()));
    };
    let source = ImageRef::new(from_width, from_height, pixels, PixelType::U8x3).map_err(|e| fail(e.to_string()))?;
    // A view of the window, not the resizer's own crop: that one would mix in pixels from outside the window.
    let source = CroppedImage::new(&source, window.left, window.top, width, height).map_err(|e| fail(e.to_string()))?;
    let mut target =
        Image::from_slice_u8(to_width, to_height, out, PixelType::U8x3).map_err(|e| fail(e.to_string()))?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).use_alpha(false);
    resizer.resize(&source, &mut target, &options).map_err(|e| fail(e.to_string()))
}

/// Copies the square out of the frame, repeating the frame's edge where the square leaves it.
fn fill_border(frame: &Frame, square: &CropSquare, out: &mut Vec<u8>) {
    out.resize(square.side * square.side * 3, 0);
    let nearest = |at: i64, length: usize| at.clamp(0, length as i64 - 1) as usize;
    for (row, line) in out.chunks_exact_mut(square.side * 3).enumerate() {
        let y = nearest(square.top + row as i64, frame.height);
        let source = &frame.pixels[y * frame.width * 3..(y + 1) * frame.width * 3];
        for (column, pixel) in line.chunks_exact_mut(3).enumerate() {
            let x = nearest(square.left + column as i64, frame.width);
            pixel.copy_from_slice(&source[x * 3..x * 3 + 3]);
        }
    }
}

fn error(width: usize, height: usize, reason: &str) -> ResizeError {
    ResizeError { width, height, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::{Alignment, Border};

    use super::*;

    fn gradient(width: usize, height: usize) -> Frame {
        let mut frame = Frame::empty();
        frame.resize(width, height);
        for (index, pixel) in frame.pixels.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&[(index % width) as u8, (index / width) as u8, 7]);
        }
        frame
    }

    #[test]
    fn the_square_keeps_the_centre_of_the_box() {
        let rule = CropRule { margin: 1.5, alignment: Alignment::None, border: Border::Replicate };
        let bounds = PixelBox { left: 10.0, top: 20.0, width: 40.0, height: 60.0 };
        assert_eq!(CropSquare::around(&bounds, &rule), CropSquare { left: -15, top: 5, side: 90 });
    }

    #[test]
    fn a_cut_of_the_same_size_is_the_pixels_themselves() {
        let frame = gradient(20, 10);
        let mut out = vec![0; 4 * 4 * 3];
        Cropper::new().cut(&frame, &CropSquare { left: 3, top: 2, side: 4 }, 4, &mut out).expect("inside");
        assert_eq!(&out[..6], &[3, 2, 7, 4, 2, 7]);
        assert_eq!(&out[out.len() - 3..], &[6, 5, 7]);
    }

    #[test]
    fn outside_the_frame_stands_its_nearest_pixel() {
        let frame = gradient(20, 10);
        let mut out = vec![0; 6 * 6 * 3];
        Cropper::new().cut(&frame, &CropSquare { left: -3, top: 7, side: 6 }, 6, &mut out).expect("over the edge");
        assert_eq!(&out[..3], &[0, 7, 7]);
        assert_eq!(&out[5 * 3..6 * 3], &[2, 7, 7]);
        assert_eq!(&out[out.len() - 3..], &[2, 9, 7]);
    }

    #[test]
    fn an_empty_frame_is_an_error() {
        let square = CropSquare { left: 0, top: 0, side: 4 };
        assert!(Cropper::new().cut(&Frame::empty(), &square, 4, &mut [0; 48]).is_err());
    }
}
