//! Video files, and all else that FFmpeg can open, decoded in this process.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::error::{EAGAIN, ENOENT};

use super::{Read, Source, SourceInfo};
use crate::frame::{Frame, PresentationTime};

/// A file whose reading fails this often in a row has nothing more to give.
const MOST_READ_ERRORS: u32 = 16;
/// The converter writes whole vectors, so it may touch a few bytes behind the last row.
const SLACK: usize = 64;

/// A video that can't be opened or decoded.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// It is no file.
    #[error("{0} is a directory: name the video files in it")]
    Directory(String),
    /// It is not there.
    #[error("can't open {0}: No such file or directory")]
    Missing(String),
    /// It can't be opened.
    #[error("can't open {name}: {reason}; is it a video, and whole?")]
    Open {
        /// The video.
        name: String,
        /// What the decoder says.
        reason: ffmpeg::Error,
    },
    /// There is no picture in it.
    #[error("{0} has no video stream, only sound or data")]
    NoVideo(String),
    /// The decoder for it is missing or refuses it.
    #[error("can't decode {name}: {reason}; FFmpeg's libraries here have no decoder for it, or its header is damaged")]
    Decoder {
        /// The video.
        name: String,
        /// What the decoder says.
        reason: ffmpeg::Error,
    },
    /// It ended before the first picture.
    #[error("{name} has no frame that can be decoded{}", damage.as_ref().map(|d| format!(" ({d})")).unwrap_or_default())]
    NoFrames {
        /// The video.
        name: String,
        /// What the decoder said of the first damaged frame.
        damage: Option<String>,
    },
    /// A picture can't be turned into RGB.
    #[error("can't convert the picture format of {name}: {reason}")]
    Convert {
        /// The video.
        name: String,
        /// What the converter says.
        reason: ffmpeg::Error,
    },
}

/// The decoder library and its version, for reports.
#[must_use]
pub fn decoder_version() -> String {
    let version = ffmpeg::codec::version();
    format!("FFmpeg, libavcodec {}.{}.{}", version >> 16, (version >> 8) & 255, version & 255)
}

/// A video, decoded frame by frame.
pub struct VideoSource {
    info: SourceInfo,
    input: ffmpeg::format::context::Input,
    stream: usize,
    time_base: ffmpeg::Rational,
    decoder: ffmpeg::decoder::Video,
    picture: ffmpeg::frame::Video,
    converter: Option<Converter>,
    frames: u64,
    damage: Option<String>,
    read_errors: u32,
    draining: bool,
}

impl VideoSource {
    /// Opens the video at `path`; decoding uses up to `threads` threads.
    ///
    /// # Errors
    ///
    /// When it is missing, is no video, or can't be decoded here.
    pub fn open(path: &Path, threads: NonZeroUsize) -> Result<Self, VideoError> {
        let name = path.display().to_string();
        if path.is_dir() {
            return Err(VideoError::Directory(name));
        }
        let open = |reason| VideoError::Open { name: name.clone(), reason };
        ffmpeg::init().map_err(open)?;
        // Its own messages would go to standard error between ours; what matters comes back as an error.
        ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
        let input = match ffmpeg::format::input(path) {
            Ok(input) => input,
            Err(ffmpeg::Error::Other { errno: ENOENT }) => return Err(VideoError::Missing(name)),
            Err(reason) => return Err(open(reason)),
        };
        let stream =
            input.streams().best(ffmpeg::media::Type::Video).ok_or_else(|| VideoError::NoVideo(name.clone()))?;
        let rate = stream.avg_frame_rate();
        let decoder = decoder(&stream, threads).map_err(|reason| VideoError::Decoder { name: name.clone(), reason })?;
        let info = SourceInfo {
            name,
            size: (decoder.width() as usize, decoder.height() as usize),
            rate: (rate.numerator() > 0 && rate.denominator() > 0).then(|| f64::from(rate)),
            claimed_frames: u64::try_from(stream.frames()).ok().filter(|&frames| frames > 0),
        };
        Ok(Self {
            info,
            stream: stream.index(),
            time_base: stream.time_base(),
            decoder,
            picture: ffmpeg::frame::Video::empty(),
            converter: None,
            frames: 0,
            damage: None,
            read_errors: 0,
            draining: false,
            input,
        })
    }

