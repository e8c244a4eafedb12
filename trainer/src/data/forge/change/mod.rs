//! What is done to one of the two layers so that they differ: colour, sharpness, geometry, compression, noise.

mod colour;
mod jpeg;
mod noise;
mod sharpness;
pub(super) mod signed;
mod tone;
mod warp;

use std::fmt;

use cyborg_edge::face::crop::Cropper;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use self::colour::ColourMap;
use self::noise::Noise;
pub(super) use self::sharpness::Sharpness;
pub(super) use self::tone::Tone;
use self::warp::Warp;
pub(super) use self::warp::sample;
use super::error::ForgeError;
use super::face_frame::FaceFrame;

/// Share of the draws in which each further change joins the first one. With a third, half of the fakes have one or
/// two changes, and each pair of changes is met.
const FURTHER: f64 = 0.33;
/// The shift of the surest colour change, in grey levels: so much that a quarter of it, the least ratio,
/// changes enough even where half of the pixels are black or white already.
const SUREST_SHIFT: f32 = 32.0;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A small shift, zoom and turn, with elastic deformation. It is always the copy that moves: the landmarks and the
    /// mask are those of the target.
    Geometry,
    /// Hue, saturation and value; a shift of the channels; brightness and contrast. The last alone on a grey photo.
    Colour,
    /// Shrunk and grown again, blurred, or sharpened.
    Sharpness,
    /// Noise.
    Noise,
    /// JPEG.
    Compression,
}

impl Change {
    /// All of them, in the order in which they are done: that of a camera.
    pub const ALL: [Self; 5] = [Self::Geometry, Self::Colour, Self::Sharpness, Self::Noise, Self::Compression];

    /// Draws some of them, one at least. The first is more often one that a swap can't do without.
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Vec<Self> {
        let first = match random.random_range(0..10) {
            0..3 => Self::Geometry,
            3..6 => Self::Colour,
            6..8 => Self::Sharpness,
            8 => Self::Noise,
            _ => Self::Compression,
        };
        Self::ALL.into_iter().filter(|&change| change == first || random.random_bool(FURTHER)).collect()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Geometry => "geometry",
            Self::Colour => "colour",
            Self::Sharpness => "sharpness",
            Self::Noise => "noise",
            Self::Compression => "compression",
        })
    }
}

/// Changes pictures, keeping its buffers.
#[derive(Debug, Default)]
pub(super) struct Changer {
    cropper: Cropper,
    warped: Vec<u8>,
    small: Vec<u8>,
    coded: Vec<u8>,
}

impl Changer {
    /// Does a change to a picture of `side` pixels with a face on it.
    ///
    /// # Errors
    ///
    /// When the picture can't be resized or coded.
    pub(super) fn apply(
        &mut self,
        change: Change,
        pixels: &mut Vec<u8>,
        side: usize,
        frame: &FaceFrame,
        random: &mut ChaCha8Rng,
    ) -> Result<(), ForgeError> {
        match change {
            Change::Geometry => {
                Warp::draw(frame, random).apply(pixels, side, &mut self.warped);
                std::mem::swap(pixels, &mut self.warped);
            }
            Change::Colour => ColourMap::draw(Tone::of(pixels), random).apply(pixels),
            Change::Sharpness => {
                let sharpness = Sharpness::draw(frame.eye_distance(), random);
                sharpness.apply(pixels, side, &mut self.small, &mut self.cropper)?;
            }
            Change::Noise => Noise::draw(Tone::of(pixels), random).apply(pixels, random),
            Change::Compression => jpeg::apply(pixels, side, jpeg::draw(random), &mut self.coded)?,
        }
        Ok(())
    }

    /// Makes a picture of `side` pixels finer or coarser.
    ///
    /// # Errors
    ///
    /// When the picture can't be resized.
    pub(super) fn sharpen(
        &mut self,
        sharpness: Sharpness,
        pixels: &mut Vec<u8>,
        side: usize,
    ) -> Result<(), ForgeError> {
        Ok(sharpness.apply(pixels, side, &mut self.small, &mut self.cropper)?)
    }
}

/// A change of colour that is seen on any picture: away from black or white, whichever is nearer to the mean in the
/// mask, which has a level for each pixel.
pub(super) fn surest(pixels: &mut [u8], mask: &[u8]) {
    let (mut sum, mut full) = (0, 0);
    for (pixel, &level) in pixels.as_chunks::<3>().0.iter().zip(mask) {
        sum += u64::from(level) * pixel.iter().map(|&value| u64::from(value)).sum::<u64>();
        full += u64::from(level) * 3 * 255;
    }
    ColourMap::shift(if sum * 2 < full { SUREST_SHIFT } else { -SUREST_SHIFT }).apply(pixels);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::signed::signed;
    use super::*;

    #[test]
    fn there_is_a_change_in_each_draw_and_each_change_in_some() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 5];
        for _ in 0..500 {
            let changes = Change::draw(&mut random);
            assert!(!changes.is_empty());
            for (count, change) in counts.iter_mut().zip(Change::ALL) {
                *count += usize::from(changes.contains(&change));
            }
        }
        assert!(counts.iter().all(|&count| (150..400).contains(&count)), "{counts:?}");
    }

    #[test]
    fn the_surest_change_is_seen_on_any_picture() {
        // Two pixels in the mask; the third is left out of the decision.
        for picture in [[0, 0, 255], [255, 255, 0], [0, 255, 0], [255, 0, 255], [100; 3]] {
            let before: Vec<u8> = picture.into_iter().flat_map(|value| [value; 3]).collect();
            let mut after = before.clone();
            surest(&mut after, &[200, 200, 0]);
            let moved: u32 = before[..6].iter().zip(&after).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
            assert!(moved as f32 / 6.0 >= SUREST_SHIFT / 2.0, "{picture:?}: {after:?}");
        }
    }

    #[test]
    fn signs_are_both_drawn_within_the_range() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<f32> = (0..100).map(|_| signed((1.0, 2.0), &mut random)).collect();
        assert!(drawn.iter().all(|value| (1.0..=2.0).contains(&value.abs())));
        assert!(drawn.iter().any(|&value| value > 0.0) && drawn.iter().any(|&value| value < 0.0));
    }
}
