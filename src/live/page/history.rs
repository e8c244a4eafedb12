//! What was said of each person of a feed over the whole session, and what happened: who turned, and when the source was lost.
//!
//! The last minutes are kept as they were; what is older is put together into spans, of which two become one whenever there are
//! too many. A span keeps its lowest and highest value, so that a short moment stays to be seen.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::live::turns::{Turned, Turns};
use crate::live::view::{Person, SourceState};
use crate::verdict::Verdict;
use crate::verdict::reason::Reason;

/// Points of a line are at least this far apart, in milliseconds: more can't be seen.
const STEP_MS: u64 = 100;
/// So many of them are kept as they were: two minutes of somebody who stays.
const MOST_RECENT: usize = 1200;
/// More spans of a line are not kept.
const MOST_SPANS: usize = 800;
/// What a reader is told of lines when it comes goes back so far, in milliseconds.
const LAST_MS: u64 = 60_000;
/// More that happened is not kept.
const MOST_HAPPENED: usize = 500;
/// More persons are not kept: the ones that were seen longest ago go.
const MOST_PERSONS: usize = 64;

/// Somebody's verdict became another one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct TurnTold {
    /// In which feed.
    pub feed: usize,
    /// Counts what happened in the feed from 1, turns and changes of the source together.
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
    /// p(synthetic) by then.
    pub probability: f32,
}

/// A source was lost, came back or ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SourceChange {
    /// See [`TurnTold::feed`].
    pub feed: usize,
    /// See [`TurnTold::number`].
    pub number: u64,
    /// See [`TurnTold::at`].
    pub at: u64,
    /// `lost`, `playing` (it came back) or `ended`.
    pub state: &'static str,
    /// Why it was lost.
    pub reason: Option<String>,
}

/// A person's line, as readers are told.
#[derive(Debug, Serialize)]
pub(super) struct LineTold {
    pub track: u64,
    /// What is older: begin in milliseconds, lowest and highest value.
    pub spans: Vec<(u64, f32, f32)>,
    /// How long a span is, in milliseconds.
    pub span_ms: u64,
    /// Time in milliseconds and value.
    pub points: Vec<(u64, f32)>,
}

/// The lines of all persons of a feed, and what happened in it.
#[derive(Debug)]
pub(super) struct History {
    feed: usize,
    /// The time that milliseconds count from.
    began: Instant,
    lines: BTreeMap<u64, Line>,
    verdicts: Turns,
    turns: VecDeque<TurnTold>,
    changes: VecDeque<SourceChange>,
    happened: u64,
    /// What the source was last.
    source: &'static str,
}

/// p(synthetic) of a person, in order of time.
#[derive(Debug, Default)]
struct Line {
    spans: Vec<(u64, f32, f32)>,
    span_ms: u64,
    points: VecDeque<(u64, f32)>,
}

impl Line {
    fn add(&mut self, at: u64, value: f32) {
        if self.points.back().is_some_and(|&(last, _)| at < last + STEP_MS) {
            return;
        }
        self.points.push_back((at, value));
        if self.points.len() > MOST_RECENT
            && let Some((at, value)) = self.points.pop_front()
        {
            self.span_ms = self.span_ms.max(STEP_MS);
            put(&mut self.spans, self.span_ms, (at, value, value));
            while self.spans.len() > MOST_SPANS {
                self.span_ms *= 2;
                let all = std::mem::take(&mut self.spans);
                all.into_iter().for_each(|span| put(&mut self.spans, self.span_ms, span));
            }
        }
    }

    fn last(&self) -> u64 {
        self.points.back().map_or(0, |&(at, _)| at)
    }
}

/// Adds a span, to the last one where it belongs there.
fn put(spans: &mut Vec<(u64, f32, f32)>, length: u64, (at, low, high): (u64, f32, f32)) {
    match spans.last_mut().filter(|last| at < last.0 + length) {
        Some(last) => (last.1, last.2) = (last.1.min(low), last.2.max(high)),
        None => spans.push((at, low, high)),
    }
}

impl History {
    /// Nobody yet; milliseconds count from `began`.
    pub(super) fn new(feed: usize, began: Instant) -> Self {
        let (lines, verdicts, turns, changes) = Default::default();
        Self { feed, began, lines, verdicts, turns, changes, happened: 0, source: "starting" }
    }

    /// Adds what is said of `persons` at `at` milliseconds.
    pub(super) fn add(&mut self, at: u64, persons: &[Person]) {
        let now = self.began + Duration::from_millis(at);
        for person in persons {
            let Some(opinion) = person.decided() else {
                continue;
            };
            let (track, probability) = (person.track.0, thousandths(opinion.probability.value()));
            if let Some(Turned { from }) = self.verdicts.take(person.track, opinion.verdict, now, ()) {
                self.happened += 1;
                let (feed, number, to, reason) = (self.feed, self.happened, opinion.verdict, opinion.reason);
                self.turns.push_back(TurnTold { feed, number, at, track, from, to, reason, probability });
            }
            self.lines.entry(track).or_default().add(at, probability);
        }
        self.verdicts.forget(now, |_| {});
        self.forget();
    }

    /// Notes how the source is at `at` milliseconds.
    pub(super) fn source(&mut self, at: u64, state: &SourceState) {
        let (state, reason) = match state {
            SourceState::Starting => return,
            SourceState::Playing { .. } => ("playing", None),
            SourceState::Lost { reason, .. } => ("lost", Some(reason.clone())),
            SourceState::Ended => ("ended", None),
        };
        let before = std::mem::replace(&mut self.source, state);
        if before == state || (before == "starting" && state == "playing") {
            return;
        }
        self.happened += 1;
        self.changes.push_back(SourceChange { feed: self.feed, number: self.happened, at, state, reason });
        self.forget();
    }

