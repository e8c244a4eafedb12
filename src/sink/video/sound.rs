//! The source's sound on its way into the annotated video: packets are copied, nothing is encoded again.
//!
//! The source is opened a second time for it, so that the sound is read at the pace of the pictures that are written.

use std::path::PathBuf;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::Id;
use ffmpeg_next::format::context::{Input, Output};

use super::pieces::{Continuation, Pieces, Place, SoundFollower};
use crate::capture::stretch::Mark;
use crate::capture::video::{VideoError, open_again};
use crate::frame::Frame;
use crate::name;
use crate::wall::{self, Fault};

/// What MP4 takes and players play.
const TAKEN: [Id; 9] = [Id::AAC, Id::MP3, Id::MP2, Id::AC3, Id::EAC3, Id::OPUS, Id::FLAC, Id::ALAC, Id::DTS];
/// A file whose sound can't be read this often in a row has no more to give.
const MOST_READ_ERRORS: u32 = 16;
/// Sound that begins this much later than its file, in microseconds, is late.
const LATE: i64 = 2_000_000;
/// Microseconds, FFmpeg's own clock.
const MICROS: ffmpeg::Rational = ffmpeg::Rational(1, 1_000_000);

/// Which sound is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// The file that the pictures come from.
    pub path: PathBuf,
    /// Sound before it is left out; `None` keeps the beginning.
    pub from: Option<Mark>,
    /// Sound after it is left out; `None` keeps the end, also where it is later than that of the pictures.
    pub until: Option<Mark>,
}

/// Why an annotated video is silent although its source is not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SilenceReason {
    /// The source can't be read a second time.
    #[error("no sound in the annotated video: the source can't be opened a second time to read it ({0})")]
    Open(VideoError),
    /// The libraries failed by a fault of their own.
    #[error("the sound is left out: {0}")]
    Fault(#[from] Fault),
    /// The source comes once, and the sound is read apart from the pictures.
    #[error(
        "no sound in the annotated video: {0} can be read only once, and sound needs a second pass; to keep it, save the clip to a file and judge that"
    )]
    Once(String),
    /// MP4 has no place for this kind of sound.
    #[error(
        "no sound in the annotated video: MP4 doesn't support `{0}`; convert it to AAC, for example with `ffmpeg -i CLIP -c:v copy -c:a aac OUT.mp4`"
    )]
    Codec(&'static str),
    /// AAC as transport streams have it; FFmpeg can't put it into an MP4 of fragments.
    #[error(
        "no sound in the annotated video: its packets have transport stream headers; run `ffmpeg -i CLIP -c copy OUT.mp4` first, and judge that"
    )]
    Adts,
    /// The muxer refuses it.
    #[error(
        "no sound in the annotated video: the FFmpeg libraries on this machine can't put `{codec}` into MP4 ({reason})"
    )]
    Refused {
        /// The kind of sound.
        codec: &'static str,
        /// What FFmpeg says.
        reason: ffmpeg::Error,
    },
}

/// The best sound stream of a source.
pub(super) struct SoundTrack {
    input: Input,
    settings: Sound,
    stream: usize,
    from_clock: ffmpeg::Rational,
    /// Number of the stream in the output, and its clock, which the muxer chooses.
    out: usize,
    to_clock: ffmpeg::Rational,
    follower: SoundFollower,
    /// What the output calls zero, on the running clock.
    zero: i64,
    /// A packet that was read but not due yet.
    waiting: Option<(ffmpeg::Packet, Continuation)>,
    last: Option<i64>,
    late: bool,
    ended: bool,
    lost: bool,
}

impl SoundTrack {
    /// Opens the source; `None` when it is silent.
    pub(super) fn open(settings: &Sound) -> Result<Option<Self>, SilenceReason> {
        wall::behind(|| Self::find(settings))?
    }

    fn find(settings: &Sound) -> Result<Option<Self>, SilenceReason> {
        let mut input = open_again(&settings.path).map_err(SilenceReason::Open)?;
        let Some(stream) = input.streams().best(ffmpeg::media::Type::Audio) else {
            return Ok(None);
        };
        let codec = stream.parameters().id();
        if !TAKEN.contains(&codec) {
            return Err(SilenceReason::Codec(codec.name()));
        }
        if codec == Id::AAC && is_bare(&stream) {
            return Err(SilenceReason::Adts);
        }
        let (stream, from_clock) = (stream.index(), stream.time_base());
        skip_others(&mut input, stream);
        Ok(Some(Self {
            input,
            settings: settings.clone(),
            stream,
            from_clock,
            out: 0,
            to_clock: from_clock,
            follower: SoundFollower::default(),
            zero: 0,
            waiting: None,
            last: None,
            late: false,
            ended: false,
            lost: false,
        }))
    }

