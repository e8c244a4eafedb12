//! `cyborg fleet watch`: a worker that judges cameras.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use crossbeam_channel::unbounded;

use super::broker::BrokerArgs;
use super::camera_judge::{CameraJudge, Failures, JudgeSettings};
use super::pool::Pool;
use super::worker_name::{own_name, worker_name};
use crate::cli::live::keep::KeepArgs;
use crate::cli::live::networks::{Coming, LiveNetworks, live_workers};
use crate::cli::live::thresholds::ThresholdArgs;
use crate::cli::outcome::{Outcome, UsageError, note};
use crate::cli::workers::WorkerArgs;
use crate::cli::{cure, interrupt};
use crate::face::follow::DetectEvery;
use crate::fleet::cameras::allowed::AllowedCameras;
use crate::fleet::cameras::holder::{self, HolderSettings};

/// How long a camera that can't be judged here is left to others, unless its address is another one before.
const REST: Duration = Duration::from_secs(300);

#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// Address (rtsp://, rtsps://, http:// or https://) below which cameras may be opened; give it more than once for several. All others
    /// are refused, and so are servers that send their reader elsewhere
    #[arg(long, value_name = "PREFIX")]
    allow_url: Vec<String>,
    /// Name of this worker, which no other may have [default: the machine's, with the number of the process]
    #[arg(long, value_name = "NAME", value_parser = worker_name)]
    name: Option<String>,
    /// Cameras to judge at most; each has a face detector, opened at the start [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = capacity)]
    capacity: Option<NonZeroUsize>,
    /// How long this worker may be silent before its cameras go to others
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=600))]
    lease: u64,
    /// Look for faces only in every Nth frame and where scenes begin, and follow their motion in between: faster
    #[arg(long, value_name = "N", default_value = "1")]
    detect_every: NonZeroU32,
    #[command(flatten)]
    keep: KeepArgs,
    #[command(flatten)]
    thresholds: ThresholdArgs,
    #[command(flatten)]
    workers: WorkerArgs,
}

pub(super) fn run(args: WatchArgs) -> anyhow::Result<Outcome> {
    let allowed = AllowedCameras::new(&args.allow_url).map_err(|error| UsageError(error.to_string()))?;
    if allowed.is_empty() {
        let message =
            "no camera may be opened: name by --allow-url what their addresses begin with, rtsp://HOST/ for example";
        return Err(UsageError(message.to_owned()).into());
    }
    let workers = live_workers(&args.workers, "fleet watch")?;
    let stop = interrupt::listen();
    let capacity = args.capacity.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let (mut networks, detectors) = LiveNetworks::open(&workers, &args.thresholds, capacity)?;
    let detectors = detectors.into_iter().map(|detector| workers.live_detector(detector, false)).collect();
    let settings = HolderSettings {
        name: args.name.unwrap_or_else(own_name),
        tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
        capacity: capacity.get() as u64,
        lease: Duration::from_secs(args.lease),
        rest: REST,
        drain: stop,
    };
    let (join, joining) = unbounded();
    let failures = Failures::default();
    let judged = JudgeSettings {
        allowed,
        keep: args.keep,
        model: networks.classifier.name().to_owned(),
        capacity: settings.capacity,
        stop,
    };
    let judge = Box::new(CameraJudge::new(judged, Pool::new(detectors), join, failures.clone()));
    let failed = |feed, error| failures.put(feed, cure::in_words(&error));
    let (broker, replicas) = (args.broker.settings(), args.broker.store().replicas);
    note(&format!("worker {} judges up to {capacity} cameras of {}", settings.name, broker.name()));
    thread::scope(|scope| {
        let coming = Coming { feeds: Vec::new(), joining: Some(joining) };
        let stages = networks.stages(coming, DetectEvery(args.detect_every), &failed);
        let watching = scope.spawn(|| {
            let _last = Last(stop);
            crate::live::watch(stages, stop).map_err(cure::unboxed)
        });
        let held = holder::hold(&broker, replicas, settings, judge);
        stop.store(true, Ordering::Relaxed);
        watching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let tally = held?;
        note(&format!("held cameras {} times; {} times one was lost to another worker", tally.taken, tally.lost));
        Ok(Outcome::Done)
    })
}

/// Ends the worker when its owner goes, in whatever way: without a run there is nothing to hold cameras for.
struct Last(&'static AtomicBool);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn capacity(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 1000);
    number.ok_or_else(|| "expected a whole number in 1 to 1000".to_owned())
}
