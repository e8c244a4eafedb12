//! The runs of a setting, one seed after the other, each up to its model file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use cyborg_edge::explain::explain;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::{Calibration, Contract, ErrorRates, ResizeFilter, Saliency, Thresholds, Training};
use cyborg_models::name;

use super::outcome::Outcome;
use super::progress::Display;
use super::session::TOOL;
use crate::checkpoint::State;
use crate::data::faces::{Cutter, Extent, Faces};
use crate::export::{Precision, export};
use crate::fit::{
    self, EpochReport, Evaluation, FitData, FitSettings, Keeping, Learner, Progress, TrunkFaces, Watch, fit,
    trunk_digest,
};
use crate::metrics::{error_rates, spread};
use crate::network::Network;
use crate::plot::curves::{Band, EpochPoint, Setting, TrainingCurves};
use crate::run_folder::{
    Build, Config, DataConfig, METRICS, MetricsRow, RunFolder, RunSummary, SaliencyName, SeedFolder, read_metrics,
    write_summary,
};
use crate::torch::{ComputeDevice, Model};

/// Faces that a model file is checked with, at most.
const CHECKED: usize = 16;

/// All that the runs of a setting need.
pub(super) struct Runs<'a> {
    pub(super) folder: RunFolder,
    pub(super) network: Network,
    /// Weights that each run starts from; nothing for random ones.
    pub(super) start: Option<State>,
    pub(super) data: FitData,
    pub(super) device: ComputeDevice,
    pub(super) stop: &'a AtomicBool,
    /// Runs to train for now, the first ones of the folder.
    pub(super) most: u64,
}

/// Trains all runs that have not ended yet, and writes what they come to. A run that fails doesn't stop those after it.
pub(super) fn run_all(runs: &Runs<'_>) -> anyhow::Result<Outcome> {
    let _lock = runs.folder.lock()?;
    let mut ended = Vec::new();
    let mut failed = 0;
    let mut trunk = None;
    for seed in runs.folder.seeds().take(runs.most as usize) {
        let outcome = if runs.stop.load(Ordering::Relaxed) {
            Ok(Outcome::Interrupted)
        } else {
            run_one(runs, seed, &mut trunk, &mut ended)
        };
        match outcome {
            Ok(Outcome::Interrupted) => {
                let path = name::of(runs.folder.path());
                log::warn!("interrupted; `cyborg-train train --resume {path}` continues from the last whole epoch");
                return Ok(Outcome::Interrupted);
            }
            Ok(_) => {}
            Err(error) => {
                log::error!("seed {seed}: {}", explain(&error));
                failed += 1;
                continue;
            }
        }
        write_summary(&runs.folder.path().join("summary.csv"), &ended)?;
        draw_curves(&runs.folder, &ended)?;
    }
    if ended.is_empty() {
        return Ok(Outcome::AllFailed);
    }
    tell_of_all(&ended);
    Ok(if failed > 0 { Outcome::SomeFailed } else { Outcome::Done })
}

/// Faces as the trunk sees them, from the run before: most start from the same weights.
type LastTrunk = Option<Arc<TrunkFaces>>;

