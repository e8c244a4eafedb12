//! Whether a feed of a live run is healthy: frames arrive and faces are scored, or a lost source is being retried.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::metrics::LiveMetrics;
use super::view::{Audience, Person, SourceState, View};

/// A keeper that has much else to wait for may be so much late.
const MARGIN: Duration = Duration::from_secs(3);

/// Feels the pulse of a feed.
#[derive(Debug)]
pub struct Pulse {
    source: Mutex<(SourceState, Instant)>,
    /// Pictures with faces.
    faces: AtomicU64,
    /// How long a source may take to its first frame.
    opening: Duration,
}

/// The numbers at the last beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    shown: u64,
    faces: u64,
    scored: u64,
}

impl Pulse {
    /// The pulse of a feed whose source may take so long to its first frame.
    #[must_use]
    pub fn new(opening: Duration) -> Self {
        Self { source: Mutex::new((SourceState::Starting, Instant::now())), faces: AtomicU64::new(0), opening }
    }

    /// How the source is.
    #[must_use]
    pub fn source(&self) -> SourceState {
        self.lock().0.clone()
    }

    /// Whether it got on since the last beat; if so, this is the last beat.
    pub fn beats(&self, metrics: &LiveMetrics, last: &mut Beat) -> bool {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = Beat { shown: read(&metrics.shown), faces: read(&self.faces), scored: read(&metrics.scored) };
        let (state, since) = self.lock().clone();
        let alive = alive(&state, since.elapsed(), self.opening, *last, now);
        if alive {
            *last = now;
        }
        alive
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (SourceState, Instant)> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience for Pulse {
    fn show(&self, view: Arc<View>) {
        // A face that is as it was isn't scored again.
        let changed = view.frame.changed.as_ref();
        let is_new = |person: &Person| changed.is_none_or(|changed| changed.touches(&person.bounds));
        self.faces.fetch_add(u64::from(view.persons.iter().any(is_new)), Ordering::Relaxed);
    }

    fn source(&self, state: SourceState) {
        *self.lock() = (state, Instant::now());
    }
}

/// Whether a feed is alive whose source has been in `state` for so long.
fn alive(state: &SourceState, since: Duration, opening: Duration, last: Beat, now: Beat) -> bool {
    match state {
        // Where faces are seen, a scorer that hangs is as bad as a picture that stands.
        SourceState::Playing { .. } => now.shown > last.shown && (now.faces == last.faces || now.scored > last.scored),
        // By then the keeper must have said something else: a driver that holds it up is no source that is lost.
        SourceState::Starting => since < opening + MARGIN,
        SourceState::Lost { wait, .. } => since < *wait + opening + MARGIN,
        SourceState::Ended => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: &SourceState, seconds: u64, now: (u64, u64, u64), expected: bool) {
        let last = Beat { shown: 10, faces: 5, scored: 4 };
        let (shown, faces, scored) = now;
        let now = Beat { shown, faces, scored };
        let found = alive(state, Duration::from_secs(seconds), Duration::from_secs(15), last, now);
        assert_eq!(found, expected, "{state:?} {seconds} {now:?}");
    }

    #[test]
    fn a_run_is_alive_while_it_gets_on() {
        let playing = SourceState::Playing { size: (64, 48), rate: None, differs: None };
        check(&playing, 900, (11, 6, 5), true);
        check(&playing, 900, (11, 5, 4), true);
        check(&playing, 1, (10, 5, 4), false);
        check(&playing, 1, (10, 5, 5), false);
        check(&playing, 1, (11, 6, 4), false);
    }

    #[test]
    fn a_source_is_lost_only_while_it_is_tried_again() {
        let lost = SourceState::Lost { reason: "gone".into(), tries: 3, wait: Duration::from_secs(10) };
        check(&lost, 27, (10, 5, 4), true);
        check(&lost, 29, (10, 5, 4), false);
        check(&SourceState::Starting, 17, (10, 5, 4), true);
        check(&SourceState::Starting, 19, (10, 5, 4), false);
        check(&SourceState::Ended, 0, (11, 6, 5), false);
    }

    #[test]
    fn what_moved_before_the_last_beat_doesn_t_count() {
        let (pulse, metrics, mut last) = (Pulse::new(Duration::from_secs(15)), LiveMetrics::default(), Beat::default());
        Audience::source(&pulse, SourceState::Playing { size: (64, 48), rate: None, differs: None });
        assert!(!pulse.beats(&metrics, &mut last), "nothing was shown yet");
        metrics.shown.fetch_add(1, Ordering::Relaxed);
        assert!(pulse.beats(&metrics, &mut last));
        assert!(!pulse.beats(&metrics, &mut last));
    }
}
