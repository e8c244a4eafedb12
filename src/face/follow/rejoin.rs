//! Persons who are in another place at once: the tiles of a call are arranged anew, somebody joins, or whoever speaks is shown
//! large. Then a place says nothing, and looks say whose face it is.
//!
//! A face that looks like one person who was lost, and like nobody else, is that person's; and a face in the place of a person
//! whom it doesn't look like at all isn't. Where two are alike nothing is guessed: the face gets a new number. For a moment it is
//! looked at again: who turned the head just then, or was compressed badly, takes the old number back once that has passed.

use super::looks::Looks;
use super::tracker::{TrackId, Whose, seconds_between};
use crate::face::Face;
use crate::frame::{Frame, PresentationTime};

/// A face whose looks are no further from a person's is that person's, unless another one's are as near. Of pairs of different
/// people 1 in 7,500 are nearer to each other, of official portraits from one studio 1 in 1,000; of pairs of moments of one
/// person, a tenth of a second apart, compressed and at other scales, seven in eight (docs/live.md).
const SAME: f32 = 0.12;
/// The looks of anybody else, or of any other face, must be further by this.
const MARGIN: f32 = 0.03;
/// A face in the place of a person whose looks are further from that person's is somebody else's. From one look to the next,
/// those of a person differ by less than 0.17, 99 times in 100.
const ANOTHER: f32 = 0.25;
/// The same when all of the picture has changed.
const ANOTHER_AT_A_CUT: f32 = 0.17;
/// A person who was lost for longer is not found again, in seconds, where all frames are seen.
const LOST_FOR: f64 = 3.0;
/// For so long is asked, on a screen, whether somebody new is a person who was lost just before, in seconds.
const ASKED_FOR: f64 = 1.5;
/// What the newest looks count in the mean of a person's, once a few were seen.
const NEWEST_COUNTS: f32 = 0.1;
/// Persons who are remembered at most: those who were lost first make room.
const MOST: usize = 128;

/// Remembers what persons look like.
#[derive(Debug)]
pub(super) struct Rejoiner {
    /// A person who was lost for longer is not found again, in seconds.
    remembers: f64,
    /// Whether somebody new is a person who was lost just before is asked for so long, in seconds.
    asks_for: f64,
    known: Vec<Known>,
    /// Of the faces in this frame.
    seen: Vec<Looks>,
    /// How far each face's looks are from each known person's, all persons of a face after each other.
    distances: Vec<f32>,
    /// Tracks that turned out to be those of persons who were lost.
    mistaken: Vec<TrackId>,
    /// Of a frame in which all has changed.
    cut: bool,
}

/// What a person looks like.
#[derive(Debug)]
struct Known {
    track: TrackId,
    mean: Looks,
    last: Looks,
    sightings: u32,
    first_seen: PresentationTime,
    seen: PresentationTime,
}

impl Rejoiner {
    pub(super) fn new() -> Self {
        Self { asks_for: ASKED_FOR, ..Self::remembering(LOST_FOR) }
    }

    /// One that knows persons again within so many seconds, or at once gives them a number that stays.
    pub(super) fn remembering(seconds: f64) -> Self {
        Self {
            remembers: seconds,
            asks_for: 0.0,
            known: Vec::with_capacity(MOST),
            seen: Vec::new(),
            distances: Vec::new(),
            mistaken: Vec::new(),
            cut: false,
        }
    }

    /// Forgets all.
    pub(super) fn end_all(&mut self) {
        self.known.clear();
    }

    /// Looks at the faces of the next frame.
    pub(super) fn see(&mut self, frame: &Frame, cut: bool, faces: &[Face]) {
        let Self { remembers, known, seen, distances, .. } = self;
        known.retain(|known| seconds_between(known.seen, frame.running()) <= *remembers);
        seen.clear();
        seen.extend(faces.iter().map(|face| Looks::of(frame, &face.bounds)));
        distances.clear();
        distances.extend(seen.iter().flat_map(|seen| known.iter().map(|known| known.distance(seen))));
        self.cut = cut;
    }

