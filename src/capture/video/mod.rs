//! Video files, and all else that FFmpeg can open, decoded in this process.

mod container;
mod convert;
mod decode;
mod device;
mod edits;
mod error;
mod first_picture;
mod heard;
mod key_frames;
mod keys;
mod next;
mod numbers;
mod opening;
mod orientation;
mod packets;
mod picture;
mod pipe;
mod same;
mod seal;
mod shown_order;
mod ticks;
mod watch;
mod wrap;

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::util::error::{EAGAIN, EINVAL};

pub use decode::{Decode, DecodeReport, Hardware};
pub use error::VideoError;

use super::address::Address;
use super::clock::RunningClock;
use super::stretch::{Mark, Pick, Picker, Stretch};
use super::{Read, Source, SourceInfo};
use crate::BoxError;
use crate::frame::{Changed, Frame, PresentationTime, Running};
use crate::wall;
use heard::Heard;
use keys::Keys;
use next::Next;
use numbers::Numbers;
use picture::Pictures;
use same::are_same;
use ticks::micros;
use watch::Watch;
use wrap::unwrapped;

/// Endings of the files that are taken from a folder, in lower case. A file that is named may have any.
pub const ENDINGS: [&str; 20] = [
    "3gp", "apng", "asf", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "mxf", "ogv",
    "ts", "vob", "webm", "wmv",
];
/// Pixels of a picture at most, where nothing else is asked for: a square of 10,000.
pub const MOST_PIXELS: u64 = 100_000_000;
/// How long the network may be silent, where nothing else is asked for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// More than that no decoder can be told.
const UNLIMITED: u64 = 1 << 30;

/// The decoder library and its version, for reports.
#[must_use]
pub fn decoder_version() -> String {
    let version = ffmpeg::codec::version();
    format!("FFmpeg, libavcodec {}.{}.{}", version >> 16, (version >> 8) & 255, version & 255)
}

/// The decoders in hardware that FFmpeg knows, the one to be preferred first; and why one can't be used here, where that is known
/// without a video.
#[must_use]
pub fn hardware() -> Vec<(Hardware, Result<(), String>)> {
    Hardware::all().map(|hardware| (hardware, device::Device::open(hardware).map(drop))).collect()
}

/// Opens a file a second time, to read what is beside its pictures.
pub(crate) fn open_again(path: &Path) -> Result<Input, VideoError> {
    // Its pictures had their limit when they were opened, and nobody decodes them here.
    container::open(&Address::File(path.to_owned()), (UNLIMITED, false), &Watch::new(None, None))
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
    /// Whether frames tell that they are the same as the one before them, by [`Frame::changed`].
    pub tells_same: bool,
    /// Who decodes.
    pub decode: Decode,
    /// Whether it may lead nowhere else: what is a list of other files or addresses is refused, and so is a server that sends its
    /// reader to another one. For addresses that come from strangers; only HTTP and RTSP are read then.
    pub confined: bool,
}

