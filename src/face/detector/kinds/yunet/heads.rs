//! What YuNet says: at each of three levels, whose cells are 8, 16 and 32 pixels, a cell may say that a face is near it.

use crate::face::Face;
use crate::face::detector::kind::{ReadFaces, View};
use crate::frame::{PixelBox, PixelPoint};
use crate::inference::session::Outputs;

/// A level of the network, and the names of its outputs.
pub(super) struct Level {
    /// Pixels of a cell.
    cell: usize,
    class: &'static str,
    object: &'static str,
    bounds: &'static str,
    marks: &'static str,
}

pub(super) const LEVELS: [Level; 3] = [
    Level { cell: 8, class: "cls_8", object: "obj_8", bounds: "bbox_8", marks: "kps_8" },
    Level { cell: 16, class: "cls_16", object: "obj_16", bounds: "bbox_16", marks: "kps_16" },
    Level { cell: 32, class: "cls_32", object: "obj_32", bounds: "bbox_32", marks: "kps_32" },
];

impl Level {
    /// Its outputs, and how many numbers each has a cell.
    pub(super) fn outputs(&self) -> [(&'static str, usize); 4] {
        [(self.class, 1), (self.object, 1), (self.bounds, 4), (self.marks, 10)]
    }
}

/// From a box as this network draws it to one as CenterFace does, on whose boxes models are trained and crops are cut: shares
/// of the box that its centre is moved by, and what its sides are multiplied by.
#[derive(Debug)]
pub(super) struct BoxMap {
    across: f32,
    down: f32,
    width: f32,
    height: f32,
}

/// The mean over 30 sources of each source's median, of 2,461 faces of training photos that both find: docs/detectors.md. The
/// median face is off by 1 to 2 % of its box before, and one face differs from the next by 2 % in place and 5 % in size.
pub(super) const MAP: BoxMap = BoxMap { across: 0.012, down: 0.005, width: 1.025, height: 0.994 };

impl BoxMap {
    pub(super) fn apply(&self, drawn: PixelBox) -> PixelBox {
        let (width, height) = (drawn.width * self.width, drawn.height * self.height);
        let x = drawn.left + drawn.width * (0.5 + self.across);
        let y = drawn.top + drawn.height * (0.5 + self.down);
        PixelBox { left: x - width / 2.0, top: y - height / 2.0, width, height }
    }
}

/// Knows what the outputs mean.
#[derive(Debug)]
pub(super) struct Heads;

impl ReadFaces for Heads {
    fn read(&self, outputs: &Outputs<'_>, view: &View, faces: &mut Vec<Face>) -> anyhow::Result<()> {
        for level in &LEVELS {
            let columns = view.width / level.cell;
            let cells = columns * (view.height / level.cell);
            let [class, object, bounds, marks] =
                level.outputs().map(|(name, count)| outputs.floats(name, cells * count));
            let (class, object, bounds, marks) = (class?, object?, bounds?, marks?);
            Cells { cell: level.cell as f32, columns, class, object, bounds, marks }.read(view, faces);
        }
        Ok(())
    }
}

/// What a level says, row by row.
struct Cells<'a> {
    /// Pixels of a cell.
    cell: f32,
    columns: usize,
    class: &'a [f32],
    object: &'a [f32],
    bounds: &'a [f32],
    marks: &'a [f32],
}

impl Cells<'_> {
    /// Puts every cell above the confidence into `faces`, in pixels of the frame.
    fn read(&self, view: &View, faces: &mut Vec<Face>) {
        let (across, down) = view.scale;
        let answers = self.class.iter().zip(self.object).zip(self.bounds.as_chunks().0).zip(self.marks.as_chunks().0);
        for (at, (((class, object), &[x, y, width, height]), marks)) in answers.enumerate() {
            let confidence = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            // What is no number is no face.
            let is_face = confidence > view.confidence;
            if !is_face {
                continue;
            }
            let (column, row) = ((at % self.columns) as f32, (at / self.columns) as f32);
            let (width, height) = (width.exp() * self.cell, height.exp() * self.cell);
            let (left, top) = ((column + x) * self.cell - width / 2.0, (row + y) * self.cell - height / 2.0);
            let bounds = MAP.apply(PixelBox { left, top, width, height });
            let marks: &[f32; 10] = marks;
            let mark = |index: usize| PixelPoint {
                x: (column + marks[2 * index]) * self.cell * across,
                y: (row + marks[2 * index + 1]) * self.cell * down,
            };
            faces.push(Face {
                bounds: bounds.scaled(across, down),
                landmarks: [mark(0), mark(1), mark(2), mark(3), mark(4)],
                confidence,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_face_in_the_frame() {
        let (mut bounds, mut marks) = ([0.0; 8], [0.0; 20]);
        // The second of two cells: half a cell further, twice as wide and four times as high as a cell.
        bounds[4..].copy_from_slice(&[0.5, 0.25, 2.0_f32.ln(), 4.0_f32.ln()]);
        marks[10..12].copy_from_slice(&[0.25, -0.5]);
        let (class, object) = ([f32::NAN, 0.81], [1.0, 1.0]);
        let cells = Cells { cell: 8.0, columns: 2, class: &class, object: &object, bounds: &bounds, marks: &marks };
        let mut faces = Vec::new();
        cells.read(&View { width: 16, height: 8, scale: (2.0, 3.0), confidence: 0.8 }, &mut faces);
        assert_eq!(faces.len(), 1);
        let Face { bounds, landmarks, confidence } = faces[0];
        let expected = MAP.apply(PixelBox { left: 4.0, top: -14.0, width: 16.0, height: 32.0 }).scaled(2.0, 3.0);
        let pairs = [
            (bounds.left, expected.left),
            (bounds.top, expected.top),
            (bounds.width, expected.width),
            (bounds.height, expected.height),
            (landmarks[0].x, 20.0),
            (landmarks[0].y, -12.0),
            (confidence, 0.9),
        ];
        assert!(pairs.iter().all(|(got, expected)| (got - expected).abs() < 1e-4), "{pairs:?}");
        // As sure as that and no surer is not enough.
        faces.clear();
        cells.read(&View { width: 16, height: 8, scale: (1.0, 1.0), confidence: 0.95 }, &mut faces);
        assert!(faces.is_empty());
    }
}
