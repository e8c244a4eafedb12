//! `cyborg-train export`: a checkpoint becomes a model file, checked against libtorch before it is written.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use cyborg_edge::model::runtime::Runtime;
use cyborg_models::contract::Contract;
use cyborg_models::digest;

use crate::checkpoint;
use crate::export::export;
use crate::network::Architecture;
use crate::torch::Model;

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Checkpoint of a run, `best.safetensors` for example
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let read = checkpoint::read(&args.checkpoint)?;
    let contract = Contract::from_metadata(&read.metadata)
        .with_context(|| format!("{} doesn't say how it is to be used", args.checkpoint.display()))?;
    let network: Architecture = contract.network.parse().map_err(anyhow::Error::msg)?;
    let mut model = Model::new(network.describe(2), 0);
    model.load(&read.state)?;
    let bytes = export(&Runtime::load()?, &model, &contract)?;
    checkpoint::replace(&args.out, &bytes).with_context(|| format!("can't write {}", args.out.display()))?;
    log::info!("{}: sha256 {}", args.out.display(), digest::of_bytes(&bytes));
    Ok(())
}
