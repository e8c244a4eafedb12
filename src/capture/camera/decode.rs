//! From what cameras give to RGB: MJPEG by libjpeg-turbo, YUYV and NV12 by ITU-R BT.601, which is what the USB video class
//! says of them, with black at 16 and white at 235.
//!
//! Nothing is allocated once the frame has its size, but for MJPEG, whose decoder is made anew for each picture.

use nokhwa::utils::FrameFormat;

use crate::capture::jpeg;
use crate::frame::Frame;
use crate::wall::{self, Fault};

/// A picture that can't be decoded: it is shorter than its size says, or damaged.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    #[error("expected {needed} bytes for a {coding} frame of {width}x{height}, got {found}")]
    Short { coding: FrameFormat, width: usize, height: usize, needed: usize, found: usize },
    #[error("{coding} frames need even sides, got {width}x{height}")]
    Odd { coding: FrameFormat, width: usize, height: usize },
    #[error("an MJPEG picture is damaged: {0}")]
    Jpeg(#[from] jpeg::JpegError),
    #[error("an MJPEG picture can't be decoded: {0}")]
    Fault(#[from] Fault),
}

/// Decodes a picture of this size into `frame`.
pub(super) fn decode(
    bytes: &[u8],
    coding: FrameFormat,
    (width, height): (usize, usize),
    frame: &mut Frame,
) -> Result<(), DecodeError> {
    let halves = match coding {
        FrameFormat::YUYV => 4,
        FrameFormat::NV12 => 3,
        FrameFormat::GRAY => 2,
        FrameFormat::RAWRGB | FrameFormat::RAWBGR => 6,
        FrameFormat::MJPEG => {
            let decoded = wall::behind(|| jpeg::decode(bytes, &mut frame.pixels))??;
            (frame.width, frame.height) = (decoded.width, decoded.height);
            return Ok(());
        }
    };
    let odd = match coding {
        FrameFormat::YUYV => width % 2 != 0,
        FrameFormat::NV12 => width % 2 != 0 || height % 2 != 0,
        _ => false,
    };
    if odd {
        return Err(DecodeError::Odd { coding, width, height });
    }
    let needed = width * height * halves / 2;
    let Some(bytes) = bytes.get(..needed) else {
        return Err(DecodeError::Short { coding, width, height, needed, found: bytes.len() });
    };
    frame.resize(width, height);
    let pixels = &mut frame.pixels;
    match coding {
        FrameFormat::YUYV => yuyv(bytes, pixels),
        FrameFormat::NV12 => nv12(bytes, width, height, pixels),
        FrameFormat::RAWRGB => pixels.copy_from_slice(bytes),
        FrameFormat::RAWBGR => {
            for (pixel, &[blue, green, red]) in pixels.chunks_exact_mut(3).zip(bytes.as_chunks().0) {
                pixel.copy_from_slice(&[red, green, blue]);
            }
        }
        _ => pixels.chunks_exact_mut(3).zip(bytes).for_each(|(pixel, &grey)| pixel.fill(grey)),
    }
    Ok(())
}

/// Two pixels in four bytes: light, blue, light, red.
fn yuyv(bytes: &[u8], pixels: &mut [u8]) {
    for (pair, &[first, blue, second, red]) in pixels.chunks_exact_mut(6).zip(bytes.as_chunks().0) {
        let colour = Colour::of(blue, red);
        pair[..3].copy_from_slice(&colour.lit(first));
        pair[3..].copy_from_slice(&colour.lit(second));
    }
}

/// The light of all pixels, then blue and red of each square of four.
fn nv12(bytes: &[u8], width: usize, height: usize, pixels: &mut [u8]) {
    let (lights, colours) = bytes.split_at(width * height);
    for (row, pixels) in pixels.chunks_exact_mut(width.max(1) * 3).enumerate() {
        let lights = &lights[row * width..][..width];
        let colours = &colours[row / 2 * width..][..width];
        for ((pair, &[first, second]), &[blue, red]) in
            pixels.chunks_exact_mut(6).zip(lights.as_chunks().0).zip(colours.as_chunks().0)
        {
            let colour = Colour::of(blue, red);
            pair[..3].copy_from_slice(&colour.lit(first));
            pair[3..].copy_from_slice(&colour.lit(second));
        }
    }
}

/// What a colour adds to red, green and blue, in 65536ths.
struct Colour([i32; 3]);

impl Colour {
    fn of(blue: u8, red: u8) -> Self {
        let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
        // 1.596027, 0.391762, 0.812968 and 2.017232 times 65536.
        Self([104_597 * red, -25_675 * blue - 53_279 * red, 132_201 * blue])
    }

    fn lit(&self, light: u8) -> [u8; 3] {
        // 255 / 219 times 65536; a half is added to round.
        let light = 76_309 * (i32::from(light) - 16) + 32_768;
        self.0.map(|share| ((light + share) >> 16).clamp(0, 255) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(coding: FrameFormat, size: (usize, usize), bytes: &[u8], expected: &[[u8; 3]]) {
        let mut frame = Frame::empty();
        decode(bytes, coding, size, &mut frame).expect("it can be decoded");
        assert_eq!(frame.pixels, expected.concat(), "{coding}");
        assert_eq!((frame.width, frame.height), size);
        let short = decode(&bytes[1..], coding, size, &mut frame).expect_err("a byte is missing");
        assert!(matches!(short, DecodeError::Short { .. }), "{short}");
    }

    #[test]
    fn colours_are_those_of_the_standard() {
        // Black, white, and the pure red of BT.601: light 81, blue 90, red 240.
        let (black, white, red) = ([0; 3], [255; 3], [254, 0, 0]);
        check(FrameFormat::YUYV, (2, 1), &[16, 128, 235, 128], &[black, white]);
        check(FrameFormat::YUYV, (2, 2), &[81, 90, 81, 240, 16, 128, 235, 128], &[red, red, black, white]);
        check(FrameFormat::NV12, (2, 2), &[16, 235, 235, 16, 128, 128], &[black, white, white, black]);
        check(
            FrameFormat::NV12,
            (4, 2),
            &[81, 81, 16, 235, 81, 81, 235, 16, 90, 240, 128, 128],
            &[red, red, black, white, red, red, white, black],
        );
        check(FrameFormat::GRAY, (2, 1), &[7, 9], &[[7; 3], [9; 3]]);
        check(FrameFormat::RAWRGB, (1, 1), &[1, 2, 3], &[[1, 2, 3]]);
        check(FrameFormat::RAWBGR, (1, 1), &[1, 2, 3], &[[3, 2, 1]]);
        // Whatever is beyond the range stays in it. The last blue: 1.164384 * -16 + 2.017232 * 127 = 237.56.
        check(FrameFormat::YUYV, (2, 1), &[255, 255, 0, 255], &[[255, 125, 255], [184, 0, 238]]);
    }

    #[test]
    fn sizes_that_cannot_be() {
        let mut frame = Frame::empty();
        for (coding, size) in [(FrameFormat::YUYV, (3, 2)), (FrameFormat::NV12, (3, 2)), (FrameFormat::NV12, (2, 3))] {
            let error = decode(&[0; 100], coding, size, &mut frame).expect_err("it can't be");
            assert!(matches!(error, DecodeError::Odd { .. }), "{error}");
        }
        assert!(decode(&[0xff, 0xd8, 0], FrameFormat::MJPEG, (2, 2), &mut frame).is_err());
        decode(&[], FrameFormat::NV12, (0, 0), &mut frame).expect("nothing is in it");
    }

    #[test]
    fn a_motion_jpeg_is_a_jpeg() {
        let mut coded = Vec::new();
        image::codecs::jpeg::JpegEncoder::new(&mut coded)
            .encode(&[200; 8 * 8 * 3], 8, 8, image::ExtendedColorType::Rgb8)
            .expect("it can be coded");
        let mut frame = Frame::empty();
        decode(&coded, FrameFormat::MJPEG, (8, 8), &mut frame).expect("it can be decoded");
        assert_eq!((frame.width, frame.height, frame.pixels[0]), (8, 8, 200));
    }
}
