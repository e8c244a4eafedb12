//! Forged faces from real ones alone: a face is blended with a changed copy of itself inside a mask.
//!
//! The idea is that of K. Shiohara, T. Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022. Such a
//! forgery has the same person, background, framing and camera as the real photo, so a network that is to tell the two
//! can learn nothing but the traces of blending; and the mask says where these are.
//!
//! Two layers are made of a photo: the target, which is seen outside the mask, and the copy, which is put into it. One
//! of them gets [`Change`]s, a [`Region`] of the face is the mask, and a [`Blend`] joins the layers.

pub mod blend;
pub mod change;
mod elastic;
mod error;
mod face_frame;
mod mask;
pub mod region;
pub mod swap;

use std::fmt;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use self::blend::{Blend, Blender};
use self::change::{Change, Changer};
pub use self::error::{ForgeError, LEAST_SIDE};
use self::face_frame::FaceFrame;
use self::mask::Mask;
use self::region::Region;
use super::photo_box::PhotoBox;
use super::prior::Landmarks;

/// The least mean change inside the mask, in grey levels: what the next JPEG of good quality does by itself is about 1.
pub const LEAST_CHANGE: f32 = 2.0;
/// The least share of the picture that a mask takes: less is a region outside the picture, but for a corner.
const LEAST_AREA: f32 = 0.001;
/// Draws until the change is great enough; then the surest one is taken.
const DRAWS: usize = 6;
/// Share of the draws in which the target is changed and the copy is not, but for its geometry. A third: then to be
/// softer, noisier or paler than the rest doesn't mean to be the forged part.
const TARGET_CHANGED: f64 = 1.0 / 3.0;

/// Which of the two layers is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// What is put into the mask; the picture stays what it was outside of it.
    Copy,
    /// What is seen outside the mask. A change of geometry is made to the copy all the same.
    Target,
}

/// How a forgery was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The part of the face.
    pub region: Region,
    /// How the layers were joined.
    pub blend: Blend,
    /// The share of the copy where the mask is full, 0.25 to 1.
    pub ratio: f32,
    /// What was done, in the order in which it was done; never empty.
    pub changes: Vec<Change>,
    /// Which layer it was done to.
    pub layer: Layer,
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} {:.2}, ", self.region, self.blend, self.ratio)?;
        for (index, change) in self.changes.iter().enumerate() {
            write!(f, "{}{change}", if index == 0 { "" } else { " + " })?;
        }
        f.write_str(match self.layer {
            Layer::Copy => " of the copy",
            Layer::Target => " of the target",
        })
    }
}

/// A forged face, and how it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Forged<R = Recipe> {
    /// RGB, the picture's side squared.
    pub pixels: Vec<u8>,
    /// How much of the copy is there, 0 to 255, the picture's side squared; 0 exactly where the target is untouched,
    /// and above 0 somewhere.
    pub mask: Vec<u8>,
    /// RGB of the same size: the target without the copy, the real partner of this forgery. It is the photo, with the
    /// changes where [`Layer::Target`] got them. A network that sees it as real can't take such a change for a forgery.
    pub target: Vec<u8>,
    /// How it was made.
    pub recipe: R,
    /// The mean change inside the mask, against the target, in grey levels: [`LEAST_CHANGE`] or more.
    pub change: f32,
}

impl<R> Forged<R> {
    /// The same with another account of how it was made.
    pub(super) fn with_recipe<T>(self, told: impl FnOnce(R) -> T) -> Forged<T> {
        let Self { pixels, mask, target, recipe, change } = self;
        Forged { pixels, mask, target, recipe: told(recipe), change }
    }

    /// Repeats the edge of the photo in what the crop has beyond it, as a crop of a forged photo would: otherwise a blend
    /// that reaches beyond the photo would be known by it. `photo` is where the photo is in the crop.
    pub fn end_with(&mut self, photo: &PhotoBox) {
        let side = self.mask.len().isqrt();
        let Some(inside) = photo.pixels(side) else { return };
        if inside == [0, 0, side - 1, side - 1] {
            return;
        }
        let [left, top, right, bottom] = inside;
        for row in 0..side {
            for column in 0..side {
                let (x, y) = (column.clamp(left, right), row.clamp(top, bottom));
                let (from, to) = (y * side + x, row * side + column);
                if from != to {
                    self.mask[to] = self.mask[from];
                    for pixels in [&mut self.pixels, &mut self.target] {
                        pixels.copy_within(from * 3..from * 3 + 3, to * 3);
                    }
                }
            }
        }
    }
}

