//! The numbers inside a model file.

use std::fmt;
use std::str::FromStr;

/// The name of 8 bits in flags.
const INT8: &str = "int8";

/// How the weights and the values between the layers are kept. Inputs and outputs of the file are the same for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    Float32,
    /// 16-bit floats of IEEE 754: half the size, and faster where the hardware has them.
    Float16,
}

impl Precision {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Float32, Self::Float16];

    /// Its name in flags.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
        }
    }

    /// How far a file may be from libtorch in float32, counted in the [spread](super::Difference) of each output.
    #[must_use]
    pub fn tolerance(self) -> f32 {
        match self {
            Self::Float32 => 1e-4,
            Self::Float16 => 2e-2,
        }
    }
}

/// What is asked for as the precision of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One kind of floats.
    Floats(Precision),
    /// Convolutions in 8 bits, with steps from faces: [`to_int8`](super::to_int8).
    Int8,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Floats(precision) => precision.fmt(f),
            Self::Int8 => f.write_str(INT8),
        }
    }
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let floats = Precision::ALL.into_iter().find(|known| known.name() == text).map(Self::Floats);
        let form = floats.or_else(|| (text == INT8).then_some(Self::Int8));
        form.ok_or_else(|| format!("`{text}` is not a precision that is known; expected float32, float16 or int8"))
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
