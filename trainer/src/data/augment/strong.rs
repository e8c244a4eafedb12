//! The strong preset: what a photo goes through between a camera and a detector, and more of it than happens, so that
//! framing, colour, backdrop, sharpness and compression of a collection can't stand for its class.
//!
//! Beyond the robust preset: parts of a face alone, the colours of another face (of either class), what is around the face
//! hidden, another resampling filter each time, JPEG before as well as after, patches covered.

use cyborg_edge::face::crop::CropSquare;
use image::RgbImage;
use image::imageops::FilterType;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::jpeg::jpeg;
use super::mirror::mirror;
use super::{Augmenter, Sample, WideCrop, colour, noise, sharpness};
use crate::data::saliency::Saliency;

/// Share of the faces of which only a part is shown.
const PARTS: f64 = 0.35;
/// Side of such a part over the exact crop's.
const PART: (f32, f32) = (0.45, 0.9);
/// Side of other crops over the exact crop's.
const ZOOM: (f32, f32) = (0.88, 1.2);
/// Share of the faces that get colours of another face.
const RECOLOURED: f64 = 0.5;
/// Share of the faces around which all is hidden.
const HIDDEN: f64 = 0.35;
/// Half axes of the ellipse that stays, over the exact crop's side.
const ELLIPSE: [(f32, f32); 2] = [(0.36, 0.5), (0.42, 0.6)];
/// Share of the faces that are shrunk and enlarged again.
const SHRUNK: f64 = 0.65;
/// Least side of a shrunk face in pixels.
const LEAST_SHRUNK: f32 = 48.0;
/// Share of the faces on which a patch is covered.
const COVERED: f64 = 0.2;

/// Mean and standard deviation of red, green and blue of a picture, in grey levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    mean: [f32; 3],
    deviation: [f32; 3],
}

impl Palette {
    /// The palette of RGB pixels; every seventh pixel is enough.
    #[must_use]
    pub fn of(pixels: &[u8]) -> Self {
        let (mut sum, mut square, mut count) = ([0.0_f64; 3], [0.0_f64; 3], 0.0_f64);
        for pixel in pixels.as_chunks::<3>().0.iter().step_by(7) {
            for (channel, &value) in pixel.iter().enumerate() {
                sum[channel] += f64::from(value);
                square[channel] += f64::from(value).powi(2);
            }
            count += 1.0;
        }
        let count = count.max(1.0);
        let mean = sum.map(|sum| sum / count);
        let deviation = |channel: usize| (square[channel] / count - mean[channel].powi(2)).max(0.0).sqrt() as f32;
        Self { mean: mean.map(|mean| mean as f32), deviation: std::array::from_fn(deviation) }
    }

    /// Moves pixels a share of the way towards this palette (E. Reinhard and others, "Color Transfer between Images", 2001, in
    /// red, green and blue).
    fn lend(&self, pixels: &mut [u8], share: f32) {
        let own = Self::of(pixels);
        // A flat picture has no contrast to stretch.
        let gain = |channel: usize| (self.deviation[channel] / own.deviation[channel].max(8.0)).clamp(0.4, 2.5);
        let gain: [f32; 3] = std::array::from_fn(gain);
        for pixel in pixels.as_chunks_mut::<3>().0 {
            for (channel, value) in pixel.iter_mut().enumerate() {
                let old = f32::from(*value);
                let new = (old - own.mean[channel]) * gain[channel] + self.mean[channel];
                *value = (old + (new - old) * share).round() as u8;
            }
        }
    }
}

