//! `cyborg-train train`: from a list of faces to model files, one a seed. A file for each group of its flags.

mod before;
mod judged;
mod loss;
mod network;
mod running;
mod schedule;
mod teacher;
mod tell;
mod tuning;
mod variety;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use clap::{Args, Command, Id};

use super::outcome::{Outcome, wrong_usage};
use super::runs::run_all;
use super::session::{DataArgs, MachineArgs, bytes, listen};
use crate::checkpoint::State;
use crate::data::config::SaliencyName;
use crate::data::list::Split;
use crate::fit::{Descent, FitData, FitSettings};
use crate::network::Network;
use crate::run_folder::{Config, RunFolder, TOOL};
use crate::runs::faces::{Looked, faces};
use crate::runs::start::read_weights;
use crate::runs::{Runs, again};

use before::Before;
use judged::JudgedArgs;
use loss::LossArgs;
use network::NetworkArgs;
pub(super) use network::{cut, depth};
use running::RunningArgs;
use schedule::ScheduleArgs;
use teacher::TeacherArgs;
use tuning::{Beside, TuningArgs};
use variety::VarietyArgs;

/// Heading of what `train` shares with other commands, and of what is about neither faces nor network.
pub(super) const RUNNING: &str = "Running";
/// Seed of the first run unless told otherwise.
const SEED: u64 = 1;
/// Heading of what is about the loss and the saliency in it.
pub(super) const SALIENCY: &str = "The loss, and saliency in it";

#[derive(Args, Debug)]
pub(super) struct TrainArgs {
    #[command(flatten)]
    new: NewArgs,
    /// Continue the runs in this folder where they stopped; all settings are taken from it
    #[arg(long, value_name = "FOLDER", help_heading = RUNNING, conflicts_with_all = settings())]
    resume: Option<PathBuf>,
    #[command(flatten, next_help_heading = RUNNING)]
    machine: MachineArgs,
}

/// How a new setting is trained.
#[derive(Args, Debug)]
pub(super) struct NewArgs {
    #[command(flatten, next_help_heading = "The list, and what is cut out")]
    data: DataArgs,
    #[command(flatten, next_help_heading = "The network")]
    network: NetworkArgs,
    #[command(flatten, next_help_heading = "Which layers learn")]
    tuning: TuningArgs,
    #[command(flatten, next_help_heading = SALIENCY)]
    loss: LossArgs,
    #[command(flatten, next_help_heading = "Variants of faces, and fakes that are made")]
    variety: VarietyArgs,
    #[command(flatten, next_help_heading = "A teacher")]
    teacher: TeacherArgs,
    #[command(flatten, next_help_heading = "The schedule")]
    schedule: ScheduleArgs,
    #[command(flatten, next_help_heading = "What epochs are judged by")]
    pub(super) judged: JudgedArgs,
    #[command(flatten, next_help_heading = RUNNING)]
    pub(super) running: RunningArgs,
}

/// What a run that goes on takes from its folder.
fn settings() -> Vec<Id> {
    NewArgs::augment_args(Command::new("train")).get_arguments().map(|argument| argument.get_id().clone()).collect()
}

