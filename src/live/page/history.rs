//! What was said of each person in the last minute, and when somebody turned.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::live::turns::{Turned, Turns};
use crate::live::view::Person;
use crate::verdict::Verdict;
use crate::verdict::reason::Reason;

/// How far back the timeline goes, in milliseconds.
const SPAN_MS: u64 = 60_000;
/// Points of a line are at least this far apart, in milliseconds: more can't be seen.
const STEP_MS: u64 = 100;
/// More turns are not kept.
const MOST_TURNS: usize = 50;
/// More persons are not kept: the ones that were seen longest ago go.
const MOST_PERSONS: usize = 32;

/// Somebody's verdict became another one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct TurnTold {
    /// In which feed.
    pub feed: usize,
    /// Counts the turns of the feed from 1.
    pub number: u64,
    /// Milliseconds since the server began.
    pub at: u64,
    /// Whose.
    pub track: u64,
    /// From which; absent when it is the first.
    pub from: Option<Verdict>,
    /// To which.
    pub to: Verdict,
    /// Why nothing certain is said; of a synthetic one, what the person looks like where that is known.
    pub reason: Option<Reason>,
}

/// The lines of all persons of a feed, and the turns.
#[derive(Debug)]
pub(super) struct History {
    feed: usize,
    /// The time that milliseconds count from.
    began: Instant,
    lines: BTreeMap<u64, Line>,
    verdicts: Turns,
    turns: VecDeque<TurnTold>,
    turned: u64,
}

/// Time in milliseconds and p(synthetic), in order of time.
type Line = VecDeque<(u64, f32)>;

impl History {
    /// Nobody yet; milliseconds count from `began`.
    pub(super) fn new(feed: usize, began: Instant) -> Self {
        let (lines, verdicts, turns) = Default::default();
        Self { feed, began, lines, verdicts, turns, turned: 0 }
    }

    /// Adds what is said of `persons` at `at` milliseconds.
    pub(super) fn add(&mut self, at: u64, persons: &[Person]) {
        let now = self.began + Duration::from_millis(at);
        for person in persons {
            let Some(opinion) = person.decided() else {
                continue;
            };
            let track = person.track.0;
            if let Some(Turned { from }) = self.verdicts.take(person.track, opinion.verdict, now, ()) {
                self.turned += 1;
                let (number, to) = (self.turned, opinion.verdict);
                self.turns.push_back(TurnTold { feed: self.feed, number, at, track, from, to, reason: opinion.reason });
            }
            let line = self.lines.entry(track).or_default();
            if line.back().is_none_or(|&(last, _)| at >= last + STEP_MS) {
                line.push_back((at, opinion.probability.value()));
            }
        }
        self.verdicts.forget(now, |_| {});
        self.forget(at);
    }

    fn forget(&mut self, at: u64) {
        let start = at.saturating_sub(SPAN_MS);
        self.lines.retain(|_, line| {
            while line.front().is_some_and(|&(time, _)| time < start) {
                line.pop_front();
            }
            !line.is_empty()
        });
        while self.lines.len() > MOST_PERSONS {
            let last = |line: &Line| line.back().map_or(0, |&(time, _)| time);
            let Some(oldest) = self.lines.iter().min_by_key(|(_, line)| last(line)).map(|(&track, _)| track) else {
                break;
            };
            self.lines.remove(&oldest);
        }
        while self.turns.len() > MOST_TURNS {
            self.turns.pop_front();
        }
    }

    /// The points of each track, in order of time.
    pub(super) fn lines(&self) -> BTreeMap<u64, Vec<(u64, f32)>> {
        self.lines.iter().map(|(&track, line)| (track, line.iter().copied().collect())).collect()
    }

    /// The turns after the one with number `after`, the oldest first.
    pub(super) fn turns(&self, after: u64) -> Vec<TurnTold> {
        self.turns.iter().filter(|turn| turn.number > after).cloned().collect()
    }

    /// How often somebody turned.
    pub(super) fn turned(&self) -> u64 {
        self.turned
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::face::crop::CropSquare;
    use crate::face::follow::TrackId;
    use crate::frame::PixelBox;
    use crate::live::view::LiveOpinion;
    use crate::verdict::SyntheticProbability;

    fn person(track: u64, verdict: Verdict) -> Person {
        let opinion = LiveOpinion {
            probability: SyntheticProbability::HALF,
            verdict,
            reason: None,
            at_first_sight: false,
            scored: Instant::now(),
            map: Arc::new([]),
            map_size: (0, 0),
            square: CropSquare { left: 0, top: 0, side: 1 },
        };
        let bounds = PixelBox { left: 0.0, top: 0.0, width: 1.0, height: 1.0 };
        Person { track: TrackId(track), bounds, opinion: Some(opinion) }
    }

    #[test]
    fn what_is_said_at_first_sight_is_no_turn() {
        let mut history = History::new(0, Instant::now());
        let mut first = person(1, Verdict::Synthetic);
        first.opinion.as_mut().expect("it is there").at_first_sight = true;
        history.add(0, &[first]);
        assert_eq!((history.turned(), history.lines().len()), (0, 0));
        history.add(100, &[person(1, Verdict::Authentic)]);
        assert_eq!(history.turns(0)[0].from, None);
    }

    #[test]
    fn a_turn_is_told_once() {
        let mut history = History::new(0, Instant::now());
        for (at, verdict) in
            [(0, Verdict::Unsure), (40, Verdict::Unsure), (80, Verdict::Synthetic), (120, Verdict::Synthetic)]
        {
            history.add(at, &[person(7, verdict)]);
        }
        let turns: Vec<_> = history.turns(0).iter().map(|turn| (turn.number, turn.at, turn.from, turn.to)).collect();
        assert_eq!(turns, [(1, 0, None, Verdict::Unsure), (2, 80, Some(Verdict::Unsure), Verdict::Synthetic)]);
        assert_eq!(history.turns(1).len(), 1);
        assert_eq!(history.turned(), 2);
    }

    #[test]
    fn a_line_has_ten_points_a_second_for_a_minute() {
        let mut history = History::new(0, Instant::now());
        for at in (0..=90_000).step_by(20) {
            history.add(at, &[person(1, Verdict::Unsure)]);
        }
        let points = &history.lines()[&1];
        assert_eq!((points.len(), points[0].0, points[600].0), (601, 30_000, 90_000));
    }

    #[test]
    fn it_does_not_grow_with_the_persons() {
        let mut history = History::new(0, Instant::now());
        for track in 1..=1000 {
            history.add(track, &[person(track, Verdict::Unsure)]);
        }
        assert_eq!((history.lines().len(), history.turns(0).len()), (32, 50));
        assert!(history.lines().contains_key(&1000));
        history.add(70_000, &[]);
        assert!(history.lines().is_empty(), "all left more than a minute ago");
    }
}
