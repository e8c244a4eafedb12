//! `cyborg-train calibrate`: probabilities that mean what they say, and thresholds at stated error rates, written into the
//! checkpoint and the model file.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cyborg_models::contract::{Calibration, Contract};
use cyborg_models::name;

use super::outcome::Outcome;
use super::session::{DataArgs, MachineArgs, bytes, listen};
use crate::data::inspect::Need;
use crate::data::list::{Label, Split};
use crate::data::loader::evaluation;
use crate::data::look::{Wanted, look};
use crate::data::part::{both_classes, class_counts, part};
use crate::evaluation::{RunScores, ScoredFace, score};
use crate::metrics::{ClassWeights, ErrorRates};
use crate::run_folder::{RunFolder, read_validation};
use crate::runs::calibrated::{HowCalibrated, calibrated, logits_of, write};
use crate::runs::check_crops;
use crate::runs::trained::{Target, Trained};
use crate::torch::{ComputeDevice, Model};

/// Faces that are scored at once.
const BATCH: usize = 20;

#[derive(Args, Debug)]
pub(super) struct CalibrateArgs {
    /// Folder of runs, one run of it, or a checkpoint; it is written again, and a model file beside it (`model.onnx` for the
    /// best epoch of a run, else of the checkpoint's own name)
    #[arg(value_name = "RUNS")]
    target: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Part of the list to calibrate on: train, validation or test [default: what the runs were validated on]
    #[arg(long, value_name = "SPLIT")]
    split: Option<Split>,
    /// Calibrate on scores of other networks instead: `validation.csv` of runs of the same recipe that had sources left out
    /// (`train --leave-out`), so that what is promised holds for collections that weren't seen
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "split")]
    scores: Vec<PathBuf>,
    /// Set the threshold of `synthetic` by the real faces of these scores instead: `validation.csv` of runs of the same recipe that
    /// had real sources left out, so that a false alarm is as rare as promised on collections that weren't seen either; the
    /// probability of one half then lies in the middle between both thresholds
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "scores")]
    unseen_real: Vec<PathBuf>,
    /// Hold `--bpcer` in each source that has 30 real faces, by the one whose real faces score highest, and not in all of them
    /// together; the probability of one half then lies in the middle between both thresholds
    #[arg(long, conflicts_with = "unseen_real")]
    each_source: bool,
    /// Sources that decide nothing, with commas between them
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    apart: Vec<String>,
    /// Share of synthetic faces that may be called authentic (APCER)
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = rate)]
    apcer: f64,
    /// Share of real faces that may be called synthetic (BPCER)
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = rate)]
    bpcer: f64,
    /// Smooth faces inside the network from here on, by twice the mean over 3 x 3 pixels: what a network that was trained on few
    /// collections takes for synthetic in faces of others is often how sharp they are. See whether it helps on sources that were
    /// left out (`evaluate --judged --robustness`, blur of 1 pixel)
    #[arg(long, conflicts_with = "scores")]
    smooth: bool,
    /// Calibrate for the list's own share of synthetic faces; otherwise both classes have equal weight
    #[arg(long)]
    as_listed: bool,
    #[command(flatten)]
    machine: MachineArgs,
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to less than 1".to_owned())
}

