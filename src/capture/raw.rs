//! Frames without a container: RGB bytes, one picture after the other, from the standard input or any other reader.

use std::io::{self, ErrorKind};
use std::time::Instant;

use super::patient::{self, Stop};
use super::stretch::{AtClockEnd, Pick, Picker, Stretch};
use super::{Read, Source, SourceInfo};
use crate::BoxError;
use crate::frame::{Frame, PresentationTime, Running};

/// What raw frames don't say of themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawShape {
    /// Width in pixels, above 0.
    pub width: u32,
    /// Height in pixels, above 0.
    pub height: u32,
    /// Frames per second, above 0; their times follow from it.
    pub rate: f64,
}

/// Raw frames that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RawError {
    /// The frames are larger than allowed.
    #[error("{name} would be {width}x{height} pixels, more than the limit of {most}")]
    TooLarge {
        /// The source.
        name: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        most: u64,
    },
    /// There is nothing.
    #[error("{name} has no complete frame: got {bytes} bytes, and a {width}x{height} RGB frame has {size}")]
    NoFrames {
        /// The source.
        name: String,
        /// Bytes that came.
        bytes: usize,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Bytes of a frame.
        size: usize,
    },
    /// No frame is in the stretch that was asked for.
    #[error("{0} has no frame in the stretch that was asked for")]
    NothingWanted(String),
    /// The reader fails.
    #[error("can't read {name}: {reason}")]
    Read {
        /// The source.
        name: String,
        /// What the system says.
        reason: io::Error,
    },
}

/// Raw frames from a reader: `width * height * 3` bytes each, RGB, rows from the top with no gap.
#[derive(Debug)]
pub struct RawSource<R> {
    reader: R,
    info: SourceInfo,
    rate: f64,
    picker: Picker,
    frames: u64,
    taken: u64,
    ended: bool,
    stop: Stop,
}

impl<R: io::Read + Send> RawSource<R> {
    /// Frames of `shape` from `reader`; `name` is for tables and messages. Of the frames those of `stretch` are given.
    ///
    /// # Errors
    ///
    /// When a frame would have more than `most_pixels` pixels.
    pub fn new(reader: R, name: String, shape: RawShape, stretch: Stretch, most_pixels: u64) -> Result<Self, RawError> {
        let RawShape { width, height, rate } = shape;
        if u64::from(width) * u64::from(height) > most_pixels {
            return Err(RawError::TooLarge { name, width, height, most: most_pixels });
        }
        let size = (width as usize, height as usize);
        let info = SourceInfo { name, size, rate: Some(rate), claimed_frames: None };
        Ok(Self {
            reader,
            info,
            rate,
            picker: Picker::new(stretch, AtClockEnd::GoOn),
            frames: 0,
            taken: 0,
            ended: false,
            stop: None,
        })
    }

    /// The same, for a reader that ends when `stop` becomes true: what it then lacks is no fault.
    #[must_use]
    pub fn until(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// Fills as much of `bytes` as there is, and says how much.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, RawError> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.reader.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(reason) if reason.kind() == ErrorKind::Interrupted => {}
                Err(reason) => return Err(RawError::Read { name: self.info.name.clone(), reason }),
            }
        }
        Ok(filled)
    }

    fn end(&self, bytes: usize, size: usize) -> Result<Read, RawError> {
        let name = self.info.name.clone();
        let (width, height) = self.info.size;
        if self.frames == 0 {
            return Err(RawError::NoFrames { name, bytes, width, height, size });
        }
        if self.taken == 0 {
            return Err(RawError::NothingWanted(name));
        }
        Ok(Read::End)
    }
}

impl<R: io::Read + Send> Source for RawSource<R> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let (width, height) = self.info.size;
        frame.resize(width, height);
        loop {
            let size = frame.pixels.len();
            let filled = if self.ended { 0 } else { self.fill(&mut frame.pixels)? };
            if filled < size {
                self.ended = true;
                if patient::stopped(self.stop) {
                    return Ok(Read::End);
                }
                return match filled {
                    1.. if self.frames > 0 => Ok(Read::Damaged(format!("the last frame has {filled} of {size} bytes"))),
                    _ => Ok(self.end(filled, size)?),
                };
            }
            let time = PresentationTime((self.frames as f64 * 1e6 / self.rate).round() as i64);
            let number = self.frames;
            self.frames += 1;
            let running = Running { time, jumps: 0 };
            // Each stands by itself.
            match self.picker.pick(time, running, true) {
                Pick::Skip => {}
                Pick::End => {
                    self.ended = true;
                    return Ok(self.end(0, size)?);
                }
                Pick::Take => {
                    self.taken += 1;
                    frame.number = number;
                    frame.time = time;
                    frame.running = Some(running);
                    frame.captured = Instant::now();
                    frame.patched = false;
                    return Ok(Read::Frame);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: RawShape = RawShape { width: 2, height: 1, rate: 20.0 };

    fn source(bytes: &[u8]) -> RawSource<&[u8]> {
        RawSource::new(bytes, "-".to_owned(), SHAPE, Stretch::WHOLE, 100).expect("it is small")
    }

    #[test]
    fn frames_follow_each_other_and_a_cut_one_is_told() {
        let bytes: Vec<u8> = (0..15).collect();
        let (mut source, mut frame) = (source(&bytes), Frame::empty());
        for number in 0..2_u8 {
            assert!(matches!(source.read(&mut frame), Ok(Read::Frame)));
            assert_eq!(frame.pixels, bytes[usize::from(number) * 6..][..6]);
            assert_eq!((frame.number, frame.time.0), (number.into(), i64::from(number) * 50_000));
        }
        assert!(matches!(source.read(&mut frame), Ok(Read::Damaged(_))));
        assert!(matches!(source.read(&mut frame), Ok(Read::End)));
    }

    #[test]
    fn nothing_and_too_much_are_errors() {
        let error = source(&[1, 2]).read(&mut Frame::empty()).expect_err("there is no frame");
        assert!(error.to_string().contains("got 2 bytes, and a 2x1 RGB frame has 6"), "{error}");
        let large = RawShape { width: 65_000, height: 65_000, rate: 1.0 };
        let error = RawSource::new(io::empty(), "-".to_owned(), large, Stretch::WHOLE, 1 << 20).expect_err("too large");
        assert!(error.to_string().contains("more than the limit of 1048576"), "{error}");
    }
}
