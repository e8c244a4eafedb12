//! Finding faces in a frame, and cutting them out.
//!
//! A detector is anything that implements [`Locate`]; [`detector`] has those that are in use. [`crop`] is the only place that
//! cuts and resizes faces: runtime, training and evaluation all call it, so they can't differ. [`exact`] is for whole
//! photos whose scores are to be those of a Python script. [`adaptive`] chooses the size of the picture in which a detector looks. [`follow`] gives faces their tracks from frame to frame, and
//! [`quality`] measures how well a face can be seen.

pub mod adaptive;
pub mod choice;
pub mod crop;
pub mod detector;
pub mod exact;
pub mod follow;
pub mod quality;
pub mod resize;

use crate::BoxError;
use crate::frame::{Frame, PixelBox, PixelPoint};

/// A face as the detector found it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Where it is.
    pub bounds: PixelBox,
    /// Left eye, right eye, tip of the nose, left and right corner of the mouth, as seen in the picture.
    pub landmarks: [PixelPoint; 5],
    /// How sure the detector is, in 0 to 1.
    pub confidence: f32,
}

/// Finds the faces of a frame.
pub trait Locate: Send {
    /// Puts the faces of `frame` into `faces`, which is emptied first. The surest comes first.
    ///
    /// # Errors
    ///
    /// When the detector itself fails; a frame without a face is none.
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError>;
}

impl<L: Locate + ?Sized> Locate for &mut L {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        (**self).locate(frame, faces)
    }
}
