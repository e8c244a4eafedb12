//! Swapped faces: the face of one person on the photo of another, as programs put it there.
//!
//! The donor is warped to the target by the landmarks, its colours are matched, it is given the fineness of a network's
//! output, and is blended in by a mask. Beside such a fake stands the target as it is otherwise. The idea that the border of
//! a blend is what all swaps have in common is that of L. Li and others, "Face X-ray for More General Face Forgery
//! Detection", CVPR 2020.

mod align;
pub mod donor;
mod match_colour;
mod outline;

use std::fmt;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use self::align::Alignment;
pub use self::match_colour::ColourMatch;
pub use self::outline::Outline;
use super::blend::{Blend, Blender};
use super::change::{Change, Changer, Sharpness, Tone};
use super::error::{ForgeError, LEAST_SIDE};
use super::face_frame::FaceFrame;
use super::mask::Mask;
use super::{Forged, LEAST_AREA, LEAST_CHANGE};
use crate::data::prior::Landmarks;

/// Draws of a mask, of which the one is taken where donor and target differ least along the edge, unless one will do.
const DRAWS: usize = 4;
/// Mean distance along the edge that will do, in grey levels: above it the edge of a plain blend is seen at a glance.
const SMOOTH_EDGE: f32 = 20.0;
/// Above it a membrane spreads what differs at the edge, the frame of glasses for example, over the whole face: then the
/// blend is one in bands.
const ROUGH_EDGE: f32 = 16.0;
/// Share of the swaps with the fineness of a network's output.
const GENERATED: f64 = 0.6;
/// Side of that output in pixels, from the first face-swap programs to those of today.
const OUTPUT: (f32, f32) = (64.0, 256.0);
/// Side of that output over the distance between the eyes in it.
const OUTPUT_SPAN: f32 = 3.2;
/// A donor that is so much finer than the target is made coarser.
const TOO_FINE: f32 = 1.25;
/// Standard deviation of the blur that takes it away, in pixels, for each doubling.
const BLUR_OF_DOUBLING: f32 = 0.75;
/// Shares of the swaps in which the donor is made finer or coarser at random, has noise, was coded as JPEG.
const FURTHER: [(Change, f64); 3] = [(Change::Sharpness, 0.25), (Change::Noise, 0.12), (Change::Compression, 0.15)];
/// Share of the swaps in which the target is made coarser, with its real partner, so that the donor is the finer part.
const COARSE_TARGET: f64 = 0.15;

/// A face that takes part: RGB of the side squared, and its landmarks in 0 to 1 of the picture.
#[derive(Clone, Copy, Debug)]
pub struct Portrait<'a> {
    /// The picture.
    pub pixels: &'a [u8],
    /// Eyes, nose and mouth.
    pub landmarks: &'a Landmarks,
}

/// How a swap was made.
#[derive(Clone, Debug, PartialEq)]
pub struct SwapRecipe {
    /// The part of the face.
    pub outline: Outline,
    /// How the layers were joined.
    pub blend: Blend,
    /// The share of the donor where the mask is full, 0.7 to 1.
    pub ratio: f32,
    /// How colours were matched.
    pub colours: ColourMatch,
    /// Side of the network's output that it looks like, in pixels.
    pub output: Option<usize>,
    /// What was done to the donor beyond that.
    pub changes: Vec<Change>,
    /// Whether the target was made coarser.
    pub coarse_target: bool,
}

impl fmt::Display for SwapRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} {:.2}, {}", self.outline, self.blend, self.ratio, self.colours)?;
        if let Some(output) = self.output {
            write!(f, ", as of {output} pixels")?;
        }
        for change in &self.changes {
            write!(f, " + {change}")?;
        }
        f.write_str(if self.coarse_target { ", coarse target" } else { "" })
    }
}

/// Swaps faces, keeping its buffers.
#[derive(Debug, Default)]
pub struct Swapper {
    alignment: Alignment,
    mask: Mask,
    best: Mask,
    donor: Vec<u8>,
    target: Vec<u8>,
    blended: Vec<u8>,
    changer: Changer,
    blender: Blender,
}