impl Augmenter {
    /// One random variant of a face by the strong preset; `other` is the palette of another face.
    ///
    /// # Errors
    ///
    /// When the crop's buffer doesn't have its size, or the JPEG coder fails.
    pub fn vary_strongly(
        &mut self,
        wide: WideCrop<'_>,
        saliency: Saliency,
        other: Palette,
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Sample> {
        let side = wide.side;
        let square = placed(wide, random);
        let Sample { mut pixels, mut saliency } = self.cut(wide, saliency, &square)?;
        if random.random_bool(HIDDEN) {
            hide_around(&mut pixels, &Ellipse::draw(wide, &square, random), side, random);
        }
        if random.random_bool(0.5) {
            mirror(&mut pixels, side);
            saliency = saliency.mirrored();
        }
        if random.random_bool(RECOLOURED) {
            other.lend(&mut pixels, random.random_range(0.3..=1.0));
        }
        colour(&mut pixels, random);
        if random.random_bool(0.3) {
            gamma(&mut pixels, random.random_range(-0.5..=0.5_f32).exp());
        }
        if random.random_bool(SHRUNK) {
            pixels = self.shrink(pixels, side, random)?;
        }
        pixels = sharpness(pixels, side, random);
        if random.random_bool(0.3) {
            noise(&mut pixels, random);
        }
        if random.random_bool(COVERED) {
            cover(&mut pixels, side, random);
        }
        if random.random_bool(0.85) {
            pixels = jpeg(&pixels, side, random.random_range(30..=98))?;
        }
        Ok(Sample { pixels, saliency })
    }

    /// Shrinks and enlarges again, by a filter of its own; sometimes it is coded as JPEG in between.
    fn shrink(&mut self, pixels: Vec<u8>, side: usize, random: &mut ChaCha8Rng) -> anyhow::Result<Vec<u8>> {
        let least = (LEAST_SHRUNK / side as f32).clamp(0.2, 0.9);
        let small = ((side as f32 * random.random_range(least..1.0)) as usize).max(8);
        self.small.resize(small * small * 3, 0);
        self.cropper.resize(&pixels, (side, side), &mut self.small, (small, small))?;
        if random.random_bool(0.4) {
            self.small = jpeg(&self.small, small, random.random_range(35..=95))?;
        }
        let filter = match random.random_range(0..10) {
            0 => FilterType::Nearest,
            1..3 => FilterType::CatmullRom,
            3 => FilterType::Lanczos3,
            _ => {
                let mut large = pixels;
                self.cropper.resize(&self.small, (small, small), &mut large, (side, side))?;
                return Ok(large);
            }
        };
        let Some(picture) = RgbImage::from_raw(small as u32, small as u32, std::mem::take(&mut self.small)) else {
            return Ok(pixels);
        };
        Ok(image::imageops::resize(&picture, side as u32, side as u32, filter).into_raw())
    }
}

/// A square in the wide crop: a part of the face, or all of it a little off its place.
fn placed(crop: WideCrop<'_>, random: &mut ChaCha8Rng) -> CropSquare {
    let (wide, exact) = (crop.wide_side as f32, crop.side as f32);
    let is_part = random.random_bool(PARTS);
    let zoom = if is_part { PART } else { ZOOM };
    let side = (exact * random.random_range(zoom.0..=zoom.1)).round().min(wide);
    let middle = (wide - side) / 2.0;
    // A part lies anywhere in the exact crop; a whole face is off by up to a tenth of the side, and never out of the wide crop.
    let room = if is_part { (exact - side) / 2.0 } else { middle.min(side * 0.1) };
    let mut along = || (middle + random.random_range(-1.0..=1.0) * room).round() as i64;
    CropSquare { left: along(), top: along(), side: side as usize }
}

/// The face in a crop of it, in pixels.
struct Ellipse {
    centre: [f32; 2],
    axes: [f32; 2],
}

impl Ellipse {
    /// The face is in the middle of the wide crop, wherever the square lies in it.
    fn draw(wide: WideCrop<'_>, square: &CropSquare, random: &mut ChaCha8Rng) -> Self {
        let scale = wide.side as f32 / square.side as f32;
        let middle = wide.wide_side as f32 / 2.0;
        let centre = [(middle - square.left as f32) * scale, (middle - square.top as f32) * scale];
        let axes = ELLIPSE.map(|(low, high)| random.random_range(low..=high) * wide.side as f32 * scale);
        Self { centre, axes }
    }

    /// 0 inside, 1 outside, soft on the edge.
    fn outside(&self, column: usize, row: usize) -> f32 {
        let x = (column as f32 + 0.5 - self.centre[0]) / self.axes[0];
        let y = (row as f32 + 0.5 - self.centre[1]) / self.axes[1];
        ((x.hypot(y) - 0.95) * 10.0).clamp(0.0, 1.0)
    }
}

/// Puts one colour, or the picture's own colours with nothing left to see, around the face.
fn hide_around(pixels: &mut [u8], ellipse: &Ellipse, side: usize, random: &mut ChaCha8Rng) {
    let colour: [f32; 3] = match random.random_range(0..4) {
        0 => [0.0; 3],
        1 => [255.0; 3],
        2 => Palette::of(pixels).mean,
        _ => std::array::from_fn(|_| random.random_range(0.0..=255.0)),
    };
    for (index, pixel) in pixels.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let share = ellipse.outside(index % side, index / side);
        if share > 0.0 {
            for (value, colour) in pixel.iter_mut().zip(colour) {
                *value = (f32::from(*value) + (colour - f32::from(*value)) * share).round() as u8;
            }
        }
    }
}

