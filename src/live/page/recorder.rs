//! Turns each picture's data into JSON, once for all readers, and keeps the history.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::history::{History, TurnTold};
use super::settings::Facts;
use super::shown::{Page, Shown};
use super::{Limits, ThresholdSwitch};
use crate::live::metrics::{Ages, Counts, LiveMetrics, OutputCount};
use crate::live::view::{Person, SourceState, View};
use crate::verdict::Verdict;
use crate::verdict::reason::Reason;

/// Without a new picture the numbers are told this often, so that readers see that somebody is there.
const TICK: Duration = Duration::from_secs(1);

/// What readers are told of a moment, as JSON on one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The moment without the turns.
    pub json: Arc<str>,
    /// How often somebody has turned by then.
    pub turned: u64,
}

/// Looks at the page and tells.
pub(super) struct Recorder {
    page: Arc<Page>,
    metrics: Arc<LiveMetrics>,
    pub facts: Facts,
    pub switch: Arc<dyn ThresholdSwitch>,
    /// Server threads alone take this lock, never the one that shows pictures.
    history: Mutex<History>,
    told: watch::Sender<Told>,
    began: Instant,
}

/// A moment.
#[derive(Serialize)]
struct PageMoment {
    view: u64,
    at: u64,
    size: Option<(usize, usize)>,
    frame: Option<u64>,
    age_ms: Option<f64>,
    persons: Vec<PersonTold>,
    source: SourceTold,
    numbers: Numbers,
    /// Events so far, and how each way out of them fares.
    events: u64,
    ways: Vec<OutputCount>,
    thresholds: Limits,
}

/// A person of a moment. `bounds` is left, top, width and height in pixels of the picture.
#[derive(Serialize)]
struct PersonTold {
    track: u64,
    bounds: [f32; 4],
    probability: Option<f32>,
    verdict: Option<Verdict>,
    reason: Option<Reason>,
    at_first_sight: Option<bool>,
    scored_age_ms: Option<f64>,
}

/// How the source is.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum SourceTold {
    Starting,
    Playing { size: (usize, usize), rate: Option<f64>, differs: Option<String> },
    Lost { reason: String, tries: u32, wait_ms: u64 },
    Ended,
}

#[derive(Serialize)]
struct Numbers {
    #[serde(flatten)]
    counts: Counts,
    shown_age_ms: Option<f64>,
    verdict_age_ms: Option<f64>,
}

/// What a reader is told once, when it comes.
#[derive(Serialize)]
struct Past {
    now: u64,
    facts: Facts,
    lines: BTreeMap<u64, Vec<(u64, f32)>>,
    turns: Vec<TurnTold>,
}

impl Recorder {
    pub(super) fn new(
        page: Arc<Page>,
        metrics: Arc<LiveMetrics>,
        facts: Facts,
        switch: Arc<dyn ThresholdSwitch>,
    ) -> Self {
        let began = Instant::now();
        let history = Mutex::new(History::new(began));
        Self { page, metrics, facts, switch, history, told: watch::Sender::new(Told::default()), began }
    }

