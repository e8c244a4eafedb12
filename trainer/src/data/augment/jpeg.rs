//! A picture through JPEG and back.

use cyborg_edge::capture;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// Codes a square RGB picture as JPEG of a quality in 1 to 100, and decodes it again as the runtime decodes files.
///
/// # Errors
///
/// When the coder fails.
pub fn jpeg(pixels: &[u8], side: usize, quality: u8) -> anyhow::Result<Vec<u8>> {
    let mut coded = Vec::new();
    let side = side as u32;
    JpegEncoder::new_with_quality(&mut coded, quality).encode(pixels, side, side, ExtendedColorType::Rgb8)?;
    let mut decoded = Vec::new();
    capture::jpeg::decode(&coded, &mut decoded)?;
    debug_assert_eq!(decoded.len(), pixels.len());
    Ok(decoded)
}
