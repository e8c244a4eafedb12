//! What happens to a picture on its way: it is shrunk, coded, and looked at in a mirror, and stays the same picture otherwise.

use image::RgbImage;
use image::imageops::{FilterType, resize};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::jpeg::jpeg;
use super::mirror::mirror;

/// Share of the pictures that are shrunk, and of those that are coded.
const OFTEN: f64 = 0.7;
/// Smallest side of a face that is shrunk, in pixels.
const LEAST_SIDE: f32 = 72.0;
/// Qualities of the JPEG coder: from what sites keep of an upload to what cameras write.
const QUALITY: std::ops::RangeInclusive<u8> = 50..=95;

/// One random variant of a square RGB picture of `side`, at the same side again, and whether it was mirrored. The same random numbers
/// give the same variant.
///
/// # Errors
///
/// When the JPEG coder fails, or `pixels` don't have that size.
pub(super) fn coded(pixels: Vec<u8>, side: usize, random: &mut ChaCha8Rng) -> anyhow::Result<(Vec<u8>, bool)> {
    let whole = side as u32;
    let least = LEAST_SIDE.min(side as f32);
    let shrunk = random.random_bool(OFTEN);
    // Even in the logarithm, as sizes of faces are.
    let small = (random.random_range(least.ln()..=(side as f32).ln())).exp().round() as u32;
    let filter = [FilterType::Triangle, FilterType::CatmullRom, FilterType::Lanczos3][random.random_range(0..3)];
    let quality = random.random_bool(OFTEN).then(|| random.random_range(QUALITY));
    let mirrored = random.random_bool(0.5);
    let Some(mut picture) = RgbImage::from_raw(whole, whole, pixels) else {
        anyhow::bail!("a picture to vary doesn't have the size that it should");
    };
    if shrunk {
        picture = resize(&picture, small, small, filter);
    }
    if let Some(quality) = quality {
        let now = picture.width();
        let pixels = jpeg(picture.as_raw(), now as usize, quality)?;
        picture = RgbImage::from_raw(now, now, pixels).unwrap_or(picture);
    }
    if picture.width() != whole {
        picture = resize(&picture, whole, whole, FilterType::Triangle);
    }
    let mut pixels = picture.into_raw();
    if mirrored {
        mirror(&mut pixels, side);
    }
    Ok((pixels, mirrored))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_variant_keeps_its_size_and_mostly_its_look() {
        let side = 96;
        // A slope from dark to light, from top to bottom: a mirror doesn't change it.
        let pixels: Vec<u8> = (0..side * side * 3).map(|at| (at / (side * 3)) as u8 * 2).collect();
        let variant =
            |seed| coded(pixels.clone(), side, &mut ChaCha8Rng::seed_from_u64(seed)).expect("it can be coded").0;
        assert_eq!(variant(3), variant(3));
        let mut changed = 0;
        for seed in 0..30 {
            let found = variant(seed);
            assert_eq!(found.len(), pixels.len());
            let off: f64 = found.iter().zip(&pixels).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).sum();
            assert!(off / (pixels.len() as f64) < 4.0, "seed {seed}: {off}");
            changed += usize::from(off > 0.0);
        }
        assert!(changed > 20, "{changed} of 30 were changed");
    }

    #[test]
    fn pixels_of_another_size_are_an_error() {
        assert!(coded(vec![0; 12], 3, &mut ChaCha8Rng::seed_from_u64(1)).is_err());
    }
}