    /// Gives the decoder its next packet. `Some` when that itself came to something.
    fn feed(&mut self) -> Option<Read> {
        let mut packet = ffmpeg::Packet::empty();
        loop {
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.stream => {}
                Ok(()) => {
                    self.read_errors = 0;
                    return self.decoder.send_packet(&packet).err().map(|error| Read::Damaged(error.to_string()));
                }
                Err(ffmpeg::Error::Eof) => return self.drain(),
                Err(error) => {
                    self.read_errors += 1;
                    return if self.read_errors > MOST_READ_ERRORS {
                        self.drain()
                    } else {
                        Some(Read::Damaged(error.to_string()))
                    };
                }
            }
        }
    }

    fn drain(&mut self) -> Option<Read> {
        // A decoder that can't be drained, or was before, has no more pictures.
        let ended = self.draining || self.decoder.send_eof().is_err();
        self.draining = true;
        ended.then_some(Read::End)
    }

    fn end(&mut self) -> anyhow::Result<Read> {
        if self.frames == 0 {
            return Err(VideoError::NoFrames { name: self.info.name.clone(), damage: self.damage.take() }.into());
        }
        Ok(Read::End)
    }

    fn fill(&mut self, frame: &mut Frame) -> Result<(), VideoError> {
        let picture = &self.picture;
        let shape = (picture.format(), picture.width(), picture.height());
        // A stream may change its size or format on the way.
        if self.converter.as_ref().is_none_or(|converter| converter.shape != shape) {
            let made = Converter::new(shape);
            self.converter = Some(made.map_err(|reason| VideoError::Convert { name: self.info.name.clone(), reason })?);
        }
        if let Some(converter) = &mut self.converter {
            let converted = converter.convert(picture, frame);
            converted.map_err(|reason| VideoError::Convert { name: self.info.name.clone(), reason })?;
        }
        frame.patched = is_patched(picture);
        frame.number = self.frames;
        frame.time = self.time();
        frame.captured = Instant::now();
        self.frames += 1;
        Ok(())
    }

    fn time(&self) -> PresentationTime {
        let micros = match self.picture.timestamp() {
            Some(stamp) => {
                let (up, down) = (self.time_base.numerator(), self.time_base.denominator().max(1));
                i128::from(stamp) * i128::from(up) * 1_000_000 / i128::from(down)
            }
            // A raw stream has no clock: its frames are as far apart as its rate says.
            None => (self.frames as f64 * 1e6 / self.info.rate.unwrap_or(25.0)) as i128,
        };
        PresentationTime(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

impl Source for VideoSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> anyhow::Result<Read> {
        loop {
            let fed = match self.decoder.receive_frame(&mut self.picture) {
                Ok(()) => {
                    self.fill(frame)?;
                    return Ok(Read::Frame);
                }
                Err(ffmpeg::Error::Eof) => return self.end(),
                Err(ffmpeg::Error::Other { errno: EAGAIN }) => self.feed(),
                Err(error) => Some(Read::Damaged(error.to_string())),
            };
            match fed {
                None => {}
                Some(Read::End) => return self.end(),
                Some(Read::Damaged(reason)) => {
                    self.damage.get_or_insert_with(|| reason.clone());
                    return Ok(Read::Damaged(reason));
                }
                Some(Read::Frame) => return Ok(Read::Frame),
            }
        }
    }
}

fn decoder(stream: &ffmpeg::Stream<'_>, threads: NonZeroUsize) -> Result<ffmpeg::decoder::Video, ffmpeg::Error> {
    let mut context = ffmpeg::codec::Context::from_parameters(stream.parameters())?;
    context.set_threading(ffmpeg::threading::Config {
        kind: ffmpeg::threading::Type::Frame,
        count: threads.get(),
        ..ffmpeg::threading::Config::default()
    });
    context.decoder().video()
}

/// Whether the decoder made up a part of the picture. It hides damage where it can, and tells only here.
#[expect(unsafe_code, reason = "the binding has no name for these fields")]
fn is_patched(picture: &ffmpeg::frame::Video) -> bool {
    // SAFETY: the frame is allocated, and these are plain numbers in it.
    unsafe {
        let picture = picture.as_ptr();
        (*picture).decode_error_flags != 0 || (*picture).flags & ffmpeg::ffi::AV_FRAME_FLAG_CORRUPT != 0
    }
}

/// Turns pictures of one shape into RGB.
struct Converter {
    shape: (Pixel, u32, u32),
    context: scaling::Context,
}

// SAFETY: the context is plain memory with no tie to a thread, and has one owner.
#[expect(unsafe_code, reason = "the binding leaves its pointer type without this mark")]
unsafe impl Send for Converter {}

impl Converter {
    fn new(shape: (Pixel, u32, u32)) -> Result<Self, ffmpeg::Error> {
        let (format, width, height) = shape;
        let flags = scaling::Flags::BILINEAR;
        let context = scaling::Context::get(format, width, height, Pixel::RGB24, width, height, flags)?;
        Ok(Self { shape, context })
    }

    #[expect(
        unsafe_code,
        reason = "the binding can only convert into frames of its own, which would have to be copied"
    )]
    fn convert(&mut self, picture: &ffmpeg::frame::Video, frame: &mut Frame) -> Result<(), ffmpeg::Error> {
        let (width, height) = (self.shape.1 as usize, self.shape.2 as usize);
        frame.resize(width, height);
        frame.pixels.reserve(SLACK);
        let planes = [frame.pixels.as_mut_ptr(), std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut()];
        let strides = [(width * 3) as i32, 0, 0, 0];
        // SAFETY: the context was made for this picture's format and size; the first plane has room for `height` rows of
        // `width` RGB pixels and `SLACK` bytes behind them; both live through the call.
        let rows = unsafe {
            let source = picture.as_ptr();
            ffmpeg::ffi::sws_scale(
                self.context.as_mut_ptr(),
                (*source).data.as_ptr().cast(),
                (*source).linesize.as_ptr(),
                0,
                height as i32,
                planes.as_ptr(),
                strides.as_ptr(),
            )
        };
        // Otherwise the buffer would still hold an older frame.
        if rows == height as i32 { Ok(()) } else { Err(ffmpeg::Error::InvalidData) }
    }
}
