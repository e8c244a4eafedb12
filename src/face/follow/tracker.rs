//! Follows faces from frame to frame, so that a verdict can be that of a person.
//!
//! Each track predicts where its face is by constant velocity (an alpha-beta filter, the steady state of a Kalman
//! filter), and faces are given to the nearest prediction first. All gaps are measured in presentation time, so that
//! frames that are far apart or come at uneven times are followed alike.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use crate::face::Face;
use crate::face::resize::Resize;
use crate::frame::{PixelBox, PixelPoint, PresentationTime};

/// A track is given up when its face was not seen for so many seconds.
const LOST_AFTER: f64 = 1.0;
/// Where frames are further apart than that, the next one may still continue a track; but no gap longer than this.
pub const LONGEST_GAP: f64 = 5.0;
/// The same where key frames alone are seen: encoders put 250 frames between two of them unless they are told otherwise, which is
/// ten seconds.
pub const LONGEST_SPARSE_GAP: f64 = 12.0;
/// Share of the difference between a face and its prediction that is believed; the rest is taken for jitter of the box.
const PLACE_GAIN: f32 = 0.8;
/// The same for the velocity, once a few frames were seen.
const VELOCITY_GAIN: f32 = 0.3;
/// A hidden face is not believed to move on for ever: its velocity fades with this time constant, in seconds.
const MOTION_FADES: f32 = 0.5;
/// A face whose side is so many times longer or shorter than a track's is another one.
const LARGEST_RATIO: f32 = 2.0;
/// A face that overlaps a prediction this much (intersection over union) may be its continuation.
const LEAST_OVERLAP: f32 = 0.25;
/// So may one whose centre is this close, in sides of the face; further by `REACH_GROWS` for each second of a gap.
const REACH: f32 = 0.5;
/// See [`REACH`].
const REACH_GROWS: f32 = 0.3;
/// How far it may be when the pictures have changed their size: nobody knows exactly how.
const RESIZED_REACH: f32 = 1.0;
/// Of two tracks that lie as well, the one that was seen last goes first: what a second of a gap costs.
const GAP_COST: f32 = 0.2;

/// Number of a track, from 1 in each source. 0 stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TrackId(pub u64);

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Gives the same number to the same face in frame after frame of one source.
#[derive(Debug)]
pub struct Tracker {
    /// In seconds.
    longest_gap: f64,
    tracks: Vec<Followed>,
    born: u64,
    last: Option<PresentationTime>,
    /// How the pictures have changed since the last frame.
    resized: Option<[Resize; 4]>,
    pairs: Vec<Pair>,
    rejoined: Vec<(usize, TrackId)>,
    new: Vec<usize>,
}

/// Knows of faces whose they are, other than by their place. Faces are told by their numbers in the frame.
pub(super) trait Whose {
    /// Whether a face that is in the right place for a track may be its continuation.
    fn may_be(&self, track: TrackId, face: usize) -> bool;

    /// Adds those of the faces without a track, or with one that began just now, that surely are of another that is known, and that
    /// no face has.
    fn rejoin(&mut self, ids: &[TrackId], rejoined: &mut Vec<(usize, TrackId)>);
}

/// Knows of places alone.
struct ByPlace;

impl Whose for ByPlace {
    fn may_be(&self, _track: TrackId, _face: usize) -> bool {
        true
    }

    fn rejoin(&mut self, _ids: &[TrackId], _rejoined: &mut Vec<(usize, TrackId)>) {}
}

/// A face that is followed.
#[derive(Clone, Copy, Debug)]
struct Followed {
    id: TrackId,
    /// As it was last found.
    face: Face,
    /// Where it was when it was last seen, smoothed.
    bounds: PixelBox,
    /// Pixels a second, across and down.
    velocity: (f32, f32),
    seen: PresentationTime,
    sightings: u32,
    continued: bool,
}

/// A track and a face that may be its continuation.
#[derive(Clone, Copy, Debug)]
struct Pair {
    track: usize,
    face: usize,
    cost: f32,
}

impl Default for Tracker {
    fn default() -> Self {
        Self {
            longest_gap: LONGEST_GAP,
            tracks: Vec::new(),
            born: 0,
            last: None,
            resized: None,
            pairs: Vec::new(),
            rejoined: Vec::new(),
            new: Vec::new(),
        }
    }
}

impl Tracker {
    /// A tracker that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that goes on over gaps of [`LONGEST_SPARSE_GAP`] seconds.
    pub(super) fn over_gaps() -> Self {
        Self { longest_gap: LONGEST_SPARSE_GAP, ..Self::new() }
    }

    /// Ends all tracks, at a scene cut for example. Numbers go on, none is given twice.
    pub fn end_all(&mut self) {
        self.tracks.clear();
    }

    /// The next frame, which is to be looked at, has another size than the last one.
    pub fn resize(&mut self, from: (usize, usize), to: (usize, usize)) {
        self.resized = Some(Resize::ways(from, to));
    }

