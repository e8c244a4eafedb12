//! The result of a run over one source.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

use super::opinion::{Opinion, OpinionSummary};
use crate::BoxError;
use crate::capture::SourceInfo;
use crate::explain::explain;
use crate::frame::Frame;

/// The sum of a source's run.
#[derive(Debug)]
pub struct Summary {
    /// The source.
    pub source: SourceInfo,
    /// Frames that came by in the stretch that was wanted, where of these key frames alone went through.
    pub came_by: Option<u64>,
    /// Frames that went through all stages.
    pub frames: u64,
    /// Of the frames, those whose picture is the same as the one before: what was found there was repeated.
    pub repeated_frames: u64,
    /// Of the frames, those without a face.
    pub frames_without_face: u64,
    /// Of the frames, those that the decoder found damaged and patched up; they were judged all the same.
    pub patched_frames: u64,
    /// Frames that could not be decoded.
    pub damaged_frames: u64,
    /// What the decoder said of the first of them.
    pub first_damage: Option<String>,
    /// How often the source's own clock has jumped.
    pub clock_jumps: u64,
    /// Faces in all frames.
    pub faces: u64,
    /// What each model says, in the order in which the models were named. The first one decides.
    pub opinions: Vec<OpinionSummary>,
    /// Service time of each stage, summed over frames.
    pub times: StageTimes,
    /// From the start to the last frame.
    pub wall: Duration,
    /// How it ended.
    pub ended: Ended,
    started: Instant,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// At the end of the source.
    Whole,
    /// By the user's wish.
    Interrupted,
    /// By a failure; what was done before it is in the sinks.
    Failed(BoxError),
}

impl Ended {
    /// `whole`, `interrupted` or `failed`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Interrupted => "interrupted",
            Self::Failed(_) => "failed",
        }
    }
}

/// Service time of each stage, for one frame or summed over many; waiting is not counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Decoding, or waiting for a camera.
    pub decode: Duration,
    /// Finding faces.
    pub locate: Duration,
    /// Cropping and classifying.
    pub classify: Duration,
    /// All sinks.
    pub write: Duration,
}

impl AddAssign for StageTimes {
    fn add_assign(&mut self, more: Self) {
        self.decode += more.decode;
        self.locate += more.locate;
        self.classify += more.classify;
        self.write += more.write;
    }
}

impl Summary {
    /// Nothing yet, of a source that `models` models are to judge.
    pub(crate) fn new(source: SourceInfo, models: usize) -> Self {
        Self {
            source,
            came_by: None,
            frames: 0,
            repeated_frames: 0,
            frames_without_face: 0,
            patched_frames: 0,
            damaged_frames: 0,
            first_damage: None,
            clock_jumps: 0,
            faces: 0,
            opinions: vec![OpinionSummary::default(); models],
            times: StageTimes::default(),
            wall: Duration::ZERO,
            ended: Ended::Whole,
            started: Instant::now(),
        }
    }

    /// Adds a frame with what each model says of its faces.
    pub(crate) fn count(&mut self, frame: &Frame, faces: usize, opinions: &[Opinion], times: StageTimes) {
        if self.frames == 0 {
            // What was known before may be wrong, or nothing.
            self.source.size = (frame.width, frame.height);
        }
        self.frames += 1;
        self.clock_jumps = frame.jumps();
        self.patched_frames += u64::from(frame.patched);
        self.frames_without_face += u64::from(faces == 0);
        self.faces += faces as u64;
        for (sum, opinion) in self.opinions.iter_mut().zip(opinions) {
            sum.count(opinion);
        }
        self.times += times;
        self.wall = self.started.elapsed();
    }

    /// The first failure is the cause; what follows from it is left out.
    pub(crate) fn fail(&mut self, error: BoxError) {
        if matches!(self.ended, Ended::Failed(_)) {
            log::debug!("a further failure of {}: {}", self.source.name, explain(&error));
        } else {
            self.ended = Ended::Failed(error);
        }
    }

    pub(crate) fn interrupt(&mut self) {
        self.ended = Ended::Interrupted;
    }
}
