//! The networks that are known: a file and a row each.

pub(super) mod clip_vit_b16;
mod densenet121;
mod efficientnet_lite0;
mod inception_v3;
mod resnet50;
mod xception;

use std::str::FromStr;

use super::architecture::{Architecture, Row};

static ROWS: [&Row; 6] = [
    &efficientnet_lite0::ROW,
    &densenet121::ROW,
    &resnet50::ROW,
    &inception_v3::ROW,
    &xception::ROW,
    &clip_vit_b16::ROW,
];

impl Architecture {
    /// All of them, each at its own depth.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        ROWS.iter().map(|row| Self::of(row))
    }

    /// The one of this name, which stands in our own code.
    ///
    /// # Panics
    ///
    /// When there is none. Names from outside are parsed.
    #[must_use]
    pub fn known(name: &str) -> Self {
        Self::all().find(|known| known.name() == name).expect("a name that stands in the code")
    }

    /// The names of all of them, for help texts.
    #[must_use]
    pub fn names() -> String {
        let names: Vec<_> = Self::all().map(Self::name).collect();
        match names.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|known| known.name() == text)
            .ok_or_else(|| format!("`{text}` is not a network that is known; expected {}", Self::names()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::LEAST_SIDE;

    #[test]
    fn all_can_see_smaller_pictures() {
        for architecture in Architecture::all() {
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
        for architecture in Architecture::all() {
            assert_eq!(architecture.name().parse(), Ok(architecture));
        }
        assert!("resnet".parse::<Architecture>().is_err());
        assert!(
            Architecture::names().starts_with("efficientnet_lite0, ")
                && Architecture::names().ends_with(" or clip_vit_b16")
        );
    }

    #[test]
    fn a_depth_is_one_of_the_blocks_of_a_network_that_has_them() {
        let clip: Architecture = "clip_vit_b16".parse().expect("it is known");
        assert_eq!((clip.depth(), clip.with_depth(None)), (Some(6), Ok(clip)));
        assert_eq!(clip.with_depth(Some(12)).map(Architecture::depth), Ok(Some(12)));
        for depth in [0, 13, usize::MAX] {
            let error = clip.with_depth(Some(depth)).expect_err("there is no such block");
            assert!(error.contains("blocks 1 to 12"), "{error}");
        }
        let error = Architecture::known("resnet50").with_depth(Some(6)).expect_err("it is always whole");
        assert!(error.contains("resnet50") && error.contains("clip_vit_b16"), "{error}");
        assert_eq!(Architecture::known("resnet50").depth(), None);
    }
}
