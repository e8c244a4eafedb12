//! Which of a camera's formats fits a wish best, and what is to be said where none fits in full. Pure.

use nokhwa::utils::{CameraFormat, FrameFormat};

use super::{FORMATS, Wish};

/// The format that fits best: the size comes before the rate, both before the coding. `None` where none can be decoded.
pub(super) fn best(formats: &[CameraFormat], wish: Wish) -> Option<CameraFormat> {
    let decodable = formats.iter().filter(|format| FORMATS.contains(&format.format()));
    decodable.min_by_key(|format| cost(format, wish)).copied()
}

/// Pixels off in width and height; frames a second that are missing, or too many; then colour before grey and what is
/// cheap to decode before what is not.
fn cost(format: &CameraFormat, wish: Wish) -> (u32, u32, u32, u8) {
    let size = format.width().abs_diff(wish.size.0) + format.height().abs_diff(wish.size.1);
    let (missing, spare) =
        (wish.rate.saturating_sub(format.frame_rate()), format.frame_rate().saturating_sub(wish.rate));
    let coding = match format.format() {
        FrameFormat::RAWRGB => 0,
        FrameFormat::RAWBGR => 1,
        FrameFormat::YUYV => 2,
        FrameFormat::NV12 => 3,
        FrameFormat::MJPEG => 4,
        FrameFormat::GRAY => 5,
    };
    (size, missing, spare, coding)
}

/// What was got in place of what was asked; `None` where both are the same.
pub(super) fn differs(got: &CameraFormat, wish: Wish) -> Option<String> {
    let mut parts = Vec::new();
    let ((width, height), rate) = (wish.size, wish.rate);
    if (got.width(), got.height()) != wish.size {
        parts.push(format!("{}x{} instead of {width}x{height}", got.width(), got.height()));
    }
    if got.frame_rate() != rate {
        parts.push(format!("{} fps instead of {rate}", got.frame_rate()));
    }
    (!parts.is_empty()).then(|| format!("camera gives {}", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Wish = Wish { size: (1280, 720), rate: 30 };

    fn check(formats: &[(u32, u32, u32, FrameFormat)], expected: Option<usize>, words: Option<&str>) {
        let formats: Vec<CameraFormat> = formats
            .iter()
            .map(|&(width, height, rate, coding)| CameraFormat::new_from(width, height, coding, rate))
            .collect();
        let found = best(&formats, WISH);
        assert_eq!(found, expected.map(|at| formats[at]), "{formats:?}");
        assert_eq!(found.and_then(|found| differs(&found, WISH)).as_deref(), words, "{formats:?}");
    }

    #[test]
    fn size_before_rate_before_coding() {
        use FrameFormat::{GRAY, MJPEG, NV12, YUYV};
        check(&[(1280, 720, 30, MJPEG), (1280, 720, 30, YUYV), (1280, 720, 30, NV12)], Some(1), None);
        check(&[(1280, 720, 10, YUYV), (1280, 720, 30, MJPEG), (640, 480, 30, YUYV)], Some(1), None);
        check(&[(1280, 720, 15, YUYV), (640, 480, 30, YUYV)], Some(0), Some("camera gives 15 fps instead of 30"));
        check(&[(1280, 720, 60, YUYV), (1280, 720, 24, YUYV)], Some(0), Some("camera gives 60 fps instead of 30"));
        check(&[(640, 480, 15, GRAY)], Some(0), Some("camera gives 640x480 instead of 1280x720; 15 fps instead of 30"));
        check(&[], None, None);
    }
}
