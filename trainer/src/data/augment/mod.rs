//! Augmentation: the same for both classes, so that framing, compression, sharpness and colour tell nothing.
//!
//! Real and synthetic collections differ in all of these; a network would learn them first.

mod coded;
mod jpeg;
mod mirror;
mod strong;
pub mod video;

use std::fmt;
use std::str::FromStr;

use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::frame::Frame;
use image::RgbImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub use jpeg::jpeg;
pub(super) use mirror::mirror;
pub use strong::Palette;

use super::faces::Extent;
use super::saliency::{Part, Saliency};

/// Smallest and largest side of a shifted crop over the exact one.
const ZOOM: (f32, f32) = (0.88, 1.12);
/// Qualities of the JPEG coder, 1 to 100: from what messengers send to what cameras write.
const QUALITY: std::ops::RangeInclusive<u8> = 30..=100;

/// What is done to faces in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Nothing, as in the paper.
    None,
    /// Shrunk, mirrored and coded as JPEG: what happens to a picture on its way, and nothing else.
    Coded,
    /// Crop jitter, mirror, scale, blur, sharpening, colour, grey, noise and JPEG.
    Robust,
    /// More of the same, parts of faces, colours of other faces, and nothing around the face.
    Strong,
}

impl Preset {
    /// How much of a face's surroundings it needs.
    #[must_use]
    pub fn extent(self) -> Extent {
        match self {
            Self::None | Self::Coded => Extent::Exact,
            Self::Robust | Self::Strong => Extent::Wide,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Coded => "coded",
            Self::Robust => "robust",
            Self::Strong => "strong",
        })
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "coded" => Ok(Self::Coded),
            "robust" => Ok(Self::Robust),
            "strong" => Ok(Self::Strong),
            _ => Err(format!("`{text}` is not a preset that is known; expected none, coded, robust or strong")),
        }
    }
}

/// A face as the network is to see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// RGB, the network's side squared.
    pub pixels: Vec<u8>,
    /// Where people look in it.
    pub saliency: Saliency,
}

/// A wide crop, to be varied.
#[derive(Clone, Copy, Debug)]
pub struct WideCrop<'a> {
    /// RGB, `wide_side` squared.
    pub pixels: &'a [u8],
    /// Its side in pixels.
    pub wide_side: usize,
    /// Side of the exact crop in its middle, and of what comes out.
    pub side: usize,
}

/// Augments faces, keeping its buffers.
#[derive(Debug, Default)]
pub struct Augmenter {
    cropper: Cropper,
    frame: Option<Frame>,
    small: Vec<u8>,
}

impl Augmenter {
    /// The exact crop in the middle of a wide one, as good as resampling gives it back.
    ///
    /// # Errors
    ///
    /// When the crop's buffer doesn't have its size.
    pub fn middle(&mut self, wide: WideCrop<'_>, saliency: Saliency) -> anyhow::Result<Sample> {
        let border = (wide.wide_side - wide.side) as i64 / 2;
        self.cut(wide, saliency, &CropSquare { left: border, top: border, side: wide.side })
    }

    /// One random variant of a face: shifted, zoomed, perhaps mirrored, shrunk, blurred, recoloured, noisy, and
    /// compressed. The same random numbers give the same variant.
    ///
    /// # Errors
    ///
    /// When the crop's buffer doesn't have its size, or the JPEG coder fails.
    pub fn vary(&mut self, wide: WideCrop<'_>, saliency: Saliency, random: &mut ChaCha8Rng) -> anyhow::Result<Sample> {
        let side = wide.side;
        let Sample { mut pixels, mut saliency } = self.cut(wide, saliency, &shifted(wide, random))?;
        if random.random_bool(0.5) {
            mirror(&mut pixels, side);
            saliency = saliency.mirrored();
        }
        if random.random_bool(0.5) {
            let small = ((side as f32 * random.random_range(0.35..1.0)) as usize).max(8);
            self.small.resize(small * small * 3, 0);
            self.cropper.resize(&pixels, (side, side), &mut self.small, (small, small))?;
            self.cropper.resize(&self.small, (small, small), &mut pixels, (side, side))?;
        }
        pixels = sharpness(pixels, side, random);
        colour(&mut pixels, random);
        if random.random_bool(0.25) {
            noise(&mut pixels, random);
        }
        if random.random_bool(0.9) {
            pixels = jpeg(&pixels, side, random.random_range(QUALITY))?;
        }
        Ok(Sample { pixels, saliency })
    }

