//! What is judged: what a model, or a set of experts, makes of one face in one frame.

use cyborg_models::contract::Kind;

use crate::face::crop::CropSquare;

/// The class scores of a face before softmax.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Logits {
    /// Score of the authentic class.
    pub authentic: f32,
    /// Score of the synthetic class.
    pub synthetic: f32,
}

/// What a classifier made of one face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The square that was cut out and classified; of several experts, that of the one who saw most.
    pub square: CropSquare,
    /// The raw class scores; of several experts together, the evidence that they came to, over 0.
    pub logits: Logits,
    /// The kind of synthetic face that the evidence is of, where it is known.
    pub kind: Option<Kind>,
    /// Whether the face is unlike anything that the model was trained on.
    pub unfamiliar: bool,
}

impl Score {
    /// A score of a face that is like others, by a model that doesn't say what it looks for.
    #[must_use]
    pub fn new(square: CropSquare, logits: Logits) -> Self {
        Self { square, logits, kind: None, unfamiliar: false }
    }
}
