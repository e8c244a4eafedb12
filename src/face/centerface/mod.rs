//! The CenterFace detector: finds small and large faces, with five landmarks.
//!
//! `file` reads and mends its file, `strips` writes its first layers for the caches of a processor.

mod file;
mod strips;

use std::path::Path;

use anyhow::Context;

pub use file::{DetectorError, DetectorFile};

use file::{PIXELS, Tensors};

use super::crop::Cropper;
use super::{Face, Locate};
use crate::frame::{Frame, PixelBox, PixelPoint};
use crate::model::provider::ProviderReport;
use crate::model::runtime::Runtime;
use crate::model::session::{Network, SessionSettings, Values};

/// The network works on a grid of cells of this many pixels.
const CELL: usize = 4;
/// Sides of its input are multiples of this.
const STRIDE: usize = 32;
/// Two boxes that overlap more than this are the same face.
const SAME_FACE: f32 = 0.3;

/// Shorter side of a face's box in the picture that the network sees, in pixels, from which it is found reliably: on one clip
/// of one person, shrunk step by step, boxes of 19 and more were found in each frame, of 15 hardly any more.
const FOUND_FROM: f32 = 20.0;
/// Sides of that picture are no longer than this when it is sized by the faces: time and memory grow with its area.
const MOST_SIDE: usize = 2048;

/// The size of the picture in which faces are looked for. Frames are shrunk to it, never enlarged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DetectSize {
    /// Its longer side in pixels.
    Side(usize),
    /// As large as it takes to find faces whose box has a shorter side of so many pixels in the frame, up to 2048.
    ForFaces(f32),
}

impl DetectSize {
    /// The longer side for frames whose longer side is given, in pixels.
    fn longest_side(self, frame: usize) -> usize {
        match self {
            Self::Side(side) => side,
            Self::ForFaces(smallest) => {
                let side = (frame as f32 * FOUND_FROM / smallest.max(1.0)).ceil() as usize;
                side.clamp(STRIDE, MOST_SIDE)
            }
        }
    }

    /// The longest side for any frame.
    #[must_use]
    pub fn most(self) -> usize {
        match self {
            Self::Side(side) => side,
            Self::ForFaces(_) => MOST_SIDE,
        }
    }
}

/// How faces are looked for.
#[derive(Clone, Copy, Debug)]
pub struct DetectorSettings {
    /// The size of the picture that the network sees.
    pub size: DetectSize,
    /// Faces of less confidence are left out, in 0 to 1.
    pub confidence: f32,
    /// Faces whose box has a side below this are left out, in pixels of the frame.
    pub smallest: f32,
}

/// The detector in ONNX Runtime.
#[derive(Debug)]
pub struct CenterFace {
    network: Network,
    digest: String,
    tensors: Tensors,
    settings: DetectorSettings,
    cropper: Cropper,
    small: Vec<u8>,
    candidates: Vec<Face>,
}

impl CenterFace {
    /// Opens the detector file at `path`, or the one that set-up fetched.
    ///
    /// # Errors
    ///
    /// When the file is missing, is another network, or can't be opened on the provider.
    pub fn open(
        runtime: &Runtime,
        path: Option<&Path>,
        settings: DetectorSettings,
        session: SessionSettings,
    ) -> Result<Self, DetectorError> {
        Self::of(runtime, &DetectorFile::read(path)?, settings, session)
    }

    /// Opens a file that was read.
    ///
    /// # Errors
    ///
    /// When it can't be opened on the provider.
    pub fn of(
        runtime: &Runtime,
        file: &DetectorFile,
        settings: DetectorSettings,
        session: SessionSettings,
    ) -> Result<Self, DetectorError> {
        match Network::open_for(runtime, &file.network, session, settings.size.most()) {
            Ok(network) => Ok(Self {
                network,
                digest: file.digest.clone(),
                tensors: file.tensors.clone(),
                settings,
                cropper: Cropper::new(),
                small: Vec::new(),
                candidates: Vec::new(),
            }),
            Err(source) => Err(DetectorError::Open { path: file.path.clone(), source }),
        }
    }

    /// Where it runs, and why there.
    #[must_use]
    pub fn provider(&self) -> &ProviderReport {
        &self.network.provider
    }

