//! Which frames are key frames, by their packets alone, for streams whose packets tell.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::Id;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;

use super::numbers::is_hidden;
use super::shown_order::{Coming, ShownOrder};
use super::ticks::micros;

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

    /// The next frame that is shown, once it is known.
    pub(super) fn next(&mut self) -> Option<Coming<ffmpeg::Packet>> {
        self.order.next(self.ended)
    }

    /// Whether no packet is to come.
    pub(super) fn have_ended(&self) -> bool {
        self.ended
    }

    /// No packet is to come.
    pub(super) fn end(&mut self) {
        self.ended = true;
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

/// Whether all frames of a codec are key frames.
#[expect(unsafe_code, reason = "the binding has no name for these properties")]
pub(super) fn is_intra_only(codec: Id) -> bool {
    // SAFETY: the call looks into tables of the library; what it gives is null or one of their rows, which stays.
    let properties = unsafe {
        let row = ffi::avcodec_descriptor_get(codec.into());
        if row.is_null() { 0 } else { (*row).props }
    };
    properties & ffi::AV_CODEC_PROP_INTRA_ONLY != 0
}

/// Whether the stream is said to be interlaced. A packet of it may be half of a frame.
#[expect(unsafe_code, reason = "the binding has no name for this field")]
fn is_interlaced(stream: &ffmpeg::Stream<'_>) -> bool {
    use ffi::AVFieldOrder;
    // SAFETY: a stream has parameters as long as its container is open, and this is a plain value in them.
    let order = unsafe { (*(*stream.as_ptr()).codecpar).field_order };
    !matches!(order, AVFieldOrder::AV_FIELD_UNKNOWN | AVFieldOrder::AV_FIELD_PROGRESSIVE)
}
