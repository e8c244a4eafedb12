//! The page of a live run, and how it is served.

use std::sync::Arc;

use super::feed::Feed;
use super::routes;
use super::settings::{Facts, PageSettings};
use crate::live::limits::ThresholdSwitch;
use crate::web::{self, PageError, Served, Site};

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
        let names = unlike(feeds.iter().map(|feed| feed.facts.name.as_str()));
        Self { feeds, names }
    }

    /// Serves the page from a thread of its own.
    ///
    /// # Errors
    ///
    /// When other machines could watch without a token, the address is taken, or certificate and key are of no use.
    pub fn serve(
        self: &Arc<Self>,
        settings: PageSettings,
        facts: Facts,
        switch: Arc<dyn ThresholdSwitch>,
    ) -> Result<Served, PageError> {
        let room = Arc::new(routes::Room::new(Arc::clone(self), facts, switch));
        let site = Site::new(routes::router(Arc::clone(&room))).places(Arc::clone(&room.places));
        web::serve(&settings.into(), site.beside(async move { room.recorder.run().await }))
    }
}

/// The names, where the second of the same name is called `NAME (2)`.
fn unlike<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut given: Vec<String> = Vec::new();
    for name in names {
        let numbered = (2..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| !given.contains(name));
        given.extend(free);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_feeds_have_a_name() {
        assert_eq!(unlike(["a", "b", "a", "a (2)", "a"].into_iter()), ["a", "b", "a (2)", "a (2) (2)", "a (3)"]);
    }
}
