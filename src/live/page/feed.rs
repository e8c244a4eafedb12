//! What there is to show: a feed for each source of the run, and the page of all feeds.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

use crate::capture::names::distinct;
use crate::live::metrics::LiveMetrics;
use crate::live::view::{Audience, SourceState, View};

/// What kind of source a feed has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedKind {
    /// A camera of this machine.
    Camera,
    /// An address.
    Stream,
    /// A screen, or a part of it.
    Screen,
    /// A clip that plays a camera.
    Test,
}

/// What is said of a source at all times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeedFacts {
    /// The source's name, without its secrets.
    pub name: String,
    /// What kind of source it is.
    pub kind: FeedKind,
    /// Whether whole pictures are shown; else the squares of faces alone are, and the rest is dark.
    pub whole: bool,
}

/// What is shown at a moment.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Counts the pictures from 1, over all times the source came back; 0 before the first.
    pub(super) number: u64,
    pub(super) view: Option<Arc<View>>,
}

/// Keeps what there is to see of one source, and its numbers.
#[derive(Debug)]
pub struct Feed {
    pub(super) facts: FeedFacts,
    pub(super) metrics: Arc<LiveMetrics>,
    pub(super) shown: watch::Sender<Shown>,
    pub(super) source: watch::Sender<SourceState>,
}

impl Feed {
    /// A feed that shows nothing yet.
    #[must_use]
    pub fn new(facts: FeedFacts, metrics: Arc<LiveMetrics>) -> Self {
        let shown = watch::Sender::new(Shown { number: 0, view: None });
        Self { facts, metrics, shown, source: watch::Sender::new(SourceState::Starting) }
    }

    /// The newest picture and its number.
    pub(super) fn now(&self) -> Shown {
        self.shown.borrow().clone()
    }

    pub(super) fn is_playing(&self) -> bool {
        matches!(*self.source.borrow(), SourceState::Playing { .. })
    }
}

impl Audience for Feed {
    fn show(&self, view: Arc<View>) {
        // The picture before goes away outside the channel's lock.
        let number = self.shown.borrow().number + 1;
        drop(self.shown.send_replace(Shown { number, view: Some(view) }));
    }

    fn source(&self, state: SourceState) {
        self.source.send_replace(state);
    }
}

/// Shows the feeds of a run.
#[derive(Debug)]
pub struct Page {
    pub(super) feeds: Vec<Arc<Feed>>,
    /// Of each feed, a name that no other has.
    pub(super) names: Vec<String>,
}

impl Page {
    /// A page of these feeds. Readers name them by their place here, from 0.
    #[must_use]
    pub fn new(feeds: Vec<Arc<Feed>>) -> Self {
        let names = distinct(feeds.iter().map(|feed| feed.facts.name.clone()));
        Self { feeds, names }
    }
}
