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
use super::feed::{Feed, FeedKind, Page, Shown};
use super::history::{History, LineTold, SourceChange, TurnTold};
use super::settings::Facts;
use super::strongest::{MomentTold, Strongest, Telling};
use super::told::{Moment, Numbers, PersonTold, SourceTold, line, milliseconds, persons};
use crate::live::metrics::OutputCount;
use crate::live::view::View;

/// Without a new picture the numbers are told this often, so that readers see that somebody is there.
const TICK: Duration = Duration::from_secs(1);

/// What readers are told of a moment of a feed, as JSON on one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Counts the moments of the feed.
    pub number: u64,
    /// The moment without what happened.
    pub json: Arc<str>,
    /// How much has happened by then.
    pub happened: u64,
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
    strongest: Strongest,
}

/// The facts of a run and its sources.
#[derive(Serialize)]
struct FactsTold<'a> {
    #[serde(flatten)]
    facts: &'a Facts,
    sources: Vec<SourceFacts<'a>>,
}

/// What is said of a source at all times; no two have the same name.
#[derive(Serialize)]
struct SourceFacts<'a> {
    name: &'a str,
    kind: FeedKind,
    whole: bool,
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
    /// The last minute of each person.
    lines: BTreeMap<u64, Vec<(u64, f32)>>,
    turns: Vec<TurnTold>,
    changes: Vec<SourceChange>,
}

/// All that is kept of a feed's session.
#[derive(Serialize)]
struct Session {
    feed: usize,
    now: u64,
    lines: Vec<LineTold>,
    strongest: BTreeMap<u64, MomentTold>,
    turns: Vec<TurnTold>,
    changes: Vec<SourceChange>,
}

impl Recorder {
    pub(super) fn new(page: Arc<Page>, facts: Facts, switch: Arc<dyn ThresholdSwitch>) -> Self {
        let began = Instant::now();
        let desk = |feed| Desk {
            history: Mutex::new(History::new(feed, began)),
            told: Mutex::default(),
            strongest: Strongest::default(),
        };
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
        let (feed, desk, at) = (&self.page.feeds[number], &self.desks[number], self.now());
        // A source that is lost has no persons, though its last picture stays.
        let seen = shown.view.as_ref().filter(|_| feed.is_playing());
        let happened = {
            let mut history = self.history(number);
            history.source(at, &feed.source.borrow());
            history.add(at, seen.map_or(&[], |view| &view.persons));
            history.happened()
        };
        if let Some(view) = seen {
            desk.strongest.look(at, view);
        }
        let json = Arc::from(line(&self.moment(number, at, shown)));
        {
            let mut told = desk.told.lock().unwrap_or_else(PoisonError::into_inner);
            *told = Told { number: told.number + 1, json, happened };
        }
        self.bell.send_replace(());
    }

    /// Tells the present moment of all feeds.
    pub(super) fn tell_all(&self) {
        for (number, feed) in self.page.feeds.iter().enumerate() {
            self.tell(number, &feed.now());
        }
    }

    /// How many feeds there are.
    pub(super) fn feeds(&self) -> usize {
        self.desks.len()
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
        let sources = self.page.feeds.iter().zip(&self.page.names);
        let sources =
            sources.map(|(feed, name)| SourceFacts { name, kind: feed.facts.kind, whole: feed.facts.whole }).collect();
        let now = self.now();
        let feeds = (0..self.desks.len()).map(|feed| {
            let history = self.history(feed);
            PastOfFeed { lines: history.last(now), turns: history.turns(0), changes: history.changes(0) }
        });
        line(&Past { now, facts: FactsTold { facts: &self.facts, sources }, feeds: feeds.collect() })
    }

    /// What happened in a feed after what has this number, turns and changes of the source, as JSON; absent where there is none.
    pub(super) fn happened_json(&self, feed: usize, after: u64) -> (Option<String>, Option<String>) {
        let history = self.history(feed);
        let (turns, changes) = (history.turns(after), history.changes(after));
        ((!turns.is_empty()).then(|| line(&turns)), (!changes.is_empty()).then(|| line(&changes)))
    }

    /// All that is kept of a feed's session, as JSON.
    pub(super) fn session_json(&self, feed: usize) -> String {
        let (now, strongest, history) = (self.now(), self.desks[feed].strongest.told(), self.history(feed));
        let (lines, turns, changes) = (history.lines(), history.turns(0), history.changes(0));
        drop(history);
        line(&Session { feed, now, lines, strongest, turns, changes })
    }

    /// The moment that says most of a person, and its crops.
    pub(super) fn strongest(&self, feed: usize, track: u64) -> Option<Telling> {
        self.desks[feed].strongest.of(track)
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
        let (now, view) = (self.now(), self.page.feeds[feed].now().view);
        let (persons, lines) = (self.persons(feed, view.as_deref()), self.history(feed).last(now));
        line(&Tracks { feed, now, persons, lines })
    }

    fn persons(&self, feed: usize, view: Option<&View>) -> Vec<PersonTold> {
        persons(view, &self.desks[feed].strongest.told())
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
            persons: self.persons(number, view.filter(|_| feed.is_playing())),
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
