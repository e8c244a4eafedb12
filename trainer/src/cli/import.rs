//! `cyborg-train import`: a PyTorch checkpoint becomes one of this project.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::checkpoint::{self, Checkpoint};
use crate::network::Architecture;
use crate::torch::{LastLayer, Model};

#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// Checkpoint of PyTorch (.pth, old or new format) or safetensors; nothing in it is executed
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Network that it holds: efficientnet_lite0 or densenet121
    #[arg(long, value_name = "NAME")]
    network: Architecture,
    /// File to write, safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let read = checkpoint::read(&args.checkpoint)?;
    let weight = read.state.get(&format!("{}.weight", args.network.describe(2).last_linear));
    let classes = weight.and_then(|array| array.shape.first().copied()).unwrap_or(2);
    let mut model = Model::new(args.network.describe(classes), 0);
    let loaded = model.load(&read.state)?;
    debug_assert_eq!(loaded.last_layer, LastLayer::Loaded);
    if !loaded.unused.is_empty() {
        log::warn!("{} arrays of the checkpoint have no place: {}", loaded.unused.len(), loaded.unused.join(", "));
    }
    let metadata = BTreeMap::from([("network".to_owned(), args.network.name().to_owned())]);
    checkpoint::write(&args.out, &Checkpoint { metadata, state: model.state() })?;
    log::info!("{}: {} of {classes} classes", args.out.display(), args.network);
    Ok(())
}
