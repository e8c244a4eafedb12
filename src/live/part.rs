//! Looks at those parts of a picture alone that changed, where its source tells which ([`Frame::changed`]): there faces are
//! looked for again and scored anew, elsewhere what is known stays.
//!
//! No picture is passed over: each says which earlier one it is compared with, and who hasn't seen that one, because a third
//! took its place, looks at all of it.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::view::LiveOpinion;
use crate::BoxError;
use crate::face::follow::TrackId;
use crate::face::{Face, Locate};
use crate::frame::{Changed, Frame, PixelBox};
use crate::verdict::reason::Reason;

/// What lies around a change and is looked at too, in pixels: a face at its edge is seen as a face.
const MARGIN: f32 = 32.0;
/// What lies around a known face and belongs to it, in sides of its box: hair and chin, and a step to the side.
const AROUND_A_FACE: f32 = 0.5;
/// All of the picture is looked at where the parts are more than this share of it: nothing would be saved.
const LARGE_SHARE: f32 = 0.6;
/// A face in a part that overlaps one that stayed as it was by more than this is that one.
const SAME_FACE: f32 = 0.3;
/// A face that doesn't change is scored again after this time: what is known of a person of whom nothing is heard is forgotten.
const REMINDER: Duration = Duration::from_secs(5);

/// Where something changed all of the picture is looked at again after this time, though it be still by then: a look at a part may have
/// been a cheap one, and a face that came with it may have been missed.
const WHOLE_AFTER: Duration = Duration::from_secs(1);

/// Boxes of whole pixels within a picture, which don't overlap.
type Cuts = SmallVec<[PixelBox; 4]>;

/// What is known of the last pictures of a source, for the next one.
#[derive(Debug)]
pub(super) struct Part {
    /// The last picture that was seen.
    seen: Option<u64>,
    /// What changed since the last one in which faces were looked for; `None`: that is not known.
    since_look: Option<Changed>,
    /// What changed since the last picture.
    now: Option<Changed>,
    /// When the last picture was captured of which all was looked at.
    whole: Option<Instant>,
    /// Whether anything changed since.
    owed: bool,
    /// The faces of the last look.
    known: Vec<Face>,
    cut: Frame,
    found: Vec<Face>,
    /// For each person in the last picture, when the one came in which something at the face changed.
    touched: Vec<(TrackId, Instant)>,
    touched_before: Vec<(TrackId, Instant)>,
}

impl Part {
    /// Knows of no picture.
    pub(super) fn new() -> Self {
        Self {
            seen: None,
            since_look: None,
            now: None,
            whole: None,
            owed: true,
            known: Vec::new(),
            cut: Frame::empty(),
            found: Vec::new(),
            touched: Vec::new(),
            touched_before: Vec::new(),
        }
    }

    /// The next picture is of another opening of the source, or another source.
    pub(super) fn begin_anew(&mut self) {
        self.seen = None;
        self.since_look = None;
        self.touched.clear();
    }

    /// Sees the next picture. Of one with which a scene begins, or of another size, all counts as changed.
    pub(super) fn see(&mut self, frame: &Frame, is_another: bool) {
        let seen = self.seen.replace(frame.number);
        let known = |changed: &&Changed| !is_another && seen.is_some_and(|seen| changed.since() <= seen);
        self.now.clone_from(&frame.changed.as_ref().filter(known).cloned());
        self.owed |= self.now.as_ref().is_none_or(|now| !now.parts().is_empty());
        match (&mut self.since_look, &self.now) {
            (Some(all), Some(now)) => all.unite(now),
            (all, _) => *all = None,
        }
    }

    /// Puts the faces of the picture that was seen last into `faces`: looks for them where something changed since the last
    /// look, and leaves the others as they were.
    pub(super) fn locate(
        &mut self,
        detector: &mut dyn Locate,
        frame: &Frame,
        faces: &mut Vec<Face>,
    ) -> Result<(), BoxError> {
        let changed = self.since_look.replace(Changed::nothing(frame.number));
        let since = |whole| frame.captured.saturating_duration_since(whole);
        let is_owed = self.owed && self.whole.is_none_or(|whole| since(whole) >= WHOLE_AFTER);
        let changed = changed.filter(|_| !is_owed);
        let cuts = changed.as_ref().and_then(|changed| cuts(changed, &self.known, (frame.width, frame.height)));
        match (&changed, cuts) {
            (Some(changed), Some(cuts)) => {
                faces.clear();
                faces.extend(self.known.iter().filter(|face| !changed.touches(&with_surroundings(face))));
                let stayed = faces.len();
                for cut in &cuts {
                    cut_out(frame, cut, &mut self.cut);
                    detector.locate(&self.cut, &mut self.found)?;
                    let moved = self.found.iter().map(|face| moved(face, cut.left, cut.top));
                    for face in moved {
                        let is_known = |known: &Face| known.bounds.overlap(&face.bounds) > SAME_FACE;
                        if !faces[..stayed].iter().any(is_known) {
                            faces.push(face);
                        }
                    }
                }
                faces.sort_unstable_by(|a, b| b.confidence.total_cmp(&a.confidence));
            }
            _ => {
                detector.locate(frame, faces)?;
                (self.whole, self.owed) = (Some(frame.captured), false);
            }
        }
        self.known.clone_from(faces);
        Ok(())
    }

