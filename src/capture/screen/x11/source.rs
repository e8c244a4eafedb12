//! The frames of a screen: the newest picture, at most so many a second, and two a second where nothing was drawn.

use std::time::{Duration, Instant};

use super::layout::BYTES;
use super::pixels::Area;
use super::watched::Watched;
use crate::BoxError;
use crate::capture::screen::error::ScreenError;
use crate::capture::screen::opener::ScreenOpener;
use crate::capture::{Read, Source, SourceInfo};
use crate::frame::{Changed, Frame, PixelBox, PresentationTime};
use crate::wall;

/// Where nothing is drawn, a frame comes after this time all the same: the picture is known to be as it was.
const QUIET: Duration = Duration::from_millis(500);

/// A screen that is watched.
pub(super) struct ScreenSource {
    watched: Watched,
    info: SourceInfo,
    /// Between two looks, at least.
    step: Duration,
    begun: Instant,
    /// When the last frame was captured.
    last: Option<Instant>,
    /// All of the picture must be read: it is the first, or of another size.
    anew: bool,
    frames: u64,
    /// The picture as it was last seen, RGB. Only what changes is written.
    picture: Vec<u8>,
}

impl ScreenSource {
    pub(super) fn of(watched: Watched, opener: &ScreenOpener) -> Self {
        let (name, rate) = (opener.choice.to_string(), opener.kept_rate());
        let info = SourceInfo { name, size: watched.size(), rate: Some(rate), claimed_frames: None };
        let step = Duration::from_secs_f64(1.0 / rate);
        let begun = Instant::now();
        Self { watched, info, step, begun, last: None, anew: true, frames: 0, picture: Vec::new() }
    }

    /// Waits for the next frame and fills it.
    pub(super) fn next(&mut self, frame: &mut Frame) -> Result<(), ScreenError> {
        loop {
            self.anew |= self.watched.hear()?;
            let now = Instant::now();
            let Some(last) = self.last.filter(|_| !self.anew) else {
                return self.look(true, frame).map(|_| ());
            };
            let is_heard = self.watched.heard.is_some();
            let due = last + if is_heard { self.step } else { QUIET };
            if now < due {
                // Who ends the wait by a signal wants to know how things are.
                if !self.watched.server.wait(due - now)? {
                    continue;
                }
            } else if is_heard && self.look(false, frame)? {
                return Ok(());
            } else if now < last + QUIET {
                // What was heard of was in the last picture already.
                continue;
            }
            self.watched.is_seen()?;
            self.give(Instant::now(), Some(Changed::nothing(self.frames.saturating_sub(1))), frame);
            return Ok(());
        }
    }

    /// Looks, and fills the frame where something had changed, or all is `anew`; gives whether it did.
    fn look(&mut self, anew: bool, frame: &mut Frame) -> Result<bool, ScreenError> {
        // What is drawn from here on may be missed.
        let captured = Instant::now();
        let area = self.watched.look(anew)?;
        let (width, height) = self.watched.size();
        if anew {
            self.picture.resize(width * height * 3, 0);
            self.convert(area, area);
            self.anew = false;
            self.give(captured, None, frame);
            return Ok(true);
        }
        let mut changed = Changed::nothing(self.frames.saturating_sub(1));
        let (left, top) = (|area: &Area| area.left as f32, |area: &Area| area.top as f32);
        for found in &self.watched.found {
            let (width, height) = (found.width as f32, found.height as f32);
            changed.add(PixelBox { left: left(found), top: top(found), width, height });
        }
        if changed.parts().is_empty() {
            return Ok(false);
        }
        for part in changed.parts() {
            // They are whole numbers, far below those that a fraction of this size can't count.
            let (left, top) = (part.left as usize, part.top as usize);
            self.convert(area, Area { left, top, width: part.width as usize, height: part.height as usize });
        }
        self.give(captured, Some(changed), frame);
        Ok(true)
    }

    /// Writes a part of the area whose pixels were read, which lies within it, into the picture.
    fn convert(&mut self, area: Area, part: Area) {
        let (width, _) = self.watched.size();
        let raw = &self.watched.pixels.raw;
        for row in part.top..part.top + part.height {
            let from = ((row - area.top) * area.width + part.left - area.left) * BYTES;
            let into = (row * width + part.left) * 3;
            let (from, into) = (&raw[from..from + part.width * BYTES], &mut self.picture[into..into + part.width * 3]);
            self.watched.layout.to_rgb(from, into);
        }
    }

    fn give(&mut self, captured: Instant, changed: Option<Changed>, frame: &mut Frame) {
        let (width, height) = self.watched.size();
        (frame.width, frame.height) = (width, height);
        frame.pixels.clear();
        frame.pixels.extend_from_slice(&self.picture);
        frame.number = self.frames;
        self.frames += 1;
        let since = captured.saturating_duration_since(self.begun).as_micros();
        frame.time = PresentationTime(i64::try_from(since).unwrap_or(i64::MAX));
        frame.running = None;
        frame.captured = captured;
        frame.patched = false;
        frame.changed = changed;
        self.last = Some(captured);
    }
}

impl Source for ScreenSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        wall::behind(|| self.next(frame))??;
        Ok(Read::Frame)
    }
}
