//! Why something can't be analyzed.

use crate::BoxError;
use crate::capture::stills::StillError;
#[cfg(feature = "video")]
use crate::capture::video::VideoError;
use crate::classify::named::NamedError;
use crate::face::detector::DetectorError;
use crate::inference::runtime::RuntimeError;

/// Why something can't be analyzed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {
    /// ONNX Runtime isn't there, or doesn't start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The model can't be had.
    #[error(transparent)]
    Model(Box<NamedError>),
    /// The detector can't be had.
    #[error(transparent)]
    Detector(#[from] DetectorError),
    /// The photo can't be read.
    #[error(transparent)]
    Photo(#[from] StillError),
    /// The clip can't be opened or decoded any further.
    #[cfg(feature = "video")]
    #[error(transparent)]
    Clip(#[from] VideoError),
    /// The clip was opened, and can't be read any further.
    #[error("{0}")]
    Read(#[source] BoxError),
    /// A network failed at a picture.
    #[error("{0}")]
    Network(#[source] BoxError),
}

impl From<NamedError> for AnalyzeError {
    /// In a box: it is far larger than what a call returns when all is well.
    fn from(error: NamedError) -> Self {
        Self::Model(Box::new(error))
    }
}

impl AnalyzeError {
    pub(super) fn network(error: BoxError) -> Self {
        Self::Network(error)
    }

    #[cfg(feature = "video")]
    pub(super) fn read(error: BoxError) -> Self {
        Self::Read(error)
    }
}
