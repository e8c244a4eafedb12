//! CLIP's image tower as a published package holds it: weights of 8 bits, read from its ONNX file without running it.
//!
//! The package's graph is not used: [`write()`] makes one from these weights, of as many blocks as are wanted, with the
//! contract's inputs and outputs. Each linear layer has 8-bit weights with a scale an output; what goes into it is
//! brought to 8 bits when it runs (`DynamicQuantizeLinear`).

mod read;
mod write;

pub use read::TowerError;
pub use write::{FEATURES, GATE_OFFSETS, OPSET, write, write_features};

/// Values of one head of attention; the number of heads is the width over this.
pub const HEAD_WIDTH: usize = 64;
/// What CLIP subtracts from red, green and blue, in shares of white.
pub const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// What CLIP divides by after that, in shares of white.
pub const STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// A vision transformer up to some block.
#[derive(Clone, Debug, PartialEq)]
pub struct Tower {
    /// Values of a token.
    pub width: usize,
    /// Patches along a side of the picture.
    pub grid: usize,
    /// Pixels along a side of a patch.
    pub patch: usize,
    /// `[width, 3, patch, patch]`, without bias.
    pub patches: Vec<f32>,
    /// The class token, `[width]`.
    pub class: Vec<f32>,
    /// Added to the tokens, `[grid * grid + 1, width]`, the class token's first.
    pub positions: Vec<f32>,
    /// The normalisation before the first block.
    pub norm: Norm,
    /// The blocks, in their order.
    pub blocks: Vec<Block>,
}

/// A block: attention, then two linear layers, each behind a normalisation and added to what went in.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Before the attention.
    pub norm1: Norm,
    /// Queries, keys and values of the attention.
    pub attention: [Linear; 3],
    /// After it.
    pub out: Linear,
    /// Before the two layers.
    pub norm2: Norm,
    /// To four times the width, with a quick GELU after it.
    pub fc1: Linear,
    /// Back to the width.
    pub fc2: Linear,
}

/// A layer normalisation over the values of a token.
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    /// Scale, `[width]`.
    pub weight: Vec<f32>,
    /// Shift, `[width]`.
    pub bias: Vec<f32>,
}

/// A linear layer of 8-bit weights: `x * weight * scale + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Values that go in.
    pub inputs: usize,
    /// `[inputs, outputs]`.
    pub weight: Vec<i8>,
    /// A scale an output.
    pub scale: Vec<f32>,
    /// A shift an output.
    pub bias: Vec<f32>,
}

impl Tower {
    /// Side of the picture that goes in, in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.grid * self.patch
    }

    /// Tokens: one a patch, and the class token.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.grid * self.grid + 1
    }
}

#[cfg(test)]
pub(crate) mod tests;
