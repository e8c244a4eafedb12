//! The annotated video: the source's pictures with boxes, verdicts and heat maps, and its sound, as an MP4.
//!
//! It is written in fragments, so that what was written can be played even if the disk fills up or the program is killed.

mod file;
mod sound;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::error::EAGAIN;

pub use sound::{SilenceReason, Sound};

use sound::SoundTrack;

use super::overlay::{Canvas, Overlay};
use super::{FrameView, Sink};
use crate::capture::SourceInfo;
use crate::face::crop::{Cropper, ResizeError};
use crate::name;
use crate::pipeline::{Ended, Summary};

/// Encoders by their FFmpeg name, the best first. The last one is in every build.
const ENCODERS: [&str; 4] = ["libx264", "libopenh264", "h264_v4l2m2m", "mpeg4"];
/// Ticks a second of the output's clock; MPEG-4 allows no more than 65535.
const CLOCK: i32 = 60_000;
/// Frames from one fragment to the next.
const FRAGMENT: u32 = 50;

/// An annotated video that can't be written.
#[derive(Debug, thiserror::Error)]
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
    #[error("FFmpeg's libraries here have none of the encoders {}: install one, or leave out `--annotate`", ENCODERS.join(", "))]
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
pub struct VideoSink {
    path: PathBuf,
    size: (usize, usize),
    output: Output,
    sound: Option<SoundTrack>,
    silence: Option<SilenceReason>,
    encoder: ffmpeg::encoder::Video,
    converter: scaling::Context,
    resized: Vec<u8>,
    rgb: ffmpeg::frame::Video,
    yuv: ffmpeg::frame::Video,
    packet: ffmpeg::Packet,
    cropper: Cropper,
    overlay: Overlay,
    last: Option<i64>,
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
        let size = output_size(source.size, settings.width);
        let codec = ffmpeg::encoder::find_by_name(encoder_name()?).ok_or(VideoSinkError::NoEncoder)?;
        let fail = |reason| VideoSinkError::Encoder { width: size.0, height: size.1, reason };
        let encoder = encoder(codec, size, source, settings).map_err(fail)?;
        let (mut sound, mut silence) = match settings.sound.as_ref().map_or(Ok(None), SoundTrack::open) {
            Ok(sound) => (sound, None),
            Err(reason) => (None, Some(reason)),
        };
        // The file is touched last: a size that can't be encoded leaves it as it was.
        let mut opened = open_output(path, codec, &encoder, sound.as_mut());
        if let (Err(&reason), Some(refused)) = (opened.as_ref(), &sound) {
            silence = Some(SilenceReason::Refused { codec: refused.codec(), reason });
            sound = None;
            opened = open_output(path, codec, &encoder, None);
        }
        let output = opened.map_err(create)?;
        let (width, height) = (size.0 as u32, size.1 as u32);
        let flags = scaling::Flags::BILINEAR;
        let converter = scaling::Context::get(Pixel::RGB24, width, height, Pixel::YUV420P, width, height, flags);
        Ok(Self {
            path: path.to_owned(),
            size,
            output,
            sound,
            silence,
            encoder,
            converter: converter.map_err(fail)?,
            resized: Vec::new(),
            rgb: ffmpeg::frame::Video::new(Pixel::RGB24, width, height),
            yuv: ffmpeg::frame::Video::new(Pixel::YUV420P, width, height),
            packet: ffmpeg::Packet::empty(),
            cropper: Cropper::new(),
            overlay: Overlay::default(),
            last: None,
        })
    }

    /// Why the video is silent although its source is not.
    #[must_use]
    pub fn silence(&self) -> Option<&SilenceReason> {
        self.silence.as_ref()
    }

    /// Puts the frame's pixels into the picture, in the output's size.
    fn paint(&mut self, view: &FrameView<'_>) -> Result<(), ResizeError> {
        let from = (view.frame.width, view.frame.height);
        let pixels = if from == self.size {
            &view.frame.pixels
        } else {
            self.resized.resize(self.size.0 * self.size.1 * 3, 0);
            self.cropper.resize(&view.frame.pixels, from, &mut self.resized, self.size)?;
            &self.resized
        };
        let row = self.size.0 * 3;
        let stride = self.rgb.stride(0);
        for (from, to) in pixels.chunks_exact(row).zip(self.rgb.data_mut(0).chunks_mut(stride)) {
            to[..row].copy_from_slice(from);
        }
        Ok(())
    }

    #[expect(unsafe_code, reason = "the binding has no name for this call")]
    fn encode(&mut self, stamp: i64) -> Result<(), ffmpeg::Error> {
        // The encoder may still hold the last picture; then this one gets memory of its own.
        // SAFETY: the frame is allocated and not shared with other code of ours.
        let writable = unsafe { ffmpeg::ffi::av_frame_make_writable(self.yuv.as_mut_ptr()) };
        if writable < 0 {
            return Err(ffmpeg::Error::from(writable));
        }
        self.converter.run(&self.rgb, &mut self.yuv)?;
        self.yuv.set_pts(Some(stamp));
        self.encoder.send_frame(&self.yuv)?;
        self.write_packets()
    }

    fn write_packets(&mut self) -> Result<(), ffmpeg::Error> {
        loop {
            match self.encoder.receive_packet(&mut self.packet) {
                Ok(()) => {}
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: EAGAIN }) => break,
                Err(error) => return Err(error),
            }
            self.packet.set_stream(0);
            if let (Some(sound), Some(stamp)) = (&mut self.sound, self.packet.dts()) {
                sound.write_before(to_micros(stamp), &mut self.output)?;
            }
            if let Some(stream) = self.output.stream(0) {
                self.packet.rescale_ts((1, CLOCK), stream.time_base());
            }
            self.packet.write_interleaved(&mut self.output)?;
        }
        self.disk_error()
    }

    fn close(&mut self, ended: &Ended) -> Result<(), ffmpeg::Error> {
        self.encoder.send_eof()?;
        self.write_packets()?;
        if let Some(sound) = &mut self.sound {
            // Of a run that was cut the sound ends with the pictures.
            let cut = !matches!(ended, Ended::Whole);
            sound.write_rest(cut.then(|| to_micros(self.last.unwrap_or(0))), &mut self.output)?;
        }
        self.output.write_trailer()?;
        self.disk_error()
    }

    /// Hands what is buffered to the system. The muxer itself doesn't tell when that fails.
    #[expect(unsafe_code, reason = "the binding has no name for this call")]
    fn disk_error(&mut self) -> Result<(), ffmpeg::Error> {
        // SAFETY: the output is open, so that its writer, where it has one, is too.
        let code = unsafe {
            let writer = (*self.output.as_mut_ptr()).pb;
            if writer.is_null() {
                return Ok(());
            }
            ffmpeg::ffi::avio_flush(writer);
            (*writer).error
        };
        if code < 0 { Err(ffmpeg::Error::from(code)) } else { Ok(()) }
    }
}

