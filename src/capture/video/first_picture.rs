//! Settling who decodes a video: a decoder in hardware is taken once its first picture has matched the processor's.

use super::decode::{Decode, DecodeReport, Hardware, choose};
use super::device::Device;
use super::{OpenSettings, VideoError, VideoSource};
use crate::capture::Read;
use crate::capture::address::Address;
use crate::capture::stretch::Stretch;
use crate::frame::Frame;

/// Grey levels by which a sample of the first picture may be off on average. Decoders of one standard agree to the bit; the colour
/// samples of a device lie in another order, which the converter may round otherwise.
const MOST_DIFFERENCE: f64 = 1.0;

/// Who decodes what is at `address`: [`Decode::Cpu`] or [`Decode::Named`], and the report on how it came to that.
pub(super) fn settle(address: &Address, settings: &OpenSettings) -> Result<(Decode, DecodeReport), VideoError> {
    let mut expected = None;
    let settled = choose(settings.decode, |hardware| {
        if let Err(reason) = Device::open(hardware) {
            return Ok(Err(reason));
        }
        // What can be read but once is not read twice.
        if !address.path().is_some_and(std::path::Path::is_file) {
            return Ok(Ok(None));
        }
        let expected = match &expected {
            Some(expected) => expected,
            // A file that the processor can't read either is no fault of the device.
            None => expected.insert(first_picture(address, settings, Decode::Cpu)?.0),
        };
        Ok(match first_picture(address, settings, Decode::Named(hardware)) {
            Ok((picture, true)) => held_against(expected, &picture).map(Some),
            Ok((_, false)) => Err("it doesn't take this stream".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    })?;
    match settled {
        Ok(report) => Ok((report.got.map_or(Decode::Cpu, Decode::Named), report)),
        Err((hardware, reason)) => Err(refused(address.name(), hardware, reason)),
    }
}

/// A decoder that was named and isn't used.
pub(super) fn refused(name: String, hardware: Hardware, reason: String) -> VideoError {
    VideoError::Hardware { name, decoder: hardware.name(), reason }
}

/// The first picture, and whether it came from a device.
fn first_picture(address: &Address, settings: &OpenSettings, decode: Decode) -> Result<(Frame, bool), VideoError> {
    let settings = OpenSettings { decode, stretch: Stretch::WHOLE, ..settings.clone() };
    let mut source = VideoSource::open_at_start(address, &settings)?;
    let mut frame = Frame::empty();
    loop {
        match source.next_frame(&mut frame)? {
            Read::Frame => return Ok((frame, source.on_device)),
            Read::Damaged(_) => {}
            Read::End => return Err(VideoError::NoFrames { name: address.name(), damage: None }),
        }
    }
}

/// How far a picture is from the expected one, in grey levels of a sample on average; or why it isn't that picture.
fn held_against(expected: &Frame, picture: &Frame) -> Result<f64, String> {
    let size = |frame: &Frame| (frame.width, frame.height);
    if size(expected) != size(picture) {
        let ((width, height), (found_width, found_height)) = (size(expected), size(picture));
        return Err(format!("its first picture is {found_width}x{found_height}, the processor's {width}x{height}"));
    }
    let pairs = expected.pixels.iter().zip(&picture.pixels);
    let sum: u64 = pairs.map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
    let difference = sum as f64 / expected.pixels.len().max(1) as f64;
    if difference <= MOST_DIFFERENCE {
        Ok(difference)
    } else {
        Err(format!("its first picture is {difference:.1} grey levels off the processor's"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, value: u8) -> Frame {
        Frame { width, height: 2, pixels: vec![value; width * 6], ..Frame::empty() }
    }

    #[test]
    fn another_picture_is_refused() {
        assert_eq!(held_against(&picture(4, 100), &picture(4, 101)), Ok(1.0));
        let reason = held_against(&picture(4, 100), &picture(4, 98)).expect_err("two levels are too much");
        assert!(reason.contains("2.0 grey levels off"), "{reason}");
        let reason = held_against(&picture(4, 100), &picture(6, 100)).expect_err("it is larger");
        assert!(reason.contains("6x2") && reason.contains("4x2"), "{reason}");
    }
}