    fn forget(&mut self) {
        while self.lines.len() > MOST_PERSONS {
            let Some(oldest) = self.lines.iter().min_by_key(|(_, line)| line.last()).map(|(&track, _)| track) else {
                break;
            };
            self.lines.remove(&oldest);
        }
        self.turns.drain(..self.turns.len().saturating_sub(MOST_HAPPENED));
        self.changes.drain(..self.changes.len().saturating_sub(MOST_HAPPENED));
    }

    /// The points of the last minute before `now` of each track that has any, in order of time.
    pub(super) fn last(&self, now: u64) -> BTreeMap<u64, Vec<(u64, f32)>> {
        let start = now.saturating_sub(LAST_MS);
        let last = |line: &Line| {
            line.points.range(line.points.partition_point(|&(at, _)| at < start)..).copied().collect::<Vec<_>>()
        };
        let lines = self.lines.iter().map(|(&track, line)| (track, last(line)));
        lines.filter(|(_, points)| !points.is_empty()).collect()
    }

    /// The lines of all persons that are kept.
    pub(super) fn lines(&self) -> Vec<LineTold> {
        let told = |(&track, line): (&u64, &Line)| LineTold {
            track,
            spans: line.spans.clone(),
            span_ms: line.span_ms,
            points: line.points.iter().copied().collect(),
        };
        self.lines.iter().map(told).collect()
    }

    /// The turns after what happened with number `after`, the oldest first.
    pub(super) fn turns(&self, after: u64) -> Vec<TurnTold> {
        self.turns.iter().filter(|turn| turn.number > after).cloned().collect()
    }

    /// The changes of the source after what happened with number `after`, the oldest first.
    pub(super) fn changes(&self, after: u64) -> Vec<SourceChange> {
        self.changes.iter().filter(|change| change.number > after).cloned().collect()
    }

    /// How much has happened.
    pub(super) fn happened(&self) -> u64 {
        self.happened
    }
}

/// A value with three digits, which is all that is seen of it.
pub(super) fn thousandths(value: f32) -> f32 {
    (value * 1000.0).round() / 1000.0
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

    fn history() -> History {
        History::new(0, Instant::now())
    }

    #[test]
    fn what_is_said_at_first_sight_is_no_turn() {
        let mut history = history();
        let mut first = person(1, Verdict::Synthetic);
        first.opinion.as_mut().expect("it is there").at_first_sight = true;
        history.add(0, &[first]);
        assert_eq!((history.happened(), history.lines().len()), (0, 0));
        history.add(100, &[person(1, Verdict::Authentic)]);
        assert_eq!(history.turns(0)[0].from, None);
    }

    #[test]
    fn a_turn_is_told_once() {
        let mut history = history();
        for (at, verdict) in
            [(0, Verdict::Unsure), (40, Verdict::Unsure), (80, Verdict::Synthetic), (120, Verdict::Synthetic)]
        {
            history.add(at, &[person(7, verdict)]);
        }
        let turns: Vec<_> = history.turns(0).iter().map(|turn| (turn.number, turn.at, turn.from, turn.to)).collect();
        assert_eq!(turns, [(1, 0, None, Verdict::Unsure), (2, 80, Some(Verdict::Unsure), Verdict::Synthetic)]);
        assert_eq!(history.turns(1).len(), 1);
        assert_eq!(history.happened(), 2);
    }

    #[test]
    fn a_loss_is_told_once_however_often_the_source_is_tried() {
        let mut history = history();
        let playing = SourceState::Playing { size: (1, 1), rate: None, differs: None };
        let lost = |tries| SourceState::Lost { reason: "gone".into(), tries, wait: Duration::ZERO };
        for (at, state) in [(0, playing.clone()), (1, lost(0)), (2, lost(1)), (3, playing), (4, SourceState::Ended)] {
            history.source(at, &state);
        }
        let told: Vec<_> = history.changes(0).iter().map(|change| (change.number, change.at, change.state)).collect();
        assert_eq!(told, [(1, 1, "lost"), (2, 3, "playing"), (3, 4, "ended")]);
    }

    #[test]
    fn a_minute_is_told_at_once_ten_points_a_second() {
        let mut history = history();
        for at in (0..=90_000).step_by(20) {
            history.add(at, &[person(1, Verdict::Unsure)]);
        }
        let points = &history.last(90_000)[&1];
        assert_eq!((points.len(), points[0].0, points[600].0), (601, 30_000, 90_000));
        assert!(history.last(200_000).is_empty(), "all left more than a minute ago");
    }

    #[test]
    fn a_day_is_kept_and_a_short_moment_in_it_stays() {
        let mut line = Line::default();
        for at in (0..86_400_000).step_by(100) {
            line.add(at, if at == 40_000_000 { 0.97 } else { 0.2 });
        }
        let kept = line.spans.len() + line.points.len();
        assert!(kept <= 2000 && line.spans.len() > MOST_SPANS / 3, "{kept}, {} spans", line.spans.len());
        let spans: Vec<_> = line.spans.iter().filter(|span| span.2 > 0.9).collect();
        assert_eq!(spans.len(), 1);
        assert!((spans[0].0..spans[0].0 + line.span_ms).contains(&40_000_000), "{spans:?}");
        assert_eq!((line.spans[0].0, spans[0].1), (0, 0.2));
    }

    #[test]
    fn it_does_not_grow_with_the_persons() {
        let mut history = history();
        for track in 1..=1000 {
            history.add(track, &[person(track, Verdict::Unsure)]);
        }
        assert_eq!((history.lines().len(), history.turns(0).len()), (MOST_PERSONS, MOST_HAPPENED));
        assert!(history.lines().iter().any(|line| line.track == 1000));
    }
}
