//! `cyborg-train export`: a checkpoint becomes a model file, checked against libtorch before it is written; or what was trained
//! of it is written alone. A model file becomes one in 8 bits.

mod int8;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use cyborg_edge::capture::stills;
use cyborg_edge::face::exact::ExactResizer;
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::Contract;
use cyborg_models::digest;
use cyborg_models::name;

use cyborg_models::model_file::ModelFile;

use self::int8::Gathered;
use super::outcome::{Outcome, wrong_usage};
use super::session::{DataArgs, listen};
use crate::checkpoint::{self, Checkpoint};
use crate::export::{Cost, Form, Int8, Precision, export, to_int8, trained_alone};
use crate::network::Network;
use crate::run_folder::{network_of, tuned, write_model};
use crate::torch::Model;

/// Pictures that a file is checked with at most.
const MOST_PICTURES: usize = 64;

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Checkpoint of a run, `best.safetensors` for example, or of `import`; with `--precision int8` a model file in float32, too
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write what was trained alone, as safetensors: normalisations that were tuned, and the classifier as `head.weight` and
    /// `head.bias` on what the trunk gives
    #[arg(long, conflicts_with_all = ["precision", "check"])]
    only_trained: bool,
    /// Numbers inside the file: float32; float16, which is half as large and faster on GPUs; or int8, which is a quarter as large
    /// and faster on processors with VNNI
    #[arg(long, value_name = "PRECISION", default_value = "float32")]
    precision: Form,
    /// With `--precision int8`: list of faces, whose split `train` says what values there are, and on whose split `validation`
    /// the file is measured
    #[arg(long, value_name = "LIST")]
    data: Option<PathBuf>,
    /// Folder that the paths of the list start from [default: `faces` beside the list, or the list's folder]
    #[arg(long, value_name = "FOLDER", requires = "data")]
    root: Option<PathBuf>,
    /// Pictures of faces, or folders of them, to check the file with, the first 64; patterns by a formula are always used
    #[arg(long, value_name = "PATH", num_args = 1..)]
    check: Vec<PathBuf>,
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<Outcome> {
    let is_model = args.checkpoint.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
    match (args.precision, &args.data) {
        (Form::Int8, None) => {
            return wrong_usage(
                "int8 takes its steps from faces and is measured on others: give a list of them with `--data`",
            );
        }
        (Form::Floats(_), Some(_)) => return wrong_usage("`--data` is for `--precision int8`: leave it out"),
        (Form::Floats(_), None) if is_model => {
            return wrong_usage("a model file becomes another one with `--precision int8` alone: give a checkpoint");
        }
        (Form::Int8, Some(_)) if is_model => {
            let bytes = std::fs::read(&args.checkpoint);
            let bytes = bytes.with_context(|| format!("can't read {}", name::of(&args.checkpoint)))?;
            return write_int8(args, &Runtime::load()?, &bytes);
        }
        _ => {}
    }
    let read = checkpoint::read(&args.checkpoint)?;
    let contract = Contract::from_metadata(&read.metadata)
        .with_context(|| format!("{} doesn't say how it is to be used", name::of(&args.checkpoint)))?;
    let mut model = Model::new(network_of(&read.metadata, &contract)?, 0);
    model.load(&read.state)?;
    if args.only_trained {
        return write_trained(args, model.network(), read).map(|()| Outcome::Done);
    }
    let crops = crops(&args.check, model.network().input_side)?;
    let runtime = Runtime::load()?;
    match args.precision {
        Form::Int8 => {
            let float = export(&runtime, &model, &contract, Precision::Float32, &crops)?;
            write_int8(args, &runtime, &float)
        }
        Form::Floats(precision) => {
            let bytes = export(&runtime, &model, &contract, precision, &crops)?;
            write(&args.out, args.precision, &bytes).map(|()| Outcome::Done)
        }
    }
}

/// Writes what the model file `float` becomes in 8 bits.
fn write_int8(args: &ExportArgs, runtime: &Runtime, float: &[u8]) -> anyhow::Result<Outcome> {
    let file = ModelFile::parse(float).with_context(|| format!("{} can't be used", name::of(&args.checkpoint)))?;
    let data = DataArgs { data: args.data.clone(), root: args.root.clone(), ..DataArgs::default() };
    let Some(gathered) = Gathered::of(&data, &file, listen())? else { return Ok(Outcome::Interrupted) };
    let Int8 { bytes, cost, float_layers, layers } = to_int8(runtime, float, gathered.faces())?;
    write(&args.out, args.precision, &bytes)?;
    let Cost { faces, auc, cosine, changed } = cost;
    log::info!("{float_layers} of {layers} convolutions stayed float32");
    log::info!(
        "on {faces} faces: AUC {:+.4}, maps' cosine {cosine:.4}, {:.2} % of verdicts change",
        -auc,
        changed * 100.0
    );
    Ok(Outcome::Done)
}

fn write(out: &Path, precision: Form, bytes: &[u8]) -> anyhow::Result<()> {
    write_model(out, bytes)?;
    log::info!("{}: {precision}, sha256 {}", name::of(out), digest::of_bytes(bytes));
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
