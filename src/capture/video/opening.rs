//! Opening a video: its container within limits, its decoder, and a jump to where the wanted frames begin.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::path::Path;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::threading::Type;
use ffmpeg_next::util::error::EAGAIN;

use super::decode::{Decode, DecodeReport, Hardware};
use super::device::Device;
use super::heard::Heard;
use super::keys::{Keys, is_intra_only};
use super::numbers::Numbers;
use super::picture::Pictures;
use super::ticks::micros;
use super::watch::Watch;
use super::wrap::wrap_bits;
use super::{Jump, OpenSettings, VideoError, VideoSource, container, edits, first_picture, since};
use crate::capture::address::Address;
use crate::capture::clock::RunningClock;
use crate::capture::stretch::{AtClockEnd, Every, Mark, Picker};
use crate::capture::{Read, SourceInfo};
use crate::frame::PresentationTime;
use crate::wall;

/// Pixels of the pictures that the threads of a decoder work on together: two of 8K.
const MOST_DECODED: u64 = 70_000_000;
/// Decoding starts this much before the first frame that is wanted: a key frame's place in the file is told by when it
/// is decoded, which is before it is shown. In microseconds.
const RUN_UP: i64 = 2_000_000;
/// Pieces that a decoder may be given before its first picture, where that is all that is wanted.
const MOST_BEFORE_FIRST: u32 = 1000;

impl VideoSource {
    /// Opens the video file at `path`, all of it; decoding uses up to `threads` threads.
    ///
    /// # Errors
    ///
    /// When it is missing, is no video, or can't be decoded here.
    pub fn open(path: &Path, threads: NonZeroUsize) -> Result<Self, VideoError> {
        Self::open_with(&Address::File(path.to_owned()), &OpenSettings::whole(threads))
    }

    /// Opens the video at `address`.
    ///
    /// Frames are numbered from the first frame of the file, also where they are given from a later time on. A file is
    /// then read up to there without decoding; the network and the standard input are decoded.
    ///
    /// # Errors
    ///
    /// When it is missing or silent, is no video, has pictures that are too large, or can't be decoded here.
    pub fn open_with(address: &Address, settings: &OpenSettings) -> Result<Self, VideoError> {
        let fault = |source| VideoError::Fault { name: address.name(), source };
        wall::behind(|| Self::open_stretch(address, settings)).map_err(fault)?
    }

    fn open_stretch(address: &Address, asked: &OpenSettings) -> Result<Self, VideoError> {
        let (decode, report) = first_picture::settle(address, asked)?;
        let settings = &OpenSettings { decode, ..asked.clone() };
        let source = Self::open_settled(address, settings)?;
        Ok(Self { decoded_by: report, ..source })
    }

    fn open_settled(address: &Address, settings: &OpenSettings) -> Result<Self, VideoError> {
        let mut source = Self::open_at_start(address, settings)?;
        // Where key frames alone are decoded, reading up to the first one costs as little as a jump.
        if let (Some(start), Address::File(_), None) = (settings.stretch.start, address, &source.keys) {
            let first = PresentationTime(source.first_time());
            if since(start, first).0 > first.0.saturating_add(RUN_UP) && !source.go_to(start, address, settings)? {
                source = Self::open_at_start(address, settings)?;
            }
        }
        Ok(source)
    }

    /// Jumps to where decoding has to begin for the frame at `start`. Where that is not to be had, all is to be decoded, from
    /// a source that is opened anew.
    fn go_to(&mut self, start: Mark, address: &Address, settings: &OpenSettings) -> Result<bool, VideoError> {
        let Some(zero) = self.zero()? else {
            return Ok(false);
        };
        let until = since(start, zero);
        let second = container::open(address, (settings.most_pixels, settings.confined), &self.watch)?;
        let Some(numbers) = Numbers::read(second, self.stream, until) else {
            return Ok(false);
        };
        if let Some(last) = numbers.last().filter(|&last| last < until) {
            self.last_time = Some((last, PresentationTime(last.0.saturating_sub(zero.0))));
            return Err(self.nothing_wanted(start));
        }
        let before = until.0 - RUN_UP;
        if self.input.seek(before, ..before).is_err() {
            return Ok(false);
        }
        self.ahead.clear();
        self.clock = RunningClock::since(zero, self.info.rate);
        let (address, settings) = (address.clone(), settings.clone());
        self.jump = Some(Jump { numbers, address, settings, start: until, landed: false });
        Ok(true)
    }