fn run_one(runs: &Runs<'_>, seed: u64, trunk: &mut LastTrunk, ended: &mut Vec<RunSummary>) -> anyhow::Result<Outcome> {
    let settings = FitSettings { seed, ..runs.folder.config.fit.clone() };
    let place = runs.folder.of_seed(seed);
    let build = Build {
        side: runs.network.input_side,
        smooth: runs.folder.config.smooth,
        depth: runs.network.architecture.depth(),
        tune: settings.tune,
    };
    let (mut folder, resumed) = SeedFolder::open(&place, build)?;
    if resumed.progress.is_whole(&settings) && folder.is_finished()? {
        return summarise(&place, seed, ended);
    }
    let mut model = Model::new(runs.network.clone(), seed);
    if let Some(start) = &runs.start {
        model.load_start(start)?;
    }
    let progress = resumed.progress;
    model.move_to(runs.device)?;
    let mut learner = Learner::new(model, &settings)?;
    if progress.epoch > 0 {
        learner.load(&resumed.state, &resumed.optimiser)?;
    }
    let mut data = runs.data.clone();
    if let Some(cache) = &runs.folder.config.cache {
        let Some(faces) = through_trunk(runs, &learner, cache, trunk.take())? else { return Ok(Outcome::Interrupted) };
        *trunk = Some(Arc::clone(&faces));
        data.trunk = Some(faces);
    }
    let contract = contract(&runs.folder.config, seed);
    if !progress.is_whole(&settings) {
        log::info!("seed {seed}: epoch {} of {}", progress.epoch + 1, settings.epochs);
        let mut follow =
            Follow { folder: &mut folder, contract: &contract, display: Display::new(&settings, progress.epoch) };
        let how = fit(&mut learner, &data, &settings, progress, runs.stop, &mut follow)?;
        if how == fit::Ended::Interrupted {
            return Ok(Outcome::Interrupted);
        }
    }
    let mut model = learner.into_model();
    let best = folder.best()?;
    model.load(&best.state)?;
    let Some(evaluation) = fit::evaluate(&model, &data, &settings, runs.stop)? else {
        return Ok(Outcome::Interrupted);
    };
    folder.validation(&runs.data.faces, &runs.data.validation, &evaluation.scored)?;
    let contract = measured(contract, &evaluation, &runs.folder.config);
    folder.rewrite_best(best, &contract)?;
    model.move_to(ComputeDevice::Cpu)?;
    let crops = check_crops(&runs.data.faces, &runs.data.validation)?;
    let bytes = export(&Runtime::load()?, &model, &contract, Precision::Float32, &crops)?;
    let path = folder.model(&bytes)?;
    log::info!("model file: {}", name::of(path));
    summarise(&place, seed, ended)
}

/// All faces as the trunk of a network sees them, or those of the run before where its trunk was the same; nothing when the user
/// ended it.
fn through_trunk(runs: &Runs<'_>, learner: &Learner, cache: &Path, before: LastTrunk) -> anyhow::Result<LastTrunk> {
    let model = learner.model();
    if let Some(before) = before.filter(|before| before.trunk() == trunk_digest(model)) {
        return Ok(Some(before));
    }
    let Config { fit, views, .. } = &runs.folder.config;
    let keeping = Keeping { cache, augment: fit.augment, views: views.unwrap_or(1), batch: fit.batch };
    Ok(TrunkFaces::gather(model, &runs.data, &keeping, runs.stop)?.map(Arc::new))
}

/// Counts a run that has ended.
fn summarise(place: &Path, seed: u64, ended: &mut Vec<RunSummary>) -> anyhow::Result<Outcome> {
    let path = place.join(METRICS);
    let best = read_metrics(&path)?.into_iter().rev().find(|row| row.best);
    let best = best.with_context(|| format!("{} has lost the row of the best epoch", name::of(path)))?;
    let MetricsRow { epoch, validation_accuracy, validation_auc, validation_cam_error, .. } = best;
    let words = words(validation_accuracy, validation_auc, validation_cam_error);
    log::info!("seed {seed}: best epoch {epoch}: {words}");
    ended.push(RunSummary { seed, best });
    Ok(Outcome::Done)
}

/// Real crops that a model file is checked with, beside patterns by a formula: some from all over the faces.
pub(super) fn check_crops(faces: &Faces, indices: &[usize]) -> anyhow::Result<Vec<u8>> {
    let step = indices.len().div_ceil(CHECKED).max(1);
    let mut cutter = Cutter::default();
    let mut crops = Vec::new();
    for &index in indices.iter().step_by(step) {
        crops.extend_from_slice(&faces.view(index, Extent::Exact, &mut cutter)?.pixels);
    }
    Ok(crops)
}

/// Writes each epoch to the run's folder, and shows how far it is.
struct Follow<'a> {
    folder: &'a mut SeedFolder,
    contract: &'a Contract,
    display: Display,
}

impl Watch for Follow<'_> {
    fn batch(&mut self, epoch: u64, faces: usize, of: usize) {
        self.display.batch(epoch, faces, of);
    }

    fn epoch(&mut self, report: &EpochReport, progress: &Progress, learner: &Learner) -> anyhow::Result<()> {
        let Evaluation { accuracy, auc, saliency, .. } = report.validation;
        self.display.epoch(report, &words(accuracy, auc, saliency));
        self.folder.epoch(report, progress, learner.state(), self.contract)
    }
}

fn contract(config: &Config, seed: u64) -> Contract {
    let loss = &config.fit.loss;
    let source = if loss.alpha < 1.0 { saliency_words(config) } else { "none".to_owned() };
    Contract {
        network: config.network.clone(),
        crop: config.data.rule(),
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency { tap: config.cam_tap.clone(), cam_class: loss.cam_class, alpha: loss.alpha, source },
        calibration: Calibration::NONE,
        thresholds: Thresholds::UNCALIBRATED,
        training: Training { data_digest: config.data_sha256.clone(), seed, tool: TOOL.to_owned() },
        auc: BTreeMap::new(),
    }
}

