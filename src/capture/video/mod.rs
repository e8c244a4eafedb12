//! Video files, and all else that FFmpeg can open, decoded in this process.

mod container;
mod convert;
mod edits;
mod error;
mod heard;
mod numbers;
mod picture;
mod pipe;
mod turn;
mod watch;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::util::error::{EAGAIN, EINVAL};

pub use error::VideoError;

use super::address::Address;
use super::clock::{LONGEST, RunningClock};
use super::stretch::{AtClockEnd, Mark, Pick, Picker, Stretch};
use super::{Read, Source, SourceInfo};
use crate::frame::{Frame, PresentationTime};
use crate::wall;
use heard::Heard;
use numbers::Numbers;
use picture::Pictures;
use watch::Watch;

/// Endings of the files that are taken from a folder, in lower case. A file that is named may have any.
pub const ENDINGS: [&str; 20] = [
    "3gp", "apng", "asf", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv",
    "ts", "vob", "webm", "wmv",
];
/// Pixels of a picture at most, where nothing else is asked for: a square of 10,000.
pub const MOST_PIXELS: u64 = 100_000_000;
/// How long the network may be silent, where nothing else is asked for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Pixels of the pictures that the threads of a decoder work on together: two of 8K.
const MOST_DECODED: u64 = 70_000_000;
/// More than that no decoder can be told.
const UNLIMITED: u64 = 1 << 30;
/// A file whose reading fails this often in a row has nothing more to give.
const MOST_READ_ERRORS: u32 = 16;
/// Decoding starts this much before the first frame that is wanted: a key frame's place in the file is told by when it
/// is decoded, which is before it is shown. In microseconds.
const RUN_UP: i64 = 2_000_000;
/// Pieces that a decoder may be given before its first picture, where that is all that is wanted.
const MOST_BEFORE_FIRST: u32 = 1000;

/// The decoder library and its version, for reports.
#[must_use]
pub fn decoder_version() -> String {
    let version = ffmpeg::codec::version();
    format!("FFmpeg, libavcodec {}.{}.{}", version >> 16, (version >> 8) & 255, version & 255)
}

/// Opens a file a second time, to read what is beside its pictures.
pub(crate) fn open_again(path: &Path) -> Result<Input, VideoError> {
    // Its pictures had their limit when they were opened, and nobody decodes them here.
    container::open(&Address::File(path.to_owned()), UNLIMITED, &Watch::new(None, None))
}

/// How a video is to be opened and read.
#[derive(Clone, Debug)]
pub struct OpenSettings {
    /// Threads of the decoder.
    pub threads: NonZeroUsize,
    /// Pixels of a picture at most; larger ones are refused before there is memory for them.
    pub most_pixels: u64,
    /// Which frames are given.
    pub stretch: Stretch,
    /// How long the network may be silent.
    pub patience: Duration,
    /// Ends a read that waits for the network when it becomes true.
    pub stop: Option<&'static AtomicBool>,
}

impl OpenSettings {
    /// All frames, with the limits above.
    #[must_use]
    pub fn whole(threads: NonZeroUsize) -> Self {
        Self { threads, most_pixels: MOST_PIXELS, stretch: Stretch::WHOLE, patience: PATIENCE, stop: None }
    }
}

/// A video, decoded frame by frame: upright, with square pixels.
pub struct VideoSource {
    info: SourceInfo,
    input: Input,
    watch: Watch,
    stream: usize,
    time_base: ffmpeg::Rational,
    decoder: ffmpeg::decoder::Video,
    picture: ffmpeg::frame::Video,
    pictures: Pictures,
    picker: Picker,
    clock: RunningClock,
    heard: Option<Heard>,
    /// Bits of the container's clock, and ticks that its overflows so far have hidden.
    wrap: (u32, i64),
    /// Frames before the decoder's next one, in the file where that is known.
    frames: u64,
    taken: u64,
    /// Set from a jump into the file to the first frame behind it.
    jump: Option<Jump>,
    /// Of the last frame, on the source's own clock and on the running one.
    last_time: Option<(PresentationTime, PresentationTime)>,
    damage: Option<String>,
    read_errors: u32,
    draining: bool,
}