    /// SHA-256 of its file, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl Locate for CenterFace {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> anyhow::Result<()> {
        faces.clear();
        let longest = self.settings.size.longest_side(frame.width.max(frame.height));
        let (width, height) = input_size(frame, longest);
        self.small.resize(width * height * 3, 0);
        self.cropper.resize(&frame.pixels, (frame.width, frame.height), &mut self.small, (width, height))?;
        let names = &self.tensors;
        let cells = (width / CELL) * (height / CELL);
        let input = Values::Bytes(&self.small);
        let outputs = self.network.run(PIXELS, [1, height, width, 3], input).context("the face detector failed")?;
        let plane = |name: &str, channels: usize| {
            outputs.floats(name, cells * channels).context("the face detector failed: is it a CenterFace model?")
        };
        let maps = Maps {
            width: width / CELL,
            cells,
            heat: plane(&names.heat, 1)?,
            scale: plane(&names.scale, 2)?,
            offset: plane(&names.offset, 2)?,
            landmarks: plane(&names.landmarks, 10)?,
        };
        let scale = (frame.width as f32 / width as f32, frame.height as f32 / height as f32);
        maps.read(self.settings.confidence, scale, &mut self.candidates);
        let smallest = self.settings.smallest;
        self.candidates.retain(|face| face.bounds.width.min(face.bounds.height) >= smallest);
        keep_best(&mut self.candidates, faces);
        Ok(())
    }
}

/// Size (width, height) of the network's input for a frame: its shape, shrunk to the longest side, in whole strides.
fn input_size(frame: &Frame, longest_side: usize) -> (usize, usize) {
    let shrink = (longest_side as f64 / frame.width.max(frame.height).max(1) as f64).min(1.0);
    let side = |length: usize| ((length as f64 * shrink / STRIDE as f64).round() as usize).max(1) * STRIDE;
    (side(frame.width), side(frame.height))
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
        faces.clear();
        for cell in (0..cells).filter(|&cell| self.heat[cell] > confidence) {
            let step = CELL as f32;
            // Channels come with the vertical one first.
            let height = self.scale[cell].exp() * step;
            let width = self.scale[cells + cell].exp() * step;
            let top = ((cell / self.width) as f32 + self.offset[cell] + 0.5) * step - height / 2.0;
            let left = ((cell % self.width) as f32 + self.offset[cells + cell] + 0.5) * step - width / 2.0;
            if ![left, top, width, height].into_iter().all(f32::is_finite) {
                continue;
            }
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

/// Non-maximum suppression: of boxes that are the same face the surest stays.
fn keep_best(candidates: &mut [Face], faces: &mut Vec<Face>) {
    candidates.sort_unstable_by(|a, b| b.confidence.total_cmp(&a.confidence));
    for candidate in candidates.iter() {
        if faces.iter().all(|face| face.bounds.overlap(&candidate.bounds) < SAME_FACE) {
            faces.push(*candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, confidence: f32) -> Face {
        Face {
            bounds: PixelBox { left, top: 0.0, width: 10.0, height: 10.0 },
            landmarks: [PixelPoint::default(); 5],
            confidence,
        }
    }

    #[test]
    fn of_overlapping_boxes_the_surest_stays() {
        let mut kept = Vec::new();
        keep_best(&mut [face(0.0, 0.6), face(2.0, 0.9), face(40.0, 0.5)], &mut kept);
        assert_eq!(kept, [face(2.0, 0.9), face(40.0, 0.5)]);
    }

    #[test]
    fn the_input_keeps_the_frames_shape() {
        let mut frame = Frame::empty();
        (frame.width, frame.height) = (1280, 720);
        assert_eq!(input_size(&frame, 320), (320, 192));
        (frame.width, frame.height) = (176, 144);
        assert_eq!(input_size(&frame, 320), (192, 160));
        (frame.width, frame.height) = (1, 5000);
        assert_eq!(input_size(&frame, 320), (32, 320));
    }

    #[test]
    fn small_faces_ask_for_a_large_picture() {
        let side = |smallest, frame| DetectSize::ForFaces(smallest).longest_side(frame);
        assert_eq!([side(20.0, 1280), side(40.0, 1280), side(160.0, 1280)], [1280, 640, 160]);
        // Within limits, whatever is asked for.
        assert_eq!([side(1.0, 7680), side(0.0, 7680), side(1e9, 1280)], [2048, 2048, 32]);
        assert_eq!(DetectSize::Side(320).longest_side(7680), 320);
    }

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
