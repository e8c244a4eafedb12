//! `cyborg-train export`: a checkpoint becomes a model file, checked against libtorch before it is written; or what was trained
//! of it is written alone.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use cyborg_edge::capture::stills;
use cyborg_edge::face::exact::ExactResizer;
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::Contract;
use cyborg_models::digest;
use cyborg_models::name;

use crate::checkpoint::{self, Checkpoint};
use crate::export::{Precision, export, trained_alone};
use crate::network::Network;
use crate::run_folder::{network_of, tuned, write_model};
use crate::torch::Model;

/// Pictures that a file is checked with at most.
const MOST_PICTURES: usize = 64;

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Checkpoint of a run, `best.safetensors` for example, or of `import`
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write what was trained alone, as safetensors: normalisations that were tuned, and the classifier as `head.weight` and
    /// `head.bias` on what the trunk gives
    #[arg(long, conflicts_with_all = ["precision", "check"])]
    only_trained: bool,
    /// Numbers inside the file: float32, or float16, which is half as large and faster on GPUs
    #[arg(long, value_name = "PRECISION", default_value = "float32")]
    precision: Precision,
    /// Pictures of faces, or folders of them, to check the file with, the first 64; patterns by a formula are always used
    #[arg(long, value_name = "PATH", num_args = 1..)]
    check: Vec<PathBuf>,
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let read = checkpoint::read(&args.checkpoint)?;
    let contract = Contract::from_metadata(&read.metadata)
        .with_context(|| format!("{} doesn't say how it is to be used", name::of(&args.checkpoint)))?;
    let mut model = Model::new(network_of(&read.metadata, &contract)?, 0);
    model.load(&read.state)?;
    if args.only_trained {
        return write_trained(args, model.network(), read);
    }
    let crops = crops(&args.check, model.network().input_side)?;
    let bytes = export(&Runtime::load()?, &model, &contract, args.precision, &crops)?;
    write_model(&args.out, &bytes)?;
    log::info!("{}: {}, sha256 {}", name::of(&args.out), args.precision, digest::of_bytes(&bytes));
    Ok(())
}

/// What was learnt alone, with all that the checkpoint says of itself.
fn write_trained(args: &ExportArgs, network: &Network, read: Checkpoint) -> anyhow::Result<()> {
    let tune = tuned(&read.metadata)?;
    let state = trained_alone(network, &read.state, tune)?;
    let count: usize = state.values().map(|array| array.values.len()).sum();
    checkpoint::write(&args.out, &Checkpoint { metadata: read.metadata, state })?;
    log::info!("{}: what `--tune {tune}` trained, {count} numbers", name::of(&args.out));
    Ok(())
}

/// The pictures, each resized as a whole to the network's square.
fn crops(paths: &[PathBuf], side: usize) -> anyhow::Result<Vec<u8>> {
    let mut pictures = Vec::new();
    for path in paths {
        let found = if path.is_dir() { stills::list(path).map(|found| found.files) } else { Ok(vec![path.clone()]) };
        let found = found.with_context(|| format!("can't read {}", name::of(path)))?;
        ensure!(!found.is_empty(), "{} holds no pictures to check with", name::of(path));
        pictures.extend(found);
    }
    if pictures.len() > MOST_PICTURES {
        log::info!("checking with the first {MOST_PICTURES} of {} pictures", pictures.len());
    }
    pictures.truncate(MOST_PICTURES);
    let mut pixels = vec![0; pictures.len() * side * side * 3];
    let (mut frame, mut resizer) = (Frame::empty(), ExactResizer::default());
    for (path, out) in pictures.iter().zip(pixels.chunks_exact_mut(side * side * 3)) {
        stills::read(path, &mut frame)?;
        let resized = resizer.resize(&frame.pixels, (frame.width, frame.height), out, (side, side));
        resized.with_context(|| format!("can't use {} to check with", name::of(path)))?;
    }
    Ok(pixels)
}