pub(super) fn run(args: &CalibrateArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    args.machine.device.check()?;
    let mut target = Target::open(&args.target)?;
    if args.smooth {
        target.trained.iter_mut().for_each(Trained::smooth);
    }
    if !args.scores.is_empty() {
        return by_scores(args, &target);
    }
    let config = target.folder.as_ref().map(|folder| &folder.config);
    let split = args.split.or_else(|| config.and_then(|config| config.data.validation));
    let read = args.data.read(&target.known())?;
    let (model, _) = target.trained[0].load()?;
    let network = model.network().clone();
    drop(model);
    // Without a validation split the runs kept faces out of the training split, by the seed of the first of them.
    let of_list = split.unwrap_or(Split::Train);
    let splits = [of_list];
    let wanted = Wanted::by(&network, &splits, Need::Unneeded, bytes(args.machine.memory));
    let Some(inspected) = look(read, &wanted, stop)? else { return Ok(Outcome::Interrupted) };
    let all = inspected.of_split(of_list);
    let (indices, measured_on) = match (split, config) {
        (Some(split), _) => (all, format!("split {split}, on which the thresholds were set")),
        (None, Some(config)) if inspected.list_digest == config.list_sha256 => (
            part(&inspected, &config.data, config.fit.seed)?.1,
            format!("{}, on which the thresholds were set", config.data.judged_by()),
        ),
        (None, Some(_)) => {
            return super::outcome::wrong_usage(
                "these are not the data of the training, so no faces of them were kept out: give the part to calibrate on \
                 with `--split`",
            );
        }
        (None, None) => return super::outcome::wrong_usage("give the part of the list to calibrate on with `--split`"),
    };
    let mut indices = indices;
    indices.retain(|&index| !args.apart.contains(&inspected.faces.rows[index].source));
    both_classes(class_counts(&inspected.faces, &indices), "calibration")?;
    let faces: Vec<ScoredFace> = indices.iter().map(|&index| (&inspected.faces.rows[index]).into()).collect();
    let shared = Arc::new(inspected.faces);
    let _lock = target.folder.as_ref().map(RunFolder::lock).transpose()?;
    for trained in &target.trained {
        let (mut model, _) = trained.load()?;
        model.move_to(args.machine.device)?;
        let Some(said) = score(&model, evaluation(&shared, &indices, BATCH), stop)? else {
            return Ok(Outcome::Interrupted);
        };
        let run = RunScores {
            name: trained.name.clone(),
            calibration: Calibration::NONE,
            thresholds: trained.contract.thresholds.clone(),
            logits: said.logits,
        };
        let contract = fitted(args, trained, run, &faces, &measured_on)?;
        model.move_to(ComputeDevice::Cpu)?;
        rewrite(trained, &model, &contract, &check_crops(&shared, &indices)?)?;
    }
    Ok(Outcome::Done)
}

/// Calibrates by the scores of networks that had not seen the sources of the faces.
fn by_scores(args: &CalibrateArgs, target: &Target) -> anyhow::Result<Outcome> {
    let mut faces = Vec::new();
    let mut logits = Vec::new();
    for path in &args.scores {
        for row in read_validation(path)?.into_iter().filter(|row| !args.apart.contains(&row.source)) {
            logits.push(logits_of(&row));
            faces.push(ScoredFace {
                path: String::new(),
                label: row.label,
                source: row.source,
                video: None,
                group: None,
                pair: None,
            });
        }
    }
    let count = |label| faces.iter().filter(|face| face.label == label).count();
    both_classes((count(Label::Authentic), count(Label::Synthetic)), "calibration")?;
    let measured_on =
        "faces of sources that the network that scored them had not seen, other networks of the same recipe";
    let _lock = target.folder.as_ref().map(RunFolder::lock).transpose()?;
    for trained in &target.trained {
        let (model, _) = trained.load()?;
        let run = RunScores {
            name: trained.name.clone(),
            calibration: Calibration::NONE,
            thresholds: trained.contract.thresholds.clone(),
            logits: logits.clone(),
        };
        let contract = fitted(args, trained, run, &faces, measured_on)?;
        rewrite(trained, &model, &contract, &[])?;
    }
    Ok(Outcome::Done)
}

/// The contract with what fits the scores of a run, which is told.
fn fitted(
    args: &CalibrateArgs,
    trained: &Trained,
    run: RunScores,
    faces: &[ScoredFace],
    measured_on: &str,
) -> anyhow::Result<Contract> {
    let mut unseen_real = Vec::new();
    for path in &args.unseen_real {
        unseen_real.extend(read_validation(path)?);
    }
    let how = HowCalibrated {
        weights: if args.as_listed { ClassWeights::AsListed } else { ClassWeights::Balanced },
        wanted: ErrorRates { apcer: args.apcer, bpcer: args.bpcer },
        unseen_real: &unseen_real,
        each_source: args.each_source,
    };
    let (contract, found) = calibrated(&how, &trained.contract, run, faces, measured_on)?;
    log::info!(
        "{}: temperature {:.3}, bias {:+.3}; authentic below {:.3} (APCER {:.3}), synthetic above {:.3} (BPCER {:.3}), \
         {:.1} % unsure",
        trained.name,
        contract.calibration.temperature,
        contract.calibration.bias,
        found.authentic_below,
        found.reached.apcer,
        found.synthetic_above,
        found.reached.bpcer,
        found.unsure * 100.0
    );
    Ok(contract)
}

/// Writes checkpoint and model file again, and tells where.
fn rewrite(trained: &Trained, model: &Model, contract: &Contract, crops: &[u8]) -> anyhow::Result<()> {
    log::info!("model file: {}", name::of(write(trained, model, contract, crops)?));
    Ok(())
}
