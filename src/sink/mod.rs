//! Where results go: tables, drawings, videos. One file a sink.

pub mod csv;
pub mod heat;
pub mod jsonl;
pub mod overlay;
pub mod progress;
pub mod record;
pub mod report;
pub mod resume;
pub mod rows;
#[cfg(feature = "video")]
pub mod video;

use std::time::Duration;

use crate::capture::SourceInfo;
use crate::classify::classifier::ActivationMaps;
use crate::face::Face;
use crate::frame::Frame;
use crate::pipeline::{Opinion, Summary};
use crate::verdict::track::TrackedFace;
use crate::verdict::{Judgement, Score};

/// A frame and all that was found in it. `faces`, `scores`, `judgements` and `maps` run in step.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The picture.
    pub frame: &'a Frame,
    /// The faces in it.
    pub faces: &'a [Face],
    /// What the classifier saw in each.
    pub scores: &'a [Score],
    /// What is said of each.
    pub judgements: &'a [Judgement],
    /// What is said of each face's track, in step with `faces`; empty where faces are not followed, as in photos.
    pub tracks: &'a [TrackedFace],
    /// Where the classifier saw it.
    pub maps: &'a ActivationMaps,
    /// What further models say, in the order in which they were named; all else here is the first one's.
    pub others: &'a [Opinion],
    /// From the frame's capture to its verdict.
    pub age: Duration,
}

impl<'a> FrameView<'a> {
    /// What a model says of a face, alone and of its track: model 0 is the first one, 1 the first of the others.
    #[must_use]
    pub fn said(&self, model: usize, face: usize) -> Option<(&'a Judgement, Option<&'a TrackedFace>)> {
        let (judgements, tracks) = match model.checked_sub(1) {
            None => (self.judgements, self.tracks),
            Some(other) => self.others.get(other).map(|other| (&*other.judgements, &*other.tracked))?,
        };
        Some((judgements.get(face)?, tracks.get(face)))
    }
}

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
    fn start(&mut self, _source: &SourceInfo) -> anyhow::Result<()> {
        Ok(())
    }

    /// Called for each frame, in order. What it writes is on its way to the disk when it returns.
    ///
    /// # Errors
    ///
    /// When the sink can't go on; the run ends, and every sink is still finished.
    fn frame(&mut self, view: &FrameView<'_>) -> anyhow::Result<()>;

    /// Called once after the last frame of each source, also when the run failed or was interrupted.
    ///
    /// # Errors
    ///
    /// When the output can't be completed.
    fn finish(&mut self, _summary: &Summary) -> anyhow::Result<()> {
        Ok(())
    }
}
