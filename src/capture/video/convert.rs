//! From the decoder's pictures to upright RGB with square pixels.

use std::ffi::c_int;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::color::{Range, Space};
use ffmpeg_next::ffi;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling;

use super::orientation::Orientation;
use crate::frame::Frame;

/// The converter writes whole vectors, so it may touch a few bytes behind the last row.
const SLACK: usize = 64;
/// 1 in swscale's fixed point.
const ONE: c_int = 1 << 16;

/// All that decides how a picture is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) format: Pixel,
    /// Width and height in pixels as decoded.
    pub(super) size: (u32, u32),
    /// Width and height with square pixels.
    pub(super) square: (u32, u32),
    pub(super) space: Space,
    pub(super) range: Range,
}

/// Turns pictures of one shape into RGB.
pub(super) struct Converter {
    pub(super) shape: Shape,
    context: scaling::Context,
    /// The picture before it is turned; empty where it needs no turn.
    lying: Vec<u8>,
}

// SAFETY: the context is plain memory with no tie to a thread, and has one owner.
#[expect(unsafe_code, reason = "the binding leaves its pointer type without this mark")]
unsafe impl Send for Converter {}

impl Converter {
    pub(super) fn new(shape: Shape) -> Result<Self, ffmpeg::Error> {
        let ((width, height), (square_width, square_height)) = (shape.size, shape.square);
        let flags = scaling::Flags::BILINEAR;
        let mut context =
            scaling::Context::get(shape.format, width, height, Pixel::RGB24, square_width, square_height, flags)?;
        set_colours(&mut context, &shape);
        Ok(Self { shape, context, lying: Vec::new() })
    }

    /// Writes the picture, which has this converter's shape, into the frame.
    pub(super) fn convert(
        &mut self,
        picture: &ffmpeg::frame::Video,
        turn: Orientation,
        frame: &mut Frame,
    ) -> Result<(), ffmpeg::Error> {
        let size = (self.shape.square.0 as usize, self.shape.square.1 as usize);
        let (width, height) = turn.size(size);
        frame.resize(width, height);
        if turn == Orientation::NONE {
            return write_rgb(&mut self.context, &self.shape, picture, &mut frame.pixels);
        }
        self.lying.resize(size.0 * size.1 * 3, 0);
        write_rgb(&mut self.context, &self.shape, picture, &mut self.lying)?;
        turn.apply(&self.lying, size, &mut frame.pixels);
        Ok(())
    }
}

/// Width and height of a picture whose pixels are `aspect` times as wide as high, with square pixels: the width changes.
pub(super) fn square((width, height): (u32, u32), aspect: ffmpeg::Rational) -> (u32, u32) {
    let (up, down) = (u64::from(aspect.numerator().unsigned_abs()), u64::from(aspect.denominator().unsigned_abs()));
    let stretched = (u64::from(width) * up + down / 2) / down.max(1);
    (u32::try_from(stretched).unwrap_or(u32::MAX).max(1), height)
}

/// The matrix of a picture that doesn't name one: players take BT.709 for high definition and BT.601 below, and so do
/// most encoders.
fn matrix(shape: &Shape) -> c_int {
    match shape.space {
        Space::BT709 => ffi::SWS_CS_ITU709,
        Space::BT470BG | Space::SMPTE170M => ffi::SWS_CS_ITU601,
        Space::FCC => ffi::SWS_CS_FCC,
        Space::SMPTE240M => ffi::SWS_CS_SMPTE240M,
        Space::BT2020NCL | Space::BT2020CL => ffi::SWS_CS_BT2020,
        _ if shape.size.0 >= 1280 || shape.size.1 > 576 => ffi::SWS_CS_ITU709,
        _ => ffi::SWS_CS_ITU601,
    }
}

/// Whether brightness goes from 0 to 255. Where nothing is said, it does for JPEG's formats and for grey.
fn is_full_range(shape: &Shape) -> bool {
    let format = shape.format;
    let by_nature = || {
        let jpeg = [Pixel::YUVJ420P, Pixel::YUVJ422P, Pixel::YUVJ444P, Pixel::YUVJ440P, Pixel::YUVJ411P];
        let grey = [Pixel::GRAY8, Pixel::GRAY10LE, Pixel::GRAY12LE, Pixel::GRAY16LE, Pixel::GRAY16BE];
        jpeg.contains(&format) || grey.contains(&format)
    };
    match shape.range {
        Range::JPEG => true,
        Range::MPEG => false,
        Range::Unspecified => by_nature(),
    }
}

#[expect(unsafe_code, reason = "the binding has no name for these calls")]
fn set_colours(context: &mut scaling::Context, shape: &Shape) {
    // SAFETY: the context is open; the tables are constants of the library, which are copied.
    let code = unsafe {
        let from = ffi::sws_getCoefficients(matrix(shape));
        let to = ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT);
        let full = c_int::from(is_full_range(shape));
        ffi::sws_setColorspaceDetails(context.as_mut_ptr(), from, full, to, 1, 0, ONE, ONE)
    };
    // Formats that are RGB themselves have nothing to set.
    if code < 0 {
        log::debug!("colour matrix and range don't apply to {:?}", shape.format);
    }
}

#[expect(unsafe_code, reason = "the binding can only convert into frames of its own, which would have to be copied")]
fn write_rgb(
    context: &mut scaling::Context,
    shape: &Shape,
    picture: &ffmpeg::frame::Video,
    pixels: &mut Vec<u8>,
) -> Result<(), ffmpeg::Error> {
    // Exactly: a vector that grows by a few bytes doubles its room.
    pixels.reserve_exact(SLACK);
    let planes = [pixels.as_mut_ptr(), std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut()];
    let strides = [(shape.square.0 * 3) as c_int, 0, 0, 0];
    // SAFETY: the context was made for this picture's format and size; the first plane has room for all rows of RGB
    // pixels of the square size and `SLACK` bytes behind them; both live through the call.
    let rows = unsafe {
        let source = picture.as_ptr();
        ffi::sws_scale(
            context.as_mut_ptr(),
            (*source).data.as_ptr().cast(),
            (*source).linesize.as_ptr(),
            0,
            shape.size.1 as c_int,
            planes.as_ptr(),
            strides.as_ptr(),
        )
    };
    // Otherwise the buffer would still hold an older frame.
    if rows == shape.square.1 as c_int { Ok(()) } else { Err(ffmpeg::Error::InvalidData) }
}

#[cfg(test)]
mod tests {
    use super::square;

    #[test]
    fn only_the_width_is_stretched() {
        assert_eq!(square((720, 576), (16, 15).into()), (768, 576));
        assert_eq!(square((720, 480), (8, 9).into()), (640, 480));
        assert_eq!(square((5, 5), (1, 100).into()), (1, 5));
        assert_eq!(square((7, 3), (1, 0).into()), (7, 3));
    }
}
