//! The frames of a screen: the newest picture, at most so many a second, and two a second where nothing was drawn.

use std::time::{Duration, Instant};

use super::pixels::Area;
use super::watched::Watched;
use crate::BoxError;
use crate::capture::screen::colours::BYTES;
use crate::capture::screen::error::ScreenError;
use crate::capture::screen::frames::{Frames, QUIET};
use crate::capture::screen::opener::ScreenOpener;
use crate::capture::{Read, Source, SourceInfo};
use crate::frame::{Changed, Frame, PixelBox};
use crate::wall;

/// A screen that is watched.
pub(super) struct ScreenSource {
    watched: Watched,
    info: SourceInfo,
    /// Between two looks, at least.
    step: Duration,
    /// When the last frame was captured.
    last: Option<Instant>,
    /// All of the picture must be read: it is the first, or of another size.
    anew: bool,
    frames: Frames,
    /// The picture as it was last seen, RGB. Only what changes is written.
    picture: Vec<u8>,
}

impl ScreenSource {
    pub(super) fn of(watched: Watched, opener: &ScreenOpener) -> Self {
        let (name, rate) = (opener.choice.to_string(), opener.kept_rate());
        let info = SourceInfo { name, size: watched.size(), rate: Some(rate), claimed_frames: None };
        let step = Duration::from_secs_f64(1.0 / rate);
        Self { watched, info, step, last: None, anew: true, frames: Frames::begin(), picture: Vec::new() }
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
            self.give(Instant::now(), self.frames.unchanged(), frame);
            return Ok(());
        }
    }

    /// Looks, and fills the frame where something had changed, or all is `anew`; gives whether it did.
    fn look(&mut self, anew: bool, frame: &mut Frame) -> Result<bool, ScreenError> {
        // What is drawn from here on may be missed.
        let captured = Instant::now();
        let known = self.frames.unchanged().filter(|_| !anew);
        let area = self.watched.look(known.is_none())?;
        let (width, height) = self.watched.size();
        let Some(mut changed) = known else {
            self.picture.resize(width * height * 3, 0);
            self.convert(area, area);
            self.anew = false;
            self.give(captured, None, frame);
            return Ok(true);
        };
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
        self.frames.give(self.watched.size(), &self.picture, captured, changed, frame);
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
