//! Clocks of containers that are full: they begin at zero again, and time goes on.

use ffmpeg_next as ffmpeg;

use crate::capture::clock::LONGEST;

/// Bits of the stream's clock, which begins at zero again when they are full.
#[expect(unsafe_code, reason = "the binding has no name for this field")]
pub(super) fn wrap_bits(stream: &ffmpeg::Stream<'_>) -> u32 {
    // SAFETY: the stream is one of an open container, and this is a plain number in it.
    u32::try_from(unsafe { (*stream.as_ptr()).pts_wrap_bits }).unwrap_or(64)
}

/// The ticks that are hidden by a clock's overflows, once a frame at `stamp` came after one at `last`, in microseconds: more
/// than before when the clock went on over its end.
pub(super) fn unwrapped(stamp: i64, (bits, hidden): (u32, i64), micros: impl Fn(i64) -> i64, last: Option<i64>) -> i64 {
    let full = 1_i64.checked_shl(bits).filter(|_| bits < 62);
    let (Some(full), Some(last)) = (full, last) else {
        return hidden;
    };
    let more = hidden.saturating_add(full);
    let goes_back = micros(stamp.saturating_add(hidden)) < last;
    let goes_on = (0..LONGEST).contains(&micros(stamp.saturating_add(more)).saturating_sub(last));
    if goes_back && goes_on { more } else { hidden }
}

#[cfg(test)]
mod tests {
    use super::unwrapped;

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
