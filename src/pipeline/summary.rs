//! What a run of one source came to.

use std::time::{Duration, Instant};

use super::opinion::OpinionSummary;
use super::parcel::Parcel;
use crate::capture::SourceInfo;
use crate::verdict::Verdict;
use crate::verdict::track::TrackSummary;

/// The sum of a source's run.
#[derive(Debug)]
pub struct Summary {
    /// The source.
    pub source: SourceInfo,
    /// Frames that went through all stages.
    pub frames: u64,
    /// Of these, frames without a face.
    pub frames_without_face: u64,
    /// Of these, frames that the decoder found damaged and patched up; they were judged all the same.
    pub patched_frames: u64,
    /// Frames that could not be decoded.
    pub damaged_frames: u64,
    /// What the decoder said of the first of them.
    pub first_damage: Option<String>,
    /// How often the source's own clock has jumped.
    pub clock_jumps: u64,
    /// Faces in all frames.
    pub faces: u64,
    /// Of these, those judged authentic, unsure, synthetic.
    pub verdicts: [u64; 3],
    /// What is said of each track, in order of their numbers; there at the end of the run.
    pub tracks: Vec<TrackSummary>,
    /// What further models say, in the order in which they were named.
    pub others: Vec<OpinionSummary>,
    /// Sum of p(synthetic) over all faces.
    probability_sum: f64,
    /// Service time of each stage, summed over frames.
    pub times: StageTimes,
    /// From the start to the last frame.
    pub wall: Duration,
    /// How it ended.
    pub ended: Ended,
    started: Instant,
}

/// What one model says of a source.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Faces judged authentic, unsure, synthetic.
    pub verdicts: [u64; 3],
    /// What is said of each track, in order of their numbers.
    pub tracks: &'a [TrackSummary],
    /// Mean p(synthetic) over all faces; `None` without a face.
    pub mean_probability: Option<f64>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// At the end of the source.
    Whole,
    /// By the user's wish.
    Interrupted,
    /// By a failure; what was done before it is in the sinks.
    Failed(anyhow::Error),
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

/// Service time of each stage, summed over frames, waiting left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageTimes {
    /// Decoding.
    pub decode: Duration,
    /// Finding and following faces.
    pub locate: Duration,
    /// Cropping and classifying.
    pub classify: Duration,
    /// All sinks.
    pub write: Duration,
}

impl Summary {
    pub(super) fn new(source: SourceInfo, others: usize) -> Self {
        Self {
            source,
            frames: 0,
            frames_without_face: 0,
            patched_frames: 0,
            damaged_frames: 0,
            first_damage: None,
            clock_jumps: 0,
            faces: 0,
            verdicts: [0; 3],
            tracks: Vec::new(),
            others: vec![OpinionSummary::default(); others],
            probability_sum: 0.0,
            times: StageTimes::default(),
            wall: Duration::ZERO,
            ended: Ended::Whole,
            started: Instant::now(),
        }
    }

    /// Mean p(synthetic) over all faces; `None` without a face. The verdicts on persons are in [`Summary::tracks`].
    #[must_use]
    pub fn mean_probability(&self) -> Option<f64> {
        (self.faces > 0).then(|| self.probability_sum / self.faces as f64)
    }

    /// What each model says: the first one, which all else here speaks of, then the others.
    pub fn said(&self) -> impl Iterator<Item = Said<'_>> {
        let mean = |sum: f64| (self.faces > 0).then(|| sum / self.faces as f64);
        let first = Said { verdicts: self.verdicts, tracks: &self.tracks, mean_probability: self.mean_probability() };
        let others = self.others.iter().map(move |other| Said {
            verdicts: other.verdicts,
            tracks: &other.tracks,
            mean_probability: mean(other.probability_sum),
        });
        std::iter::once(first).chain(others)
    }

    /// How many faces were judged so.
    #[must_use]
    pub fn count_of(&self, verdict: Verdict) -> u64 {
        self.verdicts[verdict as usize]
    }

    pub(super) fn count(&mut self, parcel: &Parcel) {
        if self.frames == 0 {
            // What was known before may be wrong, or nothing.
            self.source.size = (parcel.frame.width, parcel.frame.height);
        }
        self.frames += 1;
        self.clock_jumps = parcel.frame.jumps();
        self.patched_frames += u64::from(parcel.frame.patched);
        self.frames_without_face += u64::from(parcel.faces.is_empty());
        self.faces += parcel.faces.len() as u64;
        for judgement in &parcel.judgements {
            self.verdicts[judgement.verdict as usize] += 1;
            self.probability_sum += f64::from(judgement.probability.value());
        }
        for (sum, opinion) in self.others.iter_mut().zip(&parcel.others) {
            sum.count(opinion);
        }
        self.times.decode += parcel.times.decode;
        self.times.locate += parcel.times.locate;
        self.times.classify += parcel.times.classify;
        self.times.write += parcel.times.write;
        self.wall = self.started.elapsed();
    }

    /// The first failure is the cause; what follows from it is left out.
    pub(super) fn fail(&mut self, error: anyhow::Error) {
        if matches!(self.ended, Ended::Failed(_)) {
            log::debug!("a further failure of {}: {error:#}", self.source.name);
        } else {
            self.ended = Ended::Failed(error);
        }
    }

    pub(super) fn interrupt(&mut self) {
        self.ended = Ended::Interrupted;
    }
}
