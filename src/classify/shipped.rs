//! The model that comes with the program, so that it works with no file beside it. It comes in two forms.

use cyborg_models::small;

use crate::inference::processor;
use crate::inference::provider::Asked;

/// What to call it in reports, in float32.
pub const NAME: &str = "cyborg-lite0 (shipped)";
/// What to call its form in 8 bits.
pub const INT8_NAME: &str = "cyborg-lite0 int8 (shipped)";

/// The bytes of the shipped model file. They lie in the package of the contract, as a package can't hold files of another's folder.
pub use cyborg_models::small::BYTES;

/// The numbers inside the shipped model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 32-bit floats: right everywhere.
    Float32,
    /// Convolutions in 8 bits: a few verdicts in a thousand are others, and processors with VNNI take about half of the time.
    Int8,
}

impl Form {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Float32, Self::Int8];

    /// What to call the model in this form.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Float32 => NAME,
            Self::Int8 => INT8_NAME,
        }
    }

    /// The bytes of its model file.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Float32 => BYTES,
            Self::Int8 => small::INT8,
        }
    }

    /// The form that is faster where it will run, by what the processor can do: never by a clock, so that a machine always gets
    /// the same one. ONNX Runtime must be loaded.
    #[must_use]
    pub fn faster(asked: Asked) -> Self {
        if asked.is_processor() && processor::adds_products_of_bytes() { Self::Int8 } else { Self::Float32 }
    }
}
