//! Coding as video: a face goes through a video encoder and comes back as a decoder shows it, since that is how most faces
//! are met. Blocks of another size than JPEG's, coarse colours, and differences from the picture before.
//!
//! It is there with the feature `video`, which links FFmpeg's libraries.

#[cfg(feature = "video")]
mod codec;
mod error;
#[cfg(feature = "video")]
mod planes;

#[cfg(feature = "video")]
pub use codec::VideoCoder;
pub use error::NoVideoCoder;
#[cfg(not(feature = "video"))]
pub use without::VideoCoder;

/// Whether faces can be coded as video here.
///
/// # Errors
///
/// When this program was built without the feature `video`, or FFmpeg's libraries have no encoder.
pub fn check() -> anyhow::Result<()> {
    VideoCoder::check()
}

#[cfg(not(feature = "video"))]
mod without {
    use rand_chacha::ChaCha8Rng;

    use super::error::NoVideoCoder;

    /// Stands where there is no coder.
    #[derive(Debug, Default)]
    pub struct VideoCoder;

    impl VideoCoder {
        /// Says that there is none.
        ///
        /// # Errors
        ///
        /// Always.
        pub fn check() -> anyhow::Result<()> {
            Err(NoVideoCoder::NotBuilt.into())
        }

        /// Says that there is none.
        ///
        /// # Errors
        ///
        /// Always.
        pub fn code(&mut self, _pixels: &mut Vec<u8>, _side: usize, _random: &mut ChaCha8Rng) -> anyhow::Result<()> {
            Self::check()
        }
    }
}