/// Forges faces, keeping its buffers.
#[derive(Debug, Default)]
pub struct Forger {
    mask: Mask,
    copy: Vec<u8>,
    target: Vec<u8>,
    blended: Vec<u8>,
    changer: Changer,
    blender: Blender,
}

impl Forger {
    /// One random forgery of a real face. The same random numbers give the same one.
    ///
    /// `pixels` is RGB of `side` squared with a face in it and some room around, `landmarks` are those of the face, in
    /// 0 to 1 of the picture. Where the draws change too little, a plain shift of brightness is the last resort.
    ///
    /// # Errors
    ///
    /// When the picture is too small or not of its size, or the landmarks are not those of a face in it.
    pub fn forge(
        &mut self,
        pixels: &[u8],
        side: usize,
        landmarks: &Landmarks,
        random: &mut ChaCha8Rng,
    ) -> Result<Forged, ForgeError> {
        let expected = side.saturating_mul(side).saturating_mul(3);
        if pixels.len() != expected {
            return Err(ForgeError::WrongSize { side, expected, found: pixels.len() });
        }
        if side < LEAST_SIDE {
            return Err(ForgeError::TooSmall { side });
        }
        let frame = FaceFrame::new(landmarks, side)?;
        for _ in 0..DRAWS {
            let region = Region::draw(random);
            self.mask.draw(region, &frame, side, random);
            if self.mask.area() < LEAST_AREA {
                continue;
            }
            let (blend, changes) = (Blend::draw(random), Change::draw(random));
            let layer = layer(&changes, random);
            self.start(pixels);
            for &change in &changes {
                let layer =
                    if layer == Layer::Copy || change == Change::Geometry { &mut self.copy } else { &mut self.target };
                self.changer.apply(change, layer, side, &frame, random)?;
            }
            let change = self.blend(blend, side);
            if change >= LEAST_CHANGE {
                return Ok(self.finish(Recipe { region, blend, ratio: self.mask.ratio, changes, layer }, change));
            }
        }
        self.surely(pixels, side, &frame, random)
    }

    /// The last resort, which changes any picture with a face in it.
    fn surely(
        &mut self,
        pixels: &[u8],
        side: usize,
        frame: &FaceFrame,
        random: &mut ChaCha8Rng,
    ) -> Result<Forged, ForgeError> {
        let (region, blend) = (Region::WholeFace, Blend::Alpha);
        self.mask.draw(region, frame, side, random);
        if self.mask.area() < LEAST_AREA {
            return Err(ForgeError::OutsidePicture);
        }
        self.start(pixels);
        change::surest(&mut self.copy, &self.mask.levels);
        let change = self.blend(blend, side);
        let recipe =
            Recipe { region, blend, ratio: self.mask.ratio, changes: vec![Change::Colour], layer: Layer::Copy };
        Ok(self.finish(recipe, change))
    }

    /// Both layers as they are in the photo.
    fn start(&mut self, pixels: &[u8]) {
        for layer in [&mut self.copy, &mut self.target] {
            layer.clear();
            layer.extend_from_slice(pixels);
        }
    }

    fn blend(&mut self, kind: Blend, side: usize) -> f32 {
        self.blended.clone_from(&self.target);
        self.blender.blend(kind, &mut self.blended, &self.copy, &mut self.mask, side)
    }

    fn finish(&self, recipe: Recipe, change: f32) -> Forged {
        let (pixels, mask, target) = (self.blended.clone(), self.mask.levels.clone(), self.target.clone());
        Forged { pixels, mask, target, recipe, change }
    }
}

/// The layer that is changed. Where geometry is the one change it is the copy, the only layer that moves.
fn layer(changes: &[Change], random: &mut ChaCha8Rng) -> Layer {
    if changes != [Change::Geometry] && random.random_bool(TARGET_CHANGED) { Layer::Target } else { Layer::Copy }
}

#[cfg(test)]
mod tests;
