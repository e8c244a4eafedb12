//! `cyborg fleet`: clips of an archive, and cameras, judged by many machines. One file a command.

mod broker;
#[cfg(all(feature = "camera", feature = "page"))]
mod camera_judge;
mod cameras;
mod clip_judge;
mod collect;
mod events;
mod flags;
mod jobs;
#[cfg(all(feature = "camera", feature = "page"))]
mod load;
mod named_source;
#[cfg(all(feature = "camera", feature = "page"))]
mod pool;
mod status;
mod submit;
#[cfg(all(feature = "camera", feature = "page"))]
mod to_broker;
#[cfg(all(feature = "camera", feature = "page"))]
mod watch;
mod work;
mod worker_name;

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::outcome::Outcome;

#[derive(Args, Debug)]
pub(super) struct FleetArgs {
    #[command(subcommand)]
    command: FleetCommand,
}

#[derive(Debug, Subcommand)]
enum FleetCommand {
    /// Put clips into the queue, as a job with a name
    Submit(submit::SubmitArgs),
    /// Take clips from the queue and judge them, until told to end
    Work(work::WorkArgs),
    /// Write the results of a job into tables
    Collect(collect::CollectArgs),
    /// Show jobs and workers
    Status(status::StatusArgs),
    /// Give up what is left of a job
    Cancel(jobs::JobArgs),
    /// Put the clips of a job that failed for good back into the queue
    Retry(jobs::JobArgs),
    /// Show the clips of a job that failed for good, and why; without a job, messages that were no tasks
    Dead(jobs::DeadArgs),
    /// Add, remove and list cameras
    Cameras(cameras::CamerasArgs),
    /// Hold cameras and judge them as `cyborg live` does, until told to end
    #[cfg(all(feature = "camera", feature = "page"))]
    Watch(Box<watch::WatchArgs>),
    /// Write what was seen in cameras to standard output, one JSON object per line
    Events(events::EventsArgs),
}

/// `words` are those of the whole command line, which `command` defines.
pub(super) fn run(args: FleetArgs, words: &[OsString], command: fn() -> clap::Command) -> anyhow::Result<Outcome> {
    match args.command {
        FleetCommand::Submit(args) => submit::run(&args, words, command),
        FleetCommand::Work(args) => work::run(&args),
        FleetCommand::Collect(args) => collect::run(&args),
        FleetCommand::Status(args) => status::run(&args),
        FleetCommand::Cancel(args) => jobs::cancel(&args),
        FleetCommand::Retry(args) => jobs::retry(&args),
        FleetCommand::Dead(args) => jobs::dead(&args),
        FleetCommand::Cameras(args) => cameras::run(&args),
        #[cfg(all(feature = "camera", feature = "page"))]
        FleetCommand::Watch(args) => watch::run(*args),
        FleetCommand::Events(args) => events::run(&args),
    }
}
