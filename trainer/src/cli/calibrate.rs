//! `cyborg-train calibrate`: probabilities that mean what they say, and thresholds at stated error rates, written into the
//! checkpoint and the model file.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::verdict::{Logits, SyntheticProbability};
use cyborg_models::contract::{Calibration, Contract, ErrorRates, Thresholds};
use cyborg_models::name;

use super::outcome::Outcome;
use super::session::{DataArgs, MachineArgs, bytes, listen};
use crate::checkpoint;
use crate::data::inspect::Need;
use crate::data::list::{Label, Split};
use crate::data::loader::evaluation;
use crate::data::look::{Wanted, look};
use crate::data::part::{both_classes, class_counts, part};
use crate::evaluation::{RunScores, ScoredFace, score};
use crate::export::{Precision, export};
use crate::metrics::{self, ClassWeights, Scored, VerdictThresholds, fit_calibration, verdict_thresholds};
use crate::run_folder::{BEST, MODEL, RunFolder, ScoreRow, read_validation, smooth, write_model};
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
        let contract = calibrated(args, trained, run, &faces, &measured_on)?;
        model.move_to(ComputeDevice::Cpu)?;
        write(trained, &model, &contract, &check_crops(&shared, &indices)?)?;
    }
    Ok(Outcome::Done)
}

/// Calibrates by the scores of networks that had not seen the sources of the faces.
fn by_scores(args: &CalibrateArgs, target: &Target) -> anyhow::Result<Outcome> {
    let mut faces = Vec::new();
    let mut logits = Vec::new();
    for path in &args.scores {
        for row in read_validation(path)? {
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
        let contract = calibrated(args, trained, run, &faces, measured_on)?;
        write(trained, &model, &contract, &[])?;
    }
    Ok(Outcome::Done)
}

/// Logits that give the score of a row.
fn logits_of(row: &ScoreRow) -> Logits {
    // A softmax of 32 bits may be 0 or 1 itself.
    let score = row.score.clamp(1e-7, 1.0 - 1e-7);
    Logits { authentic: 0.0, synthetic: (score / (1.0 - score)).ln() as f32 }
}

/// The contract with the calibration that fits the scores of a run.
fn calibrated(
    args: &CalibrateArgs,
    trained: &Trained,
    mut run: RunScores,
    faces: &[ScoredFace],
    measured_on: &str,
) -> anyhow::Result<Contract> {
    let differences: Vec<Scored> = faces
        .iter()
        .zip(&run.logits)
        .map(|(face, logits)| Scored {
            score: f64::from(logits.synthetic) - f64::from(logits.authentic),
            label: face.label,
        })
        .collect();
    let weights = if args.as_listed { ClassWeights::AsListed } else { ClassWeights::Balanced };
    let fit = fit_calibration(&differences, weights).with_context(|| format!("can't calibrate {}", run.name))?;
    if fit.limited {
        log::warn!(
            "{}: its scores don't rise from real to synthetic faces; all probabilities come out near one half",
            run.name
        );
    }
    run.calibration = Calibration { temperature: fit.temperature as f32, bias: fit.bias as f32 };
    let mut measured_on = measured_on.to_owned();
    let mut judged: Vec<(Logits, Label)> =
        run.logits.iter().zip(faces).map(|(&logits, face)| (logits, face.label)).collect();
    let wanted = metrics::ErrorRates { apcer: args.apcer, bpcer: args.bpcer };
    if !args.unseen_real.is_empty() {
        // The threshold of synthetic is a matter of the real faces alone, and that of authentic of the synthetic ones.
        judged.retain(|&(_, label)| label == Label::Synthetic);
        for path in &args.unseen_real {
            let rows = read_validation(path)?;
            let real = rows.iter().filter(|row| row.label == Label::Authentic);
            judged.extend(real.map(|row| (logits_of(row), row.label)));
        }
        measured_on += "; BPCER on real faces of sources that the networks that scored them had not seen";
        // Collections that weren't seen score higher as a whole, so one half goes to where the network can't tell.
        run.calibration.bias -= middle(&thresholds(&judged, &run.calibration, wanted)?);
    }
    let found = thresholds(&judged, &run.calibration, wanted)?;
    log::info!(
        "{}: temperature {:.3}, bias {:+.3}; authentic below {:.3} (APCER {:.3}), synthetic above {:.3} (BPCER {:.3}), \
         {:.1} % unsure",
        run.name,
        run.calibration.temperature,
        run.calibration.bias,
        found.authentic_below,
        found.reached.apcer,
        found.synthetic_above,
        found.reached.bpcer,
        found.unsure * 100.0
    );
    let error_rates = ErrorRates { apcer: found.reached.apcer, bpcer: found.reached.bpcer, measured_on };
    Ok(Contract {
        calibration: run.calibration,
        thresholds: Thresholds {
            authentic_below: found.authentic_below,
            synthetic_above: found.synthetic_above,
            error_rates: Some(error_rates),
        },
        ..trained.contract.clone()
    })
}

/// The thresholds on the probabilities that `calibration` gives.
fn thresholds(
    judged: &[(Logits, Label)],
    calibration: &Calibration,
    wanted: metrics::ErrorRates,
) -> anyhow::Result<VerdictThresholds> {
    // By the runtime's own formula and numbers: a face on the edge must fall to the same side.
    let score = |logits| f64::from(SyntheticProbability::new(logits, calibration).value());
    let scored: Vec<Scored> = judged.iter().map(|&(logits, label)| Scored { score: score(logits), label }).collect();
    Ok(verdict_thresholds(&scored, wanted)?)
}

/// The middle between both thresholds, as the logit of a probability.
fn middle(found: &VerdictThresholds) -> f32 {
    let logit = |threshold: f32| {
        // A probability of 32 bits may be 0 or 1 itself.
        let threshold = threshold.clamp(1e-7, 1.0 - 1e-7);
        (threshold / (1.0 - threshold)).ln()
    };
    f32::midpoint(logit(found.authentic_below), logit(found.synthetic_above))
}

/// Writes checkpoint and model file again.
fn write(trained: &Trained, model: &Model, contract: &Contract, crops: &[u8]) -> anyhow::Result<()> {
    let mut checkpoint = checkpoint::read(&trained.path)?;
    checkpoint.metadata.extend(contract.to_metadata());
    if trained.is_smoothed {
        smooth(&mut checkpoint.metadata);
    }
    let bytes = export(&Runtime::load()?, model, contract, Precision::Float32, crops)?;
    checkpoint::write(&trained.path, &checkpoint)?;
    // The best epoch of a run has its model file beside it; of other checkpoints several may lie in one folder.
    let is_best = trained.path.file_name().is_some_and(|name| name == BEST);
    let file = if is_best { trained.path.with_file_name(MODEL) } else { trained.path.with_extension("onnx") };
    let path = write_model(&file, &bytes)?;
    log::info!("model file: {}", name::of(path));
    Ok(())
}
