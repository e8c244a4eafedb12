//! Which faces are scored next: those whose score is oldest. A function of what was seen and scored, with no clock of its own.

use std::time::{Duration, Instant};

use crate::face::follow::TrackId;

/// A track that was not seen for so long is forgotten; its number doesn't come again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// Remembers when each track was scored last.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    known: Vec<Candidate>,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    track: TrackId,
    /// When the frame was captured in which it was scored last.
    scored: Option<Instant>,
    /// The same for the frame in which it was last offered.
    seen: Instant,
}

impl Schedule {
    /// A schedule that knows no track.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the places in `tracks` of the faces to score next into `picked`, `most` at most, in place of what it held; none
    /// when all were scored in this frame or a later one. They count as scored from now on.
    ///
    /// `captured` is when the frame with these tracks was captured. Those that were never scored come first, the lowest
    /// number before others; then the one whose score is oldest.
    pub fn pick(&mut self, tracks: &[TrackId], captured: Instant, most: usize, picked: &mut Vec<usize>) {
        self.known.retain(|known| captured.saturating_duration_since(known.seen) < FORGOTTEN_AFTER);
        for &track in tracks {
            match self.known.iter_mut().find(|known| known.track == track) {
                Some(known) => known.seen = known.seen.max(captured),
                None => self.known.push(Candidate { track, scored: None, seen: captured }),
            }
        }
        picked.clear();
        picked.extend((0..tracks.len()).filter(|&at| self.scored(tracks[at]).is_none_or(|scored| scored < captured)));
        picked.sort_unstable_by_key(|&at| (self.scored(tracks[at]), tracks[at]));
        picked.truncate(most);
        for &at in &*picked {
            if let Some(known) = self.known.iter_mut().find(|known| known.track == tracks[at]) {
                known.scored = Some(captured);
            }
        }
    }

    fn scored(&self, track: TrackId) -> Option<Instant> {
        self.known.iter().find(|known| known.track == track).and_then(|known| known.scored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame, and the tracks that are picked in it, one call after the other.
    struct Case {
        millis: u64,
        tracks: &'static [u64],
        most: usize,
        expected: &'static [u64],
    }

    fn check(cases: &[Case]) {
        let (mut schedule, begun, mut picked) = (Schedule::new(), Instant::now(), vec![9]);
        for (number, case) in cases.iter().enumerate() {
            let tracks: Vec<TrackId> = case.tracks.iter().copied().map(TrackId).collect();
            schedule.pick(&tracks, begun + Duration::from_millis(case.millis), case.most, &mut picked);
            let found: Vec<u64> = picked.iter().map(|&at| tracks[at].0).collect();
            assert_eq!(found, case.expected, "case {number}");
        }
    }

    fn case(millis: u64, tracks: &'static [u64], most: usize, expected: &'static [u64]) -> Case {
        Case { millis, tracks, most, expected }
    }

    #[test]
    fn the_oldest_score_goes_first() {
        check(&[
            case(0, &[3, 1, 2], 1, &[1]),
            case(0, &[3, 1, 2], 1, &[2]),
            case(33, &[3, 1, 2], 1, &[3]),
            case(33, &[3, 1, 2], 1, &[1]),
            case(66, &[3, 1, 2], 1, &[2]),
            case(99, &[3, 1, 2], 2, &[1, 3]),
        ]);
    }

    #[test]
    fn a_new_face_is_not_kept_waiting() {
        check(&[
            case(0, &[1, 2], 1, &[1]),
            case(33, &[1, 2], 1, &[2]),
            case(66, &[1, 2, 3], 1, &[3]),
            case(99, &[1, 2, 3], 1, &[1]),
        ]);
    }

    #[test]
    fn no_face_is_scored_twice_in_a_frame_or_in_an_older_one() {
        check(&[
            case(0, &[1], 1, &[1]),
            case(0, &[1], 1, &[]),
            case(33, &[], 1, &[]),
            case(66, &[1, 2], 9, &[2, 1]),
            case(66, &[1, 2], 9, &[]),
            case(33, &[1, 2], 9, &[]),
        ]);
    }

    #[test]
    fn who_left_is_forgotten() {
        let (mut schedule, begun, mut picked) = (Schedule::new(), Instant::now(), Vec::new());
        for second in 0..1000 {
            schedule.pick(&[TrackId(second)], begun + Duration::from_secs(second), 1, &mut picked);
        }
        assert_eq!(schedule.known.len(), 30);
    }
}