    /// Goes to where the sound begins beside the first picture, which `pieces` has seen. Says when that is on the running
    /// clock; `None` where there is no sound.
    pub(super) fn begin(&mut self, first: &Frame, pieces: &Pieces) -> Option<i64> {
        self.follower = SoundFollower::new(first);
        let running = first.running().0;
        let offset = running.saturating_sub(first.time.0);
        // By the source's own clock, the first picture has the mark behind it.
        self.settings.from = self.settings.from.map(|from| match from {
            Mark::Running(_) => from,
            Mark::Clock(_) => Mark::Running(first.running()),
        });
        let mut start = start_of(&self.input);
        if let Some(Mark::Running(from)) = self.settings.from {
            let from = from.0.saturating_sub(offset);
            start = start.max(from);
            if first.jumps() == 0 && !may_jump(&self.input) {
                // A file that can't be searched is read from its beginning; what is too early is left out all the same.
                if let Err(error) = self.input.seek(from, ..from) {
                    log::debug!("can't go to {from} us in the sound of {}: {error}", name::of(&self.settings.path));
                }
            }
        }
        // A stream without a packet would keep the muxer waiting for one.
        while let Some((packet, turn)) = self.read() {
            let place = self.place(&packet, turn, pieces);
            if place == Place::Nowhere {
                continue;
            }
            let begin = micros(packet.dts().or(packet.pts()).unwrap_or(0), self.from_clock);
            self.late = begin.saturating_sub(start) > LATE;
            self.waiting = Some((packet, Continuation::Within));
            return Some(match place {
                Place::At(moment) => moment,
                Place::Nowhere | Place::Later => running,
            });
        }
        None
    }

    /// Sets what the output calls zero, in microseconds on the running clock.
    pub(super) fn set_zero(&mut self, zero: i64) {
        self.zero = zero;
    }

    /// Where it is among the pieces of the source.
    pub(super) fn follower(&self) -> &SoundFollower {
        &self.follower
    }

    /// Whether there is sound that found no place beside the pictures.
    pub(super) fn has_lost(&self) -> bool {
        self.lost
    }

    /// The kind of sound, by FFmpeg's name.
    pub(super) fn codec(&self) -> &'static str {
        self.id().name()
    }

    /// Whether the header of the MP4 is to be written after the first packets of each stream.
    ///
    /// Only then it says exactly when each stream starts; without, the first packet of each stands at zero. But all is
    /// kept in memory until then, so sound that begins late has to do without, where its codec allows it.
    pub(super) fn wants_late_header(&self) -> bool {
        !self.late || matches!(self.id(), Id::AC3 | Id::EAC3)
    }

    fn id(&self) -> Id {
        self.input.stream(self.stream).map_or(Id::None, |stream| stream.parameters().id())
    }

    /// Adds a stream for the sound to an output that has no header yet.
    #[expect(unsafe_code, reason = "the binding has no name for this field")]
    pub(super) fn add_to(&mut self, output: &mut Output) -> Result<(), ffmpeg::Error> {
        let parameters = self.input.stream(self.stream).ok_or(ffmpeg::Error::StreamNotFound)?.parameters();
        let mut stream = output.add_stream(ffmpeg::encoder::find(Id::None))?;
        stream.set_parameters(parameters);
        stream.set_time_base(self.from_clock);
        // SAFETY: the stream was made above, and this is a plain number in it.
        unsafe {
            // The source's own code for the codec means something else in another container.
            (*stream.parameters().as_mut_ptr()).codec_tag = 0;
        }
        self.out = stream.index();
        Ok(())
    }

    /// Takes over the clock that the muxer chose when it wrote the header.
    pub(super) fn header_is_written(&mut self, output: &Output) {
        if let Some(stream) = output.stream(self.out) {
            self.to_clock = stream.time_base();
        }
    }

    /// Writes the sound that is due before `time`, in microseconds of the output.
    pub(super) fn write_before(
        &mut self,
        time: i64,
        pieces: &Pieces,
        output: &mut Output,
    ) -> Result<(), ffmpeg::Error> {
        while let Some((mut packet, turn)) = self.waiting.take().or_else(|| self.read()) {
            let stamp = packet.dts().or(packet.pts()).unwrap_or(0);
            let moment = micros(stamp, self.from_clock);
            let running = match self.place(&packet, turn, pieces) {
                Place::At(running) => running,
                Place::Nowhere => continue,
                Place::Later => {
                    self.waiting = Some((packet, Continuation::Within));
                    break;
                }
            };
            let shift = running.saturating_sub(moment).saturating_sub(self.zero);
            if moment.saturating_add(shift) >= time {
                self.waiting = Some((packet, Continuation::Within));
                break;
            }
            packet.set_stream(self.out);
            packet.set_position(-1);
            packet.rescale_ts(self.from_clock, self.to_clock);
            shift_by(&mut packet, shift, self.to_clock);
            // The clock of a damaged file may stand still or go back; the muxer would end the whole video for it.
            let decoded = packet.dts().or(packet.pts());
            if decoded <= self.last {
                continue;
            }
            self.last = decoded;
            packet.write_interleaved(output)?;
        }
        Ok(())
    }

    /// Writes the rest: to the end that was asked for when the pictures came to theirs, else to the last picture.
    pub(super) fn write_rest(
        &mut self,
        last_picture: Option<i64>,
        pieces: &Pieces,
        output: &mut Output,
    ) -> Result<(), ffmpeg::Error> {
        self.write_before(last_picture.unwrap_or(i64::MAX), pieces, output)
    }

    /// Where a packet lies, if it is wanted.
    fn place(&mut self, packet: &ffmpeg::Packet, turn: Continuation, pieces: &Pieces) -> Place {
        let moment = |stamp: i64| micros(stamp, self.from_clock);
        let decoded = moment(packet.dts().or(packet.pts()).unwrap_or(0));
        let shown = packet.pts().or(packet.dts()).unwrap_or(0);
        let (start, end) = (moment(shown), moment(shown.saturating_add(packet.duration())));
        let place = self.follower.place(decoded, turn, pieces);
        let Place::At(running) = place else {
            self.lost |= pieces.have_ended() && place == Place::Nowhere;
            return place;
        };
        let offset = running.saturating_sub(decoded);
        if matches!(self.settings.from, Some(Mark::Running(from)) if end.saturating_add(offset) <= from.0) {
            return Place::Nowhere;
        }
        match self.settings.until {
            Some(Mark::Running(until)) if start.saturating_add(offset) >= until.0 => {
                self.ended = true;
                Place::Nowhere
            }
            Some(Mark::Clock(until)) if start >= until.0 => Place::Nowhere,
            _ => place,
        }
    }

    /// The next packet. Sound that can't be read ends the sound, not the video.
    fn read(&mut self) -> Option<(ffmpeg::Packet, Continuation)> {
        let mut errors = 0;
        while !self.ended {
            let mut packet = ffmpeg::Packet::empty();
            match wall::behind(|| packet.read(&mut self.input)) {
                Err(fault) => {
                    (self.ended, self.lost) = (true, true);
                    log::warn!("the sound of {} ends early: {fault}", name::of(&self.settings.path));
                }
                Ok(Ok(())) if packet.stream() != self.stream => {}
                Ok(Ok(())) => {
                    errors = 0;
                    if let Some(stamp) = packet.dts().or(packet.pts()) {
                        let turn = self.follower.turns(micros(stamp, self.from_clock));
                        return Some((packet, turn));
                    }
                }
                Ok(Err(ffmpeg::Error::Eof)) => self.ended = true,
                Ok(Err(error)) => {
                    errors += 1;
                    self.ended = errors > MOST_READ_ERRORS;
                    log::debug!("a piece of sound of {} can't be read: {error}", name::of(&self.settings.path));
                }
            }
        }
        None
    }
}

