//! A frame and all that was found in it.

use std::time::Duration;

use super::opinion::Opinion;
use crate::face::Face;
use crate::frame::Frame;
use crate::verdict::Judgement;
use crate::verdict::track::TrackedFace;

/// A frame and all that was found in it.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// The source's name.
    pub source: &'a str,
    /// The picture.
    pub frame: &'a Frame,
    /// The faces in it.
    pub faces: &'a [Face],
    /// What each model says of them, in the order in which the models were named. The first one decides.
    pub opinions: &'a [Opinion],
    /// From the frame's capture to its verdict.
    pub age: Duration,
}

impl<'a> FrameView<'a> {
    /// What the model that decides says; `None` where no model was asked.
    #[must_use]
    pub fn first(&self) -> Option<&'a Opinion> {
        self.opinions.first()
    }

    /// What a model says of a face, alone and of its track.
    #[must_use]
    pub fn said(&self, model: usize, face: usize) -> Option<(&'a Judgement, Option<&'a TrackedFace>)> {
        let Opinion { judgements, tracked, .. } = self.opinions.get(model)?;
        Some((judgements.get(face)?, tracked.get(face)))
    }
}
