//! Changes of what is fine and what is coarse: shrunk and grown again, blurred, or sharpened.
//!
//! They stand for a face that was made at another size, or by a network that leaves pores out.

use cyborg_edge::face::crop::{Cropper, ResizeError};
use image::RgbImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Side of the shrunk picture over its side before: a face made at 64 to 128 pixels where 180 are wanted.
const SHRINK: (f32, f32) = (0.35, 0.7);
/// Standard deviation of the blur over the distance between the eyes (0.8 to 2.1 pixels at 75).
const BLUR: (f32, f32) = (0.011, 0.028);
/// Standard deviation of the blur whose opposite is added to sharpen, over the distance between the eyes.
const SHARPEN: (f32, f32) = (0.011, 0.03);
/// The least standard deviation, in pixels: a smaller one leaves all as it is.
const LEAST_DEVIATION: f32 = 0.5;
/// Grey levels below which sharpening leaves a difference alone; it keeps the grain of the skin down.
const SHARPEN_FROM: i32 = 1;

/// One such change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::data::forge) enum Sharpness {
    /// Shrunk to this part of the side, and grown again.
    Resample(f32),
    /// Blurred with this standard deviation in pixels.
    Blur(f32),
    /// Sharpened against a blur with this standard deviation in pixels.
    Sharpen(f32),
}

impl Sharpness {
    /// Draws one for a face with this distance between the eyes, in pixels.
    pub(in crate::data::forge) fn draw(eye_distance: f32, random: &mut ChaCha8Rng) -> Self {
        let kind = random.random_range(0..3);
        let mut between = |(least, most): (f32, f32), scale: f32| (random.random_range(least..=most) * scale).max(0.0);
        match kind {
            0 => Self::Resample(between(SHRINK, 1.0)),
            1 => Self::Blur(between(BLUR, eye_distance).max(LEAST_DEVIATION)),
            _ => Self::Sharpen(between(SHARPEN, eye_distance).max(LEAST_DEVIATION)),
        }
    }

    /// Draws one that makes a picture coarser.
    pub(in crate::data::forge) fn coarser(eye_distance: f32, random: &mut ChaCha8Rng) -> Self {
        loop {
            match Self::draw(eye_distance, random) {
                Self::Sharpen(_) => {}
                coarser => return coarser,
            }
        }
    }

    /// Changes a picture of `side` pixels. `small` is a buffer.
    ///
    /// # Errors
    ///
    /// When the picture can't be resized.
    pub(in crate::data::forge) fn apply(
        self,
        pixels: &mut Vec<u8>,
        side: usize,
        small: &mut Vec<u8>,
        cropper: &mut Cropper,
    ) -> Result<(), ResizeError> {
        match self {
            Self::Resample(part) => {
                let small_side = ((side as f32 * part).round() as usize).max(1);
                small.resize(small_side * small_side * 3, 0);
                cropper.resize(pixels, (side, side), small, (small_side, small_side))?;
                cropper.resize(small, (small_side, small_side), pixels, (side, side))?;
            }
            Self::Blur(deviation) => *pixels = image::imageops::blur(&taken(pixels, side), deviation).into_raw(),
            Self::Sharpen(deviation) => {
                *pixels = image::imageops::unsharpen(&taken(pixels, side), deviation, SHARPEN_FROM).into_raw();
            }
        }
        Ok(())
    }
}

fn taken(pixels: &mut Vec<u8>, side: usize) -> RgbImage {
    RgbImage::from_raw(side as u32, side as u32, std::mem::take(pixels))
        .expect("the forger checked the size of the picture")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// Steepest step between neighbours along the rows of a picture with an edge in its middle, after a change.
    fn steepest(sharpness: Sharpness) -> i32 {
        let side = 32;
        let mut pixels: Vec<u8> =
            (0..side * side * 3).map(|index| if index / 3 % side < side / 2 { 60 } else { 160 }).collect();
        sharpness.apply(&mut pixels, side, &mut Vec::new(), &mut Cropper::new()).expect("it can be resized");
        assert_eq!(pixels.len(), side * side * 3);
        let line: Vec<i32> = pixels.chunks_exact(3).take(side).map(|pixel| i32::from(pixel[0])).collect();
        line.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max().unwrap_or(0)
    }

    #[test]
    fn edges_get_softer_or_harder() {
        assert!(steepest(Sharpness::Resample(0.25)) < 60);
        assert!(steepest(Sharpness::Blur(1.5)) < 40);
        assert!(steepest(Sharpness::Sharpen(1.5)) > 140);
    }

    #[test]
    fn all_kinds_are_drawn_within_their_ranges() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut seen = [false; 3];
        for _ in 0..100 {
            match Sharpness::draw(75.0, &mut random) {
                Sharpness::Resample(part) => seen[0] |= (0.35..=0.7).contains(&part),
                Sharpness::Blur(deviation) => seen[1] |= (0.8..=2.2).contains(&deviation),
                Sharpness::Sharpen(deviation) => seen[2] |= (0.8..=2.3).contains(&deviation),
            }
        }
        assert_eq!(seen, [true; 3]);
        assert_ne!(Sharpness::draw(1.0, &mut random), Sharpness::Blur(0.0));
    }
}
