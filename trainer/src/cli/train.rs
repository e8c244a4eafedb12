//! `cyborg-train train`: from a list of faces to model files, one a seed.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::ensure;
use clap::{Args, ValueEnum};
use cyborg_models::contract::CamClass;
use cyborg_models::name;

use super::outcome::Outcome;
use super::parted::{Looked, faces, tell_of};
use super::runs::{Runs, run_all};
use super::session::{DataArgs, Known, MachineArgs, ReadList, TOOL, listen, not_negative, positive, share_of_one};
use super::start::{first_weights, read_weights};
use super::teacher::TeacherArgs;
use super::tuning::{Beside, TuningArgs};
use crate::checkpoint::State;
use crate::data::augment::{Preset, video};
use crate::data::balance::Balance;
use crate::data::inspect::Need;
use crate::data::list::{Format, Split};
use crate::fit::{FitData, FitSettings, MOST_FORGED, Measure, Precision, Schedule};
use crate::loss::{LossSettings, parse_cam_class};
use crate::network::{Architecture, LEAST_SIDE, MOST_SIDE, Network, Tap};
use crate::run_folder::{Config, RunFolder};
use crate::torch::{AdamWSettings, ComputeDevice, OptimiserSettings, SgdSettings};

#[derive(Args, Debug)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    new: NewArgs,
    /// Continue the runs in this folder where they stopped; all settings are taken from it
    #[arg(long, value_name = "FOLDER", conflicts_with_all = SETTINGS)]
    resume: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// What a run that goes on takes from its folder.
const SETTINGS: [&str; 42] = [
    "data",
    "root",
    "maps",
    "crop",
    "margin",
    "saliency",
    "out",
    "network",
    "side",
    "smooth",
    "weights",
    "runs",
    "seed",
    "preset",
    "alpha",
    "cam_class",
    "cam_tap",
    "cam_entropy",
    "map_power",
    "augment",
    "forge",
    "swap",
    "video_coding",
    "balance",
    "freeze",
    "depth",
    "tune",
    "cache",
    "views",
    "shuffle_patches",
    "taught_by",
    "taught_share",
    "average",
    "epochs",
    "batch",
    "rate",
    "step_epochs",
    "best_by",
    "patience",
    "validate_on",
    "leave_out",
    "precision",
];

/// How a new setting is trained.
#[derive(Args, Debug)]
pub(super) struct NewArgs {
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Folder for the runs; it is created
    #[arg(long, value_name = "FOLDER")]
    pub(super) out: Option<PathBuf>,
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0", help = format!("Network: {}", Architecture::names()))]
    network: Architecture,
    /// Side of the network's input in pixels, 96 to 1024 [default: the network's own, 224 or 299]
    #[arg(long, value_name = "PIXELS", value_parser = side)]
    side: Option<usize>,
    /// Smooth the input inside the network (a 3 x 3 mean, twice) from the first step on
    #[arg(long)]
    smooth: bool,
    /// Weights to start from, or `none` for random ones [default: those that set-up fetched, for efficientnet_lite0 and
    /// clip_vit_b16]
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
    /// Class whose activation map the saliency term uses: true or predicted
    #[arg(long, value_name = "RULE", default_value = "true", value_parser = parse_cam_class)]
    cam_class: CamClass,
    /// Tensor that the activation map is made from: head (what the pooled classifier sees) or reference (the published
    /// code's)
    #[arg(long, value_name = "TAP", default_value = "head")]
    cam_tap: Tap,
    /// Weight of the activation map's entropy in the loss (arXiv 2303.00818)
    #[arg(long, value_name = "WEIGHT", default_value_t = 0.0, value_parser = not_negative)]
    cam_entropy: f64,
    /// Power that saliency maps are raised to: above 1 they are sharper, below 1 flatter
    #[arg(long, value_name = "POWER", default_value_t = 1.0, value_parser = positive)]
    map_power: f64,
    /// What is done to the faces: none (the paper), robust (jitter, mirror, scale, blur, colour, grey, noise, JPEG) or strong
    /// (more of it, parts of faces, colours of other faces, and nothing around the face)
    #[arg(long, value_name = "PRESET", default_value = "none")]
    augment: Preset,
    /// Self-blended fakes forged in each epoch, over the number of real faces, 0 to 10; each with its real face beside it
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = forge_share)]
    forge: f64,
    /// Fakes made in each epoch by putting the face of one real training face on another, over the number of real faces, 0 to
    /// 10; each with its real face beside it
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = forge_share)]
    swap: f64,
    /// Share of the faces that go through a video encoder of random quality, of either class alike, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share_of_one)]
    video_coding: f64,
    /// How often the faces of a source are shown: listed (each once) or sources (both classes alike, and the sources of a class
    /// by the root of their size)
    #[arg(long, value_name = "HOW", default_value = "listed")]
    balance: Balance,
    /// Freeze the layers before the first whose map is this many times smaller than the picture; 1 freezes none
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    freeze: u8,
    #[command(flatten)]
    tuning: TuningArgs,
    #[command(flatten)]
    teacher: TeacherArgs,
    /// Judge and keep a moving average of the weights with this decay: 0.998 averages about 500 steps
    #[arg(long, value_name = "SHARE", value_parser = decay)]
    average: Option<f64>,
    /// Number of epochs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Batch size in faces
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    batch: u16,
    /// Learning rate at the start [default: 0.005 for paper, 0.0003 for adamw]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    rate: Option<f64>,
    /// Preset paper: divide the learning rate by ten every this many epochs
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..))]
    step_epochs: u64,
    /// How the best epoch is chosen: accuracy, auc, class-loss or cam-error on the validation faces, or last
    #[arg(long, value_name = "MEASURE", default_value = "accuracy")]
    best_by: Measure,
    /// Stop a run after this many epochs without improvement
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u64).range(1..))]
    patience: Option<u64>,
    /// Split that epochs are judged by [default: validation; test for the CYBORG data's CSV; else a tenth is kept out]
    #[arg(long, value_name = "SPLIT")]
    validate_on: Option<Split>,
    /// Sources of the training split to leave out of training and to judge epochs by, with commas between them: how well it does
    /// on collections that it has not seen
    #[arg(long, value_name = "SOURCES", value_delimiter = ',', conflicts_with = "validate_on")]
    pub(super) leave_out: Vec<String>,
    /// Numeric precision: full (32 bits) or mixed (16 where that is safe; CUDA only)
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

