//! `cyborg-train train`: from a list of faces to a model file.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use clap::Args;
use cyborg_edge::face::centerface::{CenterFace, DetectorSettings};
use cyborg_edge::model::provider::{Asked, Provider};
use cyborg_edge::model::runtime::Runtime;
use cyborg_edge::model::session::SessionSettings;
use cyborg_models::contract::{
    Alignment, Border, Calibration, CamClass, Contract, CropRule, ErrorRates, ResizeFilter, Saliency, Thresholds,
    Training,
};
use cyborg_models::lock;
use serde::Serialize;

use super::Outcome;
use crate::checkpoint;
use crate::data::{crops, list};
use crate::export::export;
use crate::fit::{self, Ended, EpochReport, Evaluation, FitData, FitSettings, class_counts};
use crate::metrics::error_rates;
use crate::network::Architecture;
use crate::run_folder::RunFolder;
use crate::torch::{LastLayer, Model, set_threads};

/// The face and what is around it: hair and jaw are seen, the background hardly.
const CROP: CropRule = CropRule { margin: 1.3, alignment: Alignment::None, border: Border::Replicate };
/// Thresholds of a model that is not calibrated: far enough from one half to leave room for doubt.
const THRESHOLDS: (f32, f32) = (0.3, 0.7);
/// The detector's settings are the defaults of `cyborg`, so that crops are the same in training and in use.
const DETECTOR: DetectorSettings = DetectorSettings { longest_side: 320, confidence: 0.5 };

#[derive(Args, Debug)]
pub(super) struct TrainArgs {
    /// List of faces, a CSV (file, label, source, role, face_x, face_y, face_w, face_h), or the folder of `faces.csv`
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Network: efficientnet_lite0 or densenet121
    #[arg(long, value_name = "NAME", default_value = "efficientnet_lite0")]
    network: Architecture,
    /// Weights to start from [default: those of ImageNet that set-up fetched, for efficientnet_lite0]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Folder of the run, which is made
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Share of the class loss, 0 to 1; the rest pulls the activation map to the saliency map; 1 is without saliency
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    alpha: f64,
    /// Times that each face is seen
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    epochs: u64,
    /// Faces in a step
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    batch: u16,
    /// Learning rate at the start
    #[arg(long, value_name = "RATE", default_value_t = 0.005, value_parser = positive)]
    rate: f64,
    /// The rate becomes a tenth every so many epochs
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..))]
    step_epochs: u64,
    /// Seed of the split, the order, the augmentation and the fresh weights
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Threads to use at most [default: all processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// What `config.json` holds.
#[derive(Serialize)]
struct Config<'a> {
    tool: &'static str,
    network: &'static str,
    start: Option<String>,
    data_sha256: &'a str,
    saliency: &'static str,
    fit: &'a FitSettings,
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number in 0 to 1".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let threads = args.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global().context("can't start threads")?;
    set_threads(threads.get());
    let settings = FitSettings {
        alpha: args.alpha,
        epochs: args.epochs,
        batch: args.batch.into(),
        rate: args.rate,
        step_epochs: args.step_epochs,
        step_factor: 0.1,
        momentum: 0.9,
        weight_decay: 1e-6,
        seed: args.seed,
    };
    let model = start(args)?;
    let faces = list::read(&args.data, "train")?;
    let config = Config {
        tool: TOOL,
        network: args.network.name(),
        // The name alone: a run folder may be shown to others.
        start: weights(args).and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())),
        data_sha256: &faces.digest,
        saliency: "landmark-prior",
        fit: &settings,
    };
    let mut folder = RunFolder::create(&args.out, &config)?;
    let data = prepare(&model, &faces, args.seed)?;
    let contract = contract(args, &faces.digest);
    let ended = fit::fit(&model, &data, &settings, stop, |report, model| {
        tell(report, settings.epochs);
        folder.epoch(report, model.state(), &contract)
    })?;
    let Ended::Whole { best, epoch, evaluation } = ended else {
        log::warn!("interrupted; the weights of the last whole epoch are in {}", args.out.display());
        return Ok(Outcome::Interrupted);
    };
    let mut model = model;
    model.load(&best)?;
    let contract = measured(contract, &evaluation);
    folder.kept_out(&data.set, &data.kept_out, &evaluation.scored)?;
    let bytes = export(&Runtime::load()?, &model, &contract)?;
    let path = folder.model(&bytes)?;
    log::info!("best epoch {epoch}: {}", words(&evaluation));
    log::info!("model file: {}", path.display());
    Ok(Outcome::Done)
}

const TOOL: &str = concat!("cyborg-train ", env!("CARGO_PKG_VERSION"));

