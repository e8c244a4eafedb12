//! Turns each picture's data into JSON, once for all readers, and keeps the history of each feed.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::ThresholdSwitch;
use super::feed::{Feed, FeedFacts, Shown};
use super::history::{History, TurnTold};
use super::served::Page;
use super::settings::Facts;
use super::told::{Moment, Numbers, PersonTold, SourceTold, line, milliseconds, persons};
use crate::live::metrics::OutputCount;

/// Without a new picture the numbers are told this often, so that readers see that somebody is there.
const TICK: Duration = Duration::from_secs(1);

/// What readers are told of a moment of a feed, as JSON on one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Counts the moments of the feed.
    pub number: u64,
    /// The moment without the turns.
    pub json: Arc<str>,
    /// How often somebody has turned by then.
    pub turned: u64,
}

/// Looks at the feeds and tells.
pub(super) struct Recorder {
    page: Arc<Page>,
    pub facts: Facts,
    pub switch: Arc<dyn ThresholdSwitch>,
    desks: Vec<Desk>,
    /// Rings when something was told of any feed.
    bell: watch::Sender<()>,
    began: Instant,
}

/// What is kept of a feed. Server threads alone take these locks, never the one that shows pictures.
struct Desk {
    history: Mutex<History>,
    told: Mutex<Told>,
}

/// The facts of a run and its sources.
#[derive(Serialize)]
struct FactsTold<'a> {
    #[serde(flatten)]
    facts: &'a Facts,
    sources: Vec<&'a FeedFacts>,
}

/// What a reader is told once, when it comes.
#[derive(Serialize)]
struct Past<'a> {
    now: u64,
    facts: FactsTold<'a>,
    feeds: Vec<PastOfFeed>,
}

#[derive(Serialize)]
struct PastOfFeed {
    lines: BTreeMap<u64, Vec<(u64, f32)>>,
    turns: Vec<TurnTold>,
}

impl Recorder {
    pub(super) fn new(page: Arc<Page>, facts: Facts, switch: Arc<dyn ThresholdSwitch>) -> Self {
        let began = Instant::now();
        let desk = |feed| Desk { history: Mutex::new(History::new(feed, began)), told: Mutex::default() };
        let desks = (0..page.feeds.len()).map(desk).collect();
        Self { page, facts, switch, desks, bell: watch::Sender::new(()), began }
    }

    /// Tells each new picture and each new state of the sources, until it is dropped.
    pub(super) async fn run(&self) {
        if self.page.feeds.is_empty() {
            std::future::pending::<()>().await;
        }
        join_all((0..self.page.feeds.len()).map(|feed| self.follow(feed))).await;
    }

    async fn follow(&self, number: usize) {
        let feed = &self.page.feeds[number];
        let mut shown = feed.shown.subscribe();
        let mut source = feed.source.subscribe();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.tell(number, &shown.borrow_and_update().clone());
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

    /// Tells the present moment of a feed.
    fn tell(&self, number: usize, shown: &Shown) {
        let (feed, at) = (&self.page.feeds[number], self.now());
        let turned = {
            let mut history = self.history(number);
            // A source that is lost has no persons, though its last picture stays.
            let seen = shown.view.as_ref().filter(|_| feed.is_playing());
            history.add(at, seen.map_or(&[], |view| &view.persons));
            history.turned()
        };
        let json = Arc::from(line(&self.moment(number, at, shown)));
        {
            let mut told = self.desks[number].told.lock().unwrap_or_else(PoisonError::into_inner);
            *told = Told { number: told.number + 1, json, turned };
        }
        self.bell.send_replace(());
    }

    /// Tells the present moment of all feeds.
    pub(super) fn tell_all(&self) {
        for (number, feed) in self.page.feeds.iter().enumerate() {
            self.tell(number, &feed.now());
        }
    }

    /// Rings whenever something was told.
    pub(super) fn listen(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// What was told of a feed last.
    pub(super) fn told(&self, feed: usize) -> Told {
        self.desks[feed].told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Facts, lines and turns so far, as JSON.
    pub(super) fn past_json(&self) -> String {
        let sources = self.page.feeds.iter().map(|feed| &feed.facts).collect();
        let feeds = (0..self.desks.len()).map(|feed| {
            let history = self.history(feed);
            PastOfFeed { lines: history.lines(), turns: history.turns(0) }
        });
        line(&Past { now: self.now(), facts: FactsTold { facts: &self.facts, sources }, feeds: feeds.collect() })
    }

    /// The turns in a feed after the one with this number, as JSON.
    pub(super) fn turns_json(&self, feed: usize, after: u64) -> String {
        line(&self.history(feed).turns(after))
    }

    /// The persons of a feed's newest picture and their lines, as JSON.
    pub(super) fn tracks_json(&self, feed: usize) -> String {
        #[derive(Serialize)]
        struct Tracks {
            feed: usize,
            now: u64,
            persons: Vec<PersonTold>,
            lines: BTreeMap<u64, Vec<(u64, f32)>>,
        }
        let view = self.page.feeds[feed].now().view;
        let lines = self.history(feed).lines();
        line(&Tracks { feed, now: self.now(), persons: persons(view.as_deref()), lines })
    }

    fn history(&self, feed: usize) -> MutexGuard<'_, History> {
        self.desks[feed].history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn moment(&self, number: usize, at: u64, shown: &Shown) -> Moment {
        let (feed, view) = (&self.page.feeds[number], shown.view.as_deref());
        Moment {
            feed: number,
            view: shown.number,
            at,
            size: view.map(|view| (view.frame.width, view.frame.height)),
            frame: view.map(|view| view.frame.number),
            age_ms: view.map(|view| milliseconds(view.frame.captured.elapsed())),
            persons: persons(view.filter(|_| feed.is_playing())),
            source: SourceTold::from(&*feed.source.borrow()),
            numbers: Numbers::of(&feed.metrics),
            events: feed.metrics.events.load(Ordering::Relaxed),
            ways: ways(&self.page.feeds),
            thresholds: self.switch.now(),
        }
    }
}

/// The ways out of events are the run's; whichever feed's numbers they stand in.
pub(super) fn ways(feeds: &[Arc<Feed>]) -> Vec<OutputCount> {
    feeds.iter().map(|feed| feed.metrics.output_counts()).find(|ways| !ways.is_empty()).unwrap_or_default()
}
