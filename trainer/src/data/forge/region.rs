//! The parts of a face that may be forged, as signed distances in the face's own axes.
//!
//! Five landmarks give no outline, so brow, cheeks, jaw and chin are put where they lie on an average adult face. Its
//! measures in millimetres, about: 63 between the pupils, 65 from the pupils to the mouth, 110 to the chin, 85 to the
//! hairline, 135 across the cheekbones, 105 across the jaw.

use std::fmt;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::face_frame::FaceFrame;

/// Right half of the outline of a face from above the brows to the chin, a little inside the measures above: a swapped
/// face is put inside the hairline and the ears.
pub(super) const WHOLE_FACE: [[f32; 2]; 8] =
    [[0.0, -0.82], [0.5, -0.77], [0.9, -0.3], [0.97, 0.25], [0.85, 0.9], [0.55, 1.4], [0.2, 1.6], [0.0, 1.62]];
/// Right half of the part from the brows to below the lips, which the programs for re-enactment replace.
pub(super) const INNER_FACE: [[f32; 2]; 8] =
    [[0.0, -0.44], [0.6, -0.42], [0.82, -0.15], [0.82, 0.2], [0.72, 0.7], [0.55, 1.15], [0.3, 1.28], [0.0, 1.3]];
/// Within so much of each other two edges are rounded into one, in distances of the eyes: faces have no corners, and a
/// soft mask shows them as rays.
const ROUNDING: f32 = 0.25;
/// Radius around the line between the eyes: brows and lower lids are in it.
const EYES_RADIUS: f32 = 0.34;
/// Radius around the line between the corners of the mouth: the lips and a rim.
const MOUTH_RADIUS: f32 = 0.27;
/// Radius around the ridge of the nose: the wings of the nose are in it.
const NOSE_RADIUS: f32 = 0.28;
/// Where the ridge of the nose begins, from the eyes to the tip.
const NOSE_ROOT: f32 = 0.25;
/// The middle of a face, where it is cut in halves: about the tip of the nose.
pub(super) const MIDDLE: [f32; 2] = [0.0, 0.45];
/// A cut is off level or plumb by up to so many radians (17 degrees).
const CUT_SLANT: f32 = 0.3;
/// How much of its width the far side of a turned face loses for each unit that the tip of the nose is off the middle.
const FAR_SIDE: f32 = 0.8;
/// A nose farther off than so is seen in full profile; the far side doesn't get narrower any more.
const PROFILE: f32 = 0.8;

/// Which part of the face is forged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region {
    /// From the forehead to the chin, cheek to cheek.
    WholeFace,
    /// From the brows to below the lips.
    InnerFace,
    /// Both eyes and what is between them.
    Eyes,
    /// The lips and their surroundings.
    Mouth,
    /// The ridge, tip and wings of the nose.
    Nose,
    /// One half of the face: left, right, upper or lower.
    HalfFace,
}

impl Region {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::WholeFace, Self::InnerFace, Self::Eyes, Self::Mouth, Self::Nose, Self::HalfFace];

    /// Draws one; the whole and the inner face more often, as most forgeries replace these.
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Self {
        match random.random_range(0..20) {
            0..6 => Self::WholeFace,
            6..11 => Self::InnerFace,
            11..13 => Self::Eyes,
            13..15 => Self::Mouth,
            15..17 => Self::Nose,
            _ => Self::HalfFace,
        }
    }

    /// The shape of the part on a face.
    pub(super) fn shape(self, frame: &FaceFrame, random: &mut ChaCha8Rng) -> Shape {
        let [left_eye, right_eye, nose, left_mouth, right_mouth] = frame.landmarks;
        match self {
            Self::WholeFace => Shape::outline(&WHOLE_FACE, nose[0], None),
            Self::InnerFace => Shape::outline(&INNER_FACE, nose[0], None),
            Self::Eyes => Shape::rounded(left_eye, right_eye, EYES_RADIUS),
            Self::Mouth => Shape::rounded(left_mouth, right_mouth, MOUTH_RADIUS),
            Self::Nose => Shape::rounded([nose[0] * NOSE_ROOT, nose[1] * NOSE_ROOT], nose, NOSE_RADIUS),
            Self::HalfFace => Shape::outline(&WHOLE_FACE, nose[0], Some(cut(random))),
        }
    }

    /// About half the width of the part, in distances of the eyes: the measure for how much its edge may be moved.
    pub(super) fn size(self) -> f32 {
        match self {
            Self::WholeFace => 0.9,
            Self::InnerFace => 0.7,
            Self::HalfFace => 0.5,
            Self::Eyes => EYES_RADIUS,
            Self::Mouth => MOUTH_RADIUS,
            Self::Nose => NOSE_RADIUS,
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WholeFace => "whole face",
            Self::InnerFace => "inner face",
            Self::Eyes => "eyes",
            Self::Mouth => "mouth",
            Self::Nose => "nose",
            Self::HalfFace => "half face",
        })
    }
}

