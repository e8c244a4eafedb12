//! `cyborg live`: cameras and streams, judged while it happens.

#[cfg(feature = "page")]
mod alerts;
#[cfg(all(feature = "page", feature = "screen"))]
mod chosen;
pub(super) mod cured;
pub(super) mod feeds;
pub(super) mod input;
pub(super) mod keep;
pub(super) mod networks;
#[cfg(feature = "page")]
mod page;
pub(super) mod printer;
mod record;
#[cfg(feature = "screen")]
mod screen;
mod service;
mod systemd;
pub(super) mod thresholds;
pub(super) mod watched;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clap::{ArgMatches, Args};

use super::interrupt;
use super::layers::Layers;
use super::outcome::{Outcome, complain, note};
use super::workers::WorkerArgs;
use crate::cli::cure;
use crate::face::follow::DetectEvery;
#[cfg(all(feature = "page", feature = "screen"))]
use chosen::Chosen;
use feeds::LiveFeed;
use input::LiveInputArgs;
use networks::{Coming, LiveNetworks, live_workers};
use printer::{Printer, Voice};
use service::{Service, Settings, Wrist};

#[derive(Args, Debug)]
pub(super) struct LiveArgs {
    #[command(flatten)]
    input: LiveInputArgs,
    #[cfg(feature = "page")]
    #[command(flatten)]
    page: page::PageArgs,
    #[cfg(feature = "page")]
    #[command(flatten)]
    alerts: alerts::AlertArgs,
    #[command(flatten)]
    record: record::RecordArgs,
    /// Look for faces only in every Nth frame and where scenes begin, and follow their motion in between: faster
    #[arg(long, value_name = "N", default_value = "1")]
    detect_every: NonZeroU32,
    #[command(flatten)]
    thresholds: thresholds::ThresholdArgs,
    /// Read settings from this TOML file, whose keys are the names of these flags; flags and CYBORG_LIVE_... in the
    /// environment override it, and SIGHUP rereads its thresholds
    #[arg(long, value_name = "FILE")]
    #[allow(dead_code, reason = "it is read before all others, by `layers`")]
    config: Option<PathBuf>,
    #[command(flatten)]
    workers: WorkerArgs,
}

/// Runs it; `read` says where the settings are from.
pub(super) fn run(args: &LiveArgs, read: Option<(Layers, ArgMatches)>) -> anyhow::Result<Outcome> {
    let reloads = read.filter(|(layers, _)| layers.has_file());
    let (stop, settings) = match reloads {
        Some((layers, read)) => {
            let (stop, asked) = interrupt::listen_and_reload();
            (stop, Some(Settings::new(layers, read, asked)))
        }
        None => (interrupt::listen(), None),
    };
    let workers = live_workers(&args.workers, "live")?;
    // What is still to be chosen comes in below, when the flags are known to be well.
    let sources = args.input.sources(args.input.watched(), stop)?;
    let clips: Vec<PathBuf> = sources.iter().filter_map(|source| source.watched.clip()).collect();
    args.record.check(&clips, &workers, sources.len())?;
    #[cfg(feature = "page")]
    let outputs = args.alerts.outputs()?;
    #[cfg(feature = "page")]
    let aside = args.alerts.takes_stdout();
    #[cfg(not(feature = "page"))]
    let aside = false;
    let voice = if aside { Voice::Aside } else { Voice::Aloud };
    #[cfg(all(feature = "page", feature = "screen"))]
    let (sources, at) = match chosen::choose(args.input.watched(), &args.page, voice, stop)? {
        Chosen::Nothing => (sources, None),
        Chosen::Stopped => return Ok(Outcome::Done),
        Chosen::Screen { watched, at } => (args.input.sources(&watched, stop)?, Some(at)),
    };
    #[cfg(all(feature = "page", not(feature = "screen")))]
    let at = None;
    for source in &sources {
        if source.watched.asks_desktop() {
            note("the desktop is asked for a screen; where it shows a dialog, choose there");
        }
        // Before the models are loaded: somebody may sit before a dialog, and may say no.
        if !source.opener.prepare(stop).map_err(cure::unboxed)? {
            return Ok(Outcome::Done);
        }
    }
    let count = NonZeroUsize::new(sources.len()).unwrap_or(NonZeroUsize::MIN);
    let (mut networks, detectors) = LiveNetworks::open(&workers, &args.thresholds, count)?;
    let printer = Arc::new(Printer::new(voice, sources.iter().map(|source| &*source.name)));
    let keep = args.input.keep();
    let mut feeds = LiveFeed::all(sources, &keep, &printer);
    #[cfg(feature = "page")]
    let consent = args.record.consent(feeds.len());
    #[cfg(feature = "page")]
    let served = args.page.serve(&mut feeds, at, &networks.classifier, &networks.limits, voice, consent)?;
    #[cfg(feature = "page")]
    if let Some(served) = &served {
        args.alerts.page_is_at(served.url());
    }
    #[cfg(feature = "page")]
    let alerts = alerts::AlertArgs::begin(outputs, &mut feeds, networks.classifier.name())?;
    // Only now, when nothing else can keep the run from its work: a file takes the place of an older one.
    let names = feeds.iter().map(|feed| feed.source.name.clone()).collect();
    let recorder = match detectors.first() {
        Some(detector) => args.record.begin(names, &networks, detector)?,
        None => None,
    };
    for (number, feed) in feeds.iter_mut().enumerate() {
        if let Some(audience) = recorder.as_ref().and_then(|recorder| recorder.audience(number, &feed.metrics)) {
            feed.tell(audience);
        }
    }
    let wrists = feeds.iter().map(Wrist::new).collect();
    let mut service = Service { settings, limits: Arc::clone(&networks.limits), wrists, stop };
    let failures = AtomicUsize::new(0);
    let several = feeds.len() > 1;
    let failed = |feed: usize, error| {
        failures.fetch_add(1, Ordering::Relaxed);
        let error = cure::unboxed(error);
        complain(&if several { error.context(feeds[feed].source.name.clone()) } else { error });
    };
    // Goes with the thread that watches, however that ends.
    let watched = Arc::new(());
    let over = Arc::downgrade(&watched);
    let ended = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let _watched = watched;
            let feeds = feeds.iter().zip(detectors).map(|(feed, detector)| {
                let detector = workers.live_detector(detector, feed.source.watched.shows_calls());
                feed.with(detector, keep, Arc::default())
            });
            let coming = Coming { feeds: feeds.collect(), joining: None };
            let stages = networks.stages(coming, DetectEvery(args.detect_every), &failed);
            crate::live::watch(stages, stop).map_err(cure::unboxed)
        });
        scope.spawn(move || service.serve(|| over.strong_count() == 0));
        let printed = printer.print(feeds.iter().map(|feed| &*feed.metrics), || watching.is_finished());
        if printed.is_err() {
            // Nobody reads any more: the sources are closed too.
            stop.store(true, Ordering::Relaxed);
        }
        watching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        printed
    });
    #[cfg(feature = "page")]
    if let Some(alerts) = &alerts {
        alerts.finish();
    }
    if let Some(recorder) = &recorder {
        args.record.tell(recorder.finish(ended.as_ref().err().map(cure::in_words)), feeds.len());
    }
    ended?;
    // Ctrl-C is how a live run ends: no failure, and nothing is left half done.
    Ok(Outcome::of(failures.into_inner(), feeds.len()))
}
