//! An animated WebP as a clip: FFmpeg's libraries can't read these before version 8.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use image_webp::{DecodingError, WebPDecoder};

use super::jpeg::MOST_MEMORY;
use super::stretch::{AtClockEnd, Pick, Picker, Stretch};
use super::{Read, Source, SourceInfo};
use crate::BoxError;
use crate::frame::{Frame, PresentationTime, Running};
use crate::name;
use crate::wall::{self, Fault};

/// An animated WebP that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnimationError {
    /// The file can't be opened.
    #[error("can't read {}: {source}", name::of(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is damaged.
    #[error("{name} is a WebP that can't be read: {source}")]
    Decode {
        /// The file.
        name: String,
        /// What the decoder says.
        source: DecodingError,
    },
    /// Its decoder broke down.
    #[error("{name} can't be read: {source}")]
    Fault {
        /// The file.
        name: String,
        /// What the decoder said.
        source: Fault,
    },
    /// Its pictures are larger than allowed.
    #[error("{name} claims {width}x{height} pixels, more than the limit of {most}")]
    TooLarge {
        /// The file.
        name: String,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// The limit.
        most: u64,
    },
    /// No picture is in the stretch that was asked for.
    #[error("{0} has no frame in the stretch that was asked for")]
    NothingWanted(String),
}

/// Whether a plain file holds a WebP. What can't be read is none.
#[must_use]
pub fn is_webp(path: &Path) -> bool {
    let mut head = [0; 12];
    let is_file = path.metadata().is_ok_and(|found| found.is_file());
    is_file
        && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && head.starts_with(b"RIFF")
        && head.ends_with(b"WEBP")
}

/// The pictures of a WebP, one after the other; one that isn't animated has one.
pub struct Animation {
    info: SourceInfo,
    decoder: WebPDecoder<BufReader<File>>,
    /// The picture as it is decoded, with transparency where the file has any.
    decoded: Vec<u8>,
    picker: Picker,
    /// Pictures that are to come, and when the next one is shown.
    left: u32,
    number: u64,
    time: PresentationTime,
    taken: u64,
}

impl Animation {
    /// Opens the file at `path`.
    ///
    /// # Errors
    ///
    /// When it can't be read, is no WebP, or has more than `most_pixels` pixels.
    pub fn open(path: &Path, stretch: Stretch, most_pixels: u64) -> Result<Self, AnimationError> {
        let name = name::of(path);
        let file = File::open(path).map_err(|source| AnimationError::Open { path: path.to_owned(), source })?;
        let opened = wall::behind(|| WebPDecoder::new(BufReader::new(file)));
        let opened = opened.map_err(|source| AnimationError::Fault { name: name.clone(), source })?;
        let mut decoder = opened.map_err(|source| AnimationError::Decode { name: name.clone(), source })?;
        decoder.set_memory_limit(usize::try_from(MOST_MEMORY).unwrap_or(usize::MAX));
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > most_pixels {
            return Err(AnimationError::TooLarge { name, width, height, most: most_pixels });
        }
        let left = if decoder.is_animated() { decoder.num_frames() } else { 1 };
        let claimed_frames = stretch.share_of(left.into());
        let info = SourceInfo { name, size: (width as usize, height as usize), rate: None, claimed_frames };
        let (picker, time) = (Picker::new(stretch, AtClockEnd::GoOn), PresentationTime::default());
        Ok(Self { info, decoder, decoded: Vec::new(), picker, left, number: 0, time, taken: 0 })
    }

    /// Decodes the next picture, and gives the milliseconds for which it is shown.
    fn decode(&mut self) -> Result<u32, DecodingError> {
        let size = self.decoder.output_buffer_size().ok_or(DecodingError::ImageTooLarge)?;
        self.decoded.resize(size, 0);
        if self.decoder.is_animated() {
            return self.decoder.read_frame(&mut self.decoded);
        }
        self.decoder.read_image(&mut self.decoded).map(|()| 0)
    }
}

impl Source for Animation {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        loop {
            if self.left == 0 {
                let nothing = self.taken == 0 && self.number > 0;
                let name = self.info.name.clone();
                return if nothing { Err(AnimationError::NothingWanted(name).into()) } else { Ok(Read::End) };
            }
            let decoded = wall::behind(|| self.decode());
            let decoded = decoded.map_err(|source| AnimationError::Fault { name: self.info.name.clone(), source })?;
            let shown = match decoded {
                Ok(shown) => shown,
                // Each picture is drawn upon the one before: there is nothing to go on with.
                Err(source) if self.number == 0 => {
                    return Err(AnimationError::Decode { name: self.info.name.clone(), source }.into());
                }
                Err(error) => {
                    self.left = 0;
                    return Ok(Read::Damaged(error.to_string()));
                }
            };
            self.left -= 1;
            let (number, time) = (self.number, self.time);
            self.number += 1;
            self.time.0 += i64::from(shown) * 1000;
            let running = Running { time, jumps: 0 };
            // The others are drawn upon those before them.
            match self.picker.pick(time, running, number == 0) {
                Pick::Skip => {}
                Pick::End => self.left = 0,
                Pick::Take => {
                    self.taken += 1;
                    let (width, height) = self.info.size;
                    frame.resize(width, height);
                    let channels = if self.decoder.has_alpha() { 4 } else { 3 };
                    for (pixel, from) in frame.pixels.chunks_exact_mut(3).zip(self.decoded.chunks_exact(channels)) {
                        pixel.copy_from_slice(&from[..3]);
                    }
                    (frame.number, frame.time, frame.running) = (number, time, Some(running));
                    (frame.captured, frame.patched) = (Instant::now(), false);
                    return Ok(Read::Frame);
                }
            }
        }
    }
}