/// What is needed to go on after a jump, or to take it back.
struct Jump {
    numbers: Numbers,
    address: Address,
    settings: OpenSettings,
    start: PresentationTime,
    /// Whether a packet was seen that lies where it must.
    landed: bool,
}

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

    fn open_stretch(address: &Address, settings: &OpenSettings) -> Result<Self, VideoError> {
        let mut source = Self::open_at_start(address, settings)?;
        if let (Some(start), Address::File(_)) = (settings.stretch.start, address) {
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
        let second = container::open(address, settings.most_pixels, &self.watch)?;
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
        self.clock = RunningClock::since(zero, self.info.rate);
        let (address, settings) = (address.clone(), settings.clone());
        self.jump = Some(Jump { numbers, address, settings, start: until, landed: false });
        Ok(true)
    }

    /// The time of the first frame, for which it is decoded; the decoder is then as new. `None` where there is none.
    fn zero(&mut self) -> Result<Option<PresentationTime>, VideoError> {
        for _ in 0..MOST_BEFORE_FIRST {
            match self.decoder.receive_frame(&mut self.picture) {
                Ok(()) => {
                    let zero = self.time();
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

    fn open_at_start(address: &Address, settings: &OpenSettings) -> Result<Self, VideoError> {
        let name = address.name();
        let patience = matches!(address, Address::Url(_)).then_some(settings.patience);
        let watch = Watch::new(patience, settings.stop);
        let input = container::open(address, settings.most_pixels, &watch)?;
        let stream =
            input.streams().best(ffmpeg::media::Type::Video).ok_or_else(|| VideoError::NoVideo(name.clone()))?;
        let rate = stream.avg_frame_rate();
        let fail = |reason| VideoError::Decoder { name: name.clone(), reason };
        let decoder = decoder(&stream, settings).map_err(fail)?;
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
        Ok(Self {
            clock: RunningClock::new(info.rate),
            info,
            watch,
            stream: index,
            time_base,
            decoder,
            picture: ffmpeg::frame::Video::empty(),
            pictures,
            picker: Picker::new(settings.stretch, at_clock_end),
            heard,
            wrap,
            frames: 0,
            taken: 0,
            jump: None,
            last_time: None,
            damage: None,
            read_errors: 0,
            draining: false,
            input,
        })
    }

    /// When the stream says that it begins, in microseconds.
    fn first_time(&self) -> i64 {
        let begin = self.input.stream(self.stream).map(|stream| stream.start_time());
        begin.filter(|&begin| begin != ffmpeg::ffi::AV_NOPTS_VALUE).map_or(0, |begin| micros(begin, self.time_base))
    }

    /// Gives the decoder its next packet. `Some` when that itself came to something.
    fn feed(&mut self) -> Result<Option<Read>, VideoError> {
        loop {
            // A new one each time, which costs nothing: reading into one that is full would lose what it holds, and with it
            // the sound of the whole clip.
            let mut packet = ffmpeg::Packet::empty();
            self.watch.restart();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.stream => {
                    if let Some(heard) = &mut self.heard {
                        heard.hear(&packet);
                    }
                }
                Ok(()) => {
                    self.read_errors = 0;
                    if let Some(jump) = self.jump.take_if(|jump| !jump.lands(&packet)) {
                        return self.take_back(&jump).map(|()| None);
                    }
                    return Ok(self.decoder.send_packet(&packet).err().map(|error| self.damaged(error)));
                }
                Err(_) if self.watch.stopped() => return Ok(Some(Read::End)),
                Err(ffmpeg::Error::Eof) => return Ok(self.drain()),
                Err(error) => {
                    if let Some(seconds) = self.watch.late() {
                        return Err(VideoError::Silent { name: self.info.name.clone(), seconds });
                    }
                    self.read_errors += 1;
                    let ended = self.read_errors > MOST_READ_ERRORS;
                    return Ok(if ended { self.drain() } else { Some(self.damaged(error)) });
                }
            }
        }
    }

    fn damaged(&self, error: ffmpeg::Error) -> Read {
        // The code that decoders have for a size above the limit that they were given.
        let maybe_size = matches!(error, ffmpeg::Error::Other { errno: EINVAL });
        let most = self.pictures.most_pixels();
        Read::Damaged(if maybe_size {
            format!("{error}, or a picture of more than {most} pixels: `--max-pixels` raises the limit")
        } else {
            error.to_string()
        })
    }

    fn drain(&mut self) -> Option<Read> {
        // A decoder that can't be drained, or was before, has no more pictures.
        let ended = self.draining || self.decoder.send_eof().is_err();
        self.draining = true;
        ended.then_some(Read::End)
    }

    fn end(&mut self) -> anyhow::Result<Read> {
        if self.watch.stopped() || self.taken > 0 {
            return Ok(Read::End);
        }
        Err(match (self.last_time, self.picker.start()) {
            (None, _) if edits::lies_before_its_index(&self.input) => {
                VideoError::IndexAtEnd(self.info.name.clone()).into()
            }
            (None, _) => VideoError::NoFrames { name: self.info.name.clone(), damage: self.damage.take() }.into(),
            (Some(_), start) => self.nothing_wanted(start.unwrap_or(Mark::Running(PresentationTime(0)))).into(),
        })
    }

    fn nothing_wanted(&self, start: Mark) -> VideoError {
        let (clock, last) = self.last_time.unwrap_or_default();
        let asked = match start {
            Mark::Running(start) if start > last => Some(start.seconds()),
            Mark::Running(_) | Mark::Clock(_) => None,
        };
        let name = self.info.name.clone();
        VideoError::NothingWanted { name, last: last.seconds(), clock: clock.seconds(), asked }
    }

    /// The decoder gave a picture: `Some` when it is wanted, or is behind the last that is.
    fn pick(&mut self, frame: &mut Frame) -> Result<Option<Read>, VideoError> {
        let time = self.time();
        if let Some(jump) = self.jump.take() {
            if time > jump.start {
                return self.take_back(&jump).map(|()| None);
            }
            self.frames = jump.numbers.at(time);
        }
        let number = self.frames;
        self.frames += 1;
        let running =
            self.clock.tell(time, |from, to| self.heard.as_ref().is_some_and(|heard| heard.between(from, to)));
        self.last_time = Some((time, running.time));
        match self.picker.pick(time, running) {
            Pick::Skip => Ok(None),
            Pick::End => Ok(Some(Read::End)),
            Pick::Take => {
                self.pictures.fill(&self.input, self.stream, &self.picture, frame)?;
                self.taken += 1;
                frame.number = number;
                frame.time = time;
                frame.running = Some(running);
                frame.captured = Instant::now();
                Ok(Some(Read::Frame))
            }
        }
    }

    /// A jump went too far: all is decoded from the file's start instead.
    fn take_back(&mut self, jump: &Jump) -> Result<(), VideoError> {
        log::debug!(
            "{}: there is no way to begin at {} s: decoding from the start",
            self.info.name,
            jump.start.seconds()
        );
        *self = Self::open_at_start(&jump.address, &jump.settings)?;
        Ok(())
    }

    fn time(&mut self) -> PresentationTime {
        match self.picture.timestamp() {
            Some(stamp) => {
                let last = self.last_time.map(|(last, _)| last.0);
                self.wrap.1 = unwrapped(stamp, self.wrap, |stamp| micros(stamp, self.time_base), last);
                PresentationTime(micros(stamp.saturating_add(self.wrap.1), self.time_base))
            }
            // A raw stream has no clock: its frames are as far apart as its rate says.
            None => self.last_time.map_or(PresentationTime(0), |(last, _)| {
                PresentationTime(last.0.saturating_add((1e6 / self.info.rate.unwrap_or(25.0)).round() as i64))
            }),
        }
    }
}

impl Jump {
    /// Whether a packet behind the jump lies before the last of those that were counted. A clock that begins anew says the
    /// same times again, further on in the file.
    fn lands(&mut self, packet: &ffmpeg::Packet) -> bool {
        let lands = self.landed || packet.position() < 0 || packet.position() as i64 <= self.numbers.read_up_to();
        self.landed = true;
        lands
    }
}

impl Source for VideoSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn has_sound(&self) -> bool {
        self.heard.is_some()
    }

    fn read(&mut self, frame: &mut Frame) -> anyhow::Result<Read> {
        let read = wall::behind(|| self.next_frame(frame));
        read.map_err(|source| VideoError::Fault { name: self.info.name.clone(), source })?
    }
}

impl VideoSource {
    fn next_frame(&mut self, frame: &mut Frame) -> anyhow::Result<Read> {
        loop {
            let came = match self.decoder.receive_frame(&mut self.picture) {
                Ok(()) => self.pick(frame)?,
                Err(ffmpeg::Error::Eof) => Some(Read::End),
                Err(ffmpeg::Error::Other { errno: EAGAIN }) => self.feed()?,
                Err(error) => Some(self.damaged(error)),
            };
            match came {
                None => {}
                Some(Read::End) => match self.jump.take().filter(|_| !self.watch.stopped()) {
                    Some(jump) => self.take_back(&jump)?,
                    None => return self.end(),
                },
                Some(Read::Damaged(reason)) => {
                    self.damage.get_or_insert_with(|| reason.clone());
                    // Behind a jump, pictures lack those that they build on; nobody asked for them.
                    if self.jump.is_none() {
                        return Ok(Read::Damaged(reason));
                    }
                }
                Some(Read::Frame) => return Ok(Read::Frame),
            }
        }
    }
}

fn decoder(stream: &ffmpeg::Stream<'_>, settings: &OpenSettings) -> Result<ffmpeg::decoder::Video, ffmpeg::Error> {
    let mut context = ffmpeg::codec::Context::from_parameters(stream.parameters())?;
    context.set_threading(ffmpeg::threading::Config {
        kind: ffmpeg::threading::Type::Frame,
        count: threads(settings.threads.get(), size(stream)),
        ..ffmpeg::threading::Config::default()
    });
    let codec = ffmpeg::decoder::find(context.id()).ok_or(ffmpeg::Error::DecoderNotFound)?;
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    let mut options = ffmpeg::Dictionary::new();
    options.set("max_pixels", &container::decoder_limit(settings.most_pixels).to_string());
    decoder.open_as_with(codec, options)?.video()
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

/// A moment on the own clock of a source that begins at `zero` and doesn't jump.
fn since(mark: Mark, zero: PresentationTime) -> PresentationTime {
    match mark {
        Mark::Running(running) => PresentationTime(zero.0.saturating_add(running.0)),
        Mark::Clock(time) => time,
    }
}

/// Bits of the stream's clock, which begins at zero again when they are full.
#[expect(unsafe_code, reason = "the binding has no name for this field")]
fn wrap_bits(stream: &ffmpeg::Stream<'_>) -> u32 {
    // SAFETY: the stream is one of an open container, and this is a plain number in it.
    u32::try_from(unsafe { (*stream.as_ptr()).pts_wrap_bits }).unwrap_or(64)
}

/// The ticks that are hidden by a clock's overflows, once a frame at `stamp` came after one at `last`, in microseconds: more
/// than before when the clock went on over its end.
fn unwrapped(stamp: i64, (bits, hidden): (u32, i64), micros: impl Fn(i64) -> i64, last: Option<i64>) -> i64 {
    let full = 1_i64.checked_shl(bits).filter(|_| bits < 62);
    let (Some(full), Some(last)) = (full, last) else {
        return hidden;
    };
    let more = hidden.saturating_add(full);
    let goes_back = micros(stamp.saturating_add(hidden)) < last;
    let goes_on = (0..LONGEST).contains(&micros(stamp.saturating_add(more)).saturating_sub(last));
    if goes_back && goes_on { more } else { hidden }
}

/// A time of a stream in microseconds, to the nearest.
fn micros(stamp: i64, base: ffmpeg::Rational) -> i64 {
    let (up, down) = (i128::from(base.numerator()), i128::from(base.denominator().max(1)));
    let micros = (i128::from(stamp) * up * 2_000_000 + down).div_euclid(2 * down);
    i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::{micros, threads, unwrapped};

    #[test]
    fn times_are_rounded_to_the_nearest() {
        assert_eq!(micros(1, (1, 3).into()), 333_333);
        assert_eq!(micros(2, (1, 3).into()), 666_667);
        assert_eq!(micros(-1, (1, 3).into()), -333_333);
        assert_eq!(micros(i64::MAX, (1, 1).into()), i64::MAX);
        assert_eq!(micros(90_000, (1, 90_000).into()), 1_000_000);
    }

    #[test]
    fn large_pictures_have_fewer_threads() {
        let found = [0, 1920 * 1080, 3840 * 2160, 7680 * 4320, u64::MAX].map(|pixels| threads(16, pixels));
        assert_eq!(found, [16, 16, 8, 2, 1]);
    }

    #[test]
    fn a_clock_that_is_full_goes_on() {
        let second = |stamp: i64| stamp * 1_000_000;
        let full = 1 << 33;
        assert_eq!(unwrapped(2, (33, 0), second, Some(second(full - 1))), full);
        assert_eq!(unwrapped(3, (33, full), second, Some(second(full + 2))), full);
        // It begins anew, it runs on, it has no end, and there was nothing before.
        assert_eq!(unwrapped(2, (33, 0), second, Some(second(100))), 0);
        assert_eq!(unwrapped(full - 1, (33, 0), second, Some(second(full - 2))), 0);
        assert_eq!(unwrapped(2, (64, 0), second, Some(second(100))), 0);
        assert_eq!(unwrapped(2, (33, 0), second, None), 0);
    }
}
