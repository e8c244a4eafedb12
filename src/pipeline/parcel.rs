//! What goes round in the pipeline: a frame and all that is known of it, in buffers that are used again.

use std::time::Duration;

use crate::face::Face;
use crate::frame::Frame;
use crate::model::classifier::{ActivationMaps, Score};
use crate::verdict::Judgement;

/// A frame with its results so far. The vectors keep their memory from one frame to the next.
#[derive(Debug)]
pub struct Parcel {
    /// The picture.
    pub frame: Frame,
    /// Its faces, after `locate`.
    pub faces: Vec<Face>,
    /// A score for each face, after `classify`.
    pub scores: Vec<Score>,
    /// A map for each face, after `classify`.
    pub maps: ActivationMaps,
    /// A judgement for each face, after `judge`.
    pub judgements: Vec<Judgement>,
    /// What each stage took for this frame.
    pub times: ServiceTimes,
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
    pub(super) fn new() -> Self {
        Self {
            frame: Frame::empty(),
            faces: Vec::new(),
            scores: Vec::new(),
            maps: ActivationMaps::default(),
            judgements: Vec::new(),
            times: ServiceTimes::default(),
        }
    }
}
