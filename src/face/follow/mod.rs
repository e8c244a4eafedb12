//! From frame to frame: where faces are looked for, and which face is whose.
//!
//! [`Planner`] looks at each frame in turn and says whether a scene begins with it and whether the detector is asked;
//! [`Follower`] gives the faces their tracks, or says where they must be. Two halves, because over files the detector
//! runs between them, on several threads at once; a camera's frames go through both on one thread.
//!
//! A follower that rejoins knows persons by their `looks` too, and finds them again in another place.

mod cut;
mod looks;
mod plan;
mod rejoin;
mod tracker;

use crate::face::Face;
use crate::frame::Frame;

pub use cut::{CutFinder, Difference, Signature};
pub use plan::{DetectEvery, Plan, Planner};
use rejoin::Rejoiner;
pub use tracker::{LONGEST_GAP, LONGEST_SPARSE_GAP, TrackId, Tracker};

/// Gives the faces of one source their tracks, frame after frame.
#[derive(Debug, Default)]
pub struct Follower {
    tracker: Tracker,
    /// Where persons may be in another place at once.
    rejoiner: Option<Rejoiner>,
}

impl Follower {
    /// A follower that knows no track.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that knows persons again who are in another place at once, within three seconds, by what they and their surroundings
    /// look like: for a screen with a call, whose tiles may be arranged anew. With it a cut ends no track at once.
    #[must_use]
    pub fn rejoining() -> Self {
        Self { tracker: Tracker::new(), rejoiner: Some(Rejoiner::new()) }
    }

    /// One for a source of which key frames alone are seen. Who was seen some seconds ago may be anywhere in the picture now, or have
    /// given the place to somebody else: both are told by looks, over gaps of [`LONGEST_SPARSE_GAP`] seconds.
    #[must_use]
    pub fn over_gaps() -> Self {
        Self { tracker: Tracker::over_gaps(), rejoiner: Some(Rejoiner::remembering(LONGEST_SPARSE_GAP)) }
    }

    /// Gives each of `faces` its track, in place of what `tracks` held. Where the plan was not to look for faces, `faces` becomes
    /// what the tracks predict.
    ///
    /// Frames come in their order, each with the plan that was made for it.
    pub fn follow(&mut self, frame: &Frame, plan: Plan, faces: &mut Vec<Face>, tracks: &mut Vec<TrackId>) {
        if plan.cut && self.rejoiner.is_none() {
            self.tracker.end_all();
        }
        if let Some(old) = plan.resized_from {
            self.tracker.resize(old, (frame.width, frame.height));
        }
        if let (true, Some(rejoiner)) = (plan.looks, &mut self.rejoiner) {
            rejoiner.see(frame, plan.cut, faces);
            self.tracker.follow_by(rejoiner, frame.running(), faces, tracks);
            rejoiner.learn(frame.running(), tracks);
        } else if plan.looks {
            self.tracker.follow(frame.running(), faces, tracks);
        } else {
            self.tracker.predict(frame.running(), faces, tracks);
        }
    }

    /// Ends all tracks: who comes from now on is somebody else.
    pub fn end_all(&mut self) {
        self.tracker.end_all();
        self.rejoiner.iter_mut().for_each(Rejoiner::end_all);
    }
}
