//! What goes round in the pipeline: a frame and all that is known of it, in buffers that are used again.

use std::any::Any;
use std::time::Duration;

use super::opinion::Opinion;
use crate::classify::classifier::ActivationMaps;
use crate::face::Face;
use crate::face::follow::{Plan, TrackId};
use crate::face::quality::Quality;
use crate::frame::Frame;
use crate::verdict::track::TrackedFace;
use crate::verdict::{Judgement, Score};

/// A frame with its results so far. The vectors keep their memory from one frame to the next.
#[derive(Debug)]
pub struct Parcel {
    /// Counts the parcels of a run from 0, without a gap.
    pub(super) order: u64,
    /// The picture.
    pub frame: Frame,
    /// Whether a scene begins with it, and whether faces are looked for.
    pub plan: Plan,
    /// Its faces, after `locate` or, where it wasn't looked at, after `follow`.
    pub faces: Vec<Face>,
    /// The track of each face, after `follow`.
    pub tracks: Vec<TrackId>,
    /// How well each face is seen, after `classify`.
    pub qualities: Vec<Quality>,
    /// A score for each face, after `classify`.
    pub scores: Vec<Score>,
    /// A map for each face, after `classify`.
    pub maps: ActivationMaps,
    /// A judgement for each face, after `judge`.
    pub judgements: Vec<Judgement>,
    /// What is said of each face's track, after `judge`.
    pub tracked: Vec<TrackedFace>,
    /// What further models say, in the order in which they were named.
    pub others: Vec<Opinion>,
    /// What each stage took for this frame.
    pub times: ServiceTimes,
    /// What went wrong with it. It goes on to the end of the pipeline, and no stage works on it any more.
    pub(super) failure: Option<Failure>,
}

/// What ends a run early.
#[derive(Debug)]
pub(super) enum Failure {
    /// A stage failed.
    Error(anyhow::Error),
    /// A stage panicked.
    Panic(Box<dyn Any + Send>),
}

/// What each stage took for one frame, waiting left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceTimes {
    /// Decoding, or waiting for a camera.
    pub decode: Duration,
    /// Finding faces.
    pub locate: Duration,
    /// Cropping and classifying.
    pub classify: Duration,
    /// All sinks.
    pub write: Duration,
}

impl Parcel {
    /// A parcel with room for what `others` further models say.
    pub(super) fn new(others: usize) -> Self {
        Self {
            order: 0,
            frame: Frame::empty(),
            plan: Plan::LOOK,
            faces: Vec::new(),
            tracks: Vec::new(),
            qualities: Vec::new(),
            scores: Vec::new(),
            maps: ActivationMaps::default(),
            judgements: Vec::new(),
            tracked: Vec::new(),
            others: vec![Opinion::default(); others],
            times: ServiceTimes::default(),
            failure: None,
        }
    }
}
