//! How faces are looked for, whoever looks: above all the size of the picture in which they are.

use crate::frame::Frame;

/// Sides of the picture that a network sees are multiples of this.
pub(super) const STRIDE: usize = 32;
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
    /// The longer side for frames whose longer side is given, in pixels, for a detector that finds faces reliably whose
    /// shorter side is `found_from` in that picture.
    pub(super) fn longest_side(self, frame: usize, found_from: f32) -> usize {
        match self {
            Self::Side(side) => side,
            Self::ForFaces(smallest) => {
                let side = (frame as f32 * found_from / smallest.max(1.0)).ceil() as usize;
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
    /// Faces of less confidence are left out, in 0 to 1; nothing stands for what suits the detector.
    pub confidence: Option<f32>,
    /// Faces whose box has a side below this are left out, in pixels of the frame.
    pub smallest: f32,
}

/// Longer side of the picture in which faces are looked for unless it is said otherwise, in pixels.
pub const USUAL_SIDE: usize = 320;

impl Default for DetectorSettings {
    /// Faces of any size, looked for in a picture of the usual size.
    fn default() -> Self {
        Self::of_side(USUAL_SIDE)
    }
}

impl DetectorSettings {
    /// Faces of any size, looked for in a picture of this longer side.
    #[must_use]
    pub const fn of_side(side: usize) -> Self {
        Self { size: DetectSize::Side(side), confidence: None, smallest: 0.0 }
    }
}

/// Size (width, height) of the network's input for a frame: its shape, shrunk to the longest side, in whole strides.
pub(super) fn input_size(frame: &Frame, longest_side: usize) -> (usize, usize) {
    let shrink = (longest_side as f64 / frame.width.max(frame.height).max(1) as f64).min(1.0);
    let side = |length: usize| ((length as f64 * shrink / STRIDE as f64).round() as usize).max(1) * STRIDE;
    (side(frame.width), side(frame.height))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let side = |smallest, frame| DetectSize::ForFaces(smallest).longest_side(frame, 20.0);
        assert_eq!([side(20.0, 1280), side(40.0, 1280), side(160.0, 1280)], [1280, 640, 160]);
        // Within limits, whatever is asked for.
        assert_eq!([side(1.0, 7680), side(0.0, 7680), side(1e9, 1280)], [2048, 2048, 32]);
        assert_eq!(DetectSize::Side(320).longest_side(7680, 20.0), 320);
        // A detector that needs larger faces gets a larger picture.
        assert_eq!(DetectSize::ForFaces(40.0).longest_side(1280, 30.0), 960);
    }
}
