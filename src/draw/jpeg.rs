//! Pictures as JPEG files.

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

/// Quality of the JPEG files, 1 to 100: at this one faces show no blocks.
const QUALITY: i32 = 82;

/// A JPEG file of RGB pixels in rows; `size` is width and height.
pub(crate) fn encode(pixels: &[u8], (width, height): (usize, usize)) -> turbojpeg::Result<Vec<u8>> {
    let mut compressor = Compressor::new()?;
    compressor.set_quality(QUALITY)?;
    compressor.set_subsamp(Subsamp::Sub2x2)?;
    compressor.compress_to_vec(Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB })
}
