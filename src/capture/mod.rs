//! Where frames come from: a [`Source`] fills the buffers that the pipeline hands it. What may be lost and come back, a
//! camera or a stream, is opened by an [`Open`].

pub mod address;
mod animated;
pub mod animation;
#[cfg(feature = "camera")]
pub mod camera;
pub mod clock;
pub mod folder;
pub mod heif;
mod heif_boxes;
pub mod jpeg;
pub mod names;
mod orientation;
pub mod patient;
mod png_notes;
pub mod raw;
#[cfg(feature = "screen")]
pub mod screen;
pub mod script;
pub mod secrets;
pub mod stills;
#[cfg(feature = "video")]
pub mod stream;
pub mod stretch;
#[cfg(feature = "video")]
pub mod test_camera;
#[cfg(feature = "video")]
pub mod video;

use std::sync::atomic::AtomicBool;

use crate::BoxError;
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

    /// Whether there is sound beside the pictures.
    fn has_sound(&self) -> bool {
        false
    }

    /// Frames that have come by so far in the stretch that is wanted, given or passed over, where key frames alone are given; `None`
    /// of a source that doesn't choose frames so. Between two frames of one that does, many seconds may have passed.
    fn came_by(&self) -> Option<u64> {
        None
    }

    /// Fills `frame` with the next picture, its number and its times. A source whose first frames were passed over tells also
    /// how far it has run; of others the pipeline finds it out.
    ///
    /// # Errors
    ///
    /// When the source can't go on. A single frame that can't be decoded is [`Read::Damaged`], no error.
    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError>;
}

/// A source that was opened.
pub struct Opened {
    /// The source.
    pub source: Box<dyn Source>,
    /// What was got in place of what was asked, in words; absent where both are the same.
    pub differs: Option<String>,
    /// What its end means.
    pub at_end: AtEnd,
}

/// What it means that a source has no more frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// It was lost, as a stream whose other end went away: it is opened again.
    Reopen,
    /// There is no more to come.
    Finish,
}

/// Why a source is not to be opened again: whoever may allow it has said no.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NeverAgain(pub BoxError);

/// Opens one source, and opens it again when it was lost.
pub trait Open: Send + Sync {
    /// Settles what must be settled before the run begins, and may take a person's time: the answer to a dialog. Gives whether it
    /// was; it isn't where `stop` is set first.
    ///
    /// # Errors
    ///
    /// When the answer is no, or nobody can be asked.
    fn prepare(&self, stop: &AtomicBool) -> Result<bool, BoxError> {
        let _ = stop;
        Ok(true)
    }

    /// Opens it. May wait for the device or the network; it is called on the thread that then reads.
    ///
    /// # Errors
    ///
    /// When it can't be opened now. It may be another time, unless it is [`NeverAgain`], with which reading may end too.
    fn open(&self) -> Result<Opened, BoxError>;
}
