//! The latest verdict on each person, and where the person is in the current picture.

use super::metrics::LiveMetrics;
use super::turns::Turns;
use super::view::{LiveOpinion, Person};
use crate::face::Face;
use crate::face::crop::CropSquare;
use crate::face::follow::TrackId;
use crate::frame::PixelBox;

use std::sync::atomic::Ordering;
use std::time::Instant;

/// What the scorer says of a face.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    /// The scene's number: tracks of another one are other persons.
    pub(super) scene: u64,
    pub(super) track: TrackId,
    /// Where the face was in the frame that was scored.
    pub(super) bounds: PixelBox,
    pub(super) opinion: LiveOpinion,
}

/// The last opinion on each track.
#[derive(Debug, Default)]
pub(super) struct Opinions {
    turns: Turns<Scored>,
}

impl Opinions {
    /// Takes what was said in place of what was said of that track before, and counts a verdict that turned.
    pub(super) fn take(&mut self, said: Scored, metrics: &LiveMetrics) {
        let LiveOpinion { verdict, scored, .. } = said.opinion;
        if self.turns.take(said.track, verdict, scored, said).is_some() {
            metrics.verdicts[verdict as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.turns.clear(|_| {});
    }

    /// Puts a person for each face into `persons`, in place of what it held.
    pub(super) fn persons(&mut self, faces: &[Face], tracks: &[TrackId], now: Instant, persons: &mut Vec<Person>) {
        persons.clear();
        for (face, &track) in faces.iter().zip(tracks) {
            let opinion = self.turns.of(track).map(|known| {
                known.seen = now;
                let Scored { opinion, bounds, .. } = &known.kept;
                LiveOpinion { square: moved(opinion.square, bounds, &face.bounds), ..opinion.clone() }
            });
            persons.push(Person { track, bounds: face.bounds, opinion });
        }
        self.turns.forget(now, |_| {});
    }
}

/// The square in the place that it has now that the face is at `to`: as far from the face's middle, in sides of the face.
fn moved(square: CropSquare, from: &PixelBox, to: &PixelBox) -> CropSquare {
    let grown = to.width.max(to.height) / from.width.max(from.height);
    if !grown.is_finite() || grown <= 0.0 {
        return square;
    }
    let old = square.bounds();
    let along = |old: f32, from: (f32, f32), to: (f32, f32)| to.0 + to.1 / 2.0 + (old - from.0 - from.1 / 2.0) * grown;
    let left = along(old.left, (from.left, from.width), (to.left, to.width));
    let top = along(old.top, (from.top, from.height), (to.top, to.height));
    let side = (old.width * grown).round().max(1.0);
    CropSquare { left: left.round() as i64, top: top.round() as i64, side: side as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(to: (f32, f32, f32), expected: (i64, i64, usize)) {
        let from = PixelBox { left: 100.0, top: 50.0, width: 40.0, height: 40.0 };
        let square = CropSquare { left: 90, top: 40, side: 60 };
        let to = PixelBox { left: to.0, top: to.1, width: to.2, height: to.2 };
        let (left, top, side) = expected;
        assert_eq!(moved(square, &from, &to), CropSquare { left, top, side });
    }

    #[test]
    fn the_square_goes_and_grows_with_its_face() {
        check((100.0, 50.0, 40.0), (90, 40, 60));
        check((107.0, 45.0, 40.0), (97, 35, 60));
        // Twice as large around the same middle (120, 70): 120 - 2 * 30 = 60, 70 - 2 * 30 = 10.
        check((80.0, 30.0, 80.0), (60, 10, 120));
        check((80.0, 30.0, 0.0), (90, 40, 60));
        check((80.0, 30.0, f32::NAN), (90, 40, 60));
    }
}