    /// Learns whose the faces are.
    pub(super) fn learn(&mut self, time: PresentationTime, tracks: &[TrackId]) {
        let Self { known, seen, .. } = self;
        for (seen, &track) in seen.iter().zip(tracks) {
            if let Some(known) = known.iter_mut().find(|known| known.track == track) {
                known.sightings = known.sightings.saturating_add(1);
                known.mean.approach(seen, NEWEST_COUNTS.max(1.0 / known.sightings as f32));
                (known.last, known.seen) = (*seen, time);
                continue;
            }
            if known.len() == MOST
                && let Some(first) =
                    (0..MOST).max_by(|&a, &b| lost_for(&known[a], time).total_cmp(&lost_for(&known[b], time)))
            {
                known.swap_remove(first);
            }
            known.push(Known { track, mean: *seen, last: *seen, sightings: 1, first_seen: time, seen: time });
        }
    }

    fn distance(&self, known: usize, face: usize) -> f32 {
        self.distances[face * self.known.len() + known]
    }

    /// Whether a face looks like a person and like nobody else, and no other face does. Whoever it was taken for until now doesn't
    /// count.
    fn is_surely(&self, known: usize, face: usize, until_now: Option<usize>) -> bool {
        let most = self.distance(known, face) + MARGIN;
        let mut others = (0..self.known.len()).filter(|&other| other != known && Some(other) != until_now);
        // Written so that no number is no match.
        most <= SAME + MARGIN
            && others.all(|other| self.distance(other, face) > most)
            && (0..self.seen.len()).all(|other| other == face || self.distance(known, other) > most)
    }

    /// Whether somebody new may be a person who was lost: not one who was there at the same time.
    fn may_be_lost(&self, new: usize, lost: usize) -> bool {
        let (new, lost) = (&self.known[new], &self.known[lost]);
        seconds_between(new.first_seen, new.seen) < self.asks_for && lost.seen < new.first_seen
    }
}

fn lost_for(known: &Known, time: PresentationTime) -> f64 {
    seconds_between(known.seen, time)
}

impl Known {
    /// From how the person looked last, or mostly looks.
    fn distance(&self, looks: &Looks) -> f32 {
        self.last.distance(looks).min(self.mean.distance(looks))
    }
}

impl Whose for Rejoiner {
    fn may_be(&self, track: TrackId, face: usize) -> bool {
        let Some(known) = self.known.iter().position(|known| known.track == track) else { return true };
        let distance = self.distance(known, face);
        let is_another = distance > if self.cut { ANOTHER_AT_A_CUT } else { ANOTHER };
        let is_others = |other: usize| {
            let theirs = self.distance(other, face);
            other != known && theirs <= SAME && theirs + MARGIN < distance
        };
        !is_another && !(0..self.known.len()).any(is_others)
    }

    fn rejoin(&mut self, ids: &[TrackId], rejoined: &mut Vec<(usize, TrackId)>) {
        self.mistaken.clear();
        for (face, &id) in ids.iter().enumerate() {
            let until_now = self.known.iter().position(|known| known.track == id);
            let has_none = id == TrackId::default();
            let may_be = |lost: usize| has_none || until_now.is_some_and(|new| self.may_be_lost(new, lost));
            // At most one is surely it.
            let found = (0..self.known.len()).find(|&lost| may_be(lost) && self.is_surely(lost, face, until_now));
            let Some(found) = found.map(|lost| self.known[lost].track).filter(|track| !ids.contains(track)) else {
                continue;
            };
            rejoined.push((face, found));
            self.mistaken.extend(until_now.map(|_| id));
        }
        let Self { known, mistaken, .. } = self;
        known.retain(|known| !mistaken.contains(&known.track));
    }
}

#[cfg(test)]
#[path = "rejoin_tests.rs"]
mod tests;
