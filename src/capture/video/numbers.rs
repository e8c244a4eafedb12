//! The number of a frame in its file, when decoding doesn't begin at the file's first frame.
//!
//! The packets of the file are read up to there, and not decoded, which costs as much as reading the file. The number of
//! a frame is how many packets are shown before it.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::Id;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;

use crate::frame::PresentationTime;

use super::ticks::micros;
use crate::capture::clock::LONGEST;

/// A frame may be shown this long after packets that come behind it in the file, at most.
const REORDER: i64 = 10_000_000;

/// The times of a file's first frames, in order.
#[derive(Debug)]
pub(super) struct Numbers {
    times: Vec<i64>,
    /// Where in the file the last packet begins that was read.
    read_up_to: i64,
}

impl Numbers {
    /// Reads the packets of the stream up to those that are shown well after `until`. `None` where packets don't tell
    /// which frames come of them: they have no time, the codec has frames that are never shown, or the clock jumps.
    pub(super) fn read(mut input: Input, stream: usize, until: PresentationTime) -> Option<Self> {
        let (codec, base) = input.stream(stream).map(|stream| (stream.parameters().id(), stream.time_base()))?;
        if codec == Id::VP8 {
            return None;
        }
        let (mut times, mut read_up_to, mut before) = (Vec::new(), -1, None);
        loop {
            // A new one each time: reading into one that is full would lose what it holds, and with it the file.
            let mut packet = ffmpeg::Packet::empty();
            if packet.read(&mut input).is_err() {
                break;
            }
            if packet.stream() != stream || is_hidden(&packet) {
                continue;
            }
            let time = packet.pts()?;
            let decoded = micros(packet.dts().unwrap_or(time), base);
            // The order in which packets are decoded: a clock that runs on has no step back in it.
            let step = before.map_or(0, |before| decoded.saturating_sub(before));
            if packet.dts().is_some() && !(0..=LONGEST).contains(&step) {
                return None;
            }
            before = Some(decoded);
            read_up_to = read_up_to.max(packet.position() as i64);
            if decoded > until.0.saturating_add(REORDER) {
                break;
            }
            times.push(micros(time, base));
        }
        times.sort_unstable();
        Some(Self { times, read_up_to })
    }

    /// Where in the file the last packet begins that was read, in bytes; negative where that is not known.
    pub(super) fn read_up_to(&self) -> i64 {
        self.read_up_to
    }

    /// The time of the last frame that was read of.
    pub(super) fn last(&self) -> Option<PresentationTime> {
        self.times.last().map(|&time| PresentationTime(time))
    }

    /// The number of the frame that is shown at `time`, from 0.
    pub(super) fn at(&self, time: PresentationTime) -> u64 {
        self.times.partition_point(|&earlier| earlier < time.0) as u64
    }
}

/// Whether the frame of a packet is needed for others alone: an edit list cuts it away.
#[expect(unsafe_code, reason = "the binding has no name for this flag")]
pub(super) fn is_hidden(packet: &ffmpeg::Packet) -> bool {
    use ffmpeg::packet::Ref;
    // SAFETY: the packet is allocated, and this is a plain number in it.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISCARD != 0 }
}
