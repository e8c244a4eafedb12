//! The file of an annotated video from its first picture on: pictures are drawn on and encoded, sound is put beside them.

use std::path::Path;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::format::context::Output;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::error::EAGAIN;

use super::canvas::Place;
use super::file;
use super::pieces::{Pieces, SoundFollower};
use super::sound::SoundTrack;
use crate::draw::{Canvas, Overlay};
use crate::face::crop::Cropper;
use crate::findings::FrameView;
use crate::frame::PresentationTime;

/// Ticks a second of the output's clock; MPEG-4 allows no more than 65535.
pub(super) const CLOCK: i32 = 60_000;

/// A video that is being written.
pub(super) struct Writer {
    size: (usize, usize),
    output: Output,
    sound: Option<SoundTrack>,
    encoder: ffmpeg::encoder::Video,
    converter: scaling::Context,
    resized: Vec<u8>,
    rgb: ffmpeg::frame::Video,
    yuv: ffmpeg::frame::Video,
    packet: ffmpeg::Packet,
    cropper: Cropper,
    overlay: Overlay,
    /// What the output calls zero, in microseconds on the running clock.
    zero: i64,
    last: Option<i64>,
}

impl Writer {
    /// Goes on with an output whose header is written.
    pub(super) fn new(
        size: (usize, usize),
        output: Output,
        encoder: ffmpeg::encoder::Video,
        sound: Option<SoundTrack>,
        zero: i64,
    ) -> Result<Self, ffmpeg::Error> {
        let (width, height) = (size.0 as u32, size.1 as u32);
        let flags = scaling::Flags::BILINEAR;
        let converter = scaling::Context::get(Pixel::RGB24, width, height, Pixel::YUV420P, width, height, flags)?;
        Ok(Self {
            size,
            output,
            sound,
            encoder,
            converter,
            resized: Vec::new(),
            rgb: ffmpeg::frame::Video::new(Pixel::RGB24, width, height),
            yuv: ffmpeg::frame::Video::new(Pixel::YUV420P, width, height),
            packet: ffmpeg::Packet::empty(),
            cropper: Cropper::new(),
            overlay: Overlay::default(),
            zero,
            last: None,
        })
    }

    /// Writes the next picture, and the sound that is due before it.
    pub(super) fn write(&mut self, view: &FrameView<'_>, pieces: &Pieces) -> anyhow::Result<()> {
        let place = self.paint(view)?;
        let stride = self.rgb.stride(0);
        let pixels = &mut self.rgb.data_mut(0)[place.top * stride + place.left * 3..];
        if let Some(mut canvas) = Canvas::new(place.width, place.height, stride, pixels) {
            self.overlay.draw(&mut canvas, view);
        }
        // Two pictures of a damaged file may be shown at once; the output's may not.
        let shown = PresentationTime(view.frame.running().0.saturating_sub(self.zero));
        let wanted = (shown.seconds() * f64::from(CLOCK)).round() as i64;
        let stamp = self.last.map_or(wanted, |last| wanted.max(last + 1));
        self.last = Some(stamp);
        Ok(self.encode(stamp, pieces)?)
    }

    /// Completes the file: of a run that was cut the sound ends with the pictures.
    pub(super) fn close(&mut self, whole: bool, pieces: &Pieces) -> Result<(), ffmpeg::Error> {
        self.encoder.send_eof()?;
        self.write_packets(pieces)?;
        if let Some(sound) = &mut self.sound {
            let cut = (!whole).then(|| to_micros(self.last.unwrap_or(0)));
            sound.write_rest(cut, pieces, &mut self.output)?;
        }
        self.output.write_trailer()?;
        self.disk_error()
    }

    /// Where the sound is among the pieces of the source.
    pub(super) fn follower(&self) -> Option<&SoundFollower> {
        self.sound.as_ref().map(SoundTrack::follower)
    }

    /// Whether there is sound that found no place beside the pictures.
    pub(super) fn has_lost_sound(&self) -> bool {
        self.sound.as_ref().is_some_and(SoundTrack::has_lost)
    }

    /// Puts the frame's pixels into the picture, in the output's size, and says where they are; beside them are bars.
    fn paint(&mut self, view: &FrameView<'_>) -> anyhow::Result<Place> {
        let from = (view.frame.width, view.frame.height);
        let place = Place::of(from, self.size);
        let size = (place.width, place.height);
        let pixels = if from == size {
            &view.frame.pixels
        } else {
            self.resized.resize(size.0 * size.1 * 3, 0);
            self.cropper.resize(&view.frame.pixels, from, &mut self.resized, size)?;
            &self.resized
        };
        let stride = self.rgb.stride(0);
        let rows = self.rgb.data_mut(0);
        if size != self.size {
            rows.fill(0);
        }
        let row = size.0 * 3;
        for (from, to) in pixels.chunks_exact(row).zip(rows.chunks_mut(stride).skip(place.top)) {
            to[place.left * 3..][..row].copy_from_slice(from);
        }
        Ok(place)
    }

    #[expect(unsafe_code, reason = "the binding has no name for this call")]
    fn encode(&mut self, stamp: i64, pieces: &Pieces) -> Result<(), ffmpeg::Error> {
        // The encoder may still hold the last picture; then this one gets memory of its own.
        // SAFETY: the frame is allocated and not shared with other code of ours.
        let writable = unsafe { ffmpeg::ffi::av_frame_make_writable(self.yuv.as_mut_ptr()) };
        if writable < 0 {
            return Err(ffmpeg::Error::from(writable));
        }
        self.converter.run(&self.rgb, &mut self.yuv)?;
        self.yuv.set_pts(Some(stamp));
        self.encoder.send_frame(&self.yuv)?;
        self.write_packets(pieces)
    }

    fn write_packets(&mut self, pieces: &Pieces) -> Result<(), ffmpeg::Error> {
        loop {
            match self.encoder.receive_packet(&mut self.packet) {
                Ok(()) => {}
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: EAGAIN }) => break,
                Err(error) => return Err(error),
            }
            self.packet.set_stream(0);
            if let (Some(sound), Some(stamp)) = (&mut self.sound, self.packet.dts()) {
                sound.write_before(to_micros(stamp), pieces, &mut self.output)?;
            }
            if let Some(stream) = self.output.stream(0) {
                self.packet.rescale_ts((1, CLOCK), stream.time_base());
            }
            self.packet.write_interleaved(&mut self.output)?;
        }
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

fn to_micros(stamp: i64) -> i64 {
    stamp.saturating_mul(1_000_000) / i64::from(CLOCK)
}

/// When the header of an MP4 is written. Only with the first fragment it says exactly when each stream starts: an encoder
/// that sorts pictures begins before zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// Before all else.
    First,
    /// With the first fragment.
    WithPictures,
}

/// Makes the file and writes its header.
pub(super) fn open_output(
    path: &Path,
    encoder: &ffmpeg::encoder::Video,
    header: Header,
    sound: Option<&mut SoundTrack>,
) -> Result<Output, ffmpeg::Error> {
    let mut output = file::create(path)?;
    let mut stream = output.add_stream(encoder.codec())?;
    stream.set_parameters(encoder);
    stream.set_time_base((1, CLOCK));
    let mut flags = "frag_keyframe+empty_moov+default_base_moof".to_owned();
    let mut options = ffmpeg::Dictionary::new();
    let Some(sound) = sound else {
        if header == Header::WithPictures {
            flags += "+delay_moov";
        }
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