/// A straight line: the normal that points out, and the distance from the origin.
pub(super) type Line = [f32; 3];

/// A half of the face: a quarter of the draws each side.
fn cut(random: &mut ChaCha8Rng) -> Line {
    let quarter = random.random_range(0..4) as f32;
    let angle = quarter * std::f32::consts::FRAC_PI_2 + random.random_range(-CUT_SLANT..=CUT_SLANT);
    let (y, x) = angle.sin_cos();
    [x, y, x * MIDDLE[0] + y * MIDDLE[1]]
}

/// A part of a face, ready to be measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Inside all the edges of the right half of a convex outline, which is mirrored to the left.
    Outline {
        edges: [Line; 7],
        /// How far the tip of the nose is off the middle, to the right.
        turn: f32,
        cut: Option<Line>,
    },
    /// Around a stretch of a line.
    Rounded { from: [f32; 2], along: [f32; 2], radius: f32 },
}

impl Shape {
    pub(super) fn outline(right: &[[f32; 2]; 8], nose: f32, cut: Option<Line>) -> Self {
        let edges = std::array::from_fn(|index| {
            let ([ax, ay], [bx, by]) = (right[index], right[index + 1]);
            let length = (bx - ax).hypot(by - ay);
            // The points go down on the right, so outside is to the left of the way, seen in the picture.
            let (x, y) = ((by - ay) / length, (ax - bx) / length);
            [x, y, x * ax + y * ay]
        });
        Self::Outline { edges, turn: nose.clamp(-PROFILE, PROFILE), cut }
    }

    fn rounded(from: [f32; 2], to: [f32; 2], radius: f32) -> Self {
        Self::Rounded { from, along: [to[0] - from[0], to[1] - from[1]], radius }
    }

    /// The middle of the part.
    pub(super) fn middle(&self) -> [f32; 2] {
        match self {
            Self::Outline { .. } => MIDDLE,
            Self::Rounded { from, along, .. } => [from[0] + along[0] / 2.0, from[1] + along[1] / 2.0],
        }
    }

    /// How far a place is outside, negative inside. Beyond a corner of an outline it is somewhat less than the true
    /// distance.
    pub(super) fn distance(&self, [x, y]: [f32; 2]) -> f32 {
        match self {
            Self::Outline { edges, turn, cut } => {
                let far = (turn * x.signum()).max(0.0);
                let aside = x.abs() / (1.0 - FAR_SIDE * far);
                let mut distance = f32::NEG_INFINITY;
                for [a, b, c] in edges {
                    distance = rounded_max(distance, a * aside + b * y - c);
                }
                cut.map_or(distance, |[a, b, c]| distance.max(a * x + b * y - c))
            }
            Self::Rounded { from, along, radius } => {
                let (x, y) = (x - from[0], y - from[1]);
                let square = along[0] * along[0] + along[1] * along[1];
                let part = if square > 0.0 { ((x * along[0] + y * along[1]) / square).clamp(0.0, 1.0) } else { 0.0 };
                (x - part * along[0]).hypot(y - part * along[1]) - radius
            }
        }
    }
}

