//! Where a class activation map is taken from.

use std::fmt;
use std::str::FromStr;

use super::NodeId;

/// The tensor that the weights of the last linear layer are laid over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// The tensor that the pooled classifier sees: its map, averaged, is the class score without the bias.
    Head,
    /// The tensor that the published CYBORG code takes, mostly one or two layers before the head. For
    /// EfficientNet-Lite0, which that code doesn't have, it is the last convolution before its batch normalisation.
    Reference,
}

/// The nodes of both taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taps {
    /// That of [`Tap::Head`].
    pub head: NodeId,
    /// That of [`Tap::Reference`].
    pub reference: NodeId,
}

impl Tap {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Head, Self::Reference];

    /// Its name in flags and in the contract's `saliency.tap`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Reference => "reference",
        }
    }
}

impl fmt::Display for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|known| known.name() == text);
        known.ok_or_else(|| format!("`{text}` is not a tap that is known; expected head or reference"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for tap in Tap::ALL {
            assert_eq!(tap.name().parse(), Ok(tap));
        }
        assert!("neck".parse::<Tap>().is_err());
    }
}
