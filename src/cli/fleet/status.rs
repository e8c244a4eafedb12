//! `cyborg fleet status`: jobs and workers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;

use super::broker::BrokerArgs;
use crate::cli::outcome::{Outcome, note, say};
use crate::cli::{interrupt, machine};
use crate::fleet::beat::{Beat, State};
use crate::fleet::now;
use crate::fleet::status::{JobStatus, Status};

#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    /// Show it again every two seconds, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Write it as JSON, one object per look
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    broker: BrokerArgs,
}

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

pub(super) fn run(args: &StatusArgs) -> anyhow::Result<Outcome> {
    let stop = interrupt::listen();
    let desk = args.broker.open()?;
    loop {
        match desk.status() {
            Ok(status) if args.json => machine::print(&status)?,
            Ok(status) => say(&text(&status, now()))?,
            // A broker that is away comes back.
            Err(error) if args.watch => {
                note(&format!("warning: {}", crate::explain::explain(&anyhow::Error::new(error))))
            }
            Err(error) => return Err(error.into()),
        }
        if !args.watch {
            return Ok(Outcome::Done);
        }
        desk.wait(EVERY);
        if stop.load(Ordering::Relaxed) {
            return Ok(Outcome::Done);
        }
    }
}

fn text(status: &Status, now: u64) -> String {
    let mut lines: Vec<String> = status.jobs.iter().map(of_job).collect();
    if lines.is_empty() {
        lines.push("no jobs".to_owned());
    }
    lines.extend(status.workers.iter().map(|beat| of_worker(beat, now)));
    if status.workers.is_empty() {
        lines.push("no workers".to_owned());
    }
    if status.redelivered > 0 {
        lines.push(format!("{} clips were given to another worker and aren't through yet", status.redelivered));
    }
    if status.strays > 0 {
        lines.push(format!("{} messages were no tasks: `cyborg fleet dead` shows them", status.strays));
    }
    lines.join("\n")
}

fn of_job(job: &JobStatus) -> String {
    let JobStatus { name, tasks, done, dead, under_way, waiting, per_minute, .. } = job;
    let mut line =
        format!("job {name}: {done} of {tasks} clips done, {under_way} under way, {waiting} waiting, {dead} failed");
    if job.cancelled {
        return line + "; cancelled";
    }
    if *waiting + *under_way > 0 {
        line += &format!("; {per_minute:.1} a minute");
        if let Some(left) = job.seconds_left {
            line += &format!(", about {} left", span(left));
        }
    }
    line
}

fn of_worker(beat: &Beat, now: u64) -> String {
    let state = match &beat.state {
        State::Idle => "idle".to_owned(),
        State::Working { job, clip } => format!("judges {clip} of job {job}"),
        State::Parked { job, reason } => format!("parked: can't do clips of job {job}: {reason}"),
        State::Draining => "finishes its clip and ends".to_owned(),
    };
    let silent = now.saturating_sub(beat.at);
    let late = if silent > 20 { format!("; silent for {silent} s") } else { String::new() };
    format!("worker {} ({}): {state}; {} done, {} failed{late}", beat.worker, beat.tool, beat.done, beat.failed)
}

/// Seconds as people say them.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s if s < 360_000.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_in_words() {
        let job = JobStatus {
            name: "night".parse().expect("a name"),
            created: 0,
            priority: crate::fleet::job::Priority::Normal,
            cancelled: false,
            tasks: 10,
            done: 4,
            dead: 1,
            under_way: 2,
            waiting: 3,
            per_minute: 2.0,
            seconds_left: Some(150.0),
        };
        let beat = Beat {
            schema: 1,
            worker: "w".to_owned(),
            tool: "cyborg 0".to_owned(),
            state: State::Parked { job: "night".to_owned(), reason: "model was a, is b".to_owned() },
            since: 0,
            at: 0,
            done: 4,
            failed: 0,
            redelivered: 0,
        };
        let status = Status { jobs: vec![job], workers: vec![beat], redelivered: 0, strays: 1 };
        let text = text(&status, 30);
        let part = "job night: 4 of 10 clips done, 2 under way, 3 waiting, 1 failed; 2.0 a minute, about 2 min left\n";
        assert!(text.starts_with(part), "{text}");
        assert!(
            text.contains("parked: can't do clips of job night: model was a, is b; 4 done, 0 failed; silent for 30 s"),
            "{text}"
        );
        assert!(text.contains("1 messages were no tasks"), "{text}");
    }
}