fn decay(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to less than 1".to_owned())
}

fn side(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (LEAST_SIDE..=MOST_SIDE).contains(number));
    number.ok_or_else(|| format!("expected a whole number in {LEAST_SIDE} to {MOST_SIDE}"))
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
            loss: LossSettings {
                alpha: self.alpha,
                cam_class: self.cam_class,
                cam_entropy: self.cam_entropy,
                map_power: self.map_power,
                taught_share: self.teacher.share(),
            },
            epochs: self.epochs,
            batch: self.batch.into(),
            optimiser,
            rate: self.rate.unwrap_or(rate),
            schedule,
            augment: self.augment,
            forge: self.forge,
            swap: self.swap,
            video_coding: self.video_coding,
            balance: self.balance,
            freeze: self.freeze.into(),
            tune: self.tuning.tune,
            shuffle_patches: self.tuning.shuffle_patches,
            average: self.average,
            best_by: self.best_by,
            patience: self.patience,
            precision: match self.precision {
                PrecisionName::Full => Precision::Full,
                PrecisionName::Mixed => Precision::Mixed,
            },
            seed: self.seed,
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
        return super::outcome::wrong_usage(
            "give the folder of the runs with `--out`, or go on with some by `--resume FOLDER`",
        );
    };
    let stop = listen();
    // Before all the work; `create` below is the one that counts.
    RunFolder::is_free(out)?;
    let Some(Gathered { config, network, start, data }) = args.gather(machine, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    let most = config.runs;
    let folder = RunFolder::create(out, config)?;
    run_all(&Runs { folder, network, start, data, device: machine.device, stop, most })
}

/// All that new runs begin with.
pub(super) struct Gathered {
    pub(super) config: Config,
    pub(super) network: Network,
    /// Weights that each run starts from; nothing for random ones.
    pub(super) start: Option<State>,
    pub(super) data: FitData,
}

