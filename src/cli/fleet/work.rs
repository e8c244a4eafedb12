//! `cyborg fleet work`: a worker.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;

use super::broker::BrokerArgs;
use super::clip_judge::ClipJudge;
use super::worker_name::{own_name, worker_name};
use crate::cli::interrupt;
use crate::cli::outcome::{Outcome, UsageError, note};
use crate::fleet::places::Allowed;
use crate::fleet::store::StoreSettings;
use crate::fleet::worker::{self, WorkerSettings};

/// Becomes true when the clip that is being judged is to be given up.
static ABANDON: AtomicBool = AtomicBool::new(false);

/// Many more than workers that end for reasons of their own come to.
const MOST_BEGUN: u32 = 20;

#[derive(Args, Debug)]
pub(super) struct WorkArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// Folder whose files may be read, with all below; give it more than once for several. Files outside are refused
    #[arg(long, value_name = "DIR")]
    root: Vec<PathBuf>,
    /// Address (http:// or https://) below which clips may be read; give it more than once for several. All others are refused, and
    /// so are servers that send their reader elsewhere
    #[arg(long, value_name = "PREFIX")]
    allow_url: Vec<String>,
    /// Name of this worker [default: the machine's, with the number of the process]
    #[arg(long, value_name = "NAME", value_parser = worker_name)]
    name: Option<String>,
    /// How long a worker may be silent before its clip goes to another one; counts where no worker was there before
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    lease: u64,
    /// How often a clip is tried before it is given up
    #[arg(long, value_name = "N", default_value = "3")]
    tries: NonZeroU32,
    /// How long a clip rests before it is tried again
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u64).range(0..=3600))]
    rest: u64,
    /// How long to wait before trying again when this machine can't judge what is in the queue
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=3600))]
    park: u64,
    /// How long a clip may take to be finished once the worker is told to end; after that it goes back into the queue
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = clap::value_parser!(u64).range(0..=86_400))]
    grace: u64,
    /// Maximum number of CPU threads, up to 256 [default: all]
    #[arg(long, value_name = "N", value_parser = crate::cli::workers::threads)]
    threads: Option<NonZeroUsize>,
}

pub(super) fn run(args: &WorkArgs) -> anyhow::Result<Outcome> {
    let allowed = Allowed::new(&args.root, &args.allow_url).map_err(|error| UsageError(error.to_string()))?;
    if allowed.is_empty() {
        let message = "nothing may be read: name the folders of the clips by --root, or their servers by --allow-url";
        return Err(UsageError(message.to_owned()).into());
    }
    let drain = interrupt::listen();
    let settings = WorkerSettings {
        name: args.name.clone().unwrap_or_else(own_name),
        tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
        allowed,
        tries: args.tries.get(),
        most_begun: MOST_BEGUN,
        rest: Duration::from_secs(args.rest),
        park: Duration::from_secs(args.park),
        grace: Duration::from_secs(args.grace),
        drain,
        abandon: &ABANDON,
    };
    note(&format!("worker {} takes clips from {}", settings.name, args.broker.settings().name()));
    let judge = Box::new(ClipJudge::new(args.threads));
    let store = StoreSettings { lease: Duration::from_secs(args.lease), ..args.broker.store() };
    let tally = worker::work(&args.broker.settings(), store, settings, judge)?;
    note(&format!("judged {} clips; {} tries failed", tally.done, tally.failed));
    Ok(Outcome::Done)
}
