//! `cyborg live`: a camera or a stream, judged while it happens.

#[cfg(feature = "live")]
mod alerts;
mod input;
#[cfg(feature = "live")]
mod page;
mod printer;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use clap::Args;

use super::interrupt;
use super::outcome::{Outcome, UsageError};
use super::workers::WorkerArgs;
use crate::live::backoff::BackOff;
use crate::live::limits::SharedLimits;
use crate::live::metrics::LiveMetrics;
use crate::live::view::{Audience, SourceState, View};
use crate::live::watch::{KeepSettings, Stages};
use crate::pipeline::DetectEvery;
use crate::verdict::Judge;
use input::LiveInputArgs;
use printer::{Printer, Voice};

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
    #[cfg(feature = "live")]
    #[command(flatten)]
    page: page::PageArgs,
    #[cfg(feature = "live")]
    #[command(flatten)]
    alerts: alerts::AlertArgs,
    /// Look for faces in each Nth frame and where scenes begin, and follow them by their motion between: faster
    #[arg(long, value_name = "N", default_value = "1")]
    detect_every: NonZeroU32,
    #[command(flatten)]
    workers: WorkerArgs,
}

pub(super) fn run(args: &LiveArgs) -> anyhow::Result<Outcome> {
    let stop = interrupt::listen();
    if args.workers.model.len() > 1 {
        return Err(UsageError("--model is named several times: live asks one model".to_owned()).into());
    }
    let opener = args.input.opener(stop)?;
    let mut team = args.workers.open_live_team()?;
    let judge = Judge::new(team.classifier.contract());
    let metrics = Arc::new(LiveMetrics::default());
    #[cfg(feature = "live")]
    let aside = args.alerts.takes_stdout();
    #[cfg(not(feature = "live"))]
    let aside = false;
    let printer = Arc::new(Printer::new(if aside { Voice::Aside } else { Voice::Aloud }));
    let limits = Arc::new(SharedLimits::of(team.classifier.contract()));
    let mut audience = audience(&printer);
    #[cfg(feature = "live")]
    let served = args.page.serve(args.input.name(), &team.classifier, &limits, &metrics, &printer)?;
    #[cfg(feature = "live")]
    if let Some((page, _)) = &served {
        let page: Arc<dyn Audience> = Arc::<crate::live::page::Page>::clone(page);
        audience.0.push(page);
    }
    #[cfg(feature = "live")]
    let alerts = args.alerts.begin(args.input.name(), team.classifier.name().to_owned(), &metrics)?;
    #[cfg(feature = "live")]
    if let Some(alerts) = &alerts {
        let alerts: Arc<dyn Audience> = Arc::<crate::live::alerts::Alerts>::clone(alerts);
        audience.0.push(alerts);
    }
    let backoff = BackOff { first: FIRST_WAIT, most: LONGEST_WAIT };
    let keep = KeepSettings { stall: args.input.stall(), opening: args.input.patience(), backoff, steady: STEADY };
    let ended = thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let stages = Stages {
                opener,
                detector: &mut team.detector,
                detect: DetectEvery(args.detect_every),
                classifier: &mut team.classifier,
                judge: &judge,
                limits,
            };
            crate::live::watch(stages, &keep, &audience, &metrics, stop)
        });
        let printed = printer.print(&metrics, || watching.is_finished());
        if printed.is_err() {
            // Nobody reads any more: the source is closed too.
            stop.store(true, Ordering::Relaxed);
        }
        watching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        printed
    });
    #[cfg(feature = "live")]
    if let Some(alerts) = &alerts {
        alerts.finish();
    }
    ended?;
    // Ctrl-C is how a live run ends: no failure, and nothing is left half done.
    Ok(Outcome::Done)
}

/// Everybody who is told what there is to see.
struct Audiences(Vec<Arc<dyn Audience>>);

/// The terminal, and whoever else is to watch.
fn audience(printer: &Arc<Printer>) -> Audiences {
    let printer: Arc<dyn Audience> = Arc::<Printer>::clone(printer);
    Audiences(vec![printer])
}

impl Audience for Audiences {
    fn show(&self, view: Arc<View>) {
        self.0.iter().for_each(|audience| audience.show(Arc::clone(&view)));
    }

    fn source(&self, state: SourceState) {
        self.0.iter().for_each(|audience| audience.source(state.clone()));
    }
}