impl NewArgs {
    /// Checks settings and weights, and looks at all faces; nothing when the user ended it.
    pub(super) fn gather(&self, machine: &MachineArgs, stop: &AtomicBool) -> anyhow::Result<Option<Gathered>> {
        let fit = self.fit();
        usable(&fit, machine.device)?;
        let architecture = match self.network.with_depth(self.tuning.depth) {
            Ok(architecture) => architecture,
            Err(error) => return super::outcome::wrong_usage(&error),
        };
        if let Some(side) = self.side.filter(|side| !architecture.sides().contains(side)) {
            let own = architecture.side();
            let message =
                format!("{architecture} has learnt the places of {own} x {own} pixels: leave out `--side {side}`");
            return super::outcome::wrong_usage(&message);
        }
        let network = described(architecture, self.side, self.cam_tap, self.smooth);
        let beside = Beside {
            freeze: self.freeze,
            augment: self.augment,
            makes_fakes: fit.makes_fakes(),
            codes: fit.video_coding > 0.0,
        };
        self.tuning.check(&network, &beside)?;
        let weights = first_weights(self.weights.as_deref(), self.network)?;
        let start = weights.as_deref().map(|path| read_weights(path, &network)).transpose()?;
        let mut read = self.data.read(&Known::default())?;
        let has = |split| read.list.rows.iter().any(|row| row.split == split);
        let by_format = match read.list.format {
            Format::Paper => Split::Test,
            Format::Header => Split::Validation,
        };
        read.config.left_out.clone_from(&self.leave_out);
        read.config.taught_by = self.teacher.table()?;
        read.config.validation = match self.leave_out.is_empty() {
            true => self.validate_on.or_else(|| has(by_format).then_some(by_format)),
            false => None,
        };
        if read.config.validation == Some(Split::Train) {
            return super::outcome::wrong_usage(
                "--validate-on train would judge epochs on the faces they were trained on",
            );
        }
        let data_config = read.config.clone();
        let needs = if fit.makes_fakes() { Need::Needed } else { Need::Unneeded };
        let Some(Looked { data, digest, list_digest }) = faces(read, &network, needs, fit.seed, machine, stop)? else {
            return Ok(None);
        };
        tell_of(&data, &data_config, &fit)?;
        let config = Config {
            tool: TOOL.to_owned(),
            network: self.network.name().to_owned(),
            cam_tap: self.cam_tap.to_string(),
            side: self.side,
            smooth: self.smooth,
            depth: architecture.depth(),
            cache: self.tuning.cache()?,
            views: self.tuning.views(),
            weights,
            data: data_config,
            data_sha256: digest,
            list_sha256: list_digest,
            fit,
            runs: self.runs,
        };
        Ok(Some(Gathered { config, network, start, data }))
    }
}

/// Runs that were stopped.
fn go_on(path: &Path, machine: &MachineArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let folder = RunFolder::open(path)?;
    let config = &folder.config;
    usable(&config.fit, machine.device)?;
    let architecture: Architecture = config.network.parse().map_err(anyhow::Error::msg)?;
    let architecture = architecture.with_depth(config.depth).map_err(anyhow::Error::msg)?;
    let tap: Tap = config.cam_tap.parse().map_err(anyhow::Error::msg)?;
    let network = described(architecture, config.side, tap, config.smooth);
    let start = config.weights.as_deref().map(|path| read_weights(path, &network)).transpose()?;
    let (list, problems) = crate::data::list::read(&config.data.place())?;
    let read = ReadList { list, problems, config: config.data.clone() };
    let needs = if config.fit.makes_fakes() { Need::Needed } else { Need::Unneeded };
    let Some(Looked { data, list_digest, .. }) = faces(read, &network, needs, config.fit.seed, machine, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    ensure!(
        list_digest == config.list_sha256,
        "the data of {} are not those that the runs in {} began with: put them back, or begin again in another folder",
        name::of(&config.data.list),
        name::of(path)
    );
    let most = folder.config.runs;
    run_all(&Runs { folder, network, start, data, device: machine.device, stop, most })
}

/// The network of the settings.
pub(super) fn described(architecture: Architecture, side: Option<usize>, tap: Tap, smooth: bool) -> Network {
    let network = architecture.describe_at(2, side.unwrap_or(architecture.side())).with_tap(tap);
    if smooth { network.smoothed() } else { network }
}

/// Whether the machine can do what the settings ask.
fn usable(fit: &FitSettings, device: ComputeDevice) -> anyhow::Result<()> {
    device.check()?;
    ensure!(
        fit.precision == Precision::Full || device != ComputeDevice::Cpu,
        "mixed precision is for CUDA: give `--device cuda`, or leave out `--precision mixed`"
    );
    if fit.video_coding > 0.0 {
        video::check()?;
    }
    Ok(())
}