    /// One random variant of an exact crop of `side`: perhaps shrunk, coded or mirrored, and otherwise the same.
    ///
    /// # Errors
    ///
    /// When the crop doesn't have its size, or the JPEG coder fails.
    pub fn code(sample: Sample, side: usize, random: &mut ChaCha8Rng) -> anyhow::Result<Sample> {
        let (pixels, mirrored) = coded::coded(sample.pixels, side, random)?;
        let saliency = if mirrored { sample.saliency.mirrored() } else { sample.saliency };
        Ok(Sample { pixels, saliency })
    }

    fn cut(&mut self, wide: WideCrop<'_>, saliency: Saliency, square: &CropSquare) -> anyhow::Result<Sample> {
        let mut pixels = vec![0; wide.side * wide.side * 3];
        let frame = self.frame.get_or_insert_with(Frame::empty);
        frame.resize(wide.wide_side, wide.wide_side);
        anyhow::ensure!(frame.pixels.len() == wide.pixels.len(), "a wide crop doesn't have the size that it should");
        frame.pixels.copy_from_slice(wide.pixels);
        self.cropper.cut(frame, square, wide.side, &mut pixels)?;
        let whole = wide.wide_side as f32;
        let part =
            Part { left: square.left as f32 / whole, top: square.top as f32 / whole, side: square.side as f32 / whole };
        Ok(Sample { pixels, saliency: saliency.part(part) })
    }
}

/// A square in the wide crop, near its middle.
fn shifted(crop: WideCrop<'_>, random: &mut ChaCha8Rng) -> CropSquare {
    let wide = crop.wide_side as f32;
    let side = (crop.side as f32 * random.random_range(ZOOM.0..=ZOOM.1)).round().min(wide);
    // Up to a tenth of the side, and never out of the wide crop.
    let room = ((wide - side) / 2.0).min(side * 0.1);
    let mut along = || ((wide - side) / 2.0 + random.random_range(-1.0..=1.0) * room).round() as i64;
    CropSquare { left: along(), top: along(), side: side as usize }
}

fn sharpness(pixels: Vec<u8>, side: usize, random: &mut ChaCha8Rng) -> Vec<u8> {
    let kind = random.random_range(0..10);
    let strength = random.random_range(0.3..1.6);
    let Some(picture) = RgbImage::from_raw(side as u32, side as u32, pixels) else {
        return Vec::new();
    };
    match kind {
        0..3 => image::imageops::fast_blur(&picture, strength),
        3..5 => image::imageops::unsharpen(&picture, strength, 2),
        _ => picture,
    }
    .into_raw()
}

/// Brightness, contrast, saturation and tint; sometimes grey.
fn colour(pixels: &mut [u8], random: &mut ChaCha8Rng) {
    let brightness = random.random_range(-30.0..30.0_f32);
    let contrast = random.random_range(0.75..1.3_f32);
    let saturation = if random.random_bool(0.15) { 0.0 } else { random.random_range(0.6..1.4_f32) };
    let tint: [f32; 3] = std::array::from_fn(|_| random.random_range(0.92..1.08));
    for pixel in pixels.chunks_exact_mut(3) {
        let grey = 0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2]);
        for (value, tint) in pixel.iter_mut().zip(tint) {
            let coloured = grey + (f32::from(*value) - grey) * saturation;
            *value = ((coloured * tint - 128.0) * contrast + 128.0 + brightness).round() as u8;
        }
    }
}

fn noise(pixels: &mut [u8], random: &mut ChaCha8Rng) {
    let strength = random.random_range(2.0..12.0_f32);
    for value in pixels {
        // The sum of two even distributions is near enough to a camera's noise.
        let noise = random.random_range(-1.0..1.0_f32) + random.random_range(-1.0..1.0_f32);
        *value = (f32::from(*value) + noise * strength).round() as u8;
    }
}
#[cfg(test)]
mod tests {
    use cyborg_edge::frame::PixelPoint;
    use rand::SeedableRng;

