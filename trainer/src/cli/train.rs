//! `cyborg-train train`: from a list of faces to model files, one a seed.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use cyborg_models::contract::CamClass;
use cyborg_models::lock;

use super::Outcome;
use super::runs::{Runs, run_all};
use super::session::{
    DataArgs, Known, MachineArgs, TOOL, Wanted, absolute, both_classes, bytes, listen, look, not_negative, of_split,
    positive, share, share_of_one,
};
use crate::checkpoint::names::translate;
use crate::checkpoint::{self, State};
use crate::data::augment::Preset;
use crate::data::faces::Extent;
use crate::data::inspect::Need;
use crate::data::list::{Format, Label, Split, keep_out};
use crate::fit::{FitData, FitSettings, MOST_FORGED, Measure, Precision, Schedule, class_counts};
use crate::loss::{LossSettings, parse_cam_class};
use crate::network::{Architecture, Network, Tap};
use crate::run_folder::{Config, DataConfig, RunFolder, SaliencyName};
use crate::torch::{AdamWSettings, ComputeDevice, LastLayer, Model, OptimiserSettings, SgdSettings};

#[derive(Args, Debug)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    new: NewArgs,
    /// Go on with the runs of this folder where they stopped; all settings are taken from it
    #[arg(long, value_name = "FOLDER", conflicts_with_all = SETTINGS)]
    resume: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// What a run that goes on takes from its folder.
const SETTINGS: [&str; 26] = [
    "data",
    "root",
    "maps",
    "crop",
    "margin",
    "saliency",
    "out",
    "network",
    "weights",
    "runs",
    "seed",
    "preset",
    "alpha",
    "cam_class",
    "cam_tap",
    "cam_entropy",
    "augment",
    "forge",
    "epochs",
    "batch",
    "rate",
    "step_epochs",
    "best_by",
    "patience",
    "validate_on",
    "precision",
];

/// How a new setting is trained.
#[derive(Args, Debug)]
struct NewArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Folder of the runs, which is made
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Network: resnet50, densenet121, inception_v3, xception or efficientnet_lite0
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0")]
    network: Architecture,
    /// Weights to start from, or `none` for random ones [default: ImageNet's that set-up fetched, for efficientnet_lite0]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Runs, which differ in their seed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    runs: u64,
    /// Seed of the first run: of the order, the augmentation and the fresh weights, and of the faces kept out
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Optimiser and schedule: the paper's SGD with steps, or AdamW with a cosine
    #[arg(long, value_name = "NAME", default_value = "paper")]
    preset: FitPreset,
    /// Share of the class loss, 0 to 1; the rest pulls the activation map to the saliency map; 1 is without saliency
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share_of_one)]
    alpha: f64,
    /// Class whose activation map is pulled: true or predicted
    #[arg(long, value_name = "RULE", default_value = "true", value_parser = parse_cam_class)]
    cam_class: CamClass,
    /// Tensor that the activation map is made from: head (what the pooled classifier sees) or reference (the published
    /// code's)
    #[arg(long, value_name = "TAP", default_value = "head")]
    cam_tap: Tap,
    /// Weight of the activation map's entropy in the loss (arXiv 2303.00818)
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, value_parser = not_negative)]
    cam_entropy: f64,
    /// What is done to the faces: none (the paper) or robust (jitter, mirror, scale, blur, colour, grey, noise, JPEG)
    #[arg(long, value_name = "PRESET", default_value = "none")]
    augment: Preset,
    /// Self-blended fakes forged in each epoch, over the number of real faces, 0 to 10; each with its real face beside it
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = forge_share)]
    forge: f64,
    /// Times that each face is seen
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Faces in a step
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    batch: u16,
    /// Learning rate at the start [default: 0.005 for paper, 0.0003 for adamw]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    rate: Option<f64>,
    /// Preset paper: the rate becomes a tenth every so many epochs
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..))]
    step_epochs: u64,
    /// By what an epoch is the best: accuracy, auc, class-loss or cam-error, of the validation faces
    #[arg(long, value_name = "MEASURE", default_value = "accuracy")]
    best_by: Measure,
    /// End a run after so many epochs without a better one
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u64).range(1..))]
    patience: Option<u64>,
    /// Split that epochs are judged by [default: validation; test for the CYBORG data's CSV; else a tenth is kept out]
    #[arg(long, value_name = "SPLIT")]
    validate_on: Option<Split>,
    /// Numbers that the network computes with: full (32 bits) or mixed (16 where it does no harm; CUDA alone)
    #[arg(long, value_name = "PRECISION", default_value = "full", value_enum)]
    precision: PrecisionName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FitPreset {
    Paper,
    Adamw,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrecisionName {
    Full,
    Mixed,
}

fn forge_share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=MOST_FORGED).contains(number));
    number.ok_or_else(|| format!("expected a number in 0 to {MOST_FORGED}"))
}

