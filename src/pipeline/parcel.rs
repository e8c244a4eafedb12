//! What circulates in the pipeline: a frame and everything known about it, in reused buffers.

use std::any::Any;

use crate::BoxError;
use crate::face::Face;
use crate::face::follow::{Plan, TrackId};
use crate::face::quality::Quality;
use crate::findings::{Opinion, StageTimes};
use crate::frame::Frame;

/// A frame with its results so far. The vectors keep their memory from one frame to the next.
#[derive(Debug)]
pub struct Parcel {
    /// Counts the parcels of a run from 0, without a gap.
    pub(super) order: u64,
    /// The picture.
    pub frame: Frame,
    /// Whether a scene begins with it, and whether faces are looked for.
    pub plan: Plan,
    /// Its picture is that of the parcel before it: nothing is looked at again, and what was found there is repeated.
    pub(super) repeats: bool,
    /// Its faces, after `locate` or, where it wasn't looked at, after `follow`.
    pub faces: Vec<Face>,
    /// The track of each face, after `follow`.
    pub tracks: Vec<TrackId>,
    /// How well each face is seen, after `classify`.
    pub qualities: Vec<Quality>,
    /// What each model says, after `classify` and, in full, after `judge`.
    pub opinions: Vec<Opinion>,
    /// What each stage took for this frame.
    pub times: StageTimes,
    /// What went wrong with it. It goes on to the end of the pipeline, and no stage works on it any more.
    pub(super) failure: Option<Failure>,
}

/// What ends a run early.
#[derive(Debug)]
pub(super) enum Failure {
    /// A stage failed.
    Error(BoxError),
    /// A stage panicked.
    Panic(Box<dyn Any + Send>),
}

impl Parcel {
    /// A parcel with room for what `models` models say.
    pub(super) fn new(models: usize) -> Self {
        Self {
            order: 0,
            frame: Frame::empty(),
            plan: Plan::LOOK,
            repeats: false,
            faces: Vec::new(),
            tracks: Vec::new(),
            qualities: Vec::new(),
            opinions: vec![Opinion::default(); models],
            times: StageTimes::default(),
            failure: None,
        }
    }
}
