//! The frames of a screen that the desktop shares: the newest picture, at most so many a second, and two a second where nothing was
//! drawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::consent::Consent;
use super::error::PortalError;
use super::picture::News;
use super::stream::{Latest, Stream};
use crate::BoxError;
use crate::capture::{Read, Source, SourceInfo};
use crate::frame::{Frame, PresentationTime};
use crate::wall;

/// Where nothing is drawn, a frame comes after this time all the same: the picture is known to be as it was.
const QUIET: Duration = Duration::from_millis(500);
/// From the begin to the first picture. Some desktops send none before something is drawn.
const FIRST_WITHIN: Duration = Duration::from_secs(10);
/// A stream that the desktop stops for longer than this is lost.
const STOPPED: Duration = Duration::from_secs(2);
/// How long a look for news of the consent takes.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// A screen that is watched.
pub(super) struct PortalSource {
    stream: Stream,
    consent: Arc<Consent>,
    info: SourceInfo,
    /// Between two frames, at least.
    step: Duration,
    begun: Instant,
    /// When the last frame was captured, or known to hold still.
    last: Option<Instant>,
    frames: u64,
}

impl PortalSource {
    /// Waits for the first picture of the stream.
    pub(super) fn of(stream: Stream, consent: Arc<Consent>, name: String, rate: f64) -> Result<Self, PortalError> {
        let begun = Instant::now();
        let mut latest = stream.latest();
        while latest.came.is_none() {
            if let Some(lost) = &latest.lost {
                return Err(lost.clone());
            }
            let left = FIRST_WITHIN.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(PortalError::NoPicture(FIRST_WITHIN.as_secs()));
            }
            latest = stream.wait(latest, left);
        }
        let size = (latest.picture.width, latest.picture.height);
        drop(latest);
        let info = SourceInfo { name, size, rate: Some(rate), claimed_frames: None };
        let step = Duration::from_secs_f64(1.0 / rate);
        Ok(Self { stream, consent, info, step, begun, last: None, frames: 0 })
    }

    /// Waits for the next frame and fills it.
    fn next(&mut self, frame: &mut Frame) -> Result<(), PortalError> {
        let mut latest = self.stream.latest();
        let mut stopped = None;
        loop {
            if let Some(lost) = &latest.lost {
                return Err(lost.clone());
            }
            let now = Instant::now();
            let is_new = latest.news != News::Nothing;
            let due = match self.last {
                Some(last) if is_new => last + self.step,
                None if is_new => now,
                Some(last) if latest.holds() => last + QUIET,
                // Nobody knows what the screen shows while the desktop sends nothing of it.
                _ => *stopped.get_or_insert(now) + STOPPED,
            };
            if now < due {
                latest = self.stream.wait(latest, due - now);
            } else if is_new || latest.holds() {
                let captured = latest.came.take().filter(|_| is_new).unwrap_or(now);
                let changed = std::mem::replace(&mut latest.news, News::Nothing).changed(self.frames);
                give(&latest, frame);
                drop(latest);
                (frame.number, frame.captured, frame.changed) = (self.frames, captured, changed);
                let since = captured.saturating_duration_since(self.begun).as_micros();
                frame.time = PresentationTime(i64::try_from(since).unwrap_or(i64::MAX));
                self.frames += 1;
                self.last = Some(now);
                return Ok(());
            } else {
                return Err(PortalError::Lost("the desktop has stopped it".to_owned()));
            }
        }
    }
}

/// Fills the frame with the picture.
fn give(latest: &Latest, frame: &mut Frame) {
    (frame.width, frame.height) = (latest.picture.width, latest.picture.height);
    frame.pixels.clear();
    frame.pixels.extend_from_slice(&latest.picture.pixels);
    (frame.running, frame.patched) = (None, false);
}

impl Source for PortalSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let read = wall::behind(|| self.next(frame))?;
        let is_still = frame.changed.as_ref().is_some_and(|changed| changed.parts().is_empty());
        match read {
            // The picture of a screen that is no longer shared may hold still for ever.
            Ok(()) if is_still && self.consent.is_withdrawn(POLL_INTERVAL) => {
                Err(self.consent.lost(PortalError::Withdrawn))
            }
            Ok(()) => Ok(Read::Frame),
            Err(error) => Err(self.consent.lost(error)),
        }
    }
}
