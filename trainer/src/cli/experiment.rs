//! `cyborg-train experiment`: the paper's comparison. The same network with the same seeds on the same faces, with and without
//! saliency in the loss, or with saliency from several places, measured on faces of collections that none has seen.
//!
//! Runs alternate between the settings, so that whatever has ended can be compared; a run that was stopped goes on from its
//! last whole epoch when the same command is given again.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Command};

use super::arms::{self, Arm};
use super::evaluate::{self, EvaluateArgs};
use super::outcome::Outcome;
use super::runs::run_all;
use super::session::{MachineArgs, listen};
use super::train::{Gathered, NewArgs, RUNNING, SALIENCY};
use crate::checkpoint;
use crate::data::list::Split;
use crate::evaluation::ScoreKind;
use crate::evaluation::compared::Compared;
use crate::evaluation::looked::Looked;
use crate::evaluation::pictures::{AverageMaps, CAMS, of_maps};
use crate::metrics::Bootstrap;
use crate::plot::curves::{Band, TrainingCurves};
use crate::run_folder::{Config, RunFolder};
use crate::runs::{Runs, curves_of};
use cyborg_models::name;

/// Folder of what the settings come to side by side.
pub(super) const COMPARISON: &str = "comparison";
/// Folder of an evaluation in that of a setting.
pub(super) const EVALUATION: &str = "evaluation";

/// Heading of what is done with the runs at their end.
const MEASURED: &str = "What the runs are measured on";

#[derive(Args, Debug)]
pub(super) struct ExperimentArgs {
    #[command(flatten)]
    new: NewArgs,
    /// Kinds of saliency to compare, with commas between them, `none` among them: human,prior,none is the paper's question. Each
    /// has a folder of its name [default: the settings `cyborg`, by `--saliency`, and `classical`, without]
    #[arg(long, value_name = "ARMS", value_delimiter = ',', value_enum, conflicts_with = "saliency", help_heading = SALIENCY)]
    arms: Vec<Arm>,
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
    arms::check(&args.arms)?;
    let stop = listen();
    let looked_at = arms::looked_at(&args.arms);
    let Some(Gathered { config, network, start, data }) = args.new.gather(looked_at, &args.machine, stop)? else {
        return Ok(Outcome::Interrupted);
    };
    ensure!(config.fit.loss.alpha < 1.0, "with `--alpha 1` all settings would be the same: give a smaller one");
    let runs = config.runs;
    // All are looked at before a folder is made.
    let mut of_all = Vec::new();
    for setting in arms::settings(&args.arms, &config) {
        let faces = arms::faces(&setting, &data)?;
        of_all.push((setting, faces));
    }
    let mut settings = Vec::new();
    for (setting, data) in of_all {
        settings.push((setting.name, folder(&out.join(setting.name), setting.config)?, data));
    }
    let mut outcome = Outcome::Done;
    for most in 1..=runs {
        for (_, folder, data) in &settings {
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
    for (_, folder, _) in &settings {
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
    side_by_side(out, &settings.iter().map(|(name, ..)| *name).collect::<Vec<_>>())?;
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

/// Table, curves and average maps of all settings, each but the first compared with the first.
fn side_by_side(out: &Path, names: &[&str]) -> anyhow::Result<()> {
    let place = out.join(COMPARISON);
    fs::create_dir_all(&place).with_context(|| format!("can't make {}", name::of(&place)))?;
    let (reference, others) = names.split_first().context("an experiment has settings")?;
    let (mut page, mut pairs) = (String::new(), BTreeMap::new());
    for other in others {
        let bootstrap = Bootstrap { draws: 2000, seed: 1 };
        let compared = Compared::read(&out.join(other), &out.join(reference), EVALUATION.as_ref(), bootstrap)?;
        page += &compared.to_markdown();
        page.push('\n');
        pairs.insert(format!("{other}-{reference}"), compared.lines);
    }
    let json = match others {
        // As it was when there were but two settings.
        [_] => pairs.values().next().map(serde_json::to_string_pretty).transpose()?.unwrap_or_default(),
        _ => serde_json::to_string_pretty(&pairs)?,
    };
    let evaluated: Vec<(&str, PathBuf)> = names.iter().map(|name| (*name, out.join(name).join(EVALUATION))).collect();
    if let Some(looked) = Looked::read(&evaluated)? {
        page += &looked.to_markdown();
        replace(&place.join("people.json"), &(serde_json::to_string_pretty(&looked)? + "\n"))?;
    }
    replace(&place.join("comparison.md"), &page)?;
    replace(&place.join("comparison.json"), &(json + "\n"))?;
    // A reader that has gone is no failure.
    let _ = writeln!(std::io::stdout().lock(), "{page}");
    let mut told: Vec<&str> = others.to_vec();
    told.push(reference);
    let curves = told.iter().map(|name| curves_of(&out.join(name), name)).collect::<anyhow::Result<_>>()?;
    TrainingCurves { title: told.join(" and "), settings: curves, band: Band::Deviation }
        .save(&place.join("training"))?;
    let mut maps = Vec::new();
    for name in names {
        maps.push((*name, AverageMaps::read(&out.join(name).join(EVALUATION).join(CAMS))?));
    }
    of_maps(&place, &maps.iter().map(|(name, maps)| (*name, maps)).collect::<Vec<_>>())
        .with_context(|| format!("can't draw the average maps of {}", name::of(out)))?;
    log::info!("table, curves and average activation maps: {}", name::of(place));
    Ok(())
}

fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    checkpoint::replace(path, text.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))
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
