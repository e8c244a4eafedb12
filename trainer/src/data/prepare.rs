//! Face crops from photos and frames, made by the runtime's own detector and crop, with room around the face for training to
//! shift in. What the list says of box and landmarks makes training cut exactly what the runtime would have cut out of the
//! photo.

use std::path::Path;

use anyhow::Context;
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::face::{Face, Locate};
use cyborg_edge::frame::{Frame, PixelBox, PixelPoint};
use cyborg_models::contract::CropRule;
use cyborg_models::name;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::inspect::widened;
use super::list::ListedFace;
use crate::checkpoint;

/// What is kept of a face.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// RGB, `side * side`.
    pub pixels: Vec<u8>,
    /// Side in pixels.
    pub side: usize,
    /// Where the face is in it.
    pub face: ListedFace,
}

/// How faces are prepared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrepareSettings {
    /// The crop that training and runtime will make.
    pub rule: CropRule,
    /// Faces whose box is smaller than this on its longer side are left out, in pixels.
    pub least: f32,
    /// Crops with a longer side are shrunk to it, in pixels.
    pub largest: usize,
}

/// Finds faces and cuts them out, keeping its buffers.
pub struct Preparer<D> {
    detector: D,
    cropper: Cropper,
    settings: PrepareSettings,
    found: Vec<Face>,
}

impl<D: Locate> Preparer<D> {
    /// A preparer that looks with `detector`.
    pub fn new(detector: D, settings: PrepareSettings) -> Self {
        Self { detector, cropper: Cropper::new(), settings, found: Vec::new() }
    }

    /// All faces of a frame that are large enough, the surest first.
    ///
    /// # Errors
    ///
    /// When the detector fails.
    pub fn faces(&mut self, frame: &Frame) -> anyhow::Result<Vec<Prepared>> {
        self.detector.locate(frame, &mut self.found).map_err(anyhow::Error::from_boxed)?;
        let mut prepared = Vec::new();
        for face in &self.found {
            if face.bounds.width.max(face.bounds.height) < self.settings.least {
                continue;
            }
            let square = CropSquare::around(&face.bounds, &widened(self.settings.rule));
            let side = square.side.min(self.settings.largest);
            let mut pixels = vec![0; side * side * 3];
            self.cropper.cut(frame, &square, side, &mut pixels)?;
            prepared.push(Prepared { pixels, side, face: listed(face, &square, side) });
        }
        Ok(prepared)
    }
}

/// Box and landmarks in a crop that was brought to `side` pixels.
fn listed(face: &Face, square: &CropSquare, side: usize) -> ListedFace {
    let scale = side as f32 / square.side as f32;
    let (left, top) = (square.left as f32, square.top as f32);
    let bounds = PixelBox {
        left: (face.bounds.left - left) * scale,
        top: (face.bounds.top - top) * scale,
        width: face.bounds.width * scale,
        height: face.bounds.height * scale,
    };
    let inside = |point: PixelPoint| PixelPoint { x: (point.x - left) * scale, y: (point.y - top) * scale };
    ListedFace { bounds, landmarks: Some(face.landmarks.map(inside)) }
}

/// Writes square pixels as PNG: RGB, or grey where there is one value a pixel.
///
/// # Errors
///
/// When the file can't be written.
pub fn write_png(path: &Path, pixels: &[u8], side: usize) -> anyhow::Result<()> {
    let colour = if pixels.len() == side * side { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    // Fast: these files are read many times and kept for a while.
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive).write_image(
        pixels,
        side as u32,
        side as u32,
        colour,
    )?;
    checkpoint::replace(path, &bytes).with_context(|| format!("can't write {}", name::of(path)))
}

#[cfg(test)]
mod tests {
    use cyborg_edge::BoxError;
    use cyborg_models::contract::{Alignment, Border};

    use super::*;

    struct Always(Face);

    impl Locate for Always {
        fn locate(&mut self, _: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
            *faces = vec![self.0];
            Ok(())
        }
    }

    #[test]
    fn the_exact_crop_of_a_prepared_face_is_that_of_its_photo() {
        let mut frame = Frame::empty();
        frame.resize(200, 160);
        for (index, value) in frame.pixels.iter_mut().enumerate() {
            *value = (index * 31 % 253) as u8;
        }
        let bounds = PixelBox { left: 60.3, top: 40.7, width: 52.0, height: 63.4 };
        let face = Face { bounds, landmarks: [PixelPoint { x: 80.0, y: 70.0 }; 5], confidence: 0.9 };
        let rule = CropRule { margin: 1.3, alignment: Alignment::None, border: Border::Replicate };
        let settings = PrepareSettings { rule, least: 20.0, largest: 640 };
        let prepared = Preparer::new(Always(face), settings).faces(&frame).expect("nothing can fail");
        let [Prepared { pixels, side, face: listed }] = &prepared[..] else { unreachable!("there is one face") };
        let mut crop = Frame::empty();
        crop.resize(*side, *side);
        crop.pixels.copy_from_slice(pixels);
        let cut = |frame: &Frame, bounds: &PixelBox| {
            let mut out = vec![0; 64 * 64 * 3];
            Cropper::new().cut(frame, &CropSquare::around(bounds, &rule), 64, &mut out).expect("the sizes fit");
            out
        };
        assert_eq!(cut(&crop, &listed.bounds), cut(&frame, &bounds));
        let small = PrepareSettings { least: 80.0, ..settings };
        assert_eq!(Preparer::new(Always(face), small).faces(&frame).expect("nothing can fail"), []);
    }
}
