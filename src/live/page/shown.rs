//! What is shown: the newest picture, and how the source is.

use std::sync::Arc;

use tokio::sync::watch;

use crate::live::view::{Audience, SourceState, View};

/// What is shown at a moment.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Counts the pictures from 1, over all times the source came back; 0 before the first.
    pub(super) number: u64,
    pub(super) view: Option<Arc<View>>,
}

/// Keeps what there is to see, for a server and its readers.
#[derive(Debug)]
pub struct Page {
    pub(super) shown: watch::Sender<Shown>,
    pub(super) source: watch::Sender<SourceState>,
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

impl Page {
    /// A page that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let shown = watch::Sender::new(Shown { number: 0, view: None });
        Self { shown, source: watch::Sender::new(SourceState::Starting) }
    }
}

impl Audience for Page {
    fn show(&self, view: Arc<View>) {
        // The picture before goes away outside the channel's lock.
        let number = self.shown.borrow().number + 1;
        drop(self.shown.send_replace(Shown { number, view: Some(view) }));
    }

    fn source(&self, state: SourceState) {
        self.source.send_replace(state);
    }
}
