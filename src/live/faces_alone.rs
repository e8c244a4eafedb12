//! The picture of a source that is private, a screen: each face's square in its place, all else dark.

use std::ops::Range;

use super::view::{Person, View};
use crate::BoxError;
use crate::face::crop::{CropSquare, Cropper};
use crate::frame::{Frame, PixelBox};

/// What is dark.
const DARK: [u8; 3] = [22, 25, 29];
/// Side of the square around a face that was not scored yet, in sides of the face: about what models are given.
const MARGIN: f32 = 1.3;

/// Makes such pictures, keeping its buffers.
#[derive(Debug, Default)]
pub(super) struct FacesAlone {
    cropper: Cropper,
    face: Vec<u8>,
}

impl FacesAlone {
    /// Fills `pixels`, `width * height * 3` of them, with the faces of a picture that is resized to this width and height. Faces are
    /// cut first and resized then, so that nothing from beside them is mixed in.
    pub(super) fn draw(
        &mut self,
        view: &View,
        (width, height): (usize, usize),
        pixels: &mut [u8],
    ) -> Result<(), BoxError> {
        let Self { cropper, face } = self;
        pixels.chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&DARK));
        let scale = width as f32 / view.frame.width.max(1) as f32;
        for square in view.persons.iter().filter_map(|person| square(person, &view.frame)) {
            let side = ((square.side as f32 * scale).round() as usize).max(1);
            let start = |at: i64| (at as f32 * scale).round() as i64;
            face.resize(side * side * 3, 0);
            cropper.cut(&view.frame, &square, side, face)?;
            let (columns, skipped) = inside(start(square.left), side, width);
            let (rows, above) = inside(start(square.top), side, height);
            for (row, y) in rows.enumerate() {
                let from = &face[((above + row) * side + skipped) * 3..][..columns.len() * 3];
                pixels[(y * width + columns.start) * 3..][..columns.len() * 3].copy_from_slice(from);
            }
        }
        Ok(())
    }
}

/// The square of a person's face: the one that was scored, or one like it; `None` for one that is larger than the picture, which
/// is no face.
pub(super) fn square(person: &Person, frame: &Frame) -> Option<CropSquare> {
    let square = person.opinion.as_ref().map(|opinion| opinion.square).unwrap_or_else(|| {
        let PixelBox { left, top, width, height } = person.bounds;
        let side = (width.max(height) * MARGIN).round().max(1.0);
        let along = |start: f32, length: f32| (start + (length - side) / 2.0).round() as i64;
        CropSquare { left: along(left, width), top: along(top, height), side: side as usize }
    });
    (square.side <= frame.width.max(frame.height)).then_some(square)
}

/// The places from `start` on, `length` of them, that are in `0..most`; and how many before them aren't.
fn inside(start: i64, length: usize, most: usize) -> (Range<usize>, usize) {
    let place = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(most);
    let (first, end) = (place(start), place(start.saturating_add_unsigned(length as u64)));
    (first..end, usize::try_from(-start).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_over_the_edge_is_left_out() {
        assert_eq!(inside(3, 4, 10), (3..7, 0));
        assert_eq!(inside(-3, 5, 10), (0..2, 3));
        assert_eq!(inside(8, 5, 10), (8..10, 0));
        assert_eq!(inside(-9, 5, 10).0.len(), 0);
        assert_eq!(inside(12, 5, 10).0.len(), 0);
    }
}
