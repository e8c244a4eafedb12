//! The list of networks, and their names.

use std::fmt;
use std::str::FromStr;

use super::{Network, densenet121, efficientnet_lite0, inception_v3, resnet50, xception};

/// The least input side, in pixels: below it a network's last windows reach over the whole picture.
pub const LEAST_SIDE: usize = 96;

/// The largest input side, in pixels.
pub const MOST_SIDE: usize = 1024;

/// The networks that are described here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// EfficientNet-Lite0: small, for the edge.
    EfficientNetLite0,
    /// DenseNet-121, one of the paper's.
    DenseNet121,
    /// ResNet-50, one of the paper's.
    ResNet50,
    /// Inception-v3, one of the paper's.
    InceptionV3,
    /// Xception, one of the paper's.
    Xception,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::EfficientNetLite0, Self::DenseNet121, Self::ResNet50, Self::InceptionV3, Self::Xception];

    /// The description, for a number of classes of at least 1, at the network's own input side. Its class activation map is
    /// that of the head.
    #[must_use]
    pub fn describe(self, classes: usize) -> Network {
        self.describe_at(classes, self.side())
    }

    /// The same for another input side in pixels, [`LEAST_SIDE`] to [`MOST_SIDE`]: the weights fit all.
    #[must_use]
    pub fn describe_at(self, classes: usize, side: usize) -> Network {
        match self {
            Self::EfficientNetLite0 => efficientnet_lite0::describe(classes, side),
            Self::DenseNet121 => densenet121::describe(classes, side),
            Self::ResNet50 => resnet50::describe(classes, side),
            Self::InceptionV3 => inception_v3::describe(classes, side),
            Self::Xception => xception::describe(classes, side),
        }
    }

    /// The input side that the network was made for, in pixels.
    #[must_use]
    pub fn side(self) -> usize {
        match self {
            Self::EfficientNetLite0 => efficientnet_lite0::SIDE,
            Self::DenseNet121 => densenet121::SIDE,
            Self::ResNet50 => resnet50::SIDE,
            Self::InceptionV3 => inception_v3::SIDE,
            Self::Xception => xception::SIDE,
        }
    }

    /// Its name in flags and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EfficientNetLite0 => "efficientnet_lite0",
            Self::DenseNet121 => "densenet121",
            Self::ResNet50 => "resnet50",
            Self::InceptionV3 => "inception_v3",
            Self::Xception => "xception",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|known| known.name()).collect();
            format!("`{text}` is not a network that is known; expected {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_can_see_smaller_pictures() {
        for architecture in Architecture::ALL {
            for side in [LEAST_SIDE, 112, 160] {
                let network = architecture.describe_at(2, side);
                let (height, width) = network.cam_size();
                assert!(height >= 1 && height == width && height < 10, "{architecture} at {side}: {height}");
                assert_eq!(network.input_side, side);
                assert_eq!(network.parameters(), architecture.describe(2).parameters());
            }
        }
    }

    #[test]
    fn names_parse_back() {
        for architecture in Architecture::ALL {
            assert_eq!(architecture.name().parse(), Ok(architecture));
        }
        assert!("resnet".parse::<Architecture>().is_err());
    }
}
