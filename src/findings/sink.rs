//! The trait of those who take results.

use super::{FrameView, Summary};
use crate::BoxError;
use crate::capture::SourceInfo;

/// Takes the results of a run.
///
/// A sink opens its file when it is made, before any work is done, so that a path that can't be written costs nothing.
/// Only [`Sink::frame`] is required.
pub trait Sink {
    /// Called once before the first frame of each source.
    ///
    /// # Errors
    ///
    /// When the sink can't go on; the source is then not run.
    fn start(&mut self, _source: &SourceInfo) -> Result<(), BoxError> {
        Ok(())
    }

    /// Called for each frame, in order. What it writes is on its way to the disk when it returns.
    ///
    /// # Errors
    ///
    /// When the sink can't go on; the run ends, and every sink is still finished.
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError>;

    /// Called once after the last frame of each source, also when the run failed or was interrupted.
    ///
    /// # Errors
    ///
    /// When the output can't be completed.
    fn finish(&mut self, _summary: &Summary) -> Result<(), BoxError> {
        Ok(())
    }
}
