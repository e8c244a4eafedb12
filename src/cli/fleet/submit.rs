//! `cyborg fleet submit`: clips into the queue.

use std::ffi::OsString;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::broker::BrokerArgs;
use super::flags::JudgeArgs;
use super::jobs::job_name;
use crate::capture::address::Address;
use crate::cli::inputs::Expanded;
use crate::cli::outcome::{Outcome, UsageError, complain, note, say};
use crate::fleet::job::{Job, JobName, Priority};
use crate::fleet::task::{Place, Task};
use crate::fleet::{SCHEMA, now};
use crate::name;
use crate::sink::record::SCHEMA as TABLE_SCHEMA;

#[derive(Args, Debug)]
pub(super) struct SubmitArgs {
    /// Video files, folders with videos, or addresses (https://)
    #[arg(value_name = "CLIP", required_unless_present = "list")]
    clips: Vec<OsString>,
    /// File with a path or an address in each line, or - for standard input
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    /// Name of the job; the same name again adds clips to it [default: made of the time]
    #[arg(long, value_name = "NAME", value_parser = job_name)]
    job: Option<JobName>,
    /// Which clips are taken first: high, normal or low
    #[arg(long, value_name = "PRIORITY", default_value_t)]
    priority: Priority,
    /// After this time clips that wait are worth nothing any more, and are not judged
    #[arg(long, value_name = "HOURS", value_parser = hours)]
    deadline: Option<Duration>,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    judge: JudgeArgs,
}

/// `words` are those of the whole command line, which `command` defines.
pub(super) fn run(args: &SubmitArgs, words: &[OsString], command: fn() -> clap::Command) -> anyhow::Result<Outcome> {
    args.judge.check_shared()?;
    let mut given: Vec<Address> = args.clips.iter().map(|clip| Address::of(clip)).collect();
    for list in &args.list {
        given.extend(listed(list)?);
    }
    let Expanded { clips, failures, left_out } = Expanded::of(given);
    failures.iter().for_each(complain);
    let (failed, mut tasks) = (failures.len(), Vec::new());
    let job = args.job.clone().unwrap_or_else(default_name);
    for clip in &clips {
        tasks.push(Task::new(job.clone(), clip.name(), place(clip)?));
    }
    left_out.iter().for_each(|text| note(text));
    if tasks.is_empty() {
        return Ok(Outcome::of(failed, failed.max(1)));
    }
    let desk = args.broker.open()?;
    // What the job is judged with is settled here, once.
    let run = args.judge.record(&args.judge.workers.open()?);
    let entry = Job {
        schema: SCHEMA,
        name: job.clone(),
        flags: args.judge.words(&command().try_get_matches_from(words)?, &run)?,
        run,
        table_schema: TABLE_SCHEMA,
        priority: args.priority,
        deadline: args.deadline.map(|time| now() + time.as_secs()),
        created: now(),
        tasks: 0,
        manifest: String::new(),
        cancelled: false,
    };
    let all = tasks.len() + failed;
    let submitted = desk.submit(&entry, tasks)?;
    say(&format!(
        "job {job}: {} clips; {} were put into the queue, {} wait or are under way, {} are through",
        submitted.tasks, submitted.queued, submitted.waiting, submitted.done
    ))?;
    Ok(Outcome::of(failed, all))
}

/// Where workers find it: files under the path that they have on all machines.
fn place(clip: &Address) -> anyhow::Result<Place> {
    match clip {
        Address::File(path) => match std::path::absolute(path) {
            Ok(path) => Ok(Place::Path(path)),
            Err(error) => Err(anyhow::Error::from(error).context(format!("can't tell where {} is", clip.name()))),
        },
        Address::Url(text) if text.starts_with("http://") || text.starts_with("https://") => {
            Ok(Place::Url(text.clone()))
        }
        Address::Url(_) => {
            Err(UsageError(format!("{} can't be judged by a fleet: it reads files, http:// and https://", clip.name()))
                .into())
        }
        Address::Stdin => Err(UsageError("standard input can't be judged by a fleet: name files".to_owned()).into()),
    }
}

/// The lines of a list, of any bytes.
fn listed(path: &Path) -> anyhow::Result<Vec<Address>> {
    let failed =
        |error: std::io::Error| anyhow::Error::from(error).context(format!("can't read the list {}", name::of(path)));
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::io::BufReader::new(std::fs::File::open(path).map_err(failed)?))
    };
    let mut clips = Vec::new();
    for line in reader.split(b'\n') {
        let mut line = line.map_err(failed)?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if !line.is_empty() {
            clips.push(Address::of(&word(line)));
        }
    }
    Ok(clips)
}

#[cfg(unix)]
fn word(bytes: Vec<u8>) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

#[cfg(not(unix))]
fn word(bytes: Vec<u8>) -> OsString {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn default_name() -> JobName {
    let name = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    name.parse().expect("digits and a dash are a name")
}

fn hours(text: &str) -> Result<Duration, String> {
    let hours = text.parse().ok().filter(|hours: &f64| *hours > 0.0 && *hours <= 1e6);
    hours
        .map(|hours| Duration::from_secs_f64(hours * 3600.0))
        .ok_or_else(|| "expected hours, 0.5 for example".to_owned())
}
