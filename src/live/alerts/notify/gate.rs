//! Which notifications are shown, and which wait: so many a minute, none in quiet hours. A function of what it is given, with
//! no clock of its own.
//!
//! What waits is summed up in the next one that is shown. Of each person the newest waits alone; of who is gone, none.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::words::{Note, Who};

/// The span in which so many are shown.
const MINUTE: Duration = Duration::from_secs(60);
/// Persons whose newest note waits, at most. Of more, only the number is kept.
const MOST: usize = 64;

/// Keeps count.
#[derive(Debug)]
pub(super) struct Gate {
    limit: usize,
    /// When the last ones were shown, the oldest first; those of the last minute at least.
    shown: VecDeque<Instant>,
    /// What waits, the newest last.
    held: Vec<Held>,
    /// Turns whose notes had no room.
    beyond: u64,
    /// Of whom an alarm was shown that isn't taken back yet, the newest last.
    alarmed: VecDeque<Who>,
}

#[derive(Debug)]
struct Held {
    note: Note,
    /// How many turns of this person it stands for.
    turns: u64,
}

impl Gate {
    /// Shows `limit` a minute at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, shown: VecDeque::with_capacity(limit), held: Vec::new(), beyond: 0, alarmed: VecDeque::new() }
    }

    /// Takes a note to be shown. One that takes back an alarm which nobody saw is of no use, and neither is that alarm.
    pub(super) fn take(&mut self, note: Note) {
        let before = self.forget(&note.who);
        if !note.alarming && !self.alarmed.contains(&note.who) {
            return;
        }
        if self.held.len() == MOST {
            self.beyond += self.held.remove(0).turns;
        }
        self.held.push(Held { note, turns: before + 1 });
    }

    /// Forgets what waits of a person; gives how many turns that were.
    pub(super) fn forget(&mut self, who: &Who) -> u64 {
        let found = self.held.iter().position(|held| held.note.who == *who);
        found.map_or(0, |at| self.held.remove(at).turns)
    }

    /// The note that may be shown now, and how many further turns it stands for.
    pub(super) fn next(&mut self, now: Instant, quiet: bool) -> Option<(Note, u64)> {
        while self.shown.front().is_some_and(|&shown| now.saturating_duration_since(shown) >= MINUTE) {
            self.shown.pop_front();
        }
        if quiet || self.shown.len() >= self.limit {
            return None;
        }
        let Held { note, turns } = self.held.pop()?;
        let others: u64 = self.held.drain(..).map(|held| held.turns).sum();
        self.shown.push_back(now);
        self.alarmed.retain(|who| *who != note.who);
        if note.alarming {
            if self.alarmed.len() == MOST {
                self.alarmed.pop_front();
            }
            self.alarmed.push_back(note.who.clone());
        }
        Some((note, turns - 1 + others + std::mem::take(&mut self.beyond)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(track: u64) -> Note {
        let who = Who { source: "s".to_owned(), track };
        Note { who, summary: track.to_string(), body: String::new(), alarming: true }
    }

    /// What happens at a second, and what is then shown: the person's number, and how many further turns.
    enum At {
        Turns(u64, Option<(u64, u64)>),
        Rests(Option<(u64, u64)>),
        Leaves(u64),
        Quiet(bool),
    }

    fn check(limit: usize, happens: &[(u64, At)]) {
        let (mut gate, begun, mut quiet) = (Gate::new(limit), Instant::now(), false);
        for (index, (second, what)) in happens.iter().enumerate() {
            let now = begun + Duration::from_secs(*second);
            match what {
                At::Turns(track, _) => gate.take(note(*track)),
                At::Leaves(track) => _ = gate.forget(&note(*track).who),
                At::Quiet(now) => quiet = *now,
                At::Rests(_) => {}
            }
            if let At::Turns(_, expected) | At::Rests(expected) = what {
                let next = gate.next(now, quiet).map(|(note, further)| (note.who.track, further));
                assert_eq!(next, *expected, "step {index}");
            }
        }
    }

    use At::{Leaves, Quiet, Rests, Turns};

    #[test]
    fn beyond_the_limit_they_are_summed_up() {
        check(
            3,
            &[
                (0, Turns(1, Some((1, 0)))),
                (1, Turns(2, Some((2, 0)))),
                (2, Turns(1, Some((1, 0)))),
                (3, Turns(3, None)),
                (4, Turns(4, None)),
                (5, Turns(3, None)),
                (59, Rests(None)),
                // The newest is person 3's, who turned twice.
                (60, Rests(Some((3, 2)))),
                (60, Turns(5, None)),
                (61, Rests(Some((5, 0)))),
                (200, Rests(None)),
            ],
        );
    }

    #[test]
    fn who_is_gone_is_not_told_of() {
        check(
            1,
            &[
                (0, Turns(1, Some((1, 0)))),
                (1, Turns(2, None)),
                (2, Turns(3, None)),
                (3, Leaves(3)),
                (60, Rests(Some((2, 0)))),
                (61, Turns(4, None)),
                (62, Leaves(4)),
                (500, Rests(None)),
            ],
        );
    }

    #[test]
    fn what_came_in_quiet_hours_is_told_at_their_end() {
        check(
            3,
            &[
                (0, Quiet(true)),
                (1, Turns(1, None)),
                (2, Turns(2, None)),
                (3, Turns(1, None)),
                (3600, Rests(None)),
                (3601, Quiet(false)),
                (3601, Rests(Some((1, 2)))),
                (3602, Rests(None)),
            ],
        );
    }

    #[test]
    fn an_alarm_that_nobody_saw_is_not_taken_back() {
        let (mut gate, begun) = (Gate::new(3), Instant::now());
        let calm = |track| Note { alarming: false, ..note(track) };
        let at = |second| begun + Duration::from_secs(second);
        let shown = |next: Option<(Note, u64)>| next.map(|(note, further)| (note.who.track, note.alarming, further));
        // Both come in quiet hours.
        gate.take(note(1));
        gate.take(calm(1));
        assert_eq!(shown(gate.next(at(0), false)), None);
        // One that was seen is taken back, once.
        gate.take(note(2));
        assert_eq!(shown(gate.next(at(1), false)), Some((2, true, 0)));
        gate.take(calm(2));
        assert_eq!(shown(gate.next(at(2), false)), Some((2, false, 0)));
        gate.take(calm(2));
        assert_eq!(shown(gate.next(at(3), false)), None);
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut gate, now) = (Gate::new(1), Instant::now());
        (0..10_000).for_each(|track| gate.take(note(track)));
        assert_eq!(gate.held.len(), MOST);
        let (newest, further) = gate.next(now, false).expect("one is shown");
        assert_eq!((newest.who.track, further), (9999, 9999));
    }
}
