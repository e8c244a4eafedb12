//! What lies between the thread that finds faces and the one that scores them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::newest::{Bell, Newest};
use super::opinions::Scored;
use super::view::View;
use crate::face::Face;
use crate::face::follow::TrackId;
use crate::face::quality::Quality;
use crate::verdict::Score;

/// How long a thread waits before it looks whether the run is over.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Jobs whose memory is kept: one in the locator's hands, one in the slot, one with the scorer.
const JOBS: usize = 3;
/// Opinions that wait for the locator at most, which takes them all with each frame. A newer one takes the oldest one's place.
const OPINIONS: usize = 64;
/// What lies between a feed's locator and the scorer.
pub(super) struct Desk {
    /// The faces of the newest frame.
    pub(super) jobs: Newest<Job>,
    /// Memory of jobs that are done.
    pub(super) free: ArrayQueue<Job>,
    /// What was said, for the locator.
    pub(super) said: ArrayQueue<Said>,
    /// Whether the feed has ended.
    over: AtomicBool,
}

/// What was said of a face, and what it was said by.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) scored: Scored,
    /// The picture in which the face was scored.
    pub(super) view: Arc<View>,
    pub(super) score: Score,
    pub(super) quality: Quality,
    /// How old the picture was when it was said.
    pub(super) age: Duration,
}

/// The faces of a frame, and its picture.
#[derive(Debug, Default)]
pub(super) struct Job {
    pub(super) scene: u64,
    pub(super) view: Option<Arc<View>>,
    pub(super) faces: Vec<Face>,
    /// The track of each.
    pub(super) tracks: Vec<TrackId>,
}

impl Desk {
    /// A desk at which the scorer, who hears this bell, is told of new faces.
    pub(super) fn new(bell: &Bell) -> Self {
        Self {
            jobs: Newest::ringing(bell),
            free: ArrayQueue::new(JOBS),
            said: ArrayQueue::new(OPINIONS),
            over: AtomicBool::new(false),
        }
    }

    /// The feed ends.
    pub(super) fn close(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether the feed has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Keeps the memory of a job that is done, and lets go of its picture.
    pub(super) fn give_back(&self, mut job: Job) {
        job.view = None;
        let _ = self.free.push(job);
    }
}