    /// The time of the first frame, for which it is decoded; the decoder is then as new. `None` where there is none.
    fn zero(&mut self) -> Result<Option<PresentationTime>, VideoError> {
        for _ in 0..MOST_BEFORE_FIRST {
            match self.receive() {
                Ok(()) => {
                    let zero = self.time(self.picture.timestamp());
                    self.decoder.flush();
                    (self.draining, self.read_errors) = (false, 0);
                    return Ok(Some(zero));
                }
                Err(ffmpeg::Error::Other { errno: EAGAIN }) => {
                    if let Some(Read::End) = self.feed()? {
                        return Ok(None);
                    }
                }
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    pub(super) fn open_at_start(address: &Address, settings: &OpenSettings) -> Result<Self, VideoError> {
        let name = address.name();
        let patience = matches!(address, Address::Url(_)).then_some(settings.patience);
        let watch = Watch::new(patience, settings.stop);
        let input = container::open(address, (settings.most_pixels, settings.confined), &watch)?;
        let stream =
            input.streams().best(ffmpeg::media::Type::Video).ok_or_else(|| VideoError::NoVideo(name.clone()))?;
        let rate = stream.avg_frame_rate();
        let fail = |reason| VideoError::Decoder { name: name.clone(), reason };
        let only_keys = settings.stretch.every == Every::Key;
        let keys = only_keys.then(|| Keys::of(&input, &stream)).flatten();
        // Of a picture that is decoded by itself, threads can share the parts alone; and where each works on a picture of its own,
        // some FFmpegs lose the mark of damage.
        let kind = if keys.is_some() { Type::Slice } else { Type::Frame };
        let decoder = match settings.decode {
            Decode::Named(hardware) => on_device(&stream, settings, hardware)
                .map_err(|reason| first_picture::refused(name.clone(), hardware, reason))?,
            Decode::Cpu | Decode::Auto => decoder(&stream, settings, kind).map_err(fail)?,
        };
        let claimed = edits::claimed(&name, &input, &stream);
        let (index, time_base) = (stream.index(), stream.time_base());
        let pictures = Pictures::new(&name, &stream, settings.most_pixels);
        let heard = input.streams().best(ffmpeg::media::Type::Audio).map(|sound| Heard::new(&sound));
        let wrap = (wrap_bits(&stream), 0);
        let at_clock_end = match address {
            Address::Url(_) => AtClockEnd::End,
            Address::File(_) | Address::Stdin => AtClockEnd::GoOn,
        };
        let size = pictures.upright_size(&input, index, (decoder.width(), decoder.height()));
        let info = SourceInfo {
            name,
            size,
            rate: (rate.numerator() > 0 && rate.denominator() > 0).then(|| f64::from(rate)),
            claimed_frames: claimed.and_then(|frames| settings.stretch.share_of(frames)),
        };
        let intra_only = is_intra_only(stream.parameters().id());
        let mut source = Self {
            clock: RunningClock::new(info.rate),
            info,
            watch,
            stream: index,
            time_base,
            decoder,
            picture: ffmpeg::frame::Video::empty(),
            decoded_by: DecodeReport::cpu(settings.decode),
            on_device: false,
            given: None,
            tells_same: settings.tells_same,
            pictures,
            picker: Picker::new(settings.stretch, at_clock_end),
            heard,
            ahead: VecDeque::new(),
            keys,
            intra_only,
            wrap,
            frames: 0,
            taken: 0,
            jump: None,
            last_time: None,
            damage: None,
            read_errors: 0,
            draining: false,
            input,
        };
        if source.keys.is_some() && !source.are_timed()? {
            source.keys = None;
            // A device's decoder has one thread, which knows no kinds.
            if let (Some(stream), Decode::Cpu | Decode::Auto) = (source.input.stream(index), settings.decode) {
                let fail = |reason| VideoError::Decoder { name: source.info.name.clone(), reason };
                source.decoder = self::decoder(&stream, settings, Type::Frame).map_err(fail)?;
            }
        }
        Ok(source)
    }

    /// When the stream says that it begins, in microseconds.
    fn first_time(&self) -> i64 {
        let begin = self.input.stream(self.stream).map(|stream| stream.start_time());
        begin.filter(|&begin| begin != ffmpeg::ffi::AV_NOPTS_VALUE).map_or(0, |begin| micros(begin, self.time_base))
    }
}

fn decoder(
    stream: &ffmpeg::Stream<'_>,
    settings: &OpenSettings,
    kind: Type,
) -> Result<ffmpeg::decoder::Video, ffmpeg::Error> {
    let mut context = ffmpeg::codec::Context::from_parameters(stream.parameters())?;
    context.set_threading(ffmpeg::threading::Config {
        kind,
        count: threads(settings.threads.get(), size(stream)),
        ..ffmpeg::threading::Config::default()
    });
    let codec = ffmpeg::decoder::find(context.id()).ok_or(ffmpeg::Error::DecoderNotFound)?;
    open(context, codec, stream, settings)
}

fn open(
    context: ffmpeg::codec::Context,
    codec: ffmpeg::Codec,
    stream: &ffmpeg::Stream<'_>,
    settings: &OpenSettings,
) -> Result<ffmpeg::decoder::Video, ffmpeg::Error> {
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    let mut options = ffmpeg::Dictionary::new();
    options.set("max_pixels", &container::decoder_limit(settings.most_pixels).to_string());
    decoder.open_as_with(codec, options)?.video()
}

/// The decoder of a device. It has one thread: what it does is done elsewhere.
fn on_device(
    stream: &ffmpeg::Stream<'_>,
    settings: &OpenSettings,
    hardware: Hardware,
) -> Result<ffmpeg::decoder::Video, String> {
    let device = Device::open(hardware)?;
    let (codec, format) = device.decoder(stream.parameters().id())?;
    let said = |error: ffmpeg::Error| error.to_string();
    let mut context = ffmpeg::codec::Context::from_parameters(stream.parameters()).map_err(said)?;
    device.serve(&mut context, format)?;
    open(context, codec, stream, settings).map_err(said)
}

/// Each thread of a decoder holds pictures of its own: of large ones there are fewer.
fn threads(most: usize, pixels: u64) -> usize {
    let room = usize::try_from(MOST_DECODED / pixels.max(1)).unwrap_or(usize::MAX);
    most.min(room.max(1))
}

fn size(stream: &ffmpeg::Stream<'_>) -> u64 {
    let (width, height) = container::size(stream);
    width.saturating_mul(height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_have_fewer_threads() {
        let found = [0, 1920 * 1080, 3840 * 2160, 7680 * 4320, u64::MAX].map(|pixels| threads(16, pixels));
        assert_eq!(found, [16, 16, 8, 2, 1]);
    }
}
