//! Why a verdict is as it is, in a word: why nothing certain can be said of a face, or what a synthetic one looks like.

use std::fmt;

use cyborg_models::contract::Kind;
use serde::Serialize;

/// A word on a verdict. It stands with each that is unsure, and with one of synthetic where it is known what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It has too few pixels.
    TooSmall,
    /// It shows too little detail.
    TooBlurred,
    /// It looks away, or lies on its side.
    TooTurned,
    /// It was seen well in too few frames.
    TooFewFrames,
    /// The model's evidence lies between its thresholds.
    BetweenThresholds,
    /// It is not synthetic as a whole, but was so in the intervals that are told with it.
    SyntheticInParts,
    /// It is unlike anything that the model was trained on.
    Unfamiliar,
    /// It is synthetic, by who looks for generated faces.
    LooksGenerated,
    /// It is synthetic, by who looks for swapped faces.
    LooksSwapped,
}

impl Reason {
    /// The word for a synthetic face, by the kind that its evidence is of.
    #[must_use]
    pub fn looks(kind: Option<Kind>) -> Option<Self> {
        kind.map(|kind| match kind {
            Kind::Generated => Self::LooksGenerated,
            Kind::Swapped => Self::LooksSwapped,
        })
    }

    /// Whether it tells something beyond the verdict and the probability.
    #[must_use]
    pub fn tells_more(self) -> bool {
        self != Self::BetweenThresholds
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSmall => "face too small",
            Self::TooBlurred => "face too blurred",
            Self::TooTurned => "face turned too far",
            Self::TooFewFrames => "seen in too few frames",
            Self::BetweenThresholds => "evidence between the thresholds",
            Self::SyntheticInParts => "synthetic in parts",
            Self::Unfamiliar => "unlike anything it knows",
            Self::LooksGenerated => "looks generated",
            Self::LooksSwapped => "looks swapped",
        })
    }
}
