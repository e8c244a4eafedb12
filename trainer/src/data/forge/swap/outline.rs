//! The parts of a face that programs replace with another person's.

use std::fmt;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::face_frame::FaceFrame;
use super::super::mask::{Mask, Rim};
use super::super::region::{INNER_FACE, Shape, WHOLE_FACE};

/// Right half of the hull around the 68 landmarks that most programs use: brows, cheeks, jaw and chin.
const HULL: [[f32; 2]; 8] =
    [[0.0, -0.6], [0.55, -0.56], [0.9, -0.25], [0.95, 0.3], [0.82, 0.95], [0.52, 1.4], [0.2, 1.58], [0.0, 1.6]];
/// Right half of the part from the brows to the mouth.
const FEATURES: [[f32; 2]; 8] =
    [[0.0, -0.44], [0.58, -0.42], [0.8, -0.15], [0.72, 0.2], [0.55, 0.65], [0.46, 1.02], [0.25, 1.18], [0.0, 1.2]];
/// Edges of such parts: nearly the plain shape to one that no rule gives, a cut of a few pixels to a wide fade. A swap
/// replaces what it replaces, wholly or nearly.
const RIM: Rim =
    Rim { deformation: (0.0, 0.18), growth: (-0.1, 0.1), softness: (0.05, 0.35), ratio: (0.7, 1.0), full: 0.8 };

/// Which part of the face is another person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outline {
    /// From the forehead to the chin, cheek to cheek.
    Face,
    /// From the brows to the chin, cheek to cheek: the hull of the usual landmarks.
    Hull,
    /// From the brows to below the lips.
    Inner,
    /// From the brows to the mouth, and narrower.
    Features,
}

impl Outline {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Face, Self::Hull, Self::Inner, Self::Features];

    /// Draws one; the hull more often.
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..10) {
            0..2 => Self::Face,
            2..6 => Self::Hull,
            6..9 => Self::Inner,
            _ => Self::Features,
        }
    }

    /// Draws a mask of it with a varied edge.
    pub(super) fn mask(self, mask: &mut Mask, frame: &FaceFrame, side: usize, random: &mut ChaCha8Rng) {
        mask.vary(&self.shape(frame), self.size(), &RIM, (frame, side), random);
    }

    fn shape(self, frame: &FaceFrame) -> Shape {
        let right = match self {
            Self::Face => &WHOLE_FACE,
            Self::Hull => &HULL,
            Self::Inner => &INNER_FACE,
            Self::Features => &FEATURES,
        };
        Shape::outline(right, frame.landmarks[2][0], None)
    }

    /// About half its width, in distances of the eyes.
    fn size(self) -> f32 {
        match self {
            Self::Face | Self::Hull => 0.85,
            Self::Inner => 0.7,
            Self::Features => 0.6,
        }
    }
}

impl fmt::Display for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Face => "face",
            Self::Hull => "brows to chin",
            Self::Inner => "inner face",
            Self::Features => "brows to mouth",
        })
    }
}