pub(super) fn run(args: &TrainArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let runs = match &args.resume {
        Some(folder) => again(RunFolder::open(folder)?, args.machine.device, bytes(args.machine.memory), stop)?,
        None => args.new.begin(&args.machine, stop)?,
    };
    match runs {
        Some(runs) => run_all(&runs),
        None => Ok(Outcome::Interrupted),
    }
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
    /// `seed` is that of runs without one of their own.
    fn fit(&self, seed: u64) -> FitSettings {
        let Descent { optimiser, rate, schedule } = self.schedule.descent();
        FitSettings {
            loss: self.loss.settings(self.teacher.share()),
            epochs: self.schedule.epochs,
            batch: self.schedule.batch.into(),
            optimiser,
            rate,
            schedule,
            augment: self.variety.augment,
            forge: self.variety.forge,
            swap: self.variety.swap,
            video_coding: self.variety.video_coding,
            balance: self.variety.balance,
            freeze: self.tuning.freeze.into(),
            tune: self.tuning.tune,
            shuffle_patches: self.tuning.shuffle_patches,
            average: self.schedule.average,
            best_by: self.judged.best_by,
            patience: self.judged.patience,
            precision: self.schedule.precision(),
            seed: self.running.seed.unwrap_or(seed),
        }
    }

    /// New runs; nothing when the user ended it.
    fn begin<'a>(&self, machine: &MachineArgs, stop: &'a AtomicBool) -> anyhow::Result<Option<Runs<'a>>> {
        let Some(out) = &self.running.out else {
            return wrong_usage("give the folder of the runs with `--out`, or go on with some by `--resume FOLDER`");
        };
        // Before all the work; `create` below is the one that counts.
        RunFolder::is_free(out)?;
        let Some(Gathered { config, network, start, data }) = self.gather(None, machine, stop)? else {
            return Ok(None);
        };
        let most = config.runs;
        let folder = RunFolder::create(out, config)?;
        Ok(Some(Runs { folder, network, start, data, device: machine.device, stop, most }))
    }

    /// Checks settings and weights, and looks at all faces; nothing when the user ended it. `saliency` goes before the flag.
    pub(super) fn gather(
        &self,
        saliency: Option<SaliencyName>,
        machine: &MachineArgs,
        stop: &AtomicBool,
    ) -> anyhow::Result<Option<Gathered>> {
        let before = self.network.from.as_deref().map(Before::open).transpose()?;
        let fit = self.fit(before.as_ref().and_then(Before::seed).unwrap_or(SEED));
        fit.check(machine.device)?;
        let network = match &before {
            Some(before) => before.network().clone(),
            None => self.network.describe(self.loss.cam_tap)?,
        };
        let beside = Beside { augment: fit.augment, makes_fakes: fit.makes_fakes(), codes: fit.video_coding > 0.0 };
        self.tuning.check(&network, &beside)?;
        let weights = match &before {
            Some(before) => Some(before.weights()?),
            None => self.network.start().file(self.network.network)?,
        };
        let start = weights.as_deref().map(|path| read_weights(path, &network)).transpose()?;
        let mut read = self.data.read(&before.as_ref().map(Before::known).unwrap_or_default())?;
        if self.judged.validate_on == Some(Split::Train) {
            return wrong_usage("--validate-on train would judge epochs on the faces they were trained on");
        }
        // Runs that go on with the same list are judged as those before, unless something else is asked for.
        let same_list = before.is_some() && self.data.data.is_none();
        if !same_list || self.judged.validate_on.is_some() || !self.judged.leave_out.is_empty() {
            read.judge_by(self.judged.validate_on, &self.judged.leave_out);
        }
        if before.is_some() && !same_list && read.config.validation.is_none() && read.config.left_out.is_empty() {
            log::warn!(
                "a tenth of this list is kept out to judge epochs by, of which the runs before may have learnt: rows of split \
                 validation tell more"
            );
        }
        read.config.taught_by = self.teacher.table()?;
        read.config.saliency = saliency.unwrap_or(read.config.saliency);
        let data_config = read.config.clone();
        let memory = bytes(machine.memory);
        let Some(Looked { data, digest, list_digest }) = faces(read, &network, &fit, memory, stop)? else {
            return Ok(None);
        };
        tell::tell_of(&data, &data_config, &fit)?;
        let config = Config {
            tool: TOOL.to_owned(),
            network: network.architecture.name().to_owned(),
            cam_tap: before.as_ref().map_or_else(|| self.loss.cam_tap.to_string(), Before::tap),
            side: if before.is_some() { Some(network.input_side) } else { self.network.side },
            smooth: before.as_ref().map_or(self.network.smooth, Before::smooth),
            depth: network.architecture.depth(),
            cache: self.tuning.cache()?,
            views: self.tuning.views(),
            weights,
            data: data_config,
            data_sha256: digest,
            list_sha256: list_digest,
            fit,
            runs: self.running.runs,
        };
        Ok(Some(Gathered { config, network, start, data }))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::torch::{AdamWSettings, OptimiserSettings};

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        train: TrainArgs,
    }

    fn parse(flags: &[&str]) -> Result<Program, clap::Error> {
        Program::try_parse_from([&["train"], flags].concat())
    }

    #[test]
    fn runs_that_go_on_take_no_settings() {
        assert!(parse(&["--resume", "runs", "--device", "cuda", "--memory", "9"]).is_ok());
        for (flag, value) in [("--data", "list"), ("--epochs", "50"), ("--taught-by", "table"), ("--seed", "1")] {
            let error = parse(&["--resume", "runs", flag, value]).expect_err("it is in the folder").to_string();
            let line = error.lines().next().unwrap_or_default();
            assert!(line.contains("--resume"), "{flag}: {error}");
            assert!(error.contains(flag) && !error.contains("--out"), "the flag that was given, and no other: {error}");
        }
        assert!(parse(&["--resume", "runs", "--smooth"]).is_err());
    }

    #[test]
    fn every_flag_stands_under_a_heading() {
        let command = Program::command();
        let bare: Vec<_> = command.get_arguments().filter(|argument| argument.get_help_heading().is_none()).collect();
        assert!(bare.is_empty(), "{bare:?}");
        let heading = |flag: &str| {
            let found = command.get_arguments().find(|argument| argument.get_long() == Some(flag));
            found.and_then(clap::Arg::get_help_heading)
        };
        assert_eq!(heading("depth"), Some("The network"));
        assert_eq!(heading("resume"), Some(RUNNING));
        assert_eq!(heading("leave-out"), Some("What epochs are judged by"));
    }

    #[test]
    fn flags_become_settings() {
        let args = parse(&[]).expect("all have defaults").train.new;
        let paper = args.fit(SEED);
        assert_eq!((paper.epochs, paper.batch, paper.rate, paper.seed, paper.freeze), (50, 20, 0.005, 1, 1));
        assert_eq!(paper.loss.taught_share, 0.0);
        assert_eq!(
            Descent { optimiser: paper.optimiser, rate: paper.rate, schedule: paper.schedule },
            Descent::paper(12)
        );
        let flags = ["--preset", "adamw", "--rate", "0.1", "--taught-by", "t.csv", "--freeze", "8", "--forge", "0.5"];
        let fit = parse(&flags).expect("they go together").train.new.fit(SEED);
        let adamw = AdamWSettings { mean_decay: 0.9, square_decay: 0.999, eps: 1e-8, weight_decay: 0.05 };
        assert_eq!((fit.optimiser, fit.rate), (OptimiserSettings::AdamW(adamw), 0.1));
        assert_eq!((fit.loss.taught_share, fit.freeze, fit.forge), (0.5, 8, 0.5));
    }
}