    use super::*;
    use crate::data::saliency::GreyMap;

    const SIDE: usize = 64;
    const WIDE: usize = 80;

    /// A grey wide crop with a white square of 3 pixels around a place, given as shares of the wide crop.
    fn wide(x: f32, y: f32) -> Vec<u8> {
        let mut pixels = vec![60; WIDE * WIDE * 3];
        let (column, row) = ((x * WIDE as f32) as usize, (y * WIDE as f32) as usize);
        for line in row - 1..=row + 1 {
            pixels[(line * WIDE + column - 1) * 3..(line * WIDE + column + 2) * 3].fill(255);
        }
        pixels
    }

    fn vary(pixels: &[u8], saliency: Saliency, seed: u64) -> Sample {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let crop = WideCrop { pixels, wide_side: WIDE, side: SIDE };
        Augmenter::default().vary(crop, saliency, &mut random).expect("sizes fit")
    }

    /// Where the brightest pixel is.
    fn spot(pixels: &[u8]) -> (f32, f32) {
        let at = (0..SIDE * SIDE).max_by_key(|&index| pixels[index * 3 + 1]).expect("there are pixels");
        ((at % SIDE) as f32 + 0.5, (at / SIDE) as f32 + 0.5)
    }

    #[test]
    fn landmarks_go_where_the_pixels_go() {
        let pixels = wide(0.35, 0.6);
        for seed in 0..50 {
            let known = Saliency::Landmarks([PixelPoint { x: 0.35, y: 0.6 }; 5]);
            let Sample { pixels, saliency } = vary(&pixels, known, seed);
            let Saliency::Landmarks(landmarks) = saliency else { unreachable!("they stay landmarks") };
            let (x, y) = spot(&pixels);
            let place = landmarks[0];
            let distance = (x - place.x * SIDE as f32).hypot(y - place.y * SIDE as f32);
            assert!(distance < 5.0, "seed {seed}: the spot is at {x}, {y}, the landmark at {place:?}");
        }
    }

    #[test]
    fn a_map_goes_where_the_pixels_go() {
        let pixels = wide(0.35, 0.6);
        let map: Vec<u8> = pixels.chunks_exact(3).map(|pixel| pixel[0]).collect();
        let mut cropper = Cropper::new();
        for seed in 0..50 {
            let known = Saliency::Map(GreyMap { side: WIDE, values: map.clone() });
            let Sample { pixels, saliency } = vary(&pixels, known, seed);
            let drawn = saliency.draw(SIDE, &mut cropper).expect("it can be resized").expect("there is one");
            let three: Vec<u8> = drawn.iter().flat_map(|&value| [(value * 255.0) as u8; 3]).collect();
            let ((x, y), (map_x, map_y)) = (spot(&pixels), spot(&three));
            assert!((x - map_x).hypot(y - map_y) < 5.0, "seed {seed}: {x}, {y} and {map_x}, {map_y}");
        }
    }

    #[test]
    fn the_same_random_numbers_give_the_same_variant() {
        let pixels = wide(0.5, 0.5);
        let varied = |seed| vary(&pixels, Saliency::Unknown, seed);
        assert_eq!(varied(1), varied(1));
        assert_ne!(varied(1).pixels, varied(2).pixels);
    }

    #[test]
    fn the_middle_of_a_wide_crop_is_its_exact_crop() {
        let pixels: Vec<u8> = (0..WIDE * WIDE * 3).map(|index| (index % 251) as u8).collect();
        let crop = WideCrop { pixels: &pixels, wide_side: WIDE, side: SIDE };
        let middle = Augmenter::default().middle(crop, Saliency::Unknown).expect("sizes fit");
        assert_eq!(middle.pixels[..6], pixels[(8 * WIDE + 8) * 3..][..6]);
    }

    #[test]
    fn a_mirror_swaps_left_and_right() {
        let mut pixels: Vec<u8> = (0..12).collect();
        mirror(&mut pixels, 2);
        assert_eq!(pixels, [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
    }

    #[test]
    fn presets_have_names() {
        for preset in [Preset::None, Preset::Coded, Preset::Robust, Preset::Strong] {
            assert_eq!(preset.to_string().parse(), Ok(preset));
        }
        assert!("stronger".parse::<Preset>().is_err());
    }
}