fn gamma(pixels: &mut [u8], power: f32) {
    let table: [u8; 256] = std::array::from_fn(|level| ((level as f32 / 255.0).powf(power) * 255.0).round() as u8);
    for value in pixels {
        *value = table[usize::from(*value)];
    }
}

/// Covers a rectangle, of a tenth to four tenths of the side each way, with one colour.
fn cover(pixels: &mut [u8], side: usize, random: &mut ChaCha8Rng) {
    let mut extent = || ((side as f32 * random.random_range(0.1..0.4)) as usize).max(1);
    let (width, height) = (extent(), extent());
    let (left, top) = (random.random_range(0..=side - width), random.random_range(0..=side - height));
    let colour: [u8; 3] = std::array::from_fn(|_| random.random_range(0..=255));
    for row in top..top + height {
        pixels[(row * side + left) * 3..(row * side + left + width) * 3].as_chunks_mut::<3>().0.fill(colour);
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const SIDE: usize = 64;
    const WIDE: usize = 80;

    fn vary(pixels: &[u8], seed: u64) -> Sample {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let crop = WideCrop { pixels, wide_side: WIDE, side: SIDE };
        let other = Palette { mean: [90.0, 120.0, 150.0], deviation: [40.0; 3] };
        Augmenter::default().vary_strongly(crop, Saliency::Unknown, other, &mut random).expect("sizes fit")
    }

    #[test]
    fn the_same_random_numbers_give_the_same_variant() {
        let pixels: Vec<u8> = (0..WIDE * WIDE * 3).map(|index| (index % 251) as u8).collect();
        for seed in 0..40 {
            let sample = vary(&pixels, seed);
            assert_eq!(sample, vary(&pixels, seed));
            assert_eq!(sample.pixels.len(), SIDE * SIDE * 3);
        }
        assert_ne!(vary(&pixels, 1), vary(&pixels, 2));
    }

    #[test]
    fn a_palette_is_lent_whole_or_in_part() {
        // Levels 100 and 140 in turn: mean 120, deviation 20.
        let pixels: Vec<u8> = (0..14 * 14 * 3).map(|index| if index / 3 % 2 == 0 { 100 } else { 140 }).collect();
        assert_eq!(Palette::of(&pixels), Palette { mean: [120.0; 3], deviation: [20.0; 3] });
        let other = Palette { mean: [60.0, 120.0, 180.0], deviation: [10.0, 20.0, 40.0] };
        let mut lent = pixels.clone();
        other.lend(&mut lent, 1.0);
        assert_eq!(lent[..6], [50, 100, 140, 70, 140, 220]);
        let mut half = pixels;
        other.lend(&mut half, 0.5);
        assert_eq!(half[..6], [75, 100, 120, 105, 140, 180]);
    }

    #[test]
    fn what_is_around_a_face_is_hidden_and_the_face_is_not() {
        let crop = WideCrop { pixels: &[], wide_side: WIDE, side: SIDE };
        let square = CropSquare { left: 8, top: 8, side: SIDE };
        for seed in 0..20 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let ellipse = Ellipse::draw(crop, &square, &mut random);
            let mut pixels: Vec<u8> = (0..SIDE * SIDE * 3).map(|index| (index % 251) as u8).collect();
            let before = pixels.clone();
            hide_around(&mut pixels, &ellipse, SIDE, &mut random);
            let at = |column: usize, row: usize| (row * SIDE + column) * 3;
            assert_eq!(pixels[at(32, 32)..at(33, 32)], before[at(32, 32)..at(33, 32)]);
            assert_eq!(pixels[..3], pixels[at(63, 0)..at(63, 0) + 3], "all corners have one colour");
        }
    }

    #[test]
    fn parts_lie_in_the_exact_crop_and_whole_faces_in_the_wide_one() {
        let crop = WideCrop { pixels: &[], wide_side: WIDE, side: SIDE };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut parts = 0;
        for _ in 0..400 {
            let CropSquare { left, top, side } = placed(crop, &mut random);
            let end = side as i64;
            assert!(left >= 0 && top >= 0 && left + end <= 81 && top + end <= 81, "{left} {top} {side}");
            parts += usize::from(side < 56);
        }
        assert!((100..180).contains(&parts), "{parts}");
    }
}
