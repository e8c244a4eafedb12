//! When a person turns synthetic, turns back, or goes: from what is seen to what is told. A function of what it is given,
//! with no clock of its own.

use std::time::Instant;

use serde::{Serialize, Serializer};

use crate::face::follow::TrackId;
use crate::live::turns::{Turned, Turns};
use crate::verdict::reason::Reason;
use crate::verdict::{SyntheticProbability, Verdict};

/// What is said of a person in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// The person's track.
    pub track: TrackId,
    /// The verdict, with hysteresis.
    pub verdict: Verdict,
    /// p(synthetic) of the track.
    pub probability: SyntheticProbability,
    /// Why the verdict is unsure; of a synthetic one, what the person looks like where that is known.
    pub reason: Option<Reason>,
}

/// What a person turned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Another verdict.
    Verdict(Verdict),
    /// Out of sight while synthetic.
    Gone,
}

/// A person turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// Who.
    pub track: TrackId,
    /// From which verdict; absent when it is the first one.
    pub from: Option<Verdict>,
    /// To what.
    pub to: To,
    /// p(synthetic) at that moment; of who is gone, the last one.
    pub probability: SyntheticProbability,
    /// Why the verdict is unsure; of a synthetic one, what the person looks like where that is known.
    pub reason: Option<Reason>,
}

/// Finds the turns that matter among all: to synthetic, and away from it.
#[derive(Debug, Default)]
pub struct Turning {
    turns: Turns<Sighting>,
}

impl To {
    /// The word that stands for it in an event.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verdict(Verdict::Authentic) => "authentic",
            Self::Verdict(Verdict::Unsure) => "unsure",
            Self::Verdict(Verdict::Synthetic) => "synthetic",
            Self::Gone => "gone",
        }
    }
}

impl Serialize for To {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Turning {
    /// Takes the persons of a picture that was captured at `now`, and calls `tell` for each turn.
    pub fn see(&mut self, now: Instant, persons: impl Iterator<Item = Sighting>, mut tell: impl FnMut(Turn)) {
        for seen in persons {
            let Sighting { track, verdict, probability, reason } = seen;
            let synthetic = |verdict| verdict == Some(Verdict::Synthetic);
            if let Some(Turned { from }) = self.turns.take(track, verdict, now, seen)
                && synthetic(from) != synthetic(Some(verdict))
            {
                tell(Turn { track, from, to: To::Verdict(verdict), probability, reason });
            }
        }
        self.turns.forget(now, |known| part(&known.kept, &mut tell));
    }