impl NewArgs {
    fn fit(&self) -> FitSettings {
        let (optimiser, rate, schedule) = match self.preset {
            FitPreset::Paper => (
                OptimiserSettings::Sgd(SgdSettings { momentum: 0.9, weight_decay: 1e-6 }),
                0.005,
                Schedule::Step { epochs: self.step_epochs, factor: 0.1 },
            ),
            FitPreset::Adamw => {
                let settings = AdamWSettings { mean_decay: 0.9, square_decay: 0.999, eps: 1e-8, weight_decay: 0.05 };
                (OptimiserSettings::AdamW(settings), 0.0003, Schedule::Cosine)
            }
        };
        FitSettings {
            loss: LossSettings { alpha: self.alpha, cam_class: self.cam_class, cam_entropy: self.cam_entropy },
            epochs: self.epochs,
            batch: self.batch.into(),
            optimiser,
            rate: self.rate.unwrap_or(rate),
            schedule,
            augment: self.augment,
            forge: self.forge,
            best_by: self.best_by,
            patience: self.patience,
            precision: match self.precision {
                PrecisionName::Full => Precision::Full,
                PrecisionName::Mixed => Precision::Mixed,
            },
            seed: self.seed,
        }
    }

    /// The weights that all runs start from.
    fn weights(&self) -> anyhow::Result<Option<PathBuf>> {
        match (&self.weights, self.network) {
            (Some(path), _) if path.as_os_str() == "none" => Ok(None),
            (Some(path), _) => Ok(Some(absolute(path)?)),
            (None, Architecture::EfficientNetLite0) => {
                let path = lock::cached("efficientnet_lite0_imagenet");
                Ok(Some(
                    path.context("there is no cache folder for the weights: set CYBORG_CACHE, or give `--weights`")?,
                ))
            }
            (None, network) => bail!(
                "no weights come with {network}: give a file with `--weights` (torchvision's, for example), or \
                 `--weights none` for random ones"
            ),
        }
    }
}

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<Outcome> {
    match &args.resume {
        Some(folder) => go_on(folder, &args.machine),
        None => begin(&args.new, &args.machine),
    }
}