impl Sink for VideoSink {
    fn frame(&mut self, view: &FrameView<'_>) -> anyhow::Result<()> {
        self.paint(view)?;
        let ((width, height), stride) = (self.size, self.rgb.stride(0));
        if let Some(mut canvas) = Canvas::new(width, height, stride, self.rgb.data_mut(0)) {
            self.overlay.draw(&mut canvas, view);
        }
        // The clock of a damaged file may stand still or go back; the output's may not.
        let wanted = (view.frame.time.seconds() * f64::from(CLOCK)).round() as i64;
        let stamp = self.last.map_or(wanted, |last| wanted.max(last + 1));
        self.last = Some(stamp);
        self.encode(stamp).with_context(|| format!("can't write {}", name::of(&self.path)))
    }

    fn finish(&mut self, summary: &Summary) -> anyhow::Result<()> {
        self.close(&summary.ended).with_context(|| format!("can't complete {}", name::of(&self.path)))
    }
}

fn to_micros(stamp: i64) -> i64 {
    stamp.saturating_mul(1_000_000) / i64::from(CLOCK)
}

/// Makes the file and writes its header.
fn open_output(
    path: &Path,
    codec: ffmpeg::Codec,
    encoder: &ffmpeg::encoder::Video,
    sound: Option<&mut SoundTrack>,
) -> Result<Output, ffmpeg::Error> {
    let mut output = file::create(path)?;
    let mut stream = output.add_stream(codec)?;
    stream.set_parameters(encoder);
    stream.set_time_base((1, CLOCK));
    let mut flags = "frag_keyframe+empty_moov+default_base_moof".to_owned();
    let mut options = ffmpeg::Dictionary::new();
    let Some(sound) = sound else {
        options.set("movflags", &flags);
        output.write_header_with(options)?;
        return Ok(output);
    };
    sound.add_to(&mut output)?;
    if sound.wants_late_header() {
        flags += "+delay_moov";
    }
    options.set("movflags", &flags);
    // Some FFmpeg versions call Opus and FLAC in MP4 an experiment.
    options.set("strict", "experimental");
    output.write_header_with(options)?;
    sound.header_is_written(&output);
    Ok(output)
}

/// The output's size: the source's or the width that was asked for, rounded up to the even sides that the codec wants.
fn output_size(source: (usize, usize), width: Option<usize>) -> (usize, usize) {
    let (source_width, source_height) = (source.0.max(1), source.1.max(1));
    let width = width.unwrap_or(source_width);
    let height = (source_height * width).div_ceil(source_width);
    (width.next_multiple_of(2), height.next_multiple_of(2))
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
