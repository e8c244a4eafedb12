//! CenterFace: finds small and large faces. Its file is fetched.
//!
//! Here is what the network says: a map for each answer, whose cells are 4 pixels. `mended` has its published file take
//! pixels of any size, `strips` writes its first layers for the caches of a processor.

mod mended;
mod strips;

use crate::face::Face;
use crate::face::detector::kind::{Kind, Origin, ReadFaces, View};
use crate::face::detector::overlap::Several;
use crate::frame::{PixelBox, PixelPoint};
use crate::inference::session::Outputs;
use mended::Tensors;

/// What it is called.
pub(super) const NAME: &str = "centerface";

/// The row of the registry.
pub(super) const KIND: Kind = Kind {
    name: NAME,
    origin: Origin::Fetched("centerface"),
    confidence: 0.5,
    // On one clip of one person, shrunk step by step, boxes of 19 and more were found in each frame, of 15 hardly any more.
    found_from: 20.0,
    several: Several::Surest,
    is_own: mended::is_own,
    mend: mended::mend,
};

/// The network works on a grid of cells of this many pixels.
const CELL: usize = 4;

impl ReadFaces for Tensors {
    fn read(&self, outputs: &Outputs<'_>, view: &View, faces: &mut Vec<Face>) -> anyhow::Result<()> {
        let cells = (view.width / CELL) * (view.height / CELL);
        let plane = |name: &str, channels: usize| outputs.floats(name, cells * channels);
        let maps = Maps {
            width: view.width / CELL,
            cells,
            heat: plane(&self.heat, 1)?,
            scale: plane(&self.scale, 2)?,
            offset: plane(&self.offset, 2)?,
            landmarks: plane(&self.landmarks, 10)?,
        };
        maps.read(view.confidence, view.scale, faces);
        Ok(())
    }
}

/// The network's outputs, a plane of cells a channel.
struct Maps<'a> {
    width: usize,
    cells: usize,
    heat: &'a [f32],
    scale: &'a [f32],
    offset: &'a [f32],
    landmarks: &'a [f32],
}

impl Maps<'_> {
    /// Puts every cell above the confidence into `faces`, in pixels of the frame.
    fn read(&self, confidence: f32, (across, down): (f32, f32), faces: &mut Vec<Face>) {
        let cells = self.cells;
        for cell in (0..cells).filter(|&cell| self.heat[cell] > confidence) {
            let step = CELL as f32;
            // Channels come with the vertical one first.
            let height = self.scale[cell].exp() * step;
            let width = self.scale[cells + cell].exp() * step;
            let top = ((cell / self.width) as f32 + self.offset[cell] + 0.5) * step - height / 2.0;
            let left = ((cell % self.width) as f32 + self.offset[cells + cell] + 0.5) * step - width / 2.0;
            let mark = |index: usize| PixelPoint {
                x: (self.landmarks[(2 * index + 1) * cells + cell] * width + left) * across,
                y: (self.landmarks[2 * index * cells + cell] * height + top) * down,
            };
            faces.push(Face {
                bounds: PixelBox { left, top, width, height }.scaled(across, down),
                landmarks: [mark(0), mark(1), mark(2), mark(3), mark(4)],
                confidence: self.heat[cell].min(1.0),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_box_in_the_frame() {
        // A grid of 2 x 1 cells; the second one holds a face of 8 x 16 pixels in a frame twice as large.
        let two = 2.0_f32.ln();
        let four = 4.0_f32.ln();
        let mut landmarks = [0.0; 20];
        landmarks[1] = 0.25;
        landmarks[3] = 0.5;
        let maps = Maps {
            width: 2,
            cells: 2,
            heat: &[0.1, 0.9],
            scale: &[0.0, four, 0.0, two],
            offset: &[0.0, 0.0, 0.0, 0.5],
            landmarks: &landmarks,
        };
        let mut faces = Vec::new();
        maps.read(0.5, (2.0, 2.0), &mut faces);
        assert_eq!(faces.len(), 1);
        let bounds = faces[0].bounds;
        // Centre at cell (1 + 0.5 + 0.5, 0.5), so at pixel (8, 2) of the input and (16, 4) of the frame.
        let expected = PixelBox { left: 8.0, top: -12.0, width: 16.0, height: 32.0 };
        for (got, wanted) in
            [(bounds.left, expected.left), (bounds.top, expected.top), (bounds.width, 16.0), (bounds.height, 32.0)]
        {
            assert!((got - wanted).abs() < 1e-4, "{bounds:?}");
        }
        // The landmark's offsets are shares of the box: a quarter down, a half across.
        assert!((faces[0].landmarks[0].x - 16.0).abs() < 1e-4 && (faces[0].landmarks[0].y - -4.0).abs() < 1e-4);
    }
}
