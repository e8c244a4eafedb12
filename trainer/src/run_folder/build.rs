//! What a checkpoint says of its network in its metadata that the contract doesn't say: the network must be described again
//! before its weights fit.

use std::collections::BTreeMap;

use anyhow::Context;
use cyborg_models::contract::Contract;

use crate::network::{Architecture, Network, Tap};
use crate::torch::Tune;

/// Metadata key of the side of the network's input in pixels.
const SIDE: &str = "run.side";
/// Metadata key of whether the network smooths its picture first.
const SMOOTH: &str = "run.smooth";
/// Metadata key of how many of the network's blocks are taken.
const DEPTH: &str = "run.depth";
/// Metadata key of which layers learnt; all of them where it isn't there.
const TUNE: &str = "run.tune";
/// What a checkpoint says of its network that the contract doesn't say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// Side of the input in pixels.
    pub side: usize,
    /// Whether the picture is smoothed first.
    pub smooth: bool,
    /// Blocks that are taken; nothing for a network that is always whole.
    pub depth: Option<usize>,
    /// Which layers learn.
    pub tune: Tune,
}

impl Build {
    /// As metadata of a checkpoint.
    pub(super) fn to_metadata(self) -> BTreeMap<String, String> {
        let mut metadata = BTreeMap::from([(SIDE.to_owned(), self.side.to_string())]);
        if self.smooth {
            smooth(&mut metadata);
        }
        if let Some(depth) = self.depth {
            metadata.insert(DEPTH.to_owned(), depth.to_string());
        }
        if self.tune != Tune::All {
            metadata.insert(TUNE.to_owned(), self.tune.to_string());
        }
        metadata
    }
}

/// The network of two classes that is built like this.
#[must_use]
pub fn described(architecture: Architecture, side: Option<usize>, tap: Tap, smooth: bool) -> Network {
    let network = architecture.describe_at(2, side.unwrap_or(architecture.side())).with_tap(tap);
    if smooth { network.smoothed() } else { network }
}

/// The network that a checkpoint's contract and metadata speak of.
///
/// # Errors
///
/// When one of them names something unknown.
pub fn network_of(metadata: &BTreeMap<String, String>, contract: &Contract) -> anyhow::Result<Network> {
    let architecture: Architecture = contract.network.parse().map_err(anyhow::Error::msg)?;
    let architecture = at_depth(metadata, architecture)?;
    let tap: Tap = contract.saliency.tap.parse().map_err(anyhow::Error::msg)?;
    Ok(described(architecture, Some(trained_side(metadata, architecture)), tap, is_smoothed(metadata)))
}

/// Whether a checkpoint's network smooths its picture first.
#[must_use]
pub fn is_smoothed(metadata: &BTreeMap<String, String>) -> bool {
    metadata.get(SMOOTH).is_some_and(|text| text == "true")
}

/// Makes a checkpoint's network one that smooths its picture first.
pub fn smooth(metadata: &mut BTreeMap<String, String>) {
    metadata.insert(SMOOTH.to_owned(), "true".to_owned());
}

/// Makes it one that doesn't.
pub(super) fn unsmooth(metadata: &mut BTreeMap<String, String>) {
    metadata.remove(SMOOTH);
}

/// The input side of a checkpoint's network: the one that it was trained with, where the checkpoint says it, else the
/// network's own.
fn trained_side(metadata: &BTreeMap<String, String>, architecture: Architecture) -> usize {
    let side = metadata.get(SIDE).and_then(|text| text.parse().ok());
    side.filter(|side| architecture.sides().contains(side)).unwrap_or_else(|| architecture.side())
}

/// The network of a checkpoint up to the block that it was cut after.
fn at_depth(metadata: &BTreeMap<String, String>, architecture: Architecture) -> anyhow::Result<Architecture> {
    let Some(text) = metadata.get(DEPTH) else { return Ok(architecture) };
    let depth =
        text.parse().with_context(|| format!("the checkpoint's metadata `{DEPTH}` is `{text}`, which is no number"))?;
    architecture
        .with_depth(Some(depth))
        .map_err(|error| anyhow::anyhow!("the checkpoint's metadata `{DEPTH}`: {error}"))
}

/// Says in a checkpoint's metadata which block its network was cut after.
pub fn set_depth(metadata: &mut BTreeMap<String, String>, architecture: Architecture) {
    metadata.extend(architecture.depth().map(|depth| (DEPTH.to_owned(), depth.to_string())));
}

/// Which layers of a checkpoint's network learnt.
///
/// # Errors
///
/// When it says something unknown.
pub fn tuned(metadata: &BTreeMap<String, String>) -> anyhow::Result<Tune> {
    let known = [Tune::All, Tune::Norms, Tune::Head];
    match metadata.get(TUNE) {
        None => Ok(Tune::All),
        Some(text) => known
            .into_iter()
            .find(|tune| tune.to_string() == *text)
            .with_context(|| format!("the checkpoint's metadata `{TUNE}` is `{text}`, which is unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_knows_how_its_network_is_built() {
        let clip = Architecture::known("clip_vit_b16").with_depth(Some(3)).expect("one of its blocks");
        let build = Build { side: 224, smooth: true, depth: clip.depth(), tune: Tune::Norms };
        let metadata = build.to_metadata();
        let default = "clip_vit_b16".parse().expect("it is known");
        assert_eq!(at_depth(&metadata, default).expect("it has that block"), clip);
        assert_eq!(tuned(&metadata).expect("it is known"), Tune::Norms);
        assert!(is_smoothed(&metadata));
        let plain = Build { smooth: false, depth: None, tune: Tune::All, ..build }.to_metadata();
        assert_eq!(plain.keys().collect::<Vec<_>>(), [SIDE], "as before there were depths");
        assert_eq!(
            (at_depth(&plain, default).expect("none is said"), tuned(&plain).expect("all")),
            (default, Tune::All)
        );
        for (key, text) in [(DEPTH, "13"), (DEPTH, "0"), (DEPTH, "six"), (TUNE, "none")] {
            let metadata = BTreeMap::from([(key.to_owned(), text.to_owned())]);
            let error = at_depth(&metadata, default).map(|_| ()).and(tuned(&metadata).map(|_| ())).expect_err(text);
            assert!(format!("{error:#}").contains(key), "{error:#}");
        }
        assert!(at_depth(&metadata, Architecture::known("resnet50")).is_err(), "it has no blocks");
    }
}