    /// Nobody is there any more: the source was lost, or has ended. No track comes back after that.
    pub fn end(&mut self, mut tell: impl FnMut(Turn)) {
        self.turns.clear(|known| part(&known.kept, &mut tell));
    }
}

/// Tells that a person is gone, if that matters.
fn part(seen: &Sighting, tell: &mut impl FnMut(Turn)) {
    if seen.verdict == Verdict::Synthetic {
        let Sighting { track, verdict, probability, .. } = *seen;
        tell(Turn { track, from: Some(verdict), to: To::Gone, probability, reason: None });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn said(track: u64, verdict: Verdict) -> Sighting {
        let reason = (verdict == Verdict::Unsure).then_some(Reason::TooBlurred);
        Sighting { track: TrackId(track), verdict, probability: SyntheticProbability::HALF, reason }
    }

    /// Pictures, in milliseconds and with their persons; what is told is compared in words.
    fn check(pictures: &[(u64, &[(u64, Verdict)])], expected: &[(u64, Option<Verdict>, &str)]) {
        let (mut turning, begun, mut told) = (Turning::default(), Instant::now(), Vec::new());
        for (millis, persons) in pictures {
            let persons = persons.iter().map(|&(track, verdict)| said(track, verdict));
            turning.see(begun + Duration::from_millis(*millis), persons, |turn| told.push(turn));
        }
        let told: Vec<_> = told.iter().map(|turn| (turn.track.0, turn.from, turn.to.word())).collect();
        assert_eq!(told, expected);
    }

    use Verdict::{Authentic, Synthetic, Unsure};

    #[test]
    fn turns_to_synthetic_and_back_are_told_once() {
        check(
            &[
                (0, &[(1, Unsure)]),
                (40, &[(1, Authentic)]),
                (80, &[(1, Synthetic)]),
                (120, &[(1, Synthetic)]),
                (160, &[(1, Unsure)]),
                (200, &[(1, Authentic)]),
            ],
            &[(1, Some(Authentic), "synthetic"), (1, Some(Synthetic), "unsure")],
        );
    }

    #[test]
    fn the_first_verdict_is_a_turn_only_when_it_is_synthetic() {
        check(&[(0, &[(1, Authentic), (2, Unsure), (3, Synthetic)])], &[(3, None, "synthetic")]);
    }

    #[test]
    fn who_goes_while_synthetic_is_told_gone() {
        let start: &[(u64, Verdict)] = &[(1, Synthetic), (2, Authentic)];
        check(&[(0, start), (5000, &[])], &[(1, None, "synthetic")]);
        check(&[(0, start), (5001, &[])], &[(1, None, "synthetic"), (1, Some(Synthetic), "gone")]);
        check(&[(0, start), (4900, &[(1, Synthetic)]), (9000, &[])], &[(1, None, "synthetic")]);
    }

    #[test]
    fn the_end_is_told_of_who_is_synthetic() {
        let (mut turning, mut told) = (Turning::default(), Vec::new());
        turning.see(Instant::now(), [said(1, Synthetic), said(2, Unsure)].into_iter(), |_| {});
        turning.end(|turn| told.push((turn.track.0, turn.to)));
        turning.end(|turn| told.push((turn.track.0, turn.to)));
        assert_eq!(told, [(1, To::Gone)]);
    }

    /// Whatever is seen: the turns of a person are to synthetic and away from it by turns, each goes on from what was
    /// said last, nobody who is synthetic is left without an end, and nothing is kept of who is gone.
    #[test]
    fn turns_of_each_person_alternate() {
        let mut chance = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..200 {
            let (mut turning, begun, mut told) = (Turning::default(), Instant::now(), Vec::new());
            let (mut now, mut last): (Duration, BTreeMap<u64, Verdict>) = (Duration::ZERO, BTreeMap::new());
            let mut synthetic: BTreeMap<u64, bool> = BTreeMap::new();
            for _ in 0..100 {
                now += Duration::from_millis(u64::from(chance.next_u32() % 1500));
                let mut persons = Vec::new();
                for track in 1..=4 {
                    let there = chance.next_u32() % 2 == 0;
                    let verdict = [Authentic, Unsure, Synthetic][(chance.next_u32() % 3) as usize];
                    persons.extend(there.then(|| said(track, verdict)));
                }
                told.clear();
                turning.see(begun + now, persons.iter().copied(), |turn| told.push(turn));
                for turn in &told {
                    let on = synthetic.entry(turn.track.0).or_default();
                    let to = turn.to == To::Verdict(Synthetic);
                    assert_ne!(*on, to, "{turn:?}");
                    assert!(turn.from.is_none() || turn.from == last.get(&turn.track.0).copied(), "{turn:?}");
                    assert_eq!(turn.reason.is_some(), turn.to == To::Verdict(Unsure), "{turn:?}");
                    *on = to;
                }
                last.extend(persons.iter().map(|said| (said.track.0, said.verdict)));
                for person in &persons {
                    let on = synthetic.get(&person.track.0).copied().unwrap_or_default();
                    assert_eq!(on, person.verdict == Synthetic, "{person:?}");
                }
                assert!(turning.turns.len() <= 4);
            }
            turning.end(|turn| {
                synthetic.insert(turn.track.0, false);
            });
            assert!(synthetic.values().all(|on| !on), "{synthetic:?}");
        }
    }
}
