//! The command line: one file a command.

mod agreement;
mod annotate;
mod arms;
mod bench;
mod calibrate;
mod compare;
mod content;
mod cure;
mod evaluate;
mod experiment;
mod export;
mod forge;
mod fuse;
mod head;
mod import;
mod import_maps;
mod locate;
mod measure;
mod outcome;
mod prepare;
mod probe;
mod progress;
mod results;
mod runs;
mod session;
mod suggest;
mod train;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use cure::in_words;
use outcome::{Outcome, WrongUsage};

/// Trains detectors of generated and swapped faces with human-like saliency, and exports them to ONNX.
///
/// The loss is that of CYBORG (WACV 2023): a share of it pulls the network's class activation map towards a map of
/// where people look.
#[derive(Debug, Parser)]
#[command(name = "cyborg-train", version)]
struct Cli {
    /// Maximum number of threads [default: all processors]
    #[arg(long, value_name = "N", global = true)]
    threads: Option<NonZeroUsize>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Cut faces out of photos and clips, and list them
    Prepare(prepare::PrepareArgs),
    /// Find the faces of a list once, so that other commands needn't look for them each time
    Locate(locate::LocateArgs),
    /// Make self-blended fakes from the real faces of a list, with their blend masks
    Forge(forge::ForgeArgs),
    /// Serve a page on which people say which faces are synthetic, and where they see it
    Annotate(annotate::AnnotateArgs),
    /// Train a network on a list of faces, and export the best epoch
    Train(train::TrainArgs),
    /// Train a head on a frozen tower, for the accurate set
    Head(head::HeadArgs),
    /// Fit bias and thresholds of a set of experts by what each says of the validation faces
    Fuse(fuse::FuseArgs),
    /// Measure networks on the faces of a list
    Evaluate(evaluate::EvaluateArgs),
    /// Say how far what the pictures of a list show gives their class away, for `measure --content`
    Content(content::ContentArgs),
    /// Say what a model that can't see a face makes of the faces of a list, for `measure --probe`
    Probe(probe::ProbeArgs),
    /// Measure the scores in a table from `cyborg image --list`
    Measure(measure::MeasureArgs),
    /// Fit probabilities and thresholds on the faces of a list, and write them into checkpoint and model file
    Calibrate(calibrate::CalibrateArgs),
    /// Compare two settings, with the difference of their AUCs
    Compare(compare::CompareArgs),
    /// Read maps of where people looked from elsewhere: fixations, exports of COCO, Label Studio and CVAT, grey pictures
    ImportMaps(import_maps::ImportMapsArgs),
    /// Bring the maps of a study up to date, and say how right its annotators are and how far they agree
    Agreement(agreement::AgreementArgs),
    /// Train with and without saliency, or with people's maps, a prior and neither, on the same faces, and compare them on
    /// collections that none has seen
    Experiment(experiment::ExperimentArgs),
    /// Say which faces of a list people should be asked about next, by what networks make of them
    Suggest(suggest::SuggestArgs),
    /// Write a page of results from folders of runs, and the numbers behind it without photos or their names
    Results(results::ResultsArgs),
    /// Time the training step, on random data or with the faces of a list
    Bench(bench::BenchArgs),
    /// Turn a PyTorch checkpoint into one of this project, without running what is in it
    Import(import::ImportArgs),
    /// Write a checkpoint as a model file for `cyborg`
    Export(export::ExportArgs),
}

/// Runs the program by its command line, and gives its exit code: 0 done, 1 a failure or all inputs failed,
/// 2 wrong usage, 3 some inputs failed and the others are done, 130 interrupted.
#[must_use]
pub fn run() -> ExitCode {
    let command = Cli::command().mut_subcommand("experiment", experiment::defaults);
    let cli = Cli::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit());
    let mut log = env_logger::Builder::new();
    log.filter_level(log::LevelFilter::Warn).filter_module("cyborg_trainer", log::LevelFilter::Info);
    // ONNX Runtime speaks of its own inner matters; what concerns us comes back as an error.
    log.filter_module("ort", log::LevelFilter::Off);
    log.format_target(false).format_timestamp_secs().init();
    let outcome = session::use_threads(cli.threads).and_then(|()| run_command(&cli.command));
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(3),
        Ok(Outcome::AllFailed) => ExitCode::FAILURE,
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            log::error!("{}", in_words(&error));
            if error.is::<WrongUsage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn run_command(command: &Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Prepare(args) => prepare::run(args),
        Command::Locate(args) => locate::run(args),
        Command::Forge(args) => forge::run(args),
        Command::Annotate(args) => annotate::run(args),
        Command::Train(args) => train::run(args),
        Command::Head(args) => head::run(args),
        Command::Fuse(args) => fuse::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Content(args) => content::run(args),
        Command::Probe(args) => probe::run(args),
        Command::Measure(args) => measure::run(args),
        Command::Calibrate(args) => calibrate::run(args),
        Command::Compare(args) => compare::run(args).map(|()| Outcome::Done),
        Command::ImportMaps(args) => import_maps::run(args),
        Command::Agreement(args) => agreement::run(args).map(|()| Outcome::Done),
        Command::Experiment(args) => experiment::run(args),
        Command::Suggest(args) => suggest::run(args),
        Command::Results(args) => results::run(args).map(|()| Outcome::Done),
        Command::Bench(args) => bench::run(args),
        Command::Import(args) => import::run(args).map(|()| Outcome::Done),
        Command::Export(args) => export::run(args),
    }
}
