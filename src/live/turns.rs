//! When the verdict on a person turns: the one place that says so. The metrics, the page's timeline, the terminal and the
//! alerts each keep [`Turns`] of their own, as each of them may miss pictures that the others see.

use std::time::{Duration, Instant};

use crate::face::follow::{LONGEST_GAP, TrackId};
use crate::verdict::Verdict;

/// The last verdict on each person, and what else is kept of them. A function of what it is given, with no clock of its own.
#[derive(Clone, Debug)]
pub(crate) struct Turns<T = ()> {
    known: Vec<Known<T>>,
}

/// A person as last seen.
#[derive(Clone, Debug)]
pub(crate) struct Known<T> {
    pub(crate) track: TrackId,
    pub(crate) verdict: Verdict,
    /// When the person was in a picture last.
    pub(crate) seen: Instant,
    pub(crate) kept: T,
}

/// The verdict on a person is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turned {
    /// The verdict before; `None` when there was none.
    pub(crate) from: Option<Verdict>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { known: Vec::new() }
    }
}

impl<T> Turns<T> {
    /// Takes the verdict on a person who is in the picture of `now`, and says whether it turned. `kept` takes the place of
    /// what was kept before.
    pub(crate) fn take(&mut self, track: TrackId, verdict: Verdict, now: Instant, kept: T) -> Option<Turned> {
        match self.of(track) {
            Some(known) => {
                let from = known.verdict;
                *known = Known { track, verdict, seen: known.seen.max(now), kept };
                (from != verdict).then_some(Turned { from: Some(from) })
            }
            None => {
                self.known.push(Known { track, verdict, seen: now, kept });
                Some(Turned { from: None })
            }
        }
    }

    /// The person of this track, if still known.
    pub(crate) fn of(&mut self, track: TrackId) -> Option<&mut Known<T>> {
        self.known.iter_mut().find(|known| known.track == track)
    }

    /// Forgets who was not seen for so long that the tracker gives the number to nobody, and tells each of them to `gone`:
    /// who comes back is another track.
    pub(crate) fn forget(&mut self, now: Instant, mut gone: impl FnMut(&Known<T>)) {
        let patience = Duration::from_secs_f64(LONGEST_GAP);
        self.known.retain(|known| {
            let left = now.saturating_duration_since(known.seen) > patience;
            if left {
                gone(known);
            }
            !left
        });
    }

    /// Forgets all, and tells each of them to `gone`.
    pub(crate) fn clear(&mut self, gone: impl FnMut(&Known<T>)) {
        self.known.iter().for_each(gone);
        self.known.clear();
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Synthetic, Unsure};

    #[test]
    fn the_first_verdict_and_each_other_one_is_a_turn() {
        let (mut turns, now, track) = (Turns::default(), Instant::now(), TrackId(3));
        let mut take = |verdict| turns.take(track, verdict, now, ());
        assert_eq!(take(Unsure), Some(Turned { from: None }));
        assert_eq!(take(Unsure), None);
        assert_eq!(take(Synthetic), Some(Turned { from: Some(Unsure) }));
        assert_eq!(turns.take(TrackId(4), Synthetic, now, ()), Some(Turned { from: None }), "another person");
    }

    #[test]
    fn who_is_out_of_sight_for_too_long_is_forgotten_once() {
        let (mut turns, begun, mut gone) = (Turns::default(), Instant::now(), Vec::new());
        let after = |seconds: f64| begun + Duration::from_secs_f64(seconds);
        turns.take(TrackId(1), Unsure, begun, 'a');
        turns.take(TrackId(2), Unsure, after(1.0), 'b');
        // A verdict may come late: it doesn't make the person leave earlier.
        turns.take(TrackId(2), Synthetic, begun, 'c');
        for seconds in [LONGEST_GAP, LONGEST_GAP + 0.5, LONGEST_GAP + 0.6] {
            turns.forget(after(seconds), |known| gone.push((known.track.0, known.kept)));
        }
        assert_eq!(gone, [(1, 'a')]);
        turns.clear(|known| gone.push((known.track.0, known.kept)));
        assert_eq!(gone, [(1, 'a'), (2, 'c')]);
        assert_eq!(turns.len(), 0);
    }
}
