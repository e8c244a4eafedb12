//! Augmentation: the same for both classes, so that framing, compression, sharpness and colour tell nothing.
//!
//! Real and synthetic collections differ in all of these; a network would learn them first.

use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::frame::{Frame, PixelPoint};
use image::codecs::jpeg::{JpegDecoder, JpegEncoder};
use image::{DynamicImage, ExtendedColorType, ImageDecoder, RgbImage};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::crops::{CropSet, FaceCrop};
use super::prior::Landmarks;

/// Smallest and largest side of a shifted crop over the exact one.
const ZOOM: (f32, f32) = (0.88, 1.12);

/// A face as the network is to see it in training.
#[derive(Clone, Debug, PartialEq)]
pub struct Augmented {
    /// RGB, the set's side squared.
    pub pixels: Vec<u8>,
    /// Where the landmarks went.
    pub landmarks: Option<Landmarks>,
}

/// Augments faces, keeping its buffers.
#[derive(Debug, Default)]
pub struct Augmenter {
    cropper: Cropper,
    frame: Option<Frame>,
    small: Vec<u8>,
}

impl Augmenter {
    /// One random variant of a face: shifted, zoomed, perhaps mirrored, shrunk, blurred, recoloured, noisy, and
    /// compressed. The same random numbers give the same variant.
    ///
    /// # Errors
    ///
    /// When the crop's buffers don't have their sizes, or the JPEG coder fails.
    pub fn vary(&mut self, face: &FaceCrop, set: &CropSet, random: &mut ChaCha8Rng) -> anyhow::Result<Augmented> {
        let side = set.side;
        let square = shifted(set, random);
        let mut pixels = vec![0; side * side * 3];
        let frame = self.frame.get_or_insert_with(Frame::empty);
        frame.resize(set.wide_side, set.wide_side);
        frame.pixels.copy_from_slice(&face.wide);
        self.cropper.cut(frame, &square, side, &mut pixels)?;
        let mut landmarks = face.landmarks.map(|landmarks| moved(&landmarks, set, &square));
        if random.random_bool(0.5) {
            mirror(&mut pixels, side);
            landmarks = landmarks.map(mirrored);
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
            pixels = jpeg(&pixels, side, random.random_range(30..=95))?;
        }
        Ok(Augmented { pixels, landmarks })
    }
}

/// A square in the wide crop, near its middle.
fn shifted(set: &CropSet, random: &mut ChaCha8Rng) -> CropSquare {
    let wide = set.wide_side as f32;
    let side = (set.side as f32 * random.random_range(ZOOM.0..=ZOOM.1)).round().min(wide);
    // Up to a tenth of the side, and never out of the wide crop.
    let room = ((wide - side) / 2.0).min(side * 0.1);
    let mut along = || ((wide - side) / 2.0 + random.random_range(-1.0..=1.0) * room).round() as i64;
    CropSquare { left: along(), top: along(), side: side as usize }
}

/// Landmarks of the exact crop in a square of the wide one.
fn moved(landmarks: &Landmarks, set: &CropSet, square: &CropSquare) -> Landmarks {
    let (side, border) = (set.side as f32, (set.wide_side - set.side) as f32 / 2.0);
    landmarks.map(|point| PixelPoint {
        x: (point.x * side + border - square.left as f32) / square.side as f32,
        y: (point.y * side + border - square.top as f32) / square.side as f32,
    })
}

fn mirror(pixels: &mut [u8], side: usize) {
    for row in pixels.chunks_exact_mut(side * 3) {
        for column in 0..side / 2 {
            for channel in 0..3 {
                row.swap(column * 3 + channel, (side - 1 - column) * 3 + channel);
            }
        }
    }
}

/// Left and right change places, so that the left eye stays the one on the left of the picture.
fn mirrored([left_eye, right_eye, nose, left_mouth, right_mouth]: Landmarks) -> Landmarks {
    [right_eye, left_eye, nose, right_mouth, left_mouth].map(|point| PixelPoint { x: 1.0 - point.x, y: point.y })
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

fn jpeg(pixels: &[u8], side: usize, quality: u8) -> anyhow::Result<Vec<u8>> {
    let mut coded = Vec::new();
    let side = side as u32;
    JpegEncoder::new_with_quality(&mut coded, quality).encode(pixels, side, side, ExtendedColorType::Rgb8)?;
    let decoder = JpegDecoder::new(std::io::Cursor::new(coded))?;
    debug_assert_eq!(decoder.dimensions(), (side, side));
    Ok(DynamicImage::from_decoder(decoder)?.into_rgb8().into_raw())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rand::SeedableRng;

    use super::*;
    use crate::data::list::Label;

    /// A grey wide crop with a white square of 3 pixels around a place, given in the exact crop.
    fn set(x: f32, y: f32) -> CropSet {
        let (side, wide_side) = (64, 80);
        let mut wide = vec![60; wide_side * wide_side * 3];
        let (column, row) = ((x * 64.0 + 8.0) as usize, (y * 64.0 + 8.0) as usize);
        for line in row - 1..=row + 1 {
            wide[(line * wide_side + column - 1) * 3..(line * wide_side + column + 2) * 3].fill(255);
        }
        let landmarks = [PixelPoint { x, y }; 5];
        let face = FaceCrop {
            label: Label::Authentic,
            source: String::new(),
            path: PathBuf::new(),
            exact: Vec::new(),
            wide,
            landmarks: Some(landmarks),
        };
        CropSet { side, wide_side, faces: vec![face] }
    }

    fn vary(set: &CropSet, seed: u64) -> Augmented {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        Augmenter::default().vary(&set.faces[0], set, &mut random).expect("sizes fit")
    }

    #[test]
    fn the_landmarks_go_where_the_pixels_go() {
        let set = set(0.3, 0.6);
        for seed in 0..50 {
            let Augmented { pixels, landmarks } = vary(&set, seed);
            let brightest =
                (0..64 * 64).max_by_key(|&index| u32::from(pixels[index * 3 + 1])).expect("there are pixels");
            let (x, y) = ((brightest % 64) as f32 + 0.5, (brightest / 64) as f32 + 0.5);
            let place = landmarks.expect("it had some")[0];
            let distance = (x - place.x * 64.0).hypot(y - place.y * 64.0);
            assert!(distance < 5.0, "seed {seed}: the spot is at {x}, {y}, the landmark at {place:?}");
        }
    }

    #[test]
    fn the_same_random_numbers_give_the_same_variant() {
        let set = set(0.5, 0.5);
        assert_eq!(vary(&set, 1), vary(&set, 1));
        assert_ne!(vary(&set, 1).pixels, vary(&set, 2).pixels);
    }

    #[test]
    fn a_mirror_swaps_left_and_right() {
        let mut pixels: Vec<u8> = (0..12).collect();
        mirror(&mut pixels, 2);
        assert_eq!(pixels, [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]);
        let face = [(0.2, 0.0), (0.7, 0.1), (0.5, 0.2), (0.3, 0.3), (0.6, 0.4)].map(|(x, y)| PixelPoint { x, y });
        let turned = mirrored(face);
        assert!(turned[0].x < turned[1].x && turned[3].x < turned[4].x, "{turned:?}");
        assert_eq!(turned[0].y, 0.1, "the eye on the left was on the right");
    }
}
