//! Why a face can't be forged.

use cyborg_edge::capture::jpeg::JpegError;
use cyborg_edge::face::crop::ResizeError;

/// The least side of a picture: below it a mouth is a pixel or two.
pub const LEAST_SIDE: usize = 32;

/// A face that can't be forged.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The buffer isn't a square of this side.
    #[error("a square RGB picture of side {side} has {expected} bytes, not {found}")]
    WrongSize {
        /// Side in pixels.
        side: usize,
        /// Bytes that it takes.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The picture is too small.
    #[error("a picture of side {side} is too small to forge a face in; the minimum is {LEAST_SIDE}")]
    TooSmall {
        /// Side in pixels.
        side: usize,
    },
    /// A landmark is infinite or not a number.
    #[error("landmark {index} is not a finite number; leave the face out, or find its landmarks again")]
    NotFinite {
        /// Its place in the landmarks, from 0.
        index: usize,
    },
    /// The landmarks are too close to each other, too far apart, or not where those of a face can be.
    #[error(
        "the landmarks span no face: eyes {eyes:.3} apart, and {mouth:.3} from the mouth, as shares of the picture's \
         side; leave the face out, or find its landmarks again"
    )]
    NoFace {
        /// Distance between the eyes over the side of the picture.
        eyes: f32,
        /// Distance from the eyes to the mouth over the side of the picture.
        mouth: f32,
    },
    /// The face is not in the picture.
    #[error("the landmarks lie outside the picture, so no part of the face can be forged; crop around the face")]
    OutsidePicture,
    /// Target and donor are alike.
    #[error("the donor's face is indistinguishable from the target's: use another one")]
    SameFace,
    /// The picture can't be shrunk.
    #[error(transparent)]
    Resize(#[from] ResizeError),
    /// The picture can't be coded.
    #[error("can't compress the copy as JPEG")]
    Jpeg(#[from] image::ImageError),
    /// What was coded can't be decoded.
    #[error("can't decode the copy again")]
    Decode(#[from] JpegError),
}
