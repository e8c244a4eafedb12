//! The list of networks, and their names.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{Network, clip_vit_b16, densenet121, efficientnet_lite0, inception_v3, resnet50, xception};

/// The least input side, in pixels: below it a network's last windows reach over the whole picture.
pub const LEAST_SIDE: usize = 96;

/// The largest input side, in pixels.
pub const MOST_SIDE: usize = 1024;

/// The blocks that CLIP's tower can be cut after.
pub const DEPTHS: RangeInclusive<usize> = 1..=clip_vit_b16::BLOCKS;

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
    /// CLIP's image tower ViT-B/16 up to one of its blocks.
    ClipVitB16 {
        /// Blocks that are taken, one of [`DEPTHS`].
        depth: usize,
    },
}

impl Architecture {
    /// All of them, each at its own depth.
    pub const ALL: [Self; 6] = [
        Self::EfficientNetLite0,
        Self::DenseNet121,
        Self::ResNet50,
        Self::InceptionV3,
        Self::Xception,
        Self::ClipVitB16 { depth: clip_vit_b16::DEPTH },
    ];

    /// The names of all of them, for help texts.
    pub const NAMES: &str = "efficientnet_lite0, densenet121, resnet50, inception_v3, xception or clip_vit_b16";

    /// The description, for a number of classes of at least 1, at the network's own input side. Its class activation map is
    /// that of the head.
    #[must_use]
    pub fn describe(self, classes: usize) -> Network {
        self.describe_at(classes, self.side())
    }

    /// The same for another input side in pixels, one of [`Self::sides`]: the weights fit all.
    #[must_use]
    pub fn describe_at(self, classes: usize, side: usize) -> Network {
        match self {
            Self::EfficientNetLite0 => efficientnet_lite0::describe(classes, side),
            Self::DenseNet121 => densenet121::describe(classes, side),
            Self::ResNet50 => resnet50::describe(classes, side),
            Self::InceptionV3 => inception_v3::describe(classes, side),
            Self::Xception => xception::describe(classes, side),
            Self::ClipVitB16 { depth } => clip_vit_b16::describe(classes, side, depth),
        }
    }

    /// The input sides that it can have, in pixels. CLIP's tower has learnt the places of 14 x 14 patches, and no others.
    #[must_use]
    pub fn sides(self) -> RangeInclusive<usize> {
        match self {
            Self::ClipVitB16 { .. } => clip_vit_b16::SIDE..=clip_vit_b16::SIDE,
            _ => LEAST_SIDE..=MOST_SIDE,
        }
    }

    /// How many of its blocks are taken; nothing for a network that is always whole.
    #[must_use]
    pub fn depth(self) -> Option<usize> {
        match self {
            Self::ClipVitB16 { depth } => Some(depth),
            _ => None,
        }
    }

    /// The same network up to another of its blocks; its own depth where none is said.
    ///
    /// # Errors
    ///
    /// When it has no such block, or is always whole.
    pub fn with_depth(self, depth: Option<usize>) -> Result<Self, String> {
        match (self, depth) {
            (_, None) => Ok(self),
            (Self::ClipVitB16 { .. }, Some(depth)) if DEPTHS.contains(&depth) => Ok(Self::ClipVitB16 { depth }),
            (Self::ClipVitB16 { .. }, Some(depth)) => Err(format!(
                "{self} can't be cut after block {depth}: it has blocks {} to {}",
                DEPTHS.start(),
                DEPTHS.end()
            )),
            (_, Some(_)) => Err(format!("{self} is always whole: `--depth` is for clip_vit_b16")),
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
            Self::ClipVitB16 { .. } => clip_vit_b16::SIDE,
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
            Self::ClipVitB16 { .. } => "clip_vit_b16",
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
            for side in [LEAST_SIDE, 112, 160].into_iter().filter(|side| architecture.sides().contains(side)) {
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
        let listed = Architecture::ALL.map(Architecture::name).join(", ");
        assert_eq!(Architecture::NAMES.replace(" or ", ", "), listed);
    }

    #[test]
    fn a_depth_is_one_of_the_blocks_of_a_network_that_has_them() {
        let clip: Architecture = "clip_vit_b16".parse().expect("it is known");
        assert_eq!((clip.depth(), clip.with_depth(None)), (Some(6), Ok(clip)));
        assert_eq!(clip.with_depth(Some(12)), Ok(Architecture::ClipVitB16 { depth: 12 }));
        for depth in [0, 13, usize::MAX] {
            let error = clip.with_depth(Some(depth)).expect_err("there is no such block");
            assert!(error.contains("blocks 1 to 12"), "{error}");
        }
        let error = Architecture::ResNet50.with_depth(Some(6)).expect_err("it is always whole");
        assert!(error.contains("resnet50") && error.contains("--depth"), "{error}");
        assert_eq!(Architecture::ResNet50.depth(), None);
    }
}