/// Where the saliency maps came from, by the contract's words.
fn saliency_words(config: &Config) -> String {
    // Only the CYBORG data's folder is known to hold what people drew.
    let listed = if config.data.maps.is_some() { "human" } else { "maps" };
    let mut words = match (config.data.saliency, config.data.has_maps) {
        (SaliencyName::Maps, _) => vec![listed],
        (SaliencyName::Landmarks, false) => vec!["landmark-prior"],
        (SaliencyName::Landmarks, true) => vec!["landmark-prior", listed],
    };
    words.extend(config.fit.makes_fakes().then_some("blend-masks"));
    words.join("+")
}

/// What epochs are judged by, in words.
pub(super) fn judged_by(config: &DataConfig) -> String {
    match config.validation {
        Some(split) => format!("split {split}"),
        None if config.left_out.is_empty() => "kept-out tenth of the training sources".to_owned(),
        None => format!("sources that were not trained on: {}", config.left_out.join(", ")),
    }
}

/// The contract with what was measured on the validation faces.
fn measured(mut contract: Contract, evaluation: &Evaluation, config: &Config) -> Contract {
    let (name, measured_on) = match config.data.validation {
        Some(_) => ("validation", "the validation split, by which the epoch was chosen".to_owned()),
        None if config.data.left_out.is_empty() => {
            ("kept_out_same_sources", format!("{}, a sanity check", judged_by(&config.data)))
        }
        None => ("left_out_sources", judged_by(&config.data)),
    };
    let Thresholds { authentic_below, synthetic_above, .. } = contract.thresholds;
    let (below, above) = (f64::from(authentic_below), f64::from(synthetic_above));
    contract.thresholds.error_rates = error_rates(&evaluation.scored, below, above).map(|rates| ErrorRates {
        apcer: rates.apcer,
        bpcer: rates.bpcer,
        measured_on,
    });
    contract.auc.insert(name.to_owned(), evaluation.auc);
    contract
}

/// Mean and band of the runs that have ended.
fn draw_curves(folder: &RunFolder, ended: &[RunSummary]) -> anyhow::Result<()> {
    let mut runs = Vec::new();
    for run in ended {
        let rows = read_metrics(&folder.of_seed(run.seed).join(METRICS))?;
        runs.push(rows.iter().map(point).collect());
    }
    let alpha = folder.config.fit.loss.alpha;
    let name = format!("{} alpha {alpha}", folder.config.network);
    let curves = TrainingCurves {
        title: format!("Training of {name}, {} runs", ended.len()),
        settings: vec![Setting { name, runs }],
        band: Band::Deviation,
    };
    let plots = folder.path().join("plots");
    std::fs::create_dir_all(&plots)?;
    Ok(curves.save(&plots.join("training"))?)
}

/// An epoch as the plot wants it.
pub(super) fn point(row: &MetricsRow) -> EpochPoint {
    EpochPoint {
        epoch: row.epoch as usize,
        loss: row.train_loss,
        accuracy: row.validation_accuracy,
        auc: row.validation_auc,
        cam_error: row.validation_cam_error.unwrap_or(f64::NAN),
    }
}

fn tell_of_all(ended: &[RunSummary]) {
    let of = |number: fn(&MetricsRow) -> Option<f64>| {
        let values: Option<Vec<f64>> = ended.iter().map(|run| number(&run.best)).collect();
        values.and_then(|values| spread(&values)).map_or_else(
            || "none".to_owned(),
            |spread| match spread.deviation {
                Some(deviation) => format!("{:.4} +- {deviation:.4}", spread.mean),
                None => format!("{:.4}", spread.mean),
            },
        )
    };
    log::info!(
        "{} runs: accuracy {}, AUC {}, CAM error {} (mean and standard deviation over the runs' best epochs)",
        ended.len(),
        of(|row| Some(row.validation_accuracy)),
        of(|row| Some(row.validation_auc)),
        of(|row| row.validation_cam_error)
    );
}

fn words(accuracy: f64, auc: f64, cam_error: Option<f64>) -> String {
    let cam_error = cam_error.map_or_else(|| "none".to_owned(), |error| format!("{error:.4}"));
    format!("accuracy {accuracy:.4}, AUC {auc:.4}, CAM error {cam_error}")
}