    /// Tells each new picture and each new state of the source, until it is dropped.
    pub(super) async fn run(&self) {
        let mut shown = self.page.shown.subscribe();
        let mut source = self.page.source.subscribe();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.tell(&shown.borrow_and_update().clone());
            let open = tokio::select! {
                changed = shown.changed() => changed.is_ok(),
                changed = source.changed() => changed.is_ok(),
                _ = tick.tick() => true,
            };
            if !open {
                return;
            }
        }
    }

    /// Tells the present moment.
    pub(super) fn tell(&self, shown: &Shown) {
        let at = self.now();
        let turned = {
            let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            // A source that is lost has no persons, though its last picture stays.
            let seen = shown.view.as_ref().filter(|_| self.is_playing());
            history.add(at, seen.map_or(&[], |view| &view.persons));
            history.turned()
        };
        let json = Arc::from(line(&self.moment(at, shown)));
        self.told.send_replace(Told { json, turned });
    }

    /// What is told from now on.
    pub(super) fn listen(&self) -> watch::Receiver<Told> {
        self.told.subscribe()
    }

    /// The moment that was told last, as JSON.
    pub(super) fn moment_json(&self) -> Arc<str> {
        Arc::clone(&self.told.borrow().json)
    }

    /// Facts, lines and turns so far, as JSON.
    pub(super) fn past_json(&self) -> String {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        line(&Past { now: self.now(), facts: self.facts.clone(), lines: history.lines(), turns: history.turns(0) })
    }

    /// The turns after the one with this number, as JSON.
    pub(super) fn turns_json(&self, after: u64) -> String {
        line(&self.history.lock().unwrap_or_else(PoisonError::into_inner).turns(after))
    }

    /// The persons of the newest picture and their lines, as JSON.
    pub(super) fn tracks_json(&self) -> String {
        #[derive(Serialize)]
        struct Tracks {
            now: u64,
            persons: Vec<PersonTold>,
            lines: BTreeMap<u64, Vec<(u64, f32)>>,
        }
        let view = self.page.shown.borrow().view.clone();
        let lines = self.history.lock().unwrap_or_else(PoisonError::into_inner).lines();
        line(&Tracks { now: self.now(), persons: persons(view.as_deref()), lines })
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn is_playing(&self) -> bool {
        matches!(*self.page.source.borrow(), SourceState::Playing { .. })
    }

    fn moment(&self, at: u64, shown: &Shown) -> PageMoment {
        let view = shown.view.as_deref();
        PageMoment {
            view: shown.number,
            at,
            size: view.map(|view| (view.frame.width, view.frame.height)),
            frame: view.map(|view| view.frame.number),
            age_ms: view.map(|view| milliseconds(view.frame.captured.elapsed())),
            persons: persons(view.filter(|_| self.is_playing())),
            source: source(&self.page.source.borrow()),
            numbers: self.numbers(),
            events: self.metrics.events.load(Ordering::Relaxed),
            ways: self.metrics.output_counts(),
            thresholds: self.switch.now(),
        }
    }

    fn numbers(&self) -> Numbers {
        let metrics = &self.metrics;
        let mean = |ages: &Ages| {
            let number: u64 = ages.buckets().iter().sum();
            (number > 0).then(|| milliseconds(ages.sum()) / number as f64)
        };
        Numbers {
            counts: metrics.counts(),
            shown_age_ms: mean(&metrics.shown_age),
            verdict_age_ms: mean(&metrics.verdict_age),
        }
    }
}

fn persons(view: Option<&View>) -> Vec<PersonTold> {
    view.map_or(&[][..], |view| &view.persons).iter().map(told).collect()
}

fn told(person: &Person) -> PersonTold {
    let place = &person.bounds;
    let opinion = person.opinion.as_ref();
    PersonTold {
        track: person.track.0,
        bounds: [place.left, place.top, place.width, place.height],
        probability: opinion.map(|opinion| opinion.probability.value()),
        verdict: opinion.map(|opinion| opinion.verdict),
        reason: opinion.and_then(|opinion| opinion.reason),
        at_first_sight: opinion.map(|opinion| opinion.at_first_sight),
        scored_age_ms: opinion.map(|opinion| milliseconds(opinion.scored.elapsed())),
    }
}

fn source(state: &SourceState) -> SourceTold {
    match state.clone() {
        SourceState::Starting => SourceTold::Starting,
        SourceState::Playing { size, rate, differs } => SourceTold::Playing { size, rate, differs },
        SourceState::Lost { reason, tries, wait } => {
            SourceTold::Lost { reason, tries, wait_ms: wait.as_millis() as u64 }
        }
        SourceState::Ended => SourceTold::Ended,
    }
}

/// Milliseconds with a digit behind the point.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

/// JSON on one line.
fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain structs with text keys always have a JSON form")
}
