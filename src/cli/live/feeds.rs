//! The feeds of a run as the program has them: each source with its numbers, its pulse, and everybody who watches it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::input::LiveSource;
use super::printer::Printer;
use crate::face::Locate;
use crate::live::metrics::LiveMetrics;
use crate::live::pulse::Pulse;
use crate::live::view::{Audience, ScoredFace, SourceState, View};
use crate::live::watch::{Feed, KeepSettings};

/// A screen counts as lost when no frame came for so long, or longer where that is asked for.
const SCREEN_STALL: Duration = Duration::from_secs(3);

/// A source, and all that is of this source alone.
pub(in crate::cli) struct LiveFeed {
    pub(in crate::cli) source: LiveSource,
    pub(in crate::cli) metrics: Arc<LiveMetrics>,
    pub(in crate::cli) pulse: Arc<Pulse>,
    audiences: Audiences,
}

/// Everybody who is told what there is to see.
#[derive(Clone)]
struct Audiences(Vec<Arc<dyn Audience>>);

impl LiveFeed {
    /// The feed of a source, which its pulse watches.
    pub(in crate::cli) fn of(source: LiveSource, keep: &KeepSettings) -> Self {
        let pulse = Arc::new(Pulse::new(keep.opening));
        let audiences = Audiences(vec![Arc::<Pulse>::clone(&pulse)]);
        Self { source, metrics: Arc::default(), pulse, audiences }
    }

    /// The feeds of these sources, in their order, which the printer watches too.
    pub(super) fn all(sources: Vec<LiveSource>, keep: &KeepSettings, printer: &Arc<Printer>) -> Vec<Self> {
        let feed = |(number, source)| {
            let mut feed = Self::of(source, keep);
            feed.audiences.0.insert(0, printer.audience(number));
            feed
        };
        sources.into_iter().enumerate().map(feed).collect()
    }

    /// Somebody else watches it.
    pub(in crate::cli) fn tell(&mut self, audience: Arc<dyn Audience>) {
        self.audiences.0.push(audience);
    }

    /// The feed as it is watched, with this detector, until it is over or `leaves` becomes true.
    pub(in crate::cli) fn with<'a>(
        &self,
        detector: Box<dyn Locate + 'a>,
        keep: KeepSettings,
        leaves: Arc<AtomicBool>,
    ) -> Feed<'a> {
        let (opener, metrics) = (Arc::clone(&self.source.opener), Arc::clone(&self.metrics));
        let rejoins = self.source.watched.shows_calls();
        // A still screen gives two frames a second, and is not lost.
        let stall = if rejoins { keep.stall.max(SCREEN_STALL) } else { keep.stall };
        let keep = KeepSettings { stall, ..keep };
        Feed { opener, detector, audience: Arc::new(self.audiences.clone()), metrics, keep, rejoins, leaves }
    }
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