    /// Notes which of the faces changed in the picture that was seen last. `faces` and `tracks` run in step.
    pub(super) fn note(&mut self, frame: &Frame, faces: &[Face], tracks: &[TrackId]) {
        std::mem::swap(&mut self.touched, &mut self.touched_before);
        self.touched.clear();
        for (face, &track) in faces.iter().zip(tracks) {
            let is_as_before = self.now.as_ref().is_some_and(|now| !now.touches(&with_surroundings(face)));
            let before = self.touched_before.iter().find(|(known, _)| *known == track).filter(|_| is_as_before);
            self.touched.push((track, before.map_or(frame.captured, |&(_, since)| since)));
        }
    }

    /// Whether a person's face is to be scored in a picture of this time: not where that was done with the face as it is, and
    /// more of the same would say no more.
    pub(super) fn is_due(&self, track: TrackId, opinion: Option<&LiveOpinion>, captured: Instant) -> bool {
        let touched = self.touched.iter().find(|(known, _)| *known == track).map(|&(_, since)| since);
        let (Some(opinion), Some(touched)) = (opinion, touched) else {
            return true;
        };
        opinion.scored < touched
            || opinion.at_first_sight
            || opinion.reason == Some(Reason::TooFewFrames)
            || captured.saturating_duration_since(opinion.scored) >= REMINDER
    }
}

/// A face with what belongs to it.
fn with_surroundings(face: &Face) -> PixelBox {
    grown(&face.bounds, AROUND_A_FACE * face.bounds.width.max(face.bounds.height))
}

fn grown(bounds: &PixelBox, by: f32) -> PixelBox {
    let PixelBox { left, top, width, height } = *bounds;
    PixelBox { left: left - by, top: top - by, width: width + 2.0 * by, height: height + 2.0 * by }
}

/// The parts of a picture of this size to look at; none where nothing changed, `None` where all of it is to be looked at. A
/// known face is in one of them with all of it, or changed nowhere.
fn cuts(changed: &Changed, known: &[Face], (width, height): (usize, usize)) -> Option<Cuts> {
    let mut cuts = Cuts::new();
    for part in changed.parts() {
        let faces = known.iter().map(with_surroundings).filter(|face| face.meets(part));
        let wanted = grown(&faces.fold(*part, |all, face| all.around(&face)), MARGIN);
        let mut cut = whole_pixels(&wanted, (width, height));
        if cut.area() <= 0.0 {
            continue;
        }
        // Two that overlap are one, and that may overlap a third.
        while let Some(other) = cuts.iter().position(|other| other.meets(&cut)) {
            cut = cut.around(&cuts.swap_remove(other));
        }
        cuts.push(cut);
    }
    let all: f32 = cuts.iter().map(PixelBox::area).sum();
    (all <= LARGE_SHARE * (width * height) as f32).then_some(cuts)
}

/// The box in whole pixels, as far as it is within a picture of this size.
fn whole_pixels(bounds: &PixelBox, (width, height): (usize, usize)) -> PixelBox {
    let along = |start: f32, length: f32, most: usize| {
        let (first, last) = (start.floor().max(0.0), (start + length).ceil().min(most as f32));
        (first, (last - first).max(0.0))
    };
    let (left, width) = along(bounds.left, bounds.width, width);
    let (top, height) = along(bounds.top, bounds.height, height);
    PixelBox { left, top, width, height }
}

/// Copies a part of whole pixels, which is within the picture.
fn cut_out(frame: &Frame, cut: &PixelBox, into: &mut Frame) {
    let (left, top) = (cut.left as usize, cut.top as usize);
    (into.width, into.height) = (cut.width as usize, cut.height as usize);
    into.pixels.clear();
    for row in top..top + into.height {
        let start = (row * frame.width + left) * 3;
        into.pixels.extend_from_slice(&frame.pixels[start..start + into.width * 3]);
    }
    (into.number, into.time, into.running) = (frame.number, frame.time, frame.running);
    (into.captured, into.patched) = (frame.captured, frame.patched);
}

fn moved(face: &Face, across: f32, down: f32) -> Face {
    let mut moved = *face;
    moved.bounds.left += across;
    moved.bounds.top += down;
    for mark in &mut moved.landmarks {
        (mark.x, mark.y) = (mark.x + across, mark.y + down);
    }
    moved
}

#[cfg(test)]
#[path = "part_tests.rs"]
mod tests;
