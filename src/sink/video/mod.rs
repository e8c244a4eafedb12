//! The annotated video: the source's pictures with boxes, verdicts and heat maps, and its sound, as an MP4.
//!
//! It is written in fragments, so that what was written can be played even if the disk fills up or the program is killed.

mod canvas;
mod file;
mod pieces;
mod sound;
mod writer;

use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;

pub use sound::{SilenceReason, Sound};

use pieces::Pieces;
use sound::SoundTrack;
use writer::{CLOCK, Header, Writer};

use crate::BoxError;
use crate::capture::SourceInfo;
use crate::findings::{Ended, FrameView, Sink, Summary};
use crate::frame::Frame;
use crate::name;

/// Encoders by their FFmpeg name, the best first. The last one is in every build.
const ENCODERS: [&str; 4] = ["libx264", "libopenh264", "h264_v4l2m2m", "mpeg4"];
/// Frames from one fragment to the next.
const FRAGMENT: u32 = 50;
/// Of pictures with more pixels than this the encoder keeps none but those that it works on; otherwise it looks some
/// dozens ahead.
const LARGE: usize = 10_000_000;
/// Sound that begins this much before the first picture, in microseconds, is what the video begins with.
const SOUND_FIRST: i64 = 500_000;

/// An annotated video that can't be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VideoSinkError {
    /// The file can't be made.
    #[error("can't write {}: {reason}", name::of(path))]
    Create {
        /// The file.
        path: PathBuf,
        /// What FFmpeg says.
        reason: ffmpeg::Error,
    },
    /// There is no encoder.
    #[error("the FFmpeg libraries on this machine have none of the encoders {}: install one", ENCODERS.join(", "))]
    NoEncoder,
    /// The encoder doesn't take the size.
    #[error("can't encode video of {width}x{height} pixels: {reason}")]
    Encoder {
        /// Width.
        width: usize,
        /// Height.
        height: usize,
        /// What FFmpeg says.
        reason: ffmpeg::Error,
    },
}

/// The encoder that annotated videos are written with, by its FFmpeg name.
///
/// # Errors
///
/// When FFmpeg's libraries here have none.
pub fn encoder_name() -> Result<&'static str, VideoSinkError> {
    let found = ENCODERS.into_iter().find(|name| ffmpeg::encoder::find_by_name(name).is_some());
    found.ok_or(VideoSinkError::NoEncoder)
}

/// How the video is to be written.
#[derive(Clone, Debug)]
pub struct VideoSettings {
    /// Width of the output in pixels; the source's own when absent. The height follows.
    pub width: Option<usize>,
    /// Threads of the encoder.
    pub threads: NonZeroUsize,
    /// The sound to keep; `None` makes a silent video.
    pub sound: Option<Sound>,
}

/// Writes the annotated video of one source.
///
/// Its size is that of the first picture: what a container says before that may be wrong, or nothing.
pub struct VideoSink {
    path: PathBuf,
    source: SourceInfo,
    settings: VideoSettings,
    silence: Option<SilenceReason>,
    sound: Option<SoundTrack>,
    /// For the size that the source speaks of, so that one which can't be encoded is told before any work is done.
    encoder: Option<((usize, usize), ffmpeg::encoder::Video)>,
    pieces: Pieces,
    /// There from the first picture on.
    writer: Option<Writer>,
}

impl VideoSink {
    /// Makes or empties the file at `path` for the pictures of `source`.
    ///
    /// Sound that can't be kept is no error: [`VideoSink::silence`] says why.
    ///
    /// # Errors
    ///
    /// When the file can't be written, or there is no encoder for it.
    pub fn create(path: &Path, source: &SourceInfo, settings: &VideoSettings) -> Result<Self, VideoSinkError> {
        let create = |reason| VideoSinkError::Create { path: path.to_owned(), reason };
        ffmpeg::init().map_err(create)?;
        let encoder = match source.size {
            (0, _) | (_, 0) => None,
            size => {
                let size = output_size(size, settings.width);
                Some((size, open_encoder(size, source, settings)?))
            }
        };
        let (sound, silence) = match settings.sound.as_ref().map_or(Ok(None), SoundTrack::open) {
            Ok(sound) => (sound, None),
            Err(reason) => (None, Some(reason)),
        };
        // The file is touched last: a size that can't be encoded leaves it as it was.
        empty(path).map_err(create)?;
        Ok(Self {
            path: path.to_owned(),
            source: source.clone(),
            settings: settings.clone(),
            silence,
            sound,
            encoder,
            pieces: Pieces::default(),
            writer: None,
        })
    }

    /// Why the video is silent although its source is not.
    #[must_use]
    pub fn silence(&self) -> Option<&SilenceReason> {
        self.silence.as_ref()
    }

    /// Begins the video with its first picture, which has been seen by the pieces.
    fn begin(&mut self, first: &Frame) -> Result<Writer, VideoSinkError> {
        let running = first.running().0;
        let mut zero = running;
        let mut sound = self.sound.take();
        match sound.as_mut().map(|sound| sound.begin(first, &self.pieces)) {
            Some(Some(begin)) if running.saturating_sub(begin) > SOUND_FIRST && self.settings.begins_at_zero() => {
                zero = begin
            }
            Some(Some(_)) | None => {}
            Some(None) => sound = None,
        }
        sound.iter_mut().for_each(|sound| sound.set_zero(zero));
        self.write((first.width, first.height), zero, Header::WithPictures, sound)
    }