/// Moves a packet by so many microseconds.
fn shift_by(packet: &mut ffmpeg::Packet, micros: i64, clock: ffmpeg::Rational) {
    use ffmpeg::Rescale;
    let ticks = micros.rescale(MICROS, clock);
    packet.set_pts(packet.pts().map(|stamp| stamp.saturating_add(ticks)));
    packet.set_dts(packet.dts().map(|stamp| stamp.saturating_add(ticks)));
}

/// Whether clocks of this format are known to jump: then a time may be at several places in the file.
#[expect(unsafe_code, reason = "the binding has no name for these fields")]
fn may_jump(input: &Input) -> bool {
    // SAFETY: an open input has a format, which is a constant of the library.
    unsafe { (*(*input.as_ptr()).iformat).flags & ffmpeg::ffi::AVFMT_TS_DISCONT != 0 }
}

/// Whether a stream says nothing of its codec's settings, so that each packet has to.
#[expect(unsafe_code, reason = "the binding has no name for this field")]
fn is_bare(stream: &ffmpeg::Stream<'_>) -> bool {
    // SAFETY: the parameters live as long as the stream, and this is a plain number in them.
    unsafe { (*stream.parameters().as_ptr()).extradata_size == 0 }
}

/// When a file begins, in microseconds.
#[expect(unsafe_code, reason = "the binding has no name for this field")]
fn start_of(input: &Input) -> i64 {
    // SAFETY: the input is open, and this is a plain number in it.
    let start = unsafe { (*input.as_ptr()).start_time };
    if start == ffmpeg::ffi::AV_NOPTS_VALUE { 0 } else { start }
}

fn micros(stamp: i64, clock: ffmpeg::Rational) -> i64 {
    use ffmpeg::Rescale;
    stamp.rescale(clock, MICROS)
}

/// Tells the demuxer that nobody wants the pictures: most of the file is then not even read.
#[expect(unsafe_code, reason = "the binding has no name for this field")]
fn skip_others(input: &mut Input, wanted: usize) {
    for mut stream in input.streams_mut().filter(|stream| stream.index() != wanted) {
        // SAFETY: the stream belongs to the open input, and this is a plain number in it.
        unsafe { (*stream.as_mut_ptr()).discard = ffmpeg::ffi::AVDiscard::AVDISCARD_ALL };
    }
}
