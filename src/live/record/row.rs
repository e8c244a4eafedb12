//! What the recorder is told: plain data of a scored face, and of how a source is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::face::follow::TrackId;
use crate::face::quality::Quality;
use crate::frame::PixelBox;
use crate::live::view::View;
use crate::verdict::reason::Reason;
use crate::verdict::{Score, SyntheticProbability, Verdict};

/// A scored face.
#[derive(Debug)]
pub(super) struct Row {
    /// Number of the frame in the source, which begins anew where the source was opened anew.
    pub(super) frame: u64,
    /// Width and height of the frame in pixels.
    pub(super) size: (usize, usize),
    pub(super) captured: Instant,
    pub(super) track: TrackId,
    pub(super) bounds: PixelBox,
    pub(super) score: Score,
    pub(super) quality: Quality,
    /// What was said of the person then.
    pub(super) probability: SyntheticProbability,
    pub(super) verdict: Verdict,
    pub(super) reason: Option<Reason>,
    /// How old the frame was when that was known.
    pub(super) age: Duration,
    pub(super) picture: Option<Picture>,
}

/// The picture in which a face was scored. Its memory is held until the row is written.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) view: Arc<View>,
    pub(super) map: Arc<[f32]>,
    /// Height and width of the map.
    pub(super) map_size: (usize, usize),
    _held: Held,
}

/// Counts a picture that waits.
#[derive(Debug)]
struct Held(Arc<AtomicUsize>);

/// What becomes of a source.
#[derive(Debug)]
pub(super) enum Change {
    Plays,
    /// It was lost, for this reason.
    Lost(String),
}

impl Picture {
    /// The picture, if fewer than `most` wait already.
    pub(super) fn hold(
        (view, map, map_size): (&Arc<View>, &Arc<[f32]>, (usize, usize)),
        waiting: &Arc<AtomicUsize>,
        most: usize,
    ) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let held = Held(Arc::clone(waiting));
        (before < most).then(|| Self { view: Arc::clone(view), map: Arc::clone(map), map_size, _held: held })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
