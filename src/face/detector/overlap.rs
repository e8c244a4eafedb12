//! Merging several boxes of one face: a network finds each face from several of its cells.

use crate::face::Face;
use crate::frame::{PixelBox, PixelPoint};

/// Two boxes that overlap more than this are the same face.
const SAME_FACE: f32 = 0.3;
/// Boxes that overlap a face's surest one this much have a say in where it is.
const AGREES: f32 = 0.5;

/// Which box a face gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Several {
    /// The surest.
    Surest,
    /// The mean of all that agree with the surest, each as much as it is sure. It is steadier from frame to frame.
    Mean,
}

/// Puts each face once into `faces`, the surest first. The order of `candidates` is lost.
pub fn one_each(several: Several, candidates: &mut [Face], faces: &mut Vec<Face>) {
    candidates.sort_unstable_by(|a, b| b.confidence.total_cmp(&a.confidence));
    for candidate in candidates.iter() {
        if faces.iter().all(|face| face.bounds.overlap(&candidate.bounds) < SAME_FACE) {
            faces.push(*candidate);
        }
    }
    if several == Several::Mean {
        for face in faces {
            *face = mean(face, candidates);
        }
    }
}

/// A face where the candidates that agree with it have it in the mean.
fn mean(face: &Face, candidates: &[Face]) -> Face {
    let [mut left, mut top, mut width, mut height, mut weights] = [0.0; 5];
    let mut landmarks = [PixelPoint::default(); 5];
    for Face { bounds, landmarks: marks, confidence } in candidates {
        if face.bounds.overlap(bounds) < AGREES {
            continue;
        }
        left += bounds.left * confidence;
        top += bounds.top * confidence;
        width += bounds.width * confidence;
        height += bounds.height * confidence;
        for (sum, mark) in landmarks.iter_mut().zip(marks) {
            *sum = PixelPoint { x: sum.x + mark.x * confidence, y: sum.y + mark.y * confidence };
        }
        weights += confidence;
    }
    // A face agrees with itself, unless its box has no area.
    if weights <= 0.0 {
        return *face;
    }
    let bounds =
        PixelBox { left: left / weights, top: top / weights, width: width / weights, height: height / weights };
    let landmarks = landmarks.map(|sum| PixelPoint { x: sum.x / weights, y: sum.y / weights });
    Face { bounds, landmarks, ..*face }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, confidence: f32) -> Face {
        let landmarks = [PixelPoint { x: left + 2.0, y: 3.0 }; 5];
        Face { bounds: PixelBox { left, top: 0.0, width: 10.0, height: 10.0 }, landmarks, confidence }
    }

    fn check(several: Several, found: &mut [Face], expected: &[Face]) {
        let mut kept = Vec::new();
        one_each(several, found, &mut kept);
        assert_eq!(kept, expected);
    }

    #[test]
    fn of_overlapping_boxes_the_surest_stays() {
        let mut found = [face(0.0, 0.6), face(2.0, 0.9), face(40.0, 0.5)];
        check(Several::Surest, &mut found, &[face(2.0, 0.9), face(40.0, 0.5)]);
    }

    #[test]
    fn boxes_that_agree_are_weighed() {
        // The first two agree; the third is the same face and disagrees; the last one is another face.
        let mut found = [face(0.0, 0.25), face(2.0, 0.75), face(6.0, 0.5), face(40.0, 0.5)];
        check(Several::Mean, &mut found, &[Face { confidence: 0.75, ..face(1.5, 0.75) }, face(40.0, 0.5)]);
    }

    #[test]
    fn a_box_without_area_stays_what_it_is() {
        let mut empty = face(0.0, 0.5);
        empty.bounds.width = 0.0;
        check(Several::Mean, &mut [empty], &[empty]);
    }
}
