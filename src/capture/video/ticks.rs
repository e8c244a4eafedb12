//! A stream counts time in ticks of its own; the program counts microseconds.

use ffmpeg_next as ffmpeg;

/// A time of a stream in microseconds, to the nearest.
pub(super) fn micros(stamp: i64, base: ffmpeg::Rational) -> i64 {
    let (up, down) = (i128::from(base.numerator()), i128::from(base.denominator().max(1)));
    let micros = (i128::from(stamp) * up * 2_000_000 + down).div_euclid(2 * down);
    i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_the_nearest() {
        assert_eq!(micros(1, (1, 3).into()), 333_333);
        assert_eq!(micros(2, (1, 3).into()), 666_667);
        assert_eq!(micros(-1, (1, 3).into()), -333_333);
        assert_eq!(micros(i64::MAX, (1, 1).into()), i64::MAX);
        assert_eq!(micros(90_000, (1, 90_000).into()), 1_000_000);
    }
}
