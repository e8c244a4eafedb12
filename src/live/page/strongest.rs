//! For each person the moment that says most of the verdict, with the crop of it, so that people can see what it rests on.
//!
//! Two moments are kept of a person: that with the highest p(synthetic), and that with the lowest, which is the telling one of
//! somebody who is authentic. A crop is made off the way of a frame, and only where a moment goes beyond the last one by a
//! margin, so that a person of whom nothing new is said costs nothing. They are kept in memory alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use serde::Serialize;

use super::crops::CropMaker;
use super::history::thousandths;
use crate::live::view::View;
use crate::verdict::Verdict;

/// A moment must go beyond the last one by so much.
const MARGIN: f32 = 0.02;
/// More persons are not kept: the ones that were seen longest ago go.
const MOST_PERSONS: usize = 64;

/// When it was, and p(synthetic) then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct MomentTold {
    /// Milliseconds since the server began.
    pub at: u64,
    pub probability: f32,
}

/// A moment and its crop, without and with the heat map.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    pub told: MomentTold,
    pub files: [Bytes; 2],
}

/// The moments of a feed's persons.
#[derive(Debug, Default)]
pub(super) struct Strongest {
    persons: Arc<Mutex<BTreeMap<u64, Kept>>>,
    /// Whoever makes crops has it.
    maker: Arc<tokio::sync::Mutex<CropMaker>>,
}

#[derive(Debug)]
struct Kept {
    seen: u64,
    verdict: Verdict,
    highest: Option<Telling>,
    lowest: Option<Telling>,
}

/// What a new moment is to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beats {
    highest: bool,
    lowest: bool,
}

impl Kept {
    fn beaten_by(&self, probability: f32) -> Beats {
        let further = |last: &Option<Telling>, sign: f32| {
            last.as_ref().is_none_or(|last| sign * (probability - last.told.probability) > MARGIN)
        };
        Beats { highest: further(&self.highest, 1.0), lowest: further(&self.lowest, -1.0) }
    }

    fn telling(&self) -> Option<&Telling> {
        match self.verdict {
            Verdict::Authentic => self.lowest.as_ref(),
            Verdict::Unsure | Verdict::Synthetic => self.highest.as_ref(),
        }
    }
}

impl Strongest {
    /// Looks at a picture of `at` milliseconds, and has crops made where somebody's moment is a new one.
    pub(super) fn look(&self, at: u64, view: &Arc<View>) {
        let new = self.new_moments(at, view);
        if new.is_empty() {
            return;
        }
        // While others are made, it waits for one of the next pictures.
        let Ok(mut maker) = Arc::clone(&self.maker).try_lock_owned() else {
            return;
        };
        let (view, persons) = (Arc::clone(view), Arc::clone(&self.persons));
        tokio::task::spawn_blocking(move || {
            for (place, beats) in new {
                let Some(person) = view.persons.get(place) else {
                    continue;
                };
                let probability = person.decided().map_or(0.0, |opinion| thousandths(opinion.probability.value()));
                let made = [false, true].map(|heat| maker.make(&view.frame, person, heat));
                match made {
                    [Ok(plain), Ok(heat)] => {
                        let telling = Telling { told: MomentTold { at, probability }, files: [plain, heat] };
                        let mut persons = lock(&persons);
                        if let Some(kept) = persons.get_mut(&person.track.0) {
                            if beats.lowest {
                                kept.lowest = Some(telling.clone());
                            }
                            if beats.highest {
                                kept.highest = Some(telling);
                            }
                        }
                    }
                    [Err(error), _] | [_, Err(error)] => log::debug!("a face for the page: {error}"),
                }
            }
        });
    }

    /// The persons of a picture, by their place in it, whose moment it is.
    fn new_moments(&self, at: u64, view: &View) -> Vec<(usize, Beats)> {
        let mut persons = lock(&self.persons);
        let mut new = Vec::new();
        for (place, person) in view.persons.iter().enumerate() {
            let Some(opinion) = person.decided() else {
                continue;
            };
            let verdict = opinion.verdict;
            let kept = persons.entry(person.track.0).or_insert(Kept { seen: at, verdict, highest: None, lowest: None });
            (kept.seen, kept.verdict) = (at, verdict);
            let beats = kept.beaten_by(opinion.probability.value());
            if beats.highest || beats.lowest {
                new.push((place, beats));
            }
        }
        while persons.len() > MOST_PERSONS {
            let Some(oldest) = persons.iter().min_by_key(|(_, kept)| kept.seen).map(|(&track, _)| track) else {
                break;
            };
            persons.remove(&oldest);
        }
        new
    }

    /// The moment that says most of the last verdict on this person.
    pub(super) fn of(&self, track: u64) -> Option<Telling> {
        lock(&self.persons).get(&track)?.telling().cloned()
    }

    /// When the moment of each person was.
    pub(super) fn told(&self) -> BTreeMap<u64, MomentTold> {
        let persons = lock(&self.persons);
        persons.iter().filter_map(|(&track, kept)| Some((track, kept.telling()?.told))).collect()
    }
}

fn lock(persons: &Mutex<BTreeMap<u64, Kept>>) -> MutexGuard<'_, BTreeMap<u64, Kept>> {
    persons.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(probability: f32) -> Telling {
        Telling { told: MomentTold { at: 0, probability }, files: [Bytes::new(), Bytes::new()] }
    }

    #[test]
    fn only_what_goes_beyond_the_last_moment_is_a_new_one() {
        let mut kept = Kept { seen: 0, verdict: Verdict::Unsure, highest: None, lowest: None };
        let check = |kept: &Kept, probability, highest, lowest| {
            assert_eq!(kept.beaten_by(probability), Beats { highest, lowest }, "{probability}");
        };
        check(&kept, 0.5, true, true);
        (kept.highest, kept.lowest) = (Some(telling(0.5)), Some(telling(0.5)));
        check(&kept, 0.51, false, false);
        check(&kept, 0.6, true, false);
        check(&kept, 0.4, false, true);
        (kept.highest, kept.lowest) = (Some(telling(0.9)), Some(telling(0.1)));
        let shown = |kept: &Kept| kept.telling().map(|telling| telling.told.probability);
        assert_eq!(shown(&kept), Some(0.9));
        kept.verdict = Verdict::Authentic;
        assert_eq!(shown(&kept), Some(0.1));
    }
}
