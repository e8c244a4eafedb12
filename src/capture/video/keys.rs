//! Key frames alone, where packets tell which they are: only their packets are decoded, each by itself. Numbers and times
//! are those that the frames have when all are read.
//!
//! All is decoded up to the first key frame, since what a decoder makes of frames before it differs from codec to codec. From there
//! on frames are counted by their packets. The decoder is emptied after each key frame, so that it can't make one up of what
//! it has seen before.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::Id;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::picture::Type;

use super::numbers::is_hidden;
use super::packets::Next;
use super::shown_order::{Coming, ShownOrder};
use super::ticks::micros;
use super::{VideoError, VideoSource};
use crate::capture::Read;
use crate::frame::Frame;

/// Containers whose packets are whole frames, interlaced ones too.
const WHOLE_FRAMES: [&str; 2] = ["mov,mp4", "matroska"];

/// Knows the frames of one stream by their packets.
pub(super) struct Keys {
    order: ShownOrder<ffmpeg::Packet>,
    base: ffmpeg::Rational,
    /// When the last packet is shown, in ticks.
    last: i64,
    /// The first key frame was decoded.
    begun: bool,
    ended: bool,
}

impl Keys {
    /// `None` where packets don't tell which frames come of them, and where each frame is a key frame: then all is decoded, and
    /// the decoder says which are.
    pub(super) fn of(input: &Input, stream: &ffmpeg::Stream<'_>) -> Option<Self> {
        let codec = stream.parameters().id();
        let holds_whole = || WHOLE_FRAMES.iter().any(|whole| input.format().name().starts_with(whole));
        let in_fields = codec == Id::H264 && is_interlaced(stream) && !holds_whole();
        // VP8 has frames that are never shown.
        let tells = codec != Id::VP8 && !is_intra_only(codec) && !in_fields;
        let (order, base) = (ShownOrder::new(), stream.time_base());
        tells.then_some(Self { order, base, last: 0, begun: false, ended: false })
    }

    /// Whether the first key frame was decoded: from then on no others are.
    pub(super) fn have_begun(&self) -> bool {
        self.begun
    }

    /// The first key frame was decoded, and is shown at `shown`, in ticks. Whether a packet says the same; it is then not given
    /// again.
    pub(super) fn begin(&mut self, shown: Option<i64>, ended: bool) -> bool {
        (self.begun, self.ended) = (true, ended);
        shown.is_some_and(|shown| self.order.forget_to(shown))
    }

    /// Takes note of the next packet.
    pub(super) fn see(&mut self, packet: ffmpeg::Packet) {
        if is_hidden(&packet) {
            return;
        }
        // One without a time, far behind others that have it, is taken for shown when it is decoded.
        let shown = packet.pts().or(packet.dts()).unwrap_or(self.last);
        self.last = shown;
        let decoded = packet.dts().map(|decoded| micros(decoded, self.base));
        self.order.push(decoded, shown, packet.is_key().then_some(packet));
    }
}

impl VideoSource {
    /// Goes on by a packet or a frame, once key frames have begun. `Some` when that came to something.
    pub(super) fn next_key(&mut self, keys: &mut Keys, frame: &mut Frame) -> Result<Option<Read>, VideoError> {
        if let Some(Coming { shown, key, .. }) = keys.order.next(keys.ended) {
            let Some(place) = self.place(Some(shown), key.is_some()) else {
                return Ok(None);
            };
            return match (place, key) {
                (Ok(place), Some(packet)) => match self.decode_alone(&packet) {
                    Some(damaged) => Ok(Some(damaged)),
                    None => self.give(place, frame).map(Some),
                },
                _ => Ok(Some(Read::End)),
            };
        }
        if keys.ended {
            return Ok(Some(Read::End));
        }
        match self.next_packet()? {
            Next::Packet(packet) => keys.see(packet),
            Next::Damaged(error) => return Ok(Some(self.damaged(error))),
            Next::Ended => keys.ended = true,
            Next::Stopped => return Ok(Some(Read::End)),
        }
        Ok(None)
    }

    /// Decodes a packet without any other. `Some` where no picture came of it that is one by itself.
    fn decode_alone(&mut self, packet: &ffmpeg::Packet) -> Option<Read> {
        let came = (self.decoder.send_packet(packet))
            .and_then(|()| self.decoder.send_eof())
            .and_then(|()| self.decoder.receive_frame(&mut self.picture));
        self.decoder.flush();
        let told = |reason: &str| Some(Read::Damaged(reason.to_owned()));
        match came {
            Ok(()) if matches!(self.picture.kind(), Type::P | Type::B) => {
                told("it is marked as a key frame, but builds on others")
            }
            Ok(()) => None,
            Err(ffmpeg::Error::Eof) => told("no picture comes of a key frame alone"),
            Err(error) => Some(self.damaged(error)),
        }
    }
}

/// Whether all frames of a codec are key frames.
#[expect(unsafe_code, reason = "the binding has no name for these properties")]
pub(super) fn is_intra_only(codec: Id) -> bool {
    // SAFETY: the call looks into tables of the library; what it gives is null or one of their rows, which stays.
    let properties = unsafe {
        let row = ffi::avcodec_descriptor_get(codec.into());
        if row.is_null() { 0 } else { (*row).props }
    };
    properties & ffi::AV_CODEC_PROP_INTRA_ONLY as i32 != 0
}

/// Whether the stream is said to be interlaced. A packet of it may be half of a frame.
#[expect(unsafe_code, reason = "the binding has no name for this field")]
fn is_interlaced(stream: &ffmpeg::Stream<'_>) -> bool {
    use ffi::AVFieldOrder;
    // SAFETY: a stream has parameters as long as its container is open, and this is a plain value in them.
    let order = unsafe { (*(*stream.as_ptr()).codecpar).field_order };
    !matches!(order, AVFieldOrder::AV_FIELD_UNKNOWN | AVFieldOrder::AV_FIELD_PROGRESSIVE)
}