/// New runs.
fn begin(args: &NewArgs, machine: &MachineArgs) -> anyhow::Result<Outcome> {
    let Some(out) = &args.out else {
        return super::wrong_usage("give the folder of the runs with `--out`, or go on with some by `--resume FOLDER`");
    };
    let stop = listen();
    let fit = args.fit();
    usable(&fit, machine.device)?;
    // Before all the work; `create` below is the one that counts.
    RunFolder::is_free(out)?;
    let network = args.network.describe(2).with_tap(args.cam_tap);
    let weights = args.weights()?;
    let start = weights.as_deref().map(|path| read_weights(path, &network)).transpose()?;
    let mut read = args.data.read(&Known::default())?;
    let has = |split| read.list.rows.iter().any(|row| row.split == split);
    let by_format = match read.list.format {
        Format::Paper => Split::Test,
        Format::Header => Split::Validation,
    };
    read.config.validation = args.validate_on.or_else(|| has(by_format).then_some(by_format));
    if read.config.validation == Some(Split::Train) {
        return super::wrong_usage("--validate-on train would judge epochs by the faces that they learnt");
    }
    let data_config = read.config.clone();
    let needs = if args.forge > 0.0 { Need::Needed } else { Need::Unneeded };
    let Some(Looked { data, digest, list_digest }) = faces(read, &network, needs, fit.seed, machine, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    tell_of(&data, &data_config, &fit)?;
    let config = Config {
        tool: TOOL.to_owned(),
        network: args.network.name().to_owned(),
        cam_tap: args.cam_tap.to_string(),
        weights,
        data: data_config,
        data_sha256: digest,
        list_sha256: list_digest,
        fit,
        runs: args.runs,
    };
    let folder = RunFolder::create(out, config)?;
    run_all(&Runs { folder, network, start, data, device: machine.device, stop })
}

/// Runs that were stopped.
fn go_on(path: &Path, machine: &MachineArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let folder = RunFolder::open(path)?;
    let config = &folder.config;
    usable(&config.fit, machine.device)?;
    let architecture: Architecture = config.network.parse().map_err(anyhow::Error::msg)?;
    let tap: Tap = config.cam_tap.parse().map_err(anyhow::Error::msg)?;
    let network = architecture.describe(2).with_tap(tap);
    let start = config.weights.as_deref().map(|path| read_weights(path, &network)).transpose()?;
    let (list, problems) = crate::data::list::read(&config.data.place())?;
    let read = super::session::ReadList { list, problems, config: config.data.clone() };
    let needs = if config.fit.forge > 0.0 { Need::Needed } else { Need::Unneeded };
    let Some(Looked { data, list_digest, .. }) = faces(read, &network, needs, config.fit.seed, machine, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    ensure!(
        list_digest == config.list_sha256,
        "the data of {} are not those that the runs in {} began with: put them back, or begin again in another folder",
        config.data.list.display(),
        path.display()
    );
    run_all(&Runs { folder, network, start, data, device: machine.device, stop })
}

/// Whether the machine can do what the settings ask.
fn usable(fit: &FitSettings, device: ComputeDevice) -> anyhow::Result<()> {
    device.check()?;
    ensure!(
        fit.precision == Precision::Full || device != ComputeDevice::Cpu,
        "mixed precision is for CUDA: give `--device cuda`, or leave out `--precision mixed`"
    );
    Ok(())
}

/// The weights of a file; that they fit the network is found out before anything else is done.
fn read_weights(path: &Path, network: &Network) -> anyhow::Result<State> {
    let cure = || match lock::cached("efficientnet_lite0_imagenet").is_some_and(|fetched| fetched == path) {
        true => "can't start from ImageNet's weights: `cargo xtask setup --trainer` fetches them".to_owned(),
        false => format!("can't start from {}", path.display()),
    };
    let checkpoint = checkpoint::read(path).with_context(cure)?;
    let state = translate(network.architecture, checkpoint.state).state;
    let loaded =
        Model::new(network.clone(), 0).load(&state).with_context(|| format!("can't start from {}", path.display()))?;
    if let LastLayer::Fresh { classes } = loaded.last_layer {
        log::info!("starting from {}; its last layer of {classes} classes is replaced", path.display());
    }
    Ok(state)
}

/// Faces that were looked at and parted.
struct Looked {
    data: FitData,
    digest: String,
    list_digest: String,
}

/// Looks at all faces, and parts them for training and validation; nothing when the user ended it.
fn faces(
    read: super::session::ReadList,
    network: &Network,
    landmarks: Need,
    seed: u64,
    machine: &MachineArgs,
    stop: &std::sync::atomic::AtomicBool,
) -> anyhow::Result<Option<Looked>> {
    let validation = read.config.validation;
    let splits: Vec<Split> = [Some(Split::Train), validation].into_iter().flatten().collect();
    let wanted = Wanted { network, splits: &splits, landmarks, memory: bytes(machine.memory) };
    let Some(inspected) = look(read, &wanted, stop)? else { return Ok(None) };
    let all = of_split(&inspected, Split::Train);
    let (train, judged) = match validation {
        Some(split) => (all, of_split(&inspected, split)),
        // The same faces for all runs, so that their numbers can be compared.
        None => keep_out(&inspected.faces.rows, &inspected.contents, &all, seed),
    };
    both_classes(class_counts(&inspected.faces, &train), "training")?;
    let counted = both_classes(class_counts(&inspected.faces, &judged), "validation");
    match validation {
        Some(_) => counted?,
        None => counted.context(
            "a tenth of each source is kept out to validate on: a source needs at least 5 photos, or two clips, in each class",
        )?,
    }
    let (digest, list_digest) = (inspected.digest.clone(), inspected.list_digest.clone());
    Ok(Some(Looked { data: FitData { faces: share(inspected), train, validation: judged }, digest, list_digest }))
}

fn tell_of(data: &FitData, config: &DataConfig, fit: &FitSettings) -> anyhow::Result<()> {
    let (real, synthetic) = class_counts(&data.faces, &data.train);
    let (validation_real, validation_synthetic) = class_counts(&data.faces, &data.validation);
    let from = match config.validation {
        Some(split) => format!("split {split}"),
        None => "a tenth kept out, which shares its sources".to_owned(),
    };
    log::info!(
        "training on {real} real and {synthetic} synthetic faces, validating on {validation_real} and \
         {validation_synthetic} ({from})"
    );
    let guided: Vec<usize> = data.train.iter().copied().filter(|&index| data.faces.has_saliency(index)).collect();
    let (guided_real, guided_synthetic) = class_counts(&data.faces, &guided);
    if fit.loss.alpha < 1.0 {
        log::info!(
            "saliency: {} for {guided_real} real and {guided_synthetic} synthetic training faces",
            match (config.saliency, config.has_maps) {
                (SaliencyName::Maps, _) => "maps",
                (SaliencyName::Landmarks, false) => "a prior by landmarks",
                (SaliencyName::Landmarks, true) => "maps, and a prior by landmarks for faces without one,",
            }
        );
        if guided_real == 0 || guided_synthetic == 0 {
            log::warn!("one class has no saliency at all: the other's maps will stand for it");
        }
    }
    if fit.best_by == Measure::CamError && !data.validation.iter().any(|&index| data.faces.has_saliency(index)) {
        return super::wrong_usage(
            "no validation face has saliency, so no epoch is the best by CAM error: give another --best-by",
        );
    }
    let forgeable = |&&index: &&usize| {
        data.faces.rows[index].label == Label::Authentic && data.faces.landmarks(index, Extent::Wide).is_some()
    };
    if fit.forge > 0.0 {
        let forgeable = data.train.iter().filter(forgeable).count();
        ensure!(forgeable > 0, "no real training face has landmarks to forge by: leave out --forge");
        log::info!("forging fakes from {forgeable} of {real} real faces");
    }
    Ok(())
}
