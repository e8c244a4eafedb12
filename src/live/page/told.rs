//! What readers are told of a moment, as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::history::thousandths;
use super::strongest::MomentTold;
use crate::live::limits::Limits;
use crate::live::metrics::{Ages, Counts, LiveMetrics, OutputCount};
use crate::live::view::{Person, SourceState, View};
use crate::verdict::Verdict;
use crate::verdict::reason::Reason;

/// A moment of a feed.
#[derive(Serialize)]
pub(super) struct Moment {
    pub feed: usize,
    /// The picture's number.
    pub view: u64,
    /// Milliseconds since the server began.
    pub at: u64,
    pub size: Option<(usize, usize)>,
    pub frame: Option<u64>,
    pub age_ms: Option<f64>,
    pub persons: Vec<PersonTold>,
    pub source: SourceTold,
    pub numbers: Numbers,
    /// Events of the feed so far, and how each way out of the run's events fares.
    pub events: u64,
    pub ways: Vec<OutputCount>,
    pub thresholds: Limits,
}

/// A person of a moment. `bounds` is left, top, width and height in pixels of the picture.
#[derive(Serialize)]
pub(super) struct PersonTold {
    track: u64,
    bounds: [f32; 4],
    probability: Option<f32>,
    verdict: Option<Verdict>,
    reason: Option<Reason>,
    at_first_sight: Option<bool>,
    scored_age_ms: Option<f64>,
    /// The moment that says most of the verdict, of which there is a crop.
    strongest: Option<MomentTold>,
}

/// How a source is.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum SourceTold {
    Starting,
    Playing { size: (usize, usize), rate: Option<f64>, differs: Option<String> },
    Lost { reason: String, tries: u32, wait_ms: u64 },
    Ended,
}

/// The numbers of a feed.
#[derive(Serialize)]
pub(super) struct Numbers {
    #[serde(flatten)]
    counts: Counts,
    shown_age_ms: Option<f64>,
    verdict_age_ms: Option<f64>,
}

impl Numbers {
    pub(super) fn of(metrics: &LiveMetrics) -> Self {
        let mean = |ages: &Ages| {
            let number: u64 = ages.buckets().iter().sum();
            (number > 0).then(|| milliseconds(ages.sum()) / number as f64)
        };
        Self {
            counts: metrics.counts(),
            shown_age_ms: mean(&metrics.shown_age),
            verdict_age_ms: mean(&metrics.verdict_age),
        }
    }
}

impl From<&SourceState> for SourceTold {
    fn from(state: &SourceState) -> Self {
        match state.clone() {
            SourceState::Starting => Self::Starting,
            SourceState::Playing { size, rate, differs } => Self::Playing { size, rate, differs },
            SourceState::Lost { reason, tries, wait } => Self::Lost { reason, tries, wait_ms: wait.as_millis() as u64 },
            SourceState::Ended => Self::Ended,
        }
    }
}

/// The persons in a picture, and the moments that say most of them.
pub(super) fn persons(view: Option<&View>, strongest: &BTreeMap<u64, MomentTold>) -> Vec<PersonTold> {
    let persons = view.map_or(&[][..], |view| &view.persons).iter();
    persons.map(|person| told(person, strongest.get(&person.track.0).copied())).collect()
}

fn told(person: &Person, strongest: Option<MomentTold>) -> PersonTold {
    let place = &person.bounds;
    let opinion = person.opinion.as_ref();
    PersonTold {
        track: person.track.0,
        bounds: [place.left, place.top, place.width, place.height].map(|side| (side * 10.0).round() / 10.0),
        probability: opinion.map(|opinion| thousandths(opinion.probability.value())),
        verdict: opinion.map(|opinion| opinion.verdict),
        reason: opinion.and_then(|opinion| opinion.reason),
        at_first_sight: opinion.map(|opinion| opinion.at_first_sight),
        scored_age_ms: opinion.map(|opinion| milliseconds(opinion.scored.elapsed())),
        strongest,
    }
}

/// Milliseconds with a digit behind the point.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

/// JSON on one line.
pub(super) fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("plain structs with text keys always have a JSON form")
}
