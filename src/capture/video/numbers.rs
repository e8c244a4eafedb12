//! The number of a frame in its file, when decoding doesn't begin at the file's first frame.
//!
//! The packets of the file are read up to there, and not decoded, which costs as much as reading the file. The number of
//! a frame is how many packets are shown before it.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::Id;
use ffmpeg_next::ffi;
use ffmpeg_next::format::context::Input;

use crate::frame::PresentationTime;

use super::micros;

/// A frame may be shown this long after packets that come behind it in the file, at most.
const REORDER: i64 = 10_000_000;

/// The times of a file's first frames, in order.
#[derive(Debug)]
pub(super) struct Numbers(Vec<i64>);

impl Numbers {
    /// Reads the packets of the stream up to those that are shown well after `until`. `None` where packets don't tell
    /// which frames come of them: they have no time, or the codec has frames that are never shown.
    pub(super) fn read(mut input: Input, stream: usize, until: PresentationTime) -> Option<Self> {
        let (codec, base) = input.stream(stream).map(|stream| (stream.parameters().id(), stream.time_base()))?;
        if codec == Id::VP8 {
            return None;
        }
        let mut times = Vec::new();
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
            if micros(packet.dts().unwrap_or(time), base) > until.0.saturating_add(REORDER) {
                break;
            }
            times.push(micros(time, base));
        }
        times.sort_unstable();
        Some(Self(times))
    }

    /// The time of the last frame that was read of.
    pub(super) fn last(&self) -> Option<PresentationTime> {
        self.0.last().map(|&time| PresentationTime(time))
    }

    /// The number of the frame that is shown at `time`, from 0.
    pub(super) fn at(&self, time: PresentationTime) -> u64 {
        self.0.partition_point(|&earlier| earlier < time.0) as u64
    }
}

/// Whether the frame of a packet is needed for others alone: an edit list cuts it away.
#[expect(unsafe_code, reason = "the binding has no name for this flag")]
fn is_hidden(packet: &ffmpeg::Packet) -> bool {
    use ffmpeg::packet::Ref;
    // SAFETY: the packet is allocated, and this is a plain number in it.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISCARD != 0 }
}