    /// Makes the file for pictures of a size.
    fn write(
        &mut self,
        size: (usize, usize),
        zero: i64,
        header: Header,
        mut sound: Option<SoundTrack>,
    ) -> Result<Writer, VideoSinkError> {
        let size = output_size(size, self.settings.width);
        let ready = self.encoder.take().filter(|(ready, _)| *ready == size);
        let encoder = match ready {
            Some((_, encoder)) => encoder,
            None => open_encoder(size, &self.source, &self.settings)?,
        };
        let mut opened = writer::open_output(&self.path, &encoder, header, sound.as_mut());
        if let (Err(&reason), Some(refused)) = (opened.as_ref(), &sound) {
            let silence = SilenceReason::Refused { codec: refused.codec(), reason };
            log::warn!("{}: {silence}", name::of(&self.path));
            self.silence = Some(silence);
            sound = None;
            opened = writer::open_output(&self.path, &encoder, header, None);
        }
        let output = opened.map_err(|reason| VideoSinkError::Create { path: self.path.clone(), reason })?;
        let fail = |reason| VideoSinkError::Encoder { width: size.0, height: size.1, reason };
        Writer::new(size, output, encoder, sound, zero).map_err(fail)
    }
}

impl VideoSettings {
    /// Whether all is wanted that comes before the first picture.
    fn begins_at_zero(&self) -> bool {
        self.sound.as_ref().is_none_or(|sound| sound.from.is_none())
    }
}

impl Sink for VideoSink {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        self.pieces.see(view.frame);
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(view.frame)?,
        };
        let writer = self.writer.insert(writer);
        let written = writer.write(view, &self.pieces);
        self.pieces.forget(writer.follower());
        Ok(written.with_context(|| format!("can't write {}", name::of(&self.path)))?)
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), BoxError> {
        let whole = matches!(summary.ended, Ended::Whole);
        if whole {
            self.pieces.end();
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            // A video without a picture is one all the same.
            None => self.write(self.source.size, 0, Header::First, None)?,
        };
        writer.close(whole, &self.pieces).with_context(|| format!("can't complete {}", name::of(&self.path)))?;
        if writer.has_lost_sound() {
            let path = name::of(&self.path);
            log::warn!("{path}: part of the sound is missing: its clock jumps where the video's doesn't");
        }
        Ok(())
    }
}

/// Makes or empties a plain file. Another kind is opened once, when there is something for it.
fn empty(path: &Path) -> Result<(), ffmpeg::Error> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Ok(());
    }
    let opened = OpenOptions::new().write(true).create(true).truncate(true).open(path);
    let code = |error: std::io::Error| error.raw_os_error().unwrap_or(ffmpeg::util::error::EIO);
    opened.map(drop).map_err(|error| ffmpeg::Error::Other { errno: code(error) })
}

/// The output's size: the source's or the width that was asked for, rounded up to the even sides that the codec wants.
fn output_size(source: (usize, usize), width: Option<usize>) -> (usize, usize) {
    let (source_width, source_height) = (source.0.max(1), source.1.max(1));
    let width = width.unwrap_or(source_width);
    let height = (source_height * width).div_ceil(source_width);
    (width.next_multiple_of(2), height.next_multiple_of(2))
}

fn open_encoder(
    size: (usize, usize),
    source: &SourceInfo,
    settings: &VideoSettings,
) -> Result<ffmpeg::encoder::Video, VideoSinkError> {
    let codec = ffmpeg::encoder::find_by_name(encoder_name()?).ok_or(VideoSinkError::NoEncoder)?;
    let fail = |reason| VideoSinkError::Encoder { width: size.0, height: size.1, reason };
    encoder(codec, size, source, settings).map_err(fail)
}

fn encoder(
    codec: ffmpeg::Codec,
    size: (usize, usize),
    source: &SourceInfo,
    settings: &VideoSettings,
) -> Result<ffmpeg::encoder::Video, ffmpeg::Error> {
    let mut context = ffmpeg::codec::Context::new_with_codec(codec);
    context.set_flags(ffmpeg::codec::Flags::GLOBAL_HEADER);
    context.set_threading(ffmpeg::threading::Config::count(settings.threads.get()));
    let mut encoder = context.encoder().video()?;
    encoder.set_width(size.0 as u32);
    encoder.set_height(size.1 as u32);
    encoder.set_format(Pixel::YUV420P);
    encoder.set_time_base((1, CLOCK));
    encoder.set_gop(FRAGMENT);
    if let Some(rate) = source.rate {
        encoder.set_frame_rate(Some(ffmpeg::Rational::from(rate)));
    }
    let mut options = ffmpeg::Dictionary::new();
    if codec.name() == "libx264" {
        options.set("preset", "veryfast");
        options.set("crf", "20");
        if size.0 * size.1 > LARGE {
            options.set("tune", "zerolatency");
        }
    } else {
        // Others have no quality setting in common: 4 bits a pixel a second looks well.
        encoder.set_bit_rate(size.0 * size.1 * 4);
    }
    encoder.open_with(options)
}

#[cfg(test)]
mod tests {
    use super::output_size;

    #[test]
    fn the_output_has_even_sides() {
        assert_eq!(output_size((175, 143), None), (176, 144));
        assert_eq!(output_size((1920, 1080), Some(640)), (640, 360));
        assert_eq!(output_size((1000, 1), Some(101)), (102, 2));
        assert_eq!(output_size((0, 0), None), (2, 2));
    }
}
