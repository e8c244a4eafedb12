//! Fakes made from faces of the list, each with its real partner: self-blended, or with another person's face.

use std::fmt;

use rand_chacha::ChaCha8Rng;

use super::augment::mirror;
use super::faces::{Cutter, Extent, Faces};
use super::forge::swap::donor::{Donor, Donors, mirrored};
use super::forge::swap::{Portrait, SwapRecipe, Swapper};
use super::forge::{ForgeError, Forged, Forger, Recipe};

/// How a fake is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From one face alone.
    SelfBlended,
    /// With another person's face.
    Swapped,
}

/// How a fake was made.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// From one face alone.
    SelfBlended(Recipe),
    /// With another person's face.
    Swapped(SwapRecipe, Donor),
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SelfBlended(recipe) => recipe.fmt(f),
            Self::Swapped(recipe, _) => recipe.fmt(f),
        }
    }
}

/// Why no fake can be made from a face.
#[derive(Debug, thiserror::Error)]
pub enum NoPair {
    /// Nothing says where eyes, nose and mouth are.
    #[error("no face was found in it, so there is nothing to forge by")]
    NoLandmarks,
    /// Of the faces that were tried none is another person's, and whole in its photo.
    #[error("no face of another person was found to put on it")]
    NoDonor,
    /// The face is not one that can be forged.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}

/// Makes pairs, keeping its buffers.
#[derive(Debug, Default)]
pub struct PairMaker {
    forger: Forger,
    swapper: Swapper,
    mirrored: Vec<u8>,
}

impl PairMaker {
    /// One random fake of a face, with its real partner; or why there can be none. The same random numbers give the same
    /// one. Pictures are of the wide extent.
    ///
    /// # Errors
    ///
    /// When a photo can't be read (any more).
    pub fn make(
        &mut self,
        faces: &Faces,
        index: usize,
        (way, donors): (Way, &Donors),
        cutter: &mut Cutter,
        random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Result<Forged<Made>, NoPair>> {
        let Some(landmarks) = faces.landmarks(index, Extent::Wide) else { return Ok(Err(NoPair::NoLandmarks)) };
        let side = faces.side_of(Extent::Wide);
        let made = match way {
            Way::SelfBlended => {
                let view = faces.view(index, Extent::Wide, cutter)?;
                let forged = self.forger.forge(&view.pixels, side, &landmarks, random);
                forged.map(|forged| forged.with_recipe(Made::SelfBlended))
            }
            Way::Swapped => {
                let Some(donor) = donors.choose(faces, index, cutter, random)? else {
                    return Ok(Err(NoPair::NoDonor));
                };
                let view = faces.view(index, Extent::Wide, cutter)?;
                let other = faces.view(donor.index, Extent::Wide, cutter)?;
                let Some(others) = faces.landmarks(donor.index, Extent::Wide) else {
                    return Ok(Err(NoPair::NoDonor));
                };
                let target = Portrait { pixels: &view.pixels, landmarks: &landmarks };
                let swapped = if donor.mirrored {
                    self.mirrored.clear();
                    self.mirrored.extend_from_slice(&other.pixels);
                    mirror(&mut self.mirrored, side);
                    let other = Portrait { pixels: &self.mirrored, landmarks: &mirrored(&others) };
                    self.swapper.swap(target, other, side, random)
                } else {
                    let other = Portrait { pixels: &other.pixels, landmarks: &others };
                    self.swapper.swap(target, other, side, random)
                };
                swapped.map(|forged| forged.with_recipe(|recipe| Made::Swapped(recipe, donor)))
            }
        };
        Ok(made.map_err(NoPair::from).map(|mut made| {
            made.end_with(&faces.photo_in(index, Extent::Wide));
            made
        }))
    }
}
