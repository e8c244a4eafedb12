//! Why faces can't be coded as video.

/// Faces can't be coded as video here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVideoCoder {
    /// The feature is left out.
    #[error(
        "this program was built without FFmpeg's libraries, so it can't code faces as video: build it with the feature `video`"
    )]
    NotBuilt,
    /// FFmpeg has no encoder that serves.
    #[error("FFmpeg's libraries here have none of the encoders {0}: install one")]
    NoEncoder(String),
}
