//! What the frames of a screen have in common, whoever reads it: numbers and times, and when one comes although nothing was drawn.

use std::time::{Duration, Instant};

use crate::frame::{Changed, Frame, PresentationTime};

/// Where nothing is drawn, a frame comes after this time all the same: the picture is known to be as it was.
pub(super) const QUIET: Duration = Duration::from_millis(500);

/// The frames of one screen, in the order in which they are given.
pub(super) struct Frames {
    begun: Instant,
    count: u64,
}

impl Frames {
    /// None yet; their times count from now on.
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), count: 0 }
    }

    /// That the next one is like the last; nothing before the first, of which nobody knows.
    pub(super) fn unchanged(&self) -> Option<Changed> {
        self.count.checked_sub(1).map(Changed::nothing)
    }

    /// Fills the next one with a picture in RGB, which was seen at `captured` and differs from the last in `changed`.
    pub(super) fn give(
        &mut self,
        (width, height): (usize, usize),
        pixels: &[u8],
        captured: Instant,
        changed: Option<Changed>,
        frame: &mut Frame,
    ) {
        (frame.width, frame.height) = (width, height);
        frame.pixels.clear();
        frame.pixels.extend_from_slice(pixels);
        frame.number = self.count;
        self.count += 1;
        let since = captured.saturating_duration_since(self.begun).as_micros();
        frame.time = PresentationTime(i64::try_from(since).unwrap_or(i64::MAX));
        frame.running = None;
        frame.captured = captured;
        frame.patched = false;
        frame.changed = changed;
    }
}
