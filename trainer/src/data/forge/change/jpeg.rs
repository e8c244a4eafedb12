//! Compression: the face was kept as a JPEG of another quality.

use cyborg_edge::capture;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::data::forge::error::ForgeError;

/// Quality: below 30 the blocks are all that is seen; above 70 the traces are lost in the next compression.
const QUALITY: (u8, u8) = (30, 70);

/// Draws a quality.
pub(super) fn draw(random: &mut ChaCha8Rng) -> u8 {
    random.random_range(QUALITY.0..=QUALITY.1)
}

/// Codes a picture of `side` pixels and decodes it again, as the runtime decodes files. `coded` is a buffer.
///
/// # Errors
///
/// When the coder fails.
pub(super) fn apply(pixels: &mut Vec<u8>, side: usize, quality: u8, coded: &mut Vec<u8>) -> Result<(), ForgeError> {
    coded.clear();
    let length = side as u32;
    JpegEncoder::new_with_quality(&mut *coded, quality).encode(pixels, length, length, ExtendedColorType::Rgb8)?;
    capture::jpeg::decode(coded, pixels)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_quality_is_farther_from_the_picture() {
        let side = 32;
        let pixels: Vec<u8> = (0..side * side * 3).map(|index| (index * index / 7 % 251) as u8).collect();
        let off = |quality: u8| {
            let mut coded = pixels.clone();
            apply(&mut coded, side, quality, &mut Vec::new()).expect("it can be coded");
            pixels.iter().zip(&coded).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>()
        };
        assert!(off(30) > off(70) && off(70) > 0, "{} and {}", off(30), off(70));
    }
}