    /// Puts the track of each of `faces`, in their order, in place of what `ids` held.
    ///
    /// `faces` are those of the frame at `time`. Their order doesn't matter. A face that continues no track begins one.
    pub fn follow(&mut self, time: PresentationTime, faces: &[Face], ids: &mut Vec<TrackId>) {
        self.follow_by(&mut ByPlace, time, faces, ids);
    }

    /// The same, where `whose` is asked too.
    pub(super) fn follow_by(
        &mut self,
        whose: &mut impl Whose,
        time: PresentationTime,
        faces: &[Face],
        ids: &mut Vec<TrackId>,
    ) {
        let step = self.last.map_or(0.0, |last| seconds_between(last, time));
        let patience = (1.5 * step).clamp(LOST_AFTER, self.longest_gap);
        self.last = Some(time);
        self.tracks.retain(|track| seconds_between(track.seen, time) <= patience);
        ids.clear();
        ids.resize(faces.len(), TrackId::default());
        let resized = self.resized.take();
        self.pair(time, faces, resized.as_ref());
        for pair in &self.pairs {
            let track = &mut self.tracks[pair.track];
            if !track.continued && ids[pair.face] == TrackId::default() && whose.may_be(track.id, pair.face) {
                match resized {
                    // How it moves in the new pictures is found out anew.
                    Some(_) => *track = Followed { continued: true, ..Followed::new(track.id, faces[pair.face], time) },
                    None => track.continue_with(&faces[pair.face], time),
                }
                ids[pair.face] = track.id;
            }
        }
        for track in self.tracks.iter_mut().filter(|track| !track.continued) {
            resized.iter().for_each(|[likeliest, ..]| track.resize(likeliest));
        }
        for track in &mut self.tracks {
            track.continued = false;
        }
        self.rejoin(whose, time, faces, ids);
        self.begin(time, faces, ids);
    }

    /// Puts where the faces of the last frame that was looked at must be at `time` into `faces`, and their tracks into
    /// `ids`, in place of what both held. For frames between those that are looked at; it changes no track.
    pub fn predict(&self, time: PresentationTime, faces: &mut Vec<Face>, ids: &mut Vec<TrackId>) {
        let seen = || self.tracks.iter().filter(|track| Some(track.seen) == self.last);
        faces.clear();
        faces.extend(seen().map(|track| track.face_at(time)));
        ids.clear();
        ids.extend(seen().map(|track| track.id));
    }

    /// All pairs that may belong together, the likeliest first.
    fn pair(&mut self, time: PresentationTime, faces: &[Face], resized: Option<&[Resize; 4]>) {
        self.pairs.clear();
        for (track, known) in self.tracks.iter().enumerate() {
            for (face, found) in faces.iter().enumerate() {
                let cost = match resized {
                    None => known.cost(&found.bounds, time, REACH),
                    Some(ways) => known.cost_resized(&found.bounds, time, ways),
                };
                if let Some(cost) = cost {
                    self.pairs.push(Pair { track, face, cost });
                }
            }
        }
        let tracks = &self.tracks;
        self.pairs.sort_unstable_by(|a, b| {
            let by_track = || tracks[a.track].id.cmp(&tracks[b.track].id);
            let by_place = || compare(&faces[a.face].bounds, &faces[b.face].bounds);
            a.cost.total_cmp(&b.cost).then_with(by_track).then_with(by_place)
        });
    }

    /// Goes on with tracks that were lost, where their faces are now.
    fn rejoin(&mut self, whose: &mut impl Whose, time: PresentationTime, faces: &[Face], ids: &mut [TrackId]) {
        self.rejoined.clear();
        whose.rejoin(ids, &mut self.rejoined);
        for &(face, id) in &self.rejoined {
            let until_now = std::mem::replace(&mut ids[face], id);
            self.tracks.retain(|track| track.id != id);
            match self.tracks.iter_mut().find(|track| track.id == until_now) {
                Some(mistaken) => mistaken.id = id,
                None => self.tracks.push(Followed::new(id, faces[face], time)),
            }
        }
    }

    /// Begins a track for each face that has none, numbered by place so that the order of the faces doesn't matter.
    fn begin(&mut self, time: PresentationTime, faces: &[Face], ids: &mut [TrackId]) {
        self.new.clear();
        self.new.extend((0..faces.len()).filter(|&face| ids[face] == TrackId::default()));
        self.new.sort_unstable_by(|&a, &b| compare(&faces[a].bounds, &faces[b].bounds));
        for &face in &self.new {
            self.born += 1;
            let id = TrackId(self.born);
            ids[face] = id;
            self.tracks.push(Followed::new(id, faces[face], time));
        }
    }
}

impl Followed {
    fn new(id: TrackId, face: Face, seen: PresentationTime) -> Self {
        Self { id, face, bounds: face.bounds, velocity: (0.0, 0.0), seen, sightings: 1, continued: false }
    }

