//! What the terminal says of the persons in a clip, the verdict first.

use crate::verdict::Verdict;
use crate::verdict::reason::Reason;
use crate::verdict::track::{Interval, TrackSummary};

/// Persons that get a line of their own; a crowd would hide the answer.
pub(super) const MOST_LINES: usize = 20;
/// From the least to the gravest.
const GRAVITY: [Verdict; 3] = [Verdict::Authentic, Verdict::Unsure, Verdict::Synthetic];
/// Intervals that are named for a person.
const MOST_INTERVALS: usize = 5;

/// The line that a person reads first: the gravest verdict, and how many of the persons it is said of.
pub(super) fn answer(tracks: &[TrackSummary]) -> String {
    if tracks.is_empty() {
        return "no face found".to_owned();
    }
    let persons: Vec<_> = tracks.iter().filter(|track| !is_glimpse(track)).collect();
    let of = |verdict| persons.iter().filter(|track| track.verdict == verdict).count();
    match gravest(tracks) {
        // Of one person there is room for what the verdict is about.
        Some(verdict) if persons.len() == 1 => verdict.to_string() + &about(persons[0]),
        Some(verdict) if of(verdict) > 0 => format!("{verdict} ({} of {} persons)", of(verdict), persons.len()),
        _ => format!("unsure ({})", Reason::TooFewFrames),
    }
}

/// What a synthetic person looks like, or that this one is like none that is known; nothing where there is no such word.
fn about(track: &TrackSummary) -> String {
    let words = [Reason::Unfamiliar, Reason::LooksGenerated, Reason::LooksSwapped];
    track.reason.filter(|reason| words.contains(reason)).map(|reason| format!(" ({reason})")).unwrap_or_default()
}

/// The gravest verdict on a person, glimpses left out; unsure where there are but glimpses, and nothing without a face.
pub(super) fn gravest(tracks: &[TrackSummary]) -> Option<Verdict> {
    let persons = tracks.iter().filter(|track| !is_glimpse(track)).map(|track| track.verdict);
    persons
        .max_by_key(|&verdict| GRAVITY.iter().position(|&other| other == verdict))
        .or_else(|| tracks.first().map(|_| Verdict::Unsure))
}

/// A line a person, the gravest verdict first. Faces that were seen for a moment alone share the last line.
pub(super) fn lines(tracks: &[TrackSummary]) -> Vec<String> {
    let mut persons: Vec<_> = tracks.iter().filter(|track| !is_glimpse(track)).collect();
    persons.sort_by_key(|track| (std::cmp::Reverse(track.verdict as u8), track.id));
    let mut lines: Vec<_> = persons.iter().take(MOST_LINES).map(|track| line(track)).collect();
    if persons.len() > MOST_LINES {
        lines.push(format!("and {} persons more: see the tables", persons.len() - MOST_LINES));
    }
    let glimpses = tracks.len() - persons.len();
    if glimpses > 0 {
        lines.push(self::glimpses(glimpses));
    }
    lines
}

/// The line on faces that were seen for a moment alone.
pub(super) fn glimpses(count: usize) -> String {
    format!("seen in too few frames to be judged: {count}")
}

/// A face that was there for a moment, or that the detector made up.
pub(super) fn is_glimpse(track: &TrackSummary) -> bool {
    track.reason == Some(Reason::TooFewFrames)
}

fn line(track: &TrackSummary) -> String {
    let (head, tail) = parts(track);
    format!("person {}: {head}, {} ({} frames){tail}", track.id, span(&track.span), track.frames)
}

/// What is said of a track, without its number and its time.
pub(super) fn said(track: &TrackSummary) -> String {
    let (head, tail) = parts(track);
    head + &tail
}

/// The verdict with its p, and when it was synthetic.
fn parts(track: &TrackSummary) -> (String, String) {
    let reason = track.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let head = format!("{}{reason}, p {:.2}", track.verdict, track.probability.value());
    let mut line = String::new();
    if !track.intervals.is_empty() && track.intervals != [track.span] {
        let named: Vec<_> = track.intervals.iter().take(MOST_INTERVALS).map(span).collect();
        line += &format!("; synthetic {}", named.join(", "));
        if track.intervals.len() > MOST_INTERVALS {
            line += &format!(" and {} times more", track.intervals.len() - MOST_INTERVALS);
        }
    }
    (head, line)
}