/// The greater of two numbers, rounded off by a parabola where they are nearly alike.
fn rounded_max(a: f32, b: f32) -> f32 {
    let near = (ROUNDING - (a - b).abs()).max(0.0);
    a.max(b) + near * near / (4.0 * ROUNDING)
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::PixelPoint;
    use rand::SeedableRng;

    use super::*;

    /// A face from the front, whose own axes are the picture's, 100 pixels a unit.
    fn frame(nose: f32) -> FaceFrame {
        let points = [(0.5, 1.0), (1.5, 1.0), (1.0 + nose, 1.6), (0.6, 2.0), (1.4, 2.0)];
        let points = points.map(|(x, y)| PixelPoint { x: x / 4.0, y: y / 4.0 });
        FaceFrame::new(&points, 400).expect("a face")
    }

    fn check(region: Region, inside: &[[f32; 2]], outside: &[[f32; 2]]) {
        let shape = region.shape(&frame(0.0), &mut ChaCha8Rng::seed_from_u64(1));
        for &place in inside {
            assert!(shape.distance(place) < 0.0, "{region}: {place:?} is inside, not {}", shape.distance(place));
        }
        for &place in outside {
            assert!(shape.distance(place) > 0.0, "{region}: {place:?} is outside, not {}", shape.distance(place));
        }
    }

    #[test]
    fn regions_hold_their_parts_of_the_face() {
        let [left_eye, right_eye, nose, left_mouth, right_mouth] = frame(0.0).landmarks;
        let all = frame(0.0).landmarks;
        let (chin, forehead, ear) = ([0.0, 1.55], [0.0, -0.7], [1.1, 0.3]);
        check(Region::WholeFace, &[&all[..], &[chin, forehead]].concat(), &[ear, [0.0, -1.0], [0.0, 1.8]]);
        check(Region::InnerFace, &all, &[chin, forehead, ear]);
        check(Region::Eyes, &[left_eye, right_eye, [0.0, 0.0]], &[nose, left_mouth, chin]);
        check(Region::Mouth, &[left_mouth, right_mouth, [0.0, 1.0]], &[nose, left_eye, chin]);
        check(Region::Nose, &[nose, [0.0, 0.3]], &[left_eye, right_eye, [0.0, 1.0]]);
    }

    #[test]
    fn distances_are_true_beside_an_edge() {
        let shape = Region::Mouth.shape(&frame(0.0), &mut ChaCha8Rng::seed_from_u64(1));
        assert!((shape.distance([0.0, 1.5]) - (0.5 - MOUTH_RADIUS)).abs() < 1e-4);
        assert!((shape.distance([0.0, 1.0]) + MOUTH_RADIUS).abs() < 1e-4);
        assert_eq!(shape.middle(), [0.0, 1.0]);
        let shape = Region::WholeFace.shape(&frame(0.0), &mut ChaCha8Rng::seed_from_u64(1));
        let corner = shape.distance([0.97, 0.25]);
        assert!(corner > 0.0 && corner < ROUNDING / 2.0, "a corner is rounded off: {corner}");
        assert!(shape.distance([0.935, -0.025]).abs() < 0.05, "the middle of an edge is on the edge");
        assert_eq!(shape.distance([0.3, 0.1]), shape.distance([-0.3, 0.1]));
    }

    #[test]
    fn a_half_is_a_half() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..50 {
            let shape = Region::HalfFace.shape(&frame(0.0), &mut random);
            // Of two places opposite each other, one is in the half, unless both lie near the cut.
            for angle in 0..8 {
                let (y, x) = (angle as f32 * std::f32::consts::FRAC_PI_4).sin_cos();
                let place = |sign: f32| [MIDDLE[0] + 0.6 * sign * x, MIDDLE[1] + 0.6 * sign * y];
                let (one, other) = (shape.distance(place(1.0)), shape.distance(place(-1.0)));
                assert!(one < 0.0 || other < 0.0);
                assert!(one > 0.0 || other > 0.0 || (one - other).abs() < 1e-3, "{one}, {other}");
            }
        }
    }

    #[test]
    fn the_far_side_of_a_turned_face_is_narrower() {
        let shape = Region::WholeFace.shape(&frame(0.4), &mut ChaCha8Rng::seed_from_u64(1));
        assert!(shape.distance([-0.85, 0.3]) < 0.0, "the near cheek");
        assert!(shape.distance([0.85, 0.3]) > 0.0, "beyond the far cheek");
    }

    #[test]
    fn all_regions_are_drawn() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let drawn: std::collections::HashSet<_> = (0..200).map(|_| Region::draw(&mut random)).collect();
        assert_eq!(drawn.len(), Region::ALL.len());
    }
}
