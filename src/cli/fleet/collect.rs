//! `cyborg fleet collect`: the results of a job into tables.

use std::path::PathBuf;

use clap::Args;

use super::broker::BrokerArgs;
use super::jobs::job_name;
use crate::cli::interrupt;
use crate::cli::outcome::{Outcome, UsageError, note, say};
use crate::cli::tables::{TableArgs, Tables};
use crate::fleet::collect::{CollectSettings, Collected, Found};
use crate::fleet::job::JobName;
use crate::sink::resume::ResumeError;

/// Names of clips without a result that are told.
const MOST_TOLD: usize = 20;

#[derive(Args, Debug)]
pub(super) struct CollectArgs {
    /// Name of the job
    #[arg(long, value_name = "NAME", value_parser = job_name)]
    job: JobName,
    /// Write a CSV table, one row per face and frame; one of this job that is there already is continued
    #[arg(long, value_name = "FILE", required_unless_present = "jsonl")]
    csv: Option<PathBuf>,
    /// Write a JSONL table: the same rows, and a summary of each clip; one of this job that is there already is continued
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Wait for the results that aren't there yet
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    broker: BrokerArgs,
}

pub(super) fn run(args: &CollectArgs) -> anyhow::Result<Outcome> {
    if args.csv.is_some() && args.csv == args.jsonl {
        return Err(UsageError("--csv and --jsonl name the same file: change one of them".to_owned()).into());
    }
    let stop = interrupt::listen();
    let desk = args.broker.open()?;
    let job = desk.job(&args.job)?;
    let opened = TableArgs::continuing(args.csv.clone(), args.jsonl.clone()).open(&desk.names(&job)?, &job.run);
    let mut tables: Tables = opened.map_err(|error| match error.downcast_ref::<ResumeError>() {
        // The cure of `video` is another one.
        Some(other @ (ResumeError::OtherRun { .. } | ResumeError::Foreign { .. })) => {
            UsageError(format!("{other}: name another file, or move this one away")).into()
        }
        _ => error,
    })?;
    let settings = CollectSettings { follow: args.follow, known: tables.finished.clone(), stop };
    let mut take = |found: &Found<'_>| {
        log::info!("{} by {} in {:.1} s", found.head.name, found.head.worker, found.head.seconds);
        tables.add(&found.lines)
    };
    let collected = desk.collect(&args.job, &settings, &mut take)?;
    tell(&collected, args)
}

fn tell(collected: &Collected, args: &CollectArgs) -> anyhow::Result<Outcome> {
    let Collected { tasks, taken, known, dead, damaged, missing, cancelled, interrupted } = collected;
    for letter in dead {
        note(&format!("error: {}: {} (tried {} times)", letter.name(), letter.error, letter.attempts));
    }
    damaged.iter().for_each(|reason| note(&format!("error: {reason}")));
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().take(MOST_TOLD).map(String::as_str).collect();
        let more = if missing.len() > MOST_TOLD { ", ..." } else { "" };
        let cure = if *cancelled { "the job was cancelled" } else { "--follow waits for them" };
        note(&format!("{} clips have no result yet: {}{more}; {cure}", missing.len(), names.join(", ")));
    }
    say(&format!("job {}: {taken} of {tasks} clips collected, {known} were collected before", args.job))?;
    if *interrupted {
        return Ok(Outcome::Interrupted);
    }
    let failed = dead.len() + damaged.len() + if *cancelled { missing.len() } else { 0 };
    if failed > 0 && *tasks > 1 {
        note(&format!("{failed} of {tasks} clips could not be judged to the end; see the reasons above"));
    }
    Ok(Outcome::of(failed, usize::try_from(*tasks).unwrap_or(usize::MAX)))
}
