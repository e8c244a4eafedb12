//! Where frames come from: a [`Source`] fills the buffers that the pipeline hands it.

pub mod address;
#[cfg(feature = "camera")]
pub mod camera;
pub mod folder;
pub mod jpeg;
pub mod list;
pub mod raw;
pub mod stills;
pub mod stretch;
#[cfg(feature = "video")]
pub mod video;

use crate::frame::Frame;

/// What is known of a source before its first frame.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceInfo {
    /// Its name in tables and messages: the path as the user wrote it, an address without its secrets.
    pub name: String,
    /// Width and height in pixels of the upright picture; frames may differ where a stream changes on the way.
    pub size: (usize, usize),
    /// Mean frames per second, where the source says it.
    pub rate: Option<f64>,
    /// How many frames are to come by what the source claims, where it says it.
    pub claimed_frames: Option<u64>,
}

/// What a call of [`Source::read`] gave.
#[derive(Debug)]
pub enum Read {
    /// The buffer holds the next frame.
    Frame,
    /// A frame could not be decoded; the reason. The source goes on.
    Damaged(String),
    /// There are no more frames.
    End,
}

/// Gives one frame after the other.
pub trait Source: Send {
    /// What is known before the first frame.
    fn info(&self) -> &SourceInfo;

    /// Fills `frame` with the next picture, its number and its times.
    ///
    /// # Errors
    ///
    /// When the source can't go on. A single frame that can't be decoded is [`Read::Damaged`], no error.
    fn read(&mut self, frame: &mut Frame) -> anyhow::Result<Read>;
}
