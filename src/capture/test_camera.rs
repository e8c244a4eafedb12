//! The test camera: plays a clip in real time, in a loop, with the faults of a script.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use super::script::{Doing, Script};
use super::video::{VideoError, VideoSource};
use super::{AtEnd, Open, Opened, Read, Source, SourceInfo};
use crate::BoxError;
use crate::frame::Frame;

/// Frames a second of a clip that says nothing of it.
const USUAL_RATE: f64 = 30.0;

/// Opens the test camera. Its script begins when it is first opened, and goes on while it is unplugged.
#[derive(Debug)]
pub struct TestCamera {
    clip: PathBuf,
    script: Script,
    begun: OnceLock<Instant>,
}

/// The test camera is not plugged in, by its script.
#[derive(Debug, thiserror::Error)]
#[error("the test camera is unplugged by its script")]
pub struct Unplugged;

struct Playing {
    clip: PathBuf,
    video: VideoSource,
    info: SourceInfo,
    script: Script,
    /// When the script began.
    begun: Instant,
    /// When the next frame is due.
    due: Instant,
    number: u64,
}

impl TestCamera {
    /// A camera that plays `clip`.
    #[must_use]
    pub fn new(clip: PathBuf, script: Script) -> Self {
        Self { clip, script, begun: OnceLock::new() }
    }
}

impl Open for TestCamera {
    fn open(&self) -> Result<Opened, BoxError> {
        let begun = *self.begun.get_or_init(Instant::now);
        if self.script.at(begun.elapsed()).doing == Doing::Gone {
            return Err(Unplugged.into());
        }
        let video = open(&self.clip)?;
        let info = SourceInfo { name: "test camera".to_owned(), claimed_frames: None, ..video.info().clone() };
        let (clip, script) = (self.clip.clone(), self.script.clone());
        let source = Box::new(Playing { clip, video, info, script, begun, due: Instant::now(), number: 0 });
        Ok(Opened { source, differs: None, at_end: AtEnd::Finish })
    }
}

/// One thread: with more, a decoder gives its frames late.
fn open(clip: &Path) -> Result<VideoSource, VideoError> {
    VideoSource::open(clip, NonZeroUsize::MIN)
}

impl Source for Playing {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let rate = self.script.at(self.begun.elapsed()).rate.or(self.info.rate).unwrap_or(USUAL_RATE);
        let step = Duration::from_secs_f64(1.0 / rate);
        // Frames that nobody fetched in time are gone, as with any camera.
        self.due = (self.due + step).max(Instant::now());
        loop {
            thread::sleep(self.due.saturating_duration_since(Instant::now()));
            match self.script.at(self.begun.elapsed()).doing {
                Doing::Play => break,
                Doing::Stall(until) => self.due = self.begun + until,
                Doing::Gone => return Err(Unplugged.into()),
                Doing::End => return Ok(Read::End),
            }
        }
        let mut came = self.video.read(frame)?;
        if matches!(came, Read::End) {
            self.video = open(&self.clip)?;
            came = self.video.read(frame)?;
        }
        if !matches!(came, Read::Frame) {
            return Ok(came);
        }
        frame.number = self.number;
        self.number += 1;
        frame.captured = Instant::now();
        Ok(Read::Frame)
    }
}