/// Becomes true at the first Ctrl-C; a second one ends the program at once.
fn listen() -> &'static AtomicBool {
    static STOP: AtomicBool = AtomicBool::new(false);
    let listening = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    if let Err(error) = listening {
        log::warn!("can't listen for Ctrl-C: {error}");
    }
    &STOP
}

fn weights(args: &TrainArgs) -> Option<PathBuf> {
    let fetched = || match args.network {
        Architecture::EfficientNetLite0 => lock::cached("efficientnet_lite0_imagenet"),
        _ => None,
    };
    args.weights.clone().or_else(fetched)
}

/// The network with the weights that it starts from.
fn start(args: &TrainArgs) -> anyhow::Result<Model> {
    let mut model = Model::new(args.network.describe(2), args.seed);
    let path = weights(args).with_context(|| {
        format!("no weights come with {}: name a file with `--weights` (torchvision's, for example)", args.network)
    })?;
    let checkpoint = checkpoint::read(&path).context("`cargo xtask setup --trainer` fetches the weights")?;
    let loaded = model.load(&checkpoint.state).with_context(|| format!("can't start from {}", path.display()))?;
    if let LastLayer::Fresh { classes } = loaded.last_layer {
        log::info!("starting from {}; its last layer of {classes} classes is replaced", path.display());
    }
    Ok(model)
}

/// Cuts out all faces, and keeps a tenth of them out.
fn prepare(model: &Model, faces: &list::FaceList, seed: u64) -> anyhow::Result<FitData> {
    let runtime = Runtime::load()?;
    let session = SessionSettings { provider: Asked::Named(Provider::Cpu), threads: NonZeroUsize::MIN };
    let detector = || Ok(CenterFace::open(&runtime, None, DETECTOR, session)?);
    let all = faces.rows.len();
    let progress = |done: usize| {
        if done.is_multiple_of(500) || done == all {
            log::info!("{done} of {all} faces cut out");
        }
    };
    let set = crops::load(&faces.rows, &CROP, model.network().input_side, detector, progress)?;
    let with_landmarks = set.faces.iter().filter(|face| face.landmarks.is_some()).count();
    let (train, kept_out) = list::keep_out_tenth(&faces.rows, seed);
    let ((authentic, synthetic), (kept_authentic, kept_synthetic)) =
        (class_counts(&set, &train), class_counts(&set, &kept_out));
    log::info!("{with_landmarks} of {all} faces have landmarks, and so a saliency map");
    log::info!(
        "training on {authentic} authentic and {synthetic} synthetic faces, keeping {kept_authentic} and \
         {kept_synthetic} out"
    );
    Ok(FitData { set: Arc::new(set), train, kept_out })
}

fn contract(args: &TrainArgs, data_digest: &str) -> Contract {
    Contract {
        network: args.network.name().to_owned(),
        crop: CROP,
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency {
            tap: "head".to_owned(),
            cam_class: CamClass::True,
            alpha: args.alpha,
            source: if args.alpha < 1.0 { "landmark-prior" } else { "none" }.to_owned(),
        },
        calibration: Calibration { temperature: 1.0, bias: 0.0 },
        thresholds: Thresholds { authentic_below: THRESHOLDS.0, synthetic_above: THRESHOLDS.1, error_rates: None },
        training: Training { data_digest: data_digest.to_owned(), seed: args.seed, tool: TOOL.to_owned() },
        auc: BTreeMap::new(),
    }
}

/// The contract with what was measured on the kept-out faces.
fn measured(mut contract: Contract, evaluation: &Evaluation) -> Contract {
    let (below, above) = (f64::from(THRESHOLDS.0), f64::from(THRESHOLDS.1));
    contract.thresholds.error_rates = error_rates(&evaluation.scored, below, above).map(|rates| ErrorRates {
        apcer: rates.apcer,
        bpcer: rates.bpcer,
        measured_on: "kept-out tenth of the training sources, a sanity check".to_owned(),
    });
    contract.auc.insert("kept_out_same_sources".to_owned(), evaluation.auc);
    contract
}

fn tell(report: &EpochReport, epochs: u64) {
    let EpochReport { epoch, training, kept_out, is_best } = report;
    log::info!(
        "epoch {epoch}/{epochs}: loss {:.4}, CAM error {:.4}, {:.1} faces/s; kept out: {}{}",
        training.loss,
        training.saliency,
        training.rate,
        words(kept_out),
        if *is_best { " (best)" } else { "" }
    );
}

fn words(evaluation: &Evaluation) -> String {
    let Evaluation { accuracy, auc, saliency, .. } = evaluation;
    format!("accuracy {accuracy:.4}, AUC {auc:.4}, CAM error {saliency:.4}")
}
