//! The numbers inside a model file.

use std::fmt;
use std::str::FromStr;

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

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|known| known.name() == text);
        known.ok_or_else(|| format!("`{text}` is not a precision that is known; expected float32 or float16"))
    }
}
