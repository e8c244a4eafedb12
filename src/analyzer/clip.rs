//! The frames of a clip, judged one by one.

use std::path::Path;

use super::Analyzer;
use super::error::AnalyzeError;
use super::following::{FollowedFace, Following};
use crate::capture::video::VideoSource;
use crate::capture::{Read, Source, SourceInfo};
use crate::frame::{Frame, PresentationTime};
use crate::verdict::track::TrackSummary;

/// A frame of a clip, and the persons in it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClipFrame {
    /// Counts the frames from 0.
    pub number: u64,
    /// Presentation time, by the clip's own clock.
    pub time: PresentationTime,
    /// The faces, and whose they are.
    pub faces: Vec<FollowedFace>,
}

/// A clip that is being judged: an iterator over its frames. A frame that can't be decoded is passed over and counted.
pub struct Clip<'a> {
    source: VideoSource,
    following: Following<'a>,
    picture: Frame,
    damaged: u64,
    over: bool,
}

impl<'a> Clip<'a> {
    pub(super) fn open(analyzer: &'a mut Analyzer, path: &Path) -> Result<Self, AnalyzeError> {
        let source = VideoSource::open(path, analyzer.threads)?;
        Ok(Self { source, following: analyzer.follow(), picture: Frame::empty(), damaged: 0, over: false })
    }

    /// What is known of the clip.
    #[must_use]
    pub fn info(&self) -> &SourceInfo {
        self.source.info()
    }

    /// The picture of the last frame.
    #[must_use]
    pub fn picture(&self) -> &Frame {
        &self.picture
    }

    /// Frames so far that could not be decoded.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Ends; gives what is said of each person in the end, in the order in which they came.
    #[must_use]
    pub fn finish(self) -> Vec<TrackSummary> {
        self.following.finish()
    }

    fn judge_next(&mut self) -> Result<Option<ClipFrame>, AnalyzeError> {
        loop {
            match self.source.read(&mut self.picture).map_err(AnalyzeError::read)? {
                Read::Frame => break,
                Read::Damaged(_) => self.damaged += 1,
                Read::End => return Ok(None),
            }
        }
        let faces = self.following.frame(&self.picture)?;
        Ok(Some(ClipFrame { number: self.picture.number, time: self.picture.time, faces }))
    }
}

impl Iterator for Clip<'_> {
    type Item = Result<ClipFrame, AnalyzeError>;

    /// The next frame; after an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.judge_next().transpose();
        self.over = !matches!(next, Some(Ok(_)));
        next
    }
}
