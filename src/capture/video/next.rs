//! What reading on in a container comes to.

use ffmpeg_next as ffmpeg;

/// What comes next of the pictures' stream.
pub(super) enum Next {
    Packet(ffmpeg::Packet),
    /// A part of the file can't be read; it may go on behind it.
    Damaged(ffmpeg::Error),
    /// There is no more.
    Ended,
    /// The user wants an end.
    Stopped,
}