    /// The face as it was last found, moved to where it must be at `time`.
    fn face_at(&self, time: PresentationTime) -> Face {
        let bounds = self.predicted(seconds_between(self.seen, time) as f32);
        let from = &self.face.bounds;
        let along = |place: f32, start: f32, length: f32| if length > 0.0 { (place - start) / length } else { 0.5 };
        let landmarks = self.face.landmarks.map(|mark| PixelPoint {
            x: bounds.left + along(mark.x, from.left, from.width) * bounds.width,
            y: bounds.top + along(mark.y, from.top, from.height) * bounds.height,
        });
        Face { bounds, landmarks, confidence: self.face.confidence }
    }

    /// Where the face is believed to be after `gap` seconds without it.
    fn predicted(&self, gap: f32) -> PixelBox {
        let moving = MOTION_FADES * (1.0 - (-gap / MOTION_FADES).exp());
        PixelBox {
            left: self.bounds.left + self.velocity.0 * moving,
            top: self.bounds.top + self.velocity.1 * moving,
            ..self.bounds
        }
    }

    /// The same in pictures of another size.
    fn resize(&mut self, way: &Resize) {
        self.bounds = way.place(&self.bounds);
        self.face.bounds = way.place(&self.face.bounds);
        for mark in &mut self.face.landmarks {
            (mark.x, mark.y) = way.point(mark.x, mark.y);
        }
        self.velocity = (0.0, 0.0);
    }

    /// How badly a face in pictures of another size fits, by the way that fits best.
    fn cost_resized(&self, face: &PixelBox, time: PresentationTime, ways: &[Resize; 4]) -> Option<f32> {
        let costs = ways.iter().filter_map(|way| {
            let mut moved = *self;
            moved.resize(way);
            moved.cost(face, time, RESIZED_REACH)
        });
        costs.min_by(f32::total_cmp)
    }

    /// How badly a face fits, 0 or more; `None` where it can't be the same one. `reach` is how far it may be, in sides of the
    /// face.
    fn cost(&self, face: &PixelBox, time: PresentationTime, reach: f32) -> Option<f32> {
        let gap = seconds_between(self.seen, time) as f32;
        let predicted = self.predicted(gap);
        let (own, other) = ((predicted.width * predicted.height).sqrt(), (face.width * face.height).sqrt());
        let ratio = own.max(other) / own.min(other);
        let (from, to) = (centre(&predicted), centre(face));
        let distance = (to.0 - from.0).hypot(to.1 - from.1) / ((own + other) / 2.0);
        let overlap = predicted.overlap(face);
        let near = overlap >= LEAST_OVERLAP || distance <= reach + REACH_GROWS * gap;
        let cost = distance + (1.0 - overlap) + ratio.ln() + GAP_COST * gap;
        // A box without an area, or one that is no number, belongs to nothing.
        (near && ratio <= LARGEST_RATIO && cost.is_finite()).then_some(cost)
    }

    fn continue_with(&mut self, found: &Face, time: PresentationTime) {
        self.face = *found;
        let face = &found.bounds;
        let gap = seconds_between(self.seen, time) as f32;
        let predicted = self.predicted(gap);
        let (from, to) = (centre(&predicted), centre(face));
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        if gap > 0.0 {
            // The first steps tell all that is known of the velocity, later ones correct it.
            let gain = (1.0 / self.sightings as f32).max(VELOCITY_GAIN) / gap;
            self.velocity = (self.velocity.0 + gain * across, self.velocity.1 + gain * down);
        }
        let smooth = |old: f32, new: f32| old + PLACE_GAIN * (new - old);
        let (width, height) = (smooth(self.bounds.width, face.width), smooth(self.bounds.height, face.height));
        let (x, y) = (from.0 + PLACE_GAIN * across, from.1 + PLACE_GAIN * down);
        self.bounds = PixelBox { left: x - width / 2.0, top: y - height / 2.0, width, height };
        self.seen = time;
        self.sightings = self.sightings.saturating_add(1);
        self.continued = true;
    }
}

/// The clock of a damaged file may go back: a gap is a gap.
pub(super) fn seconds_between(a: PresentationTime, b: PresentationTime) -> f64 {
    a.0.abs_diff(b.0) as f64 / 1e6
}

fn centre(bounds: &PixelBox) -> (f32, f32) {
    (bounds.left + bounds.width / 2.0, bounds.top + bounds.height / 2.0)
}

/// An order of boxes by place, then size.
fn compare(a: &PixelBox, b: &PixelBox) -> Ordering {
    let pairs = [(a.left, b.left), (a.top, b.top), (a.width, b.width), (a.height, b.height)];
    pairs.iter().fold(Ordering::Equal, |order, (a, b)| order.then_with(|| a.total_cmp(b)))
}

#[cfg(test)]
#[path = "tracker_tests.rs"]
mod tests;
