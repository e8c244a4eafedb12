//! The source's sound on its way into the annotated video: packets are copied, nothing is encoded again.
//!
//! The source is opened a second time for it, so that the sound is read at the pace of the pictures that are written.

use std::path::PathBuf;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::Id;
use ffmpeg_next::format::context::{Input, Output};

use crate::capture::video::{VideoError, open_again};
use crate::frame::PresentationTime;

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
    pub from: Option<PresentationTime>,
    /// Sound after it is left out; `None` keeps the end, also where it is later than that of the pictures.
    pub until: Option<PresentationTime>,
}

/// Why an annotated video is silent although its source is not.
#[derive(Debug, thiserror::Error)]
pub enum SilenceReason {
    /// The source can't be read a second time.
    #[error("the sound is left out: the source can't be opened a second time for it ({0})")]
    Open(VideoError),
    /// MP4 has no place for this kind of sound.
    #[error(
        "the sound is left out: MP4 doesn't take `{0}`; convert it to AAC, for example by `ffmpeg -i CLIP -c:v copy -c:a aac OUT.mp4`"
    )]
    Codec(&'static str),
    /// AAC as transport streams have it; FFmpeg can't put it into an MP4 of fragments.
    #[error(
        "the sound is left out: its packets have headers of a transport stream; run `ffmpeg -i CLIP -c copy OUT.mp4` first, and judge that"
    )]
    Adts,
    /// The muxer refuses it.
    #[error("the sound is left out: FFmpeg's libraries here can't put `{codec}` into MP4 ({reason})")]
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
    /// A packet that was read but not due yet.
    waiting: Option<ffmpeg::Packet>,
    last: Option<i64>,
    late: bool,
    ended: bool,
}

impl SoundTrack {
    /// Opens the source; `None` when it is silent.
    pub(super) fn open(settings: &Sound) -> Result<Option<Self>, SilenceReason> {
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
        let mut start = start_of(&input);
        if let Some(PresentationTime(from)) = settings.from {
            start = start.max(from);
            // A file that can't be searched is read from its beginning; what is too early is left out all the same.
            if let Err(error) = input.seek(from, ..from) {
                log::debug!("can't go to {from} us in the sound of {}: {error}", settings.path.display());
            }
        }
        let (settings, to_clock) = (settings.clone(), from_clock);
        let mut track = Self {
            input,
            settings,
            stream,
            from_clock,
            out: 0,
            to_clock,
            waiting: None,
            last: None,
            late: false,
            ended: false,
        };
        // A stream without a packet would keep the muxer waiting for one.
        let Some(first) = track.read() else {
            return Ok(None);
        };
        track.late = micros(first.dts().or(first.pts()).unwrap_or(0), from_clock).saturating_sub(start) > LATE;
        track.waiting = Some(first);
        Ok(Some(track))
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

    /// Writes the sound that is due before `time`, in microseconds.
    pub(super) fn write_before(&mut self, time: i64, output: &mut Output) -> Result<(), ffmpeg::Error> {
        while let Some(mut packet) = self.waiting.take().or_else(|| self.read()) {
            let stamp = packet.dts().or(packet.pts()).unwrap_or(0);
            if micros(stamp, self.from_clock) >= time {
                self.waiting = Some(packet);
                break;
            }
            packet.set_stream(self.out);
            packet.set_position(-1);
            packet.rescale_ts(self.from_clock, self.to_clock);
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
    pub(super) fn write_rest(&mut self, last_picture: Option<i64>, output: &mut Output) -> Result<(), ffmpeg::Error> {
        self.write_before(last_picture.unwrap_or(i64::MAX), output)
    }

    /// The next packet that is wanted. Sound that can't be read ends the sound, not the video.
    fn read(&mut self) -> Option<ffmpeg::Packet> {
        let mut errors = 0;
        while !self.ended {
            let mut packet = ffmpeg::Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.stream || packet.dts().or(packet.pts()).is_none() => {}
                Ok(()) => {
                    errors = 0;
                    let start = packet.pts().or(packet.dts()).unwrap_or(0);
                    let end = micros(start.saturating_add(packet.duration()), self.from_clock);
                    if self.settings.from.is_some_and(|from| end <= from.0) {
                        continue;
                    }
                    if self.settings.until.is_some_and(|until| micros(start, self.from_clock) >= until.0) {
                        self.ended = true;
                        break;
                    }
                    return Some(packet);
                }
                Err(ffmpeg::Error::Eof) => self.ended = true,
                Err(error) => {
                    errors += 1;
                    self.ended = errors > MOST_READ_ERRORS;
                    log::debug!("a piece of sound of {} can't be read: {error}", self.settings.path.display());
                }
            }
        }
        None
    }
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
