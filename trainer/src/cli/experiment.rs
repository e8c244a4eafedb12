//! `cyborg-train experiment`: the paper's comparison. The same network with the same seeds on the same faces, with and without
//! saliency in the loss, measured on faces of collections that neither has seen.
//!
//! Runs alternate between the two settings, so that whatever has ended can be compared; a run that was stopped goes on from its
//! last whole epoch when the same command is given again.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Command};

use super::compare::{self, CompareArgs};
use super::evaluate::{self, EvaluateArgs};
use super::outcome::Outcome;
use super::runs::run_all;
use super::session::{MachineArgs, listen};
use super::train::{Gathered, NewArgs, RUNNING};
use crate::data::list::Split;
use crate::evaluation::ScoreKind;
use crate::evaluation::pictures::{AverageMaps, CAMS, of_maps};
use crate::run_folder::{Config, RunFolder};
use crate::runs::Runs;
use cyborg_models::name;

/// Folder of the setting without saliency.
pub(super) const CLASSICAL: &str = "classical";
/// Folder of the setting with saliency.
pub(super) const CYBORG: &str = "cyborg";
/// Folder of what the two come to side by side.
pub(super) const COMPARISON: &str = "comparison";
/// Folder of an evaluation in that of a setting.
pub(super) const EVALUATION: &str = "evaluation";

/// Heading of what is done with the runs at their end.
const MEASURED: &str = "What the runs are measured on";

#[derive(Args, Debug)]
pub(super) struct ExperimentArgs {
    #[command(flatten)]
    new: NewArgs,
    /// Part of the list to measure on; where sources are left out (`--leave-out`) it is those
    #[arg(long, value_name = "SPLIT", default_value = "test", help_heading = MEASURED)]
    split: Split,
    /// Sources to report apart, with commas between them: they are in no pooled number
    #[arg(long, value_name = "SOURCES", value_delimiter = ',', help_heading = MEASURED)]
    apart: Vec<String>,
    #[command(flatten, next_help_heading = RUNNING)]
    machine: MachineArgs,
}

/// What `train`'s flags are by default here: what a processor can do in an evening, and the last epoch, because no face that is
/// measured on may choose one.
pub(super) fn defaults(command: Command) -> Command {
    let by = |command: Command, flag: &'static str, value: &'static str| {
        command.mut_arg(flag, |argument| argument.default_value(value))
    };
    let ours = [("runs", "5"), ("side", "112"), ("epochs", "8"), ("step_epochs", "5"), ("best_by", "last")];
    ours.into_iter().fold(command, |command, (flag, value)| by(command, flag, value))
}

pub(super) fn run(args: &ExperimentArgs) -> anyhow::Result<Outcome> {
    let Some(out) = &args.new.running.out else {
        return super::outcome::wrong_usage(
            "give the folder of the experiment with `--out`; the same one again goes on with it",
        );
    };
    let stop = listen();
    let Some(Gathered { config, network, start, data }) = args.new.gather(&args.machine, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    ensure!(config.fit.loss.alpha < 1.0, "with `--alpha 1` both settings would be the same: give a smaller one");
    let mut classical = config.clone();
    classical.fit.loss.alpha = 1.0;
    let runs = config.runs;
    let folders = [folder(&out.join(CLASSICAL), classical)?, folder(&out.join(CYBORG), config)?];
    let mut outcome = Outcome::Done;
    for most in 1..=runs {
        for folder in &folders {
            let (folder, network, start, data) = (folder.clone(), network.clone(), start.clone(), data.clone());
            let runs = Runs { folder, network, start, data, device: args.machine.device, stop, most };
            match run_all(&runs)? {
                Outcome::Done => {}
                Outcome::Interrupted => {
                    log::warn!("run the same `experiment` command to continue from here");
                    return Ok(Outcome::Interrupted);
                }
                failed => outcome = failed,
            }
        }
    }
    for folder in &folders {
        let evaluation = EvaluateArgs {
            split: args.split,
            judged: !args.new.judged.leave_out.is_empty(),
            apart: args.apart.clone(),
            ..EvaluateArgs::plain(folder.path(), args.machine.clone())
        };
        if evaluate::run(&evaluation)? == Outcome::Interrupted {
            return Ok(Outcome::Interrupted);
        }
    }
    side_by_side(out)?;
    Ok(outcome)
}

/// The folder of a setting: new, or with the same settings from before.
fn folder(path: &Path, config: Config) -> anyhow::Result<RunFolder> {
    if RunFolder::is_free(path).is_ok() {
        return RunFolder::create(path, config);
    }
    let found = RunFolder::open(path)?;
    // More or fewer runs are the same experiment; so is another version of the program.
    let same = Config { runs: config.runs, tool: config.tool.clone(), ..found.config.clone() };
    ensure!(
        same == config,
        "{} holds runs of other settings or faces: give their flags again, or another folder with `--out`",
        name::of(path)
    );
    RunFolder::replace(path, config)
}

/// Table, curves and average maps of both settings.
fn side_by_side(out: &Path) -> anyhow::Result<()> {
    let place = out.join(COMPARISON);
    compare::run(&CompareArgs::plain(out.join(CYBORG), out.join(CLASSICAL), place.clone()))?;
    let maps = |setting: &str| AverageMaps::read(&out.join(setting).join(EVALUATION).join(CAMS));
    let (classical, cyborg) = (maps(CLASSICAL)?, maps(CYBORG)?);
    of_maps(&place, &[(CLASSICAL, &classical), (CYBORG, &cyborg)])
        .with_context(|| format!("can't draw the average maps of {}", name::of(out)))?;
    log::info!("table, curves and average activation maps: {}", name::of(place));
    Ok(())
}

impl EvaluateArgs {
    /// A plain evaluation of a folder of runs on what its list calls test faces.
    fn plain(folder: &Path, machine: MachineArgs) -> Self {
        Self {
            target: folder.to_owned(),
            data: super::session::DataArgs::default(),
            split: Split::Test,
            judged: false,
            apart: Vec::new(),
            out: None,
            score: ScoreKind::Softmax,
            robustness: false,
            probe: false,
            machine,
        }
    }
}

impl CompareArgs {
    fn plain(first: PathBuf, second: PathBuf, out: PathBuf) -> Self {
        Self { first, second, evaluation: EVALUATION.into(), out: Some(out), draws: 2000, seed: 1 }
    }
}
