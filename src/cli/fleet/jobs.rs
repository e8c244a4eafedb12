//! `cyborg fleet cancel`, `retry` and `dead`.

use clap::Args;

use super::broker::BrokerArgs;
use crate::cli::outcome::{Outcome, say};
use crate::fleet::error::FleetError;
use crate::fleet::job::JobName;

#[derive(Args, Debug)]
pub(super) struct JobArgs {
    /// Name of the job
    #[arg(value_name = "JOB", value_parser = job_name)]
    job: JobName,
    #[command(flatten)]
    broker: BrokerArgs,
}

#[derive(Args, Debug)]
pub(super) struct DeadArgs {
    /// Name of the job
    #[arg(value_name = "JOB", value_parser = job_name)]
    job: Option<JobName>,
    /// Write them as JSON, one object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: BrokerArgs,
}

pub(super) fn cancel(args: &JobArgs) -> anyhow::Result<Outcome> {
    args.broker.open()?.cancel(&args.job)?;
    say(&format!("job {} is cancelled; clips that are being judged are finished", args.job))?;
    Ok(Outcome::Done)
}

pub(super) fn retry(args: &JobArgs) -> anyhow::Result<Outcome> {
    let count = args.broker.open()?.retry(&args.job)?;
    say(&format!("job {}: {count} clips are in the queue again", args.job))?;
    Ok(Outcome::Done)
}

pub(super) fn dead(args: &DeadArgs) -> anyhow::Result<Outcome> {
    let desk = args.broker.open()?;
    if let Some(job) = &args.job {
        desk.job(job)?;
    }
    for letter in desk.dead_letters(args.job.as_ref())? {
        if args.json {
            crate::cli::machine::print(&letter)?;
        } else {
            say(&format!(
                "{}: {} (tried {} times, by {})",
                letter.name(),
                letter.error,
                letter.attempts,
                letter.worker
            ))?;
        }
    }
    Ok(Outcome::Done)
}

/// The name of a job, as a flag or an argument.
pub(super) fn job_name(text: &str) -> Result<JobName, String> {
    text.parse().map_err(|error: FleetError| error.to_string())
}
