//! `cyborg live`: a camera or a stream, judged while it happens.

#[cfg(feature = "page")]
mod alerts;
mod cured;
mod input;
#[cfg(feature = "page")]
mod page;
mod printer;
mod record;
mod service;
mod systemd;
mod thresholds;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use clap::{ArgMatches, Args};

use super::interrupt;
use super::layers::Layers;
use super::outcome::{Outcome, UsageError, note};
use super::workers::WorkerArgs;
use crate::capture::Open;
use crate::classify::named::ModelName;
use crate::cli::cure;
use crate::clock::Clock;
use crate::face::follow::DetectEvery;
use crate::live::backoff::BackOff;
use crate::live::limits::{SharedLimits, ThresholdSwitch as _};
use crate::live::metrics::LiveMetrics;
use crate::live::pulse::Pulse;
use crate::live::view::{Audience, ScoredFace, SourceState, View};
use crate::live::watch::{FirstSight, KeepSettings, LiveStages};
use crate::verdict::Judge;
use cured::CuredOpener;
use input::LiveInputArgs;
use printer::{Printer, Voice};
use service::{Service, Settings};

/// A source that was lost is tried again after so long, and twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Between two tries at most.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A source that played for so long is one that works.
const STEADY: Duration = Duration::from_secs(5);

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
    if args.workers.model.len() > 1 {
        return Err(UsageError("--model is given several times: `cyborg live` takes one model".to_owned()).into());
    }
    let workers = WorkerArgs { model: models(&args.workers.model), ..args.workers.clone() };
    let read: Vec<PathBuf> = args.input.clip().flatten().into_iter().collect();
    args.record.check(&read, &workers)?;
    let opener: Arc<dyn Open> = Arc::new(CuredOpener(args.input.opener(stop)?));
    #[cfg(feature = "page")]
    let outputs = args.alerts.outputs()?;
    let mut team = workers.open_live_team()?;
    let judge = Judge::new(team.classifier.contract());
    let mut quick = team.others.pop();
    if let Some(quick) = &quick {
        note(&format!(
            "model at first sight: {}, until {} has seen enough of a person",
            quick.name(),
            team.classifier.name()
        ));
    }
    let quick_judge = quick.as_ref().map(|quick| Judge::new(quick.contract()));
    let metrics = Arc::new(LiveMetrics::default());
    #[cfg(feature = "page")]
    let aside = args.alerts.takes_stdout();
    #[cfg(not(feature = "page"))]
    let aside = false;
    let printer = Arc::new(Printer::new(if aside { Voice::Aside } else { Voice::Aloud }));
    let limits = Arc::new(SharedLimits::of(team.classifier.contract()));
    limits.switch(args.thresholds.limits(limits.own())?);
    let pulse = Arc::new(Pulse::new(args.input.patience()));
    let mut audience = audience(&printer, &pulse);
    let recorder = args.record.begin(vec![args.input.name()], &team, &limits)?;
    audience.0.extend(recorder.as_ref().and_then(|recorder| recorder.audience(0, &metrics)));
    #[cfg(feature = "page")]
    let served = args.page.serve(args.input.name(), &team.classifier, &limits, &metrics, &printer)?;
    #[cfg(feature = "page")]
    if let Some((page, served)) = &served {
        args.alerts.page_is_at(served.url());
        let page: Arc<dyn Audience> = Arc::<crate::live::page::Page>::clone(page);
        audience.0.push(page);
    }
    #[cfg(feature = "page")]
    let alerts = alerts::AlertArgs::begin(outputs, args.input.name(), team.classifier.name().to_owned(), &metrics)?;
    #[cfg(feature = "page")]
    if let Some(alerts) = &alerts {
        let alerts: Arc<dyn Audience> = Arc::<crate::live::alerts::Alerts>::clone(alerts);
        audience.0.push(alerts);
    }
    let backoff = BackOff { first: FIRST_WAIT, most: LONGEST_WAIT };
    let keep = KeepSettings { stall: args.input.stall(), opening: args.input.patience(), backoff, steady: STEADY };
    let mut service = Service { settings, limits: Arc::clone(&limits), pulse, metrics: &metrics, stop };
    // Goes with the thread that watches, however that ends.
    let watched = Arc::new(());
    let over = Arc::downgrade(&watched);
    let ended = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let _watched = watched;
            let first_sight = quick.as_mut().zip(quick_judge.as_ref()).map(|(quick, judge)| {
                let own = SharedLimits::of(quick.contract()).own();
                FirstSight { classifier: quick, judge, own }
            });
            let stages = LiveStages {
                opener,
                detector: &mut team.detector,
                detect: DetectEvery(args.detect_every),
                classifier: &mut team.classifier,
                judge: &judge,
                first_sight,
                limits,
                clock: Clock::machine(),
            };
            crate::live::watch(stages, &keep, &audience, &metrics, stop).map_err(cure::unboxed)
        });
        scope.spawn(move || service.serve(|| over.strong_count() == 0));
        let printed = printer.print(&metrics, || watching.is_finished());
        if printed.is_err() {
            // Nobody reads any more: the source is closed too.
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
        args.record.tell(recorder.finish(ended.as_ref().err().map(cure::in_words)));
    }
    ended?;
    // Ctrl-C is how a live run ends: no failure, and nothing is left half done.
    Ok(Outcome::Done)
}

/// Who judges: where nobody is named the set that judges best decides, where it is installed, and the small model, which keeps
/// up with a camera, speaks until that one has seen enough of a person.
fn models(named: &[ModelName]) -> Vec<ModelName> {
    match named {
        [] | [ModelName::Auto] => match ModelName::Auto.resolved() {
            ModelName::Accurate => vec![ModelName::Accurate, ModelName::Small],
            other => vec![other],
        },
        named => named.to_vec(),
    }
}

/// Everybody who is told what there is to see.
struct Audiences(Vec<Arc<dyn Audience>>);

/// The terminal, and whoever else is to watch.
fn audience(printer: &Arc<Printer>, pulse: &Arc<Pulse>) -> Audiences {
    let printer: Arc<dyn Audience> = Arc::<Printer>::clone(printer);
    let pulse: Arc<dyn Audience> = Arc::<Pulse>::clone(pulse);
    Audiences(vec![printer, pulse])
}

impl Audience for Audiences {
    fn show(&self, view: Arc<View>) {
        self.0.iter().for_each(|audience| audience.show(Arc::clone(&view)));
    }

    fn scored(&self, face: &ScoredFace<'_>) {
        self.0.iter().for_each(|audience| audience.scored(face));
    }

    fn source(&self, state: SourceState) {
        self.0.iter().for_each(|audience| audience.source(state.clone()));
    }
}
