//! Flags of `train` that say which network is trained, and what it starts from.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use crate::cli::outcome::wrong_usage;
use crate::network::{Architecture, LEAST_SIDE, MOST_SIDE, Network, Tap};
use crate::run_folder::described;
use crate::runs::start::Start;

#[derive(Args, Debug)]
pub(super) struct NetworkArgs {
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0", help = format!("Network: {}", Architecture::names()))]
    pub(super) network: Architecture,
    /// Blocks of clip_vit_b16 that are taken, 1 to 12: the first ones know how a picture is made, the last ones what it shows
    /// [default: 6]
    #[arg(long, value_name = "BLOCKS", value_parser = depth)]
    depth: Option<usize>,
    /// Side of the network's input in pixels, 96 to 1024 [default: the network's own, 224 or 299]
    #[arg(long, value_name = "PIXELS", value_parser = side)]
    pub(super) side: Option<usize>,
    /// Smooth the input inside the network (a 3 x 3 mean, twice) from the first step on
    #[arg(long)]
    pub(super) smooth: bool,
    /// Weights to start from, or `none` for random ones [default: those that set-up fetched, for efficientnet_lite0 and
    /// clip_vit_b16]
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().map(start))]
    weights: Option<Start>,
    /// Go on from these runs, this run or this checkpoint, with other settings or more maps: network, list and crop are taken from
    /// there unless they are named, and the weights of its best epoch (of the first run) are what all new runs start from
    #[arg(long, value_name = "RUN", conflicts_with_all = ["network", "depth", "side", "smooth", "weights", "cam_tap"])]
    pub(super) from: Option<PathBuf>,
}

fn side(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (LEAST_SIDE..=MOST_SIDE).contains(number));
    number.ok_or_else(|| format!("expected a whole number in {LEAST_SIDE} to {MOST_SIDE}"))
}

/// Parses the number of blocks of a network that has some.
pub(in crate::cli) fn depth(text: &str) -> Result<usize, String> {
    let depths = || Architecture::all().filter_map(Architecture::depths);
    let (least, most) = (depths().map(|depths| *depths.start()).min(), depths().map(|depths| *depths.end()).max());
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("expected a whole number in {least} to {most}"))
}

fn start(text: OsString) -> Start {
    if text == "none" { Start::Random } else { Start::File(text.into()) }
}

/// A network up to the block that was asked for.
pub(in crate::cli) fn cut(network: Architecture, depth: Option<usize>) -> anyhow::Result<Architecture> {
    network.with_depth(depth).or_else(|error| wrong_usage(&format!("{error}; change `--depth`, or leave it out")))
}

impl NetworkArgs {
    /// The network, with its activation map made at `tap`.
    pub(super) fn describe(&self, tap: Tap) -> anyhow::Result<Network> {
        let architecture = cut(self.network, self.depth)?;
        if let Some(side) = self.side.filter(|side| !architecture.sides().contains(side)) {
            let own = architecture.side();
            let message =
                format!("{architecture} has learnt the places of {own} x {own} pixels: leave out `--side {side}`");
            return wrong_usage(&message);
        }
        Ok(described(architecture, self.side, tap, self.smooth))
    }

    /// What the runs start from.
    pub(super) fn start(&self) -> Start {
        self.weights.clone().unwrap_or(Start::Fetched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_network_does_not_have_is_told() {
        for text in ["0", "13", "-1", "six"] {
            assert!(depth(text).is_err(), "{text}");
        }
        assert_eq!(depth("12"), Ok(12));
        let error = cut(Architecture::known("resnet50"), Some(3)).expect_err("it is always whole").to_string();
        assert!(error.contains("resnet50") && error.contains("--depth"), "{error}");
        assert_eq!(cut(Architecture::known("clip_vit_b16"), Some(3)).expect("it has it").depth(), Some(3));
        assert_eq!(start("none".into()), Start::Random);
        assert_eq!(start("./none".into()), Start::File("./none".into()));
    }
}