impl Swapper {
    /// One random swap of the donor's face onto the target. The same random numbers give the same one.
    ///
    /// # Errors
    ///
    /// When a picture is too small or not of the size, the landmarks are not those of a face, or the target's face is
    /// outside of the picture or looks as the donor's to the pixel.
    pub fn swap(
        &mut self,
        target: Portrait<'_>,
        donor: Portrait<'_>,
        side: usize,
        random: &mut ChaCha8Rng,
    ) -> Result<Forged<SwapRecipe>, ForgeError> {
        let expected = side.saturating_mul(side).saturating_mul(3);
        for portrait in [target, donor] {
            if portrait.pixels.len() != expected {
                return Err(ForgeError::WrongSize { side, expected, found: portrait.pixels.len() });
            }
        }
        if side < LEAST_SIDE {
            return Err(ForgeError::TooSmall { side });
        }
        let (frame, donor_frame) = (FaceFrame::new(target.landmarks, side)?, FaceFrame::new(donor.landmarks, side)?);
        self.target.clear();
        self.target.extend_from_slice(target.pixels);
        self.alignment.draw(&frame, &donor_frame, side, random);
        self.alignment.apply(donor.pixels, side, &mut self.donor);
        let coarse_target = random.random_bool(COARSE_TARGET);
        if coarse_target {
            let sharpness = Sharpness::coarser(frame.eye_distance(), random);
            self.changer.sharpen(sharpness, &mut self.target, side)?;
        }
        if Tone::of(&self.target) == Tone::Grey {
            grey(&mut self.donor);
        }
        // Colours and fineness are matched where the whole face is, whatever part of it is taken.
        Outline::Hull.mask(&mut self.mask, &frame, side, random);
        if self.mask.area() < LEAST_AREA {
            return Err(ForgeError::OutsidePicture);
        }
        let colours = ColourMatch::draw(random);
        colours.apply(&mut self.donor, &self.target, &self.mask.levels, side, random);
        let output = self.make_fine(&frame, side, random)?;
        let mut changes = Vec::new();
        for (change, share) in FURTHER {
            if random.random_bool(share) {
                self.changer.apply(change, &mut self.donor, side, &frame, random)?;
                changes.push(change);
            }
        }
        let (outline, step) = self.draw_mask(&frame, side, random);
        if self.mask.area() < LEAST_AREA {
            return Err(ForgeError::OutsidePicture);
        }
        let blend = match Blend::draw(random) {
            Blend::Gradient if step > ROUGH_EDGE => Blend::Multiband,
            drawn => drawn,
        };
        self.blended.clone_from(&self.target);
        let change = self.blender.blend(blend, &mut self.blended, &self.donor, &mut self.mask, side);
        if change < LEAST_CHANGE {
            return Err(ForgeError::SameFace);
        }
        let recipe = SwapRecipe { outline, blend, ratio: self.mask.ratio, colours, output, changes, coarse_target };
        let (pixels, mask, target) = (self.blended.clone(), self.mask.levels.clone(), self.target.clone());
        Ok(Forged { pixels, mask, target, recipe, change })
    }

    /// Makes the donor as coarse as a network's output or as the target, and gives the side of the output if it is one.
    fn make_fine(
        &mut self,
        frame: &FaceFrame,
        side: usize,
        random: &mut ChaCha8Rng,
    ) -> Result<Option<usize>, ForgeError> {
        let is_generated = random.random_bool(GENERATED);
        let output = (random.random_range(OUTPUT.0.ln()..=OUTPUT.1.ln())).exp();
        let part = output / (OUTPUT_SPAN * frame.eye_distance());
        let finer = fineness(&self.donor, &self.mask.levels, side) / fineness(&self.target, &self.mask.levels, side);
        if finer > TOO_FINE {
            let deviation = (BLUR_OF_DOUBLING * finer.log2()).clamp(0.4, 3.0);
            self.changer.sharpen(Sharpness::Blur(deviation), &mut self.donor, side)?;
        }
        if !is_generated || part >= 1.0 {
            return Ok(None);
        }
        self.changer.sharpen(Sharpness::Resample(part), &mut self.donor, side)?;
        Ok(Some(output.round() as usize))
    }

    /// Draws masks until donor and target agree well enough along the edge, and leaves the best of them; gives the part of the
    /// face and how far they differ there, in grey levels.
    fn draw_mask(&mut self, frame: &FaceFrame, side: usize, random: &mut ChaCha8Rng) -> (Outline, f32) {
        let (mut best, mut least) = (Outline::Hull, f32::INFINITY);
        // What is left of another face is no mask of this one.
        self.best.levels.clear();
        for _ in 0..DRAWS {
            let outline = Outline::draw(random);
            outline.mask(&mut self.mask, frame, side, random);
            if self.mask.area() < LEAST_AREA {
                continue;
            }
            let step = self.step_at_edge();
            if step < least {
                (best, least) = (outline, step);
                std::mem::swap(&mut self.mask, &mut self.best);
            }
            if least <= SMOOTH_EDGE {
                break;
            }
        }
        std::mem::swap(&mut self.mask, &mut self.best);
        (best, least)
    }

    /// Mean distance of donor and target where the mask is between nothing and full, in grey levels.
    fn step_at_edge(&self) -> f32 {
        let full = (255.0 * self.mask.ratio) as u8;
        let pairs = self.donor.as_chunks::<3>().0.iter().zip(self.target.as_chunks::<3>().0);
        let (mut sum, mut all) = (0_u64, 0_u64);
        for ((donor, target), &level) in pairs.zip(&self.mask.levels) {
            if level > full / 8 && level < full - full / 8 {
                sum += donor.iter().zip(target).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum::<u64>();
                all += 3;
            }
        }
        if all == 0 { f32::INFINITY } else { sum as f32 / all as f32 }
    }
}

/// Takes the colours out.
fn grey(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [red, green, blue] = pixel.map(f32::from);
        *pixel = [(0.299 * red + 0.587 * green + 0.114 * blue).round() as u8; 3];
    }
}

/// How much a pixel differs from the mean of its neighbours, on average in a mask; at least a little, as of a camera's noise.
fn fineness(pixels: &[u8], mask: &[u8], side: usize) -> f32 {
    let green = |index: usize| i32::from(pixels[index * 3 + 1]);
    let (mut sum, mut all) = (0_u64, 0_u64);
    for row in 1..side - 1 {
        let first = row * side + 1;
        for (index, &inside) in (first..).zip(&mask[first..first + side - 2]) {
            if inside > 0 {
                let around = green(index - 1) + green(index + 1) + green(index - side) + green(index + side);
                sum += u64::from((4 * green(index) - around).unsigned_abs());
                all += 4;
            }
        }
    }
    (sum as f32 / all.max(1) as f32).max(0.3)
}

#[cfg(test)]
mod tests;
