//! Leaving out faces behind any detector: all but the largest few.

use super::{Face, Locate};
use crate::BoxError;
use crate::frame::Frame;

/// Which of the faces that were found are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Choice {
    /// So many of a frame at most, the largest; all of them when absent.
    pub most: Option<usize>,
}

impl Choice {
    /// Takes the others out of `faces`; the order stays.
    pub fn apply(&self, faces: &mut Vec<Face>) {
        let area = |face: &Face| face.bounds.width * face.bounds.height;
        while faces.len() > self.most.unwrap_or(usize::MAX) {
            // Of two of one size the later one, which is less sure, is left out.
            let smallest = faces.iter().enumerate().rev().min_by(|(_, a), (_, b)| area(a).total_cmp(&area(b)));
            let Some((index, _)) = smallest else {
                break;
            };
            faces.remove(index);
        }
    }
}

/// A detector whose faces are chosen from.
pub struct Chosen<'a> {
    /// Finds them all.
    pub locate: &'a mut dyn Locate,
    /// What is wanted of them.
    pub choice: Choice,
}

impl Locate for Chosen<'_> {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        self.locate.locate(frame, faces)?;
        self.choice.apply(faces);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{PixelBox, PixelPoint};

    /// Of faces of these widths and heights, which are left.
    fn check(choice: Choice, sides: &[(f32, f32)], left: &[usize]) {
        let mut faces: Vec<Face> = sides
            .iter()
            .enumerate()
            .map(|(index, &(width, height))| Face {
                bounds: PixelBox { left: index as f32, top: 0.0, width, height },
                landmarks: [PixelPoint::default(); 5],
                confidence: 0.9,
            })
            .collect();
        choice.apply(&mut faces);
        let found: Vec<usize> = faces.iter().map(|face| face.bounds.left as usize).collect();
        assert_eq!(found, left);
    }

    #[test]
    fn the_largest_stay_in_their_order() {
        let sides = [(2.0, 2.0), (9.0, 9.0), (5.0, 5.0), (2.0, 2.0)];
        check(Choice { most: Some(2) }, &sides, &[1, 2]);
        check(Choice { most: Some(3) }, &sides, &[0, 1, 2]);
        check(Choice { most: Some(0) }, &sides, &[]);
    }
}
