//! The frames of a screen that the desktop shares: the newest picture, at most so many a second, and two a second where nothing was
//! drawn.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::consent::Consent;
use super::error::PortalError;
use super::picture::News;
use super::stream::Stream;
use crate::BoxError;
use crate::capture::screen::frames::{Frames, QUIET};
use crate::capture::{Read, Source, SourceInfo};
use crate::frame::Frame;
use crate::wall;

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
    /// When the last frame was captured, or known to hold still.
    last: Option<Instant>,
    frames: Frames,
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
        Ok(Self { stream, consent, info, step, last: None, frames: Frames::begin() })
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
                let changed = std::mem::replace(&mut latest.news, News::Nothing).changed(self.frames.unchanged());
                let picture = &latest.picture;
                self.frames.give((picture.width, picture.height), &picture.pixels, captured, changed, frame);
                drop(latest);
                self.last = Some(now);
                return Ok(());
            } else {
                return Err(PortalError::Lost("the desktop has stopped it".to_owned()));
            }
        }
    }
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