impl OpenSettings {
    /// All frames, with the limits above.
    #[must_use]
    pub fn whole(threads: NonZeroUsize) -> Self {
        let (most_pixels, patience, stretch) = (MOST_PIXELS, PATIENCE, Stretch::WHOLE);
        Self {
            threads,
            most_pixels,
            stretch,
            patience,
            stop: None,
            tells_same: false,
            decode: Decode::Cpu,
            confined: false,
        }
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
    /// How it was settled who decodes.
    decoded_by: DecodeReport,
    /// Whether the last picture came from a device.
    on_device: bool,
    /// The last picture that was given, and its number, where frames tell that they are the same as the one before.
    given: Option<(ffmpeg::frame::Video, u64)>,
    tells_same: bool,
    pictures: Pictures,
    picker: Picker,
    clock: RunningClock,
    heard: Option<Heard>,
    /// Packets that were looked at before they are needed.
    ahead: VecDeque<Next>,
    /// Where key frames alone are wanted, and packets tell which they are.
    keys: Option<Keys>,
    /// Each frame is a key frame, whatever the decoder says.
    intra_only: bool,
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

/// Where a frame lies in its source.
#[derive(Clone, Copy, Debug)]
struct Place {
    number: u64,
    time: PresentationTime,
    running: Running,
}

/// It is behind the last frame that is wanted.
#[derive(Clone, Copy, Debug)]
struct AtEnd;

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
    /// Gives the decoder its next packet. `Some` when that itself came to something.
    fn feed(&mut self) -> Result<Option<Read>, VideoError> {
        let packet = match self.next_packet()? {
            Next::Packet(packet) => packet,
            Next::Damaged(error) => return Ok(Some(self.damaged(error))),
            Next::Ended => return Ok(self.drain()),
            Next::Stopped => return Ok(Some(Read::End)),
        };
        if let Some(jump) = self.jump.take_if(|jump| !jump.lands(&packet)) {
            return self.take_back(&jump).map(|()| None);
        }
        let refused = self.decoder.send_packet(&packet).err();
        if let Some(keys) = &mut self.keys {
            keys.see(packet);
        }
        Ok(refused.map(|error| self.damaged(error)))
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

    fn end(&mut self) -> Result<Read, VideoError> {
        if self.watch.stopped() || self.taken > 0 {
            return Ok(Read::End);
        }
        Err(match (self.last_time, self.picker.start()) {
            (None, _) if edits::lies_before_its_index(&self.input) => VideoError::IndexAtEnd(self.info.name.clone()),
            (None, _) => VideoError::NoFrames { name: self.info.name.clone(), damage: self.damage.take() },
            (Some(_), _) if self.picker.only_keys() && self.picker.inside() > 0 => {
                VideoError::NoKeyFrame(self.info.name.clone())
            }
            (Some(_), start) => self.nothing_wanted(start.unwrap_or(Mark::Running(PresentationTime(0)))),
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
        if let Some(jump) = self.jump.take() {
            let time = self.time(self.picture.timestamp());
            if time > jump.start {
                return self.take_back(&jump).map(|()| None);
            }
            self.frames = jump.numbers.at(time);
        }
        let is_key = self.intra_only || self.picture.is_key();
        let place = self.place(self.picture.timestamp(), is_key);
        if is_key {
            self.begin_keys();
        }
        match place {
            None => Ok(None),
            Some(Err(AtEnd)) => Ok(Some(Read::End)),
            Some(Ok(place)) => self.give(place, frame).map(Some),
        }
    }

    /// The next frame is shown at `stamp`, in ticks of the stream: its place, where it is wanted.
    fn place(&mut self, stamp: Option<i64>, is_key: bool) -> Option<Result<Place, AtEnd>> {
        let time = self.time(stamp);
        let number = self.frames;
        self.frames += 1;
        let running =
            self.clock.tell(time, |from, to| self.heard.as_ref().is_some_and(|heard| heard.between(from, to)));
        self.last_time = Some((time, running.time));
        match self.picker.pick(time, running, is_key) {
            Pick::Skip => None,
            Pick::End => Some(Err(AtEnd)),
            Pick::Take => Some(Ok(Place { number, time, running })),
        }
    }

    /// Gives the picture that was decoded.
    fn give(&mut self, place: Place, frame: &mut Frame) -> Result<Read, VideoError> {
        let seen_alike = self.pictures.fill(&self.input, self.stream, &self.picture, frame)?;
        self.taken += 1;
        frame.changed = None;
        if self.tells_same {
            let (given, number) = self.given.get_or_insert_with(|| (ffmpeg::frame::Video::empty(), place.number));
            if seen_alike && are_same(given, &self.picture) {
                frame.changed = Some(Changed::nothing(*number));
            }
            // The decoder's own picture is kept, which costs no copy: it fills another one.
            mem::swap(given, &mut self.picture);
            *number = place.number;
        }
        frame.number = place.number;
        frame.time = place.time;
        frame.running = Some(place.running);
        frame.captured = Instant::now();
        Ok(Read::Frame)
    }

    /// The first key frame was decoded: from here on packets tell of the others.
    fn begin_keys(&mut self) {
        let Some(keys) = &mut self.keys else {
            return;
        };
        if keys.begin(self.picture.timestamp(), self.draining) {
            self.decoder.flush();
        } else {
            log::debug!("{}: its packets and its decoder differ on key frames: all is decoded", self.info.name);
            self.keys = None;
        }
    }

    /// A jump went too far: all is decoded from the file's start instead.
    fn take_back(&mut self, jump: &Jump) -> Result<(), VideoError> {
        log::debug!("{}: can't seek to {} s: decoding from the start", self.info.name, jump.start.seconds());
        *self = Self::open_at_start(&jump.address, &jump.settings)?;
        Ok(())
    }

    /// What a time in ticks of the stream comes to.
    fn time(&mut self, stamp: Option<i64>) -> PresentationTime {
        match stamp {
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

    fn came_by(&self) -> Option<u64> {
        self.picker.only_keys().then(|| self.picker.inside())
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let read = wall::behind(|| self.next_frame(frame));
        Ok(read.map_err(|source| VideoError::Fault { name: self.info.name.clone(), source })??)
    }
}

impl VideoSource {
    /// Who decodes, and why.
    #[must_use]
    pub fn decoded_by(&self) -> &DecodeReport {
        &self.decoded_by
    }

    /// The next picture that the decoder has ready, in memory.
    fn receive(&mut self) -> Result<(), ffmpeg::Error> {
        self.decoder.receive_frame(&mut self.picture)?;
        self.on_device = device::bring(&mut self.picture)?;
        // A stream that can be read but once shows only now that a device doesn't take it.
        if let Some(hardware) = self.decoded_by.got.take_if(|_| !self.on_device) {
            log::warn!("{}: {hardware} doesn't take this stream: the processor decodes", self.info.name);
        }
        Ok(())
    }

    /// Goes on by a packet or a picture. `Some` when that came to something.
    fn decode(&mut self, frame: &mut Frame) -> Result<Option<Read>, VideoError> {
        match self.receive() {
            Ok(()) => self.pick(frame),
            Err(ffmpeg::Error::Eof) => Ok(Some(Read::End)),
            Err(ffmpeg::Error::Other { errno: EAGAIN }) => self.feed(),
            Err(error) => Ok(Some(self.damaged(error))),
        }
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<Read, VideoError> {
        loop {
            let came = match self.keys.take_if(|keys| keys.have_begun()) {
                Some(mut keys) => {
                    let came = self.next_key(&mut keys, frame);
                    self.keys = Some(keys);
                    came?
                }
                None => self.decode(frame)?,
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

/// A moment on the own clock of a source that begins at `zero` and doesn't jump.
fn since(mark: Mark, zero: PresentationTime) -> PresentationTime {
    match mark {
        Mark::Running(running) => PresentationTime(zero.0.saturating_add(running.0)),
        Mark::Clock(time) => time,
    }
}