pub(super) fn span(interval: &Interval) -> String {
    format!("{:.1} s to {:.1} s", interval.running_start.seconds(), interval.running_end.seconds())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::face::follow::TrackId;
    use crate::frame::PresentationTime;
    use crate::verdict::SyntheticProbability;

    fn interval(start: i64, end: i64) -> Interval {
        let (start, end) = (PresentationTime(start * 100_000), PresentationTime(end * 100_000));
        Interval { start, end, running_start: start, running_end: end }
    }

    pub(in crate::cli) fn track(
        id: u64,
        verdict: Verdict,
        reason: Option<Reason>,
        intervals: Vec<Interval>,
    ) -> TrackSummary {
        TrackSummary {
            id: TrackId(id),
            frames: 120,
            usable_frames: 120,
            span: interval(0, 42),
            probability: SyntheticProbability::of_evidence(2.586_689),
            verdict,
            reason,
            intervals,
        }
    }

    #[test]
    fn a_line_says_the_verdict_first() {
        let whole = track(1, Verdict::Synthetic, None, vec![interval(0, 42)]);
        assert_eq!(lines(&[whole]), ["person 1: synthetic, p 0.93, 0.0 s to 4.2 s (120 frames)"]);
        let part = track(2, Verdict::Unsure, Some(Reason::SyntheticInParts), vec![interval(10, 12), interval(20, 31)]);
        let expected = "person 2: unsure (synthetic in parts), p 0.93, 0.0 s to 4.2 s (120 frames); \
                        synthetic 1.0 s to 1.2 s, 2.0 s to 3.1 s";
        assert_eq!(lines(&[part]), [expected]);
    }

    #[test]
    fn what_a_person_looks_like_is_said_in_words() {
        let made = track(1, Verdict::Synthetic, Some(Reason::LooksGenerated), vec![interval(0, 42)]);
        assert_eq!(answer(std::slice::from_ref(&made)), "synthetic (looks generated)");
        assert_eq!(lines(&[made]), ["person 1: synthetic (looks generated), p 0.93, 0.0 s to 4.2 s (120 frames)"]);
        let strange = track(1, Verdict::Unsure, Some(Reason::Unfamiliar), Vec::new());
        assert_eq!(answer(&[strange]), "unsure (unlike anything it knows)");
        let between = track(1, Verdict::Unsure, Some(Reason::BetweenThresholds), Vec::new());
        assert_eq!(answer(&[between]), "unsure");
    }

    #[test]
    fn the_gravest_comes_first_and_glimpses_last() {
        let tracks = [
            track(1, Verdict::Authentic, None, Vec::new()),
            track(2, Verdict::Unsure, Some(Reason::TooFewFrames), Vec::new()),
            track(3, Verdict::Synthetic, None, Vec::new()),
        ];
        assert_eq!(answer(&tracks), "synthetic (1 of 2 persons)");
        let lines = lines(&tracks);
        assert!(
            lines[0].starts_with("person 3: synthetic") && lines[1].starts_with("person 1: authentic"),
            "{lines:?}"
        );
        assert_eq!(lines[2], "seen in too few frames to be judged: 1");
        assert_eq!(answer(&tracks[..1]), "authentic");
        assert_eq!(answer(&tracks[1..2]), "unsure (seen in too few frames)");
        assert_eq!(answer(&[]), "no face found");
    }

    #[test]
    fn a_crowd_does_not_hide_the_answer() {
        let crowd: Vec<_> = (1..=30).map(|id| track(id, Verdict::Authentic, None, Vec::new())).collect();
        assert_eq!(lines(&crowd).last().map(String::as_str), Some("and 10 persons more: see the tables"));
        assert_eq!(lines(&crowd).len(), 21);
    }
}
