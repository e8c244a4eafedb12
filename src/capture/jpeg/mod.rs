//! Decoding JPEG by libjpeg-turbo, with the settings that Pillow uses: the pixels are Pillow's own.
//!
//! Decoders differ in how they round the transform and in how they bring colour back to full size. Two grey levels of
//! that moved the scores of photos by more than 1e-3, so what trains and what uses a network must decode alike.

mod markers;

use image::metadata::Orientation;
use turbojpeg::{Colorspace, DecompressHeader, Decompressor, Image, PixelFormat};

use markers::Outline;

/// Decoding needs no more memory than this in bytes, whatever a file claims of its size.
pub const MOST_MEMORY: u64 = 1 << 30;
/// Files with more scans exist to keep a decoder busy; those of coders have about ten.
const MOST_SCANS: u32 = 500;
/// How libjpeg-turbo's warnings begin after which there is a picture. Everything else it says is an error.
const WARNINGS: [&str; 3] = ["Corrupt JPEG data", "Inconsistent progression", "Invalid SOS parameters"];
/// Its warning on a scan that ends before the picture is full.
const SHORT_SCAN: &str = "Corrupt JPEG data: premature end of data segment";
/// Its warning on data that ends before the picture does.
const SHORT_FILE: &str = "Premature end of JPEG file";

/// A JPEG that can't be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JpegError {
    /// The data ends before the picture does.
    #[error("the JPEG data is truncated; get a complete copy of the file")]
    Truncated,
    /// Decoding it would need more than [`MOST_MEMORY`].
    #[error("decoding its {width}x{height} pixels needs more than {} MiB; shrink it", MOST_MEMORY >> 20)]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// It is damaged, or of a kind that libjpeg-turbo doesn't decode to 8-bit colours.
    #[error("{0}")]
    Damaged(#[from] turbojpeg::Error),
}

/// What is known of a picture beside its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Width of the stored picture in pixels.
    pub width: usize,
    /// Height of the stored picture in pixels.
    pub height: usize,
    /// How the stored picture is to be turned, by its EXIF block or XMP packet.
    pub orientation: Orientation,
}

/// Decodes the JPEG in `coded` into `pixels`, as RGB of 8 bits, not turned. Grey and CMYK become RGB as Pillow has it.
///
/// Damage within the data is no error as long as libjpeg-turbo can go on, and neither is it one for Pillow.
///
/// # Errors
///
/// When the data ends before the picture does, is too damaged, or decoding would need more than [`MOST_MEMORY`].
pub fn decode(coded: &[u8], pixels: &mut Vec<u8>) -> Result<Decoded, JpegError> {
    let outline = Outline::of(coded);
    // With several scans a missing end may be missing detail. With one the picture itself tells whether it is whole.
    if outline.scans == 0 || outline.scans > 1 && !outline.ended {
        return Err(JpegError::Truncated);
    }
    let mut decompressor = Decompressor::new()?;
    decompressor.set_scan_limit(MOST_SCANS)?;
    let header = decompressor.read_header(&outline.stream)?;
    let DecompressHeader { width, height, .. } = header;
    let inks = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let format = if inks { PixelFormat::CMYK } else { PixelFormat::RGB };
    if memory(&header, outline.scans, format) > MOST_MEMORY {
        return Err(JpegError::TooLarge { width, height });
    }
    let pitch = width * format.size();
    pixels.resize(pitch * height, 0);
    let image = Image { pixels: pixels.as_mut_slice(), width, pitch, height, format };
    match decompressor.decompress(&outline.stream, image) {
        Ok(()) => {}
        Err(turbojpeg::Error::TurboJpegError(text)) if text == SHORT_FILE => return Err(JpegError::Truncated),
        Err(turbojpeg::Error::TurboJpegError(text)) if text == SHORT_SCAN && !outline.ended => {
            return Err(JpegError::Truncated);
        }
        Err(turbojpeg::Error::TurboJpegError(text)) if WARNINGS.iter().any(|start| text.starts_with(start)) => {
            log::debug!("a damaged JPEG: {text}");
        }
        Err(error) => return Err(error.into()),
    }
    if inks {
        rgb_of_inks(pixels);
    }
    Ok(Decoded { width, height, orientation: outline.orientation() })
}

/// Bytes that decoding needs: the pixels, and with several scans two bytes for each coefficient of the transform.
fn memory(header: &DecompressHeader, scans: usize, format: PixelFormat) -> u64 {
    let bytes = format.size() * if scans > 1 { 3 } else { 1 };
    header.width as u64 * header.height as u64 * bytes as u64
}

/// Turns four inks a pixel, stored as their absence, into red, green and blue, in place and as Pillow does it.
fn rgb_of_inks(pixels: &mut Vec<u8>) {
    let count = pixels.len() / 4;
    for at in 0..count {
        let [cyan, magenta, yellow, light] = [0, 1, 2, 3].map(|ink| u32::from(pixels[at * 4 + ink]));
        for (channel, absent) in [cyan, magenta, yellow].into_iter().enumerate() {
            // What the black lets through, less the share that the ink takes of it, divided by 255 and rounded.
            let product = (255 - absent) * light + 128;
            pixels[at * 3 + channel] = (light - (((product >> 8) + product) >> 8)) as u8;
        }
    }
    pixels.truncate(count * 3);
}

#[cfg(test)]
mod tests {
    use image::ExtendedColorType;
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    fn coded(width: u32, height: u32) -> Vec<u8> {
        let pixels: Vec<u8> = (0..width * height * 3).map(|index| (index * index / 7 % 251) as u8).collect();
        let mut coded = Vec::new();
        JpegEncoder::new_with_quality(&mut coded, 90)
            .encode(&pixels, width, height, ExtendedColorType::Rgb8)
            .expect("it can be coded");
        coded
    }

    fn decoded(coded: &[u8]) -> Result<(Decoded, Vec<u8>), JpegError> {
        let mut pixels = vec![7; 5];
        let decoded = decode(coded, &mut pixels)?;
        assert_eq!(pixels.len(), decoded.width * decoded.height * 3);
        Ok((decoded, pixels))
    }

    /// Decides as Pillow does, which was tried with such files.
    #[test]
    fn a_file_that_ends_too_early_is_refused() {
        let whole = coded(64, 48);
        let (size, pixels) = decoded(&whole).expect("it is whole");
        assert_eq!((size.width, size.height, size.orientation), (64, 48, Orientation::NoTransforms));
        for length in (0..whole.len() - 4).step_by(7) {
            let error = decoded(&whole[..length]).expect_err("it is cut");
            assert!(matches!(error, JpegError::Truncated), "{length} of {}: {error}", whole.len());
        }
        // All of the picture is there, and only the end marker is missing; or more follows behind it.
        for enough in [&whole[..whole.len() - 1], &whole[..whole.len() - 2], &[&whole, &whole[..20]].concat()] {
            assert_eq!(decoded(enough).expect("the picture is whole").1, pixels);
        }
    }

    #[test]
    fn damage_within_is_borne_where_the_decoder_can_go_on() {
        let whole = coded(64, 48);
        let (_, pixels) = decoded(&whole).expect("it is whole");
        let scan = whole.windows(2).position(|two| two == [0xff, 0xda]).expect("it has a scan");
        for stray in [&b"abc"[..], &[0xff, 0]] {
            let strayed = [&whole[..scan], stray, &whole[scan..]].concat();
            assert_eq!(decoded(&strayed).expect("stray bytes do no harm").1, pixels);
        }
        let mut newer = whole.clone();
        let version = whole.windows(5).position(|five| five == b"JFIF\0").expect("it has one") + 5;
        newer[version] = 7;
        assert_eq!(decoded(&newer).expect("a version is of no concern").1, pixels);
        let mut changed = whole.clone();
        changed[scan + 200..scan + 230].fill(0x55);
        assert_ne!(decoded(&changed).expect("the decoder goes on").1, pixels);
    }

    #[test]
    fn what_claims_to_be_huge_takes_no_memory() {
        let mut huge = coded(16, 16);
        let size = huge.windows(2).position(|two| two == [0xff, 0xc0]).expect("it has a frame") + 5;
        huge[size..size + 4].fill(0xfe);
        let mut pixels = Vec::new();
        let error = decode(&huge, &mut pixels).expect_err("it is too large");
        assert!(matches!(error, JpegError::TooLarge { width: 0xfefe, height: 0xfefe }), "{error}");
        assert_eq!(pixels.capacity(), 0);
        assert!(error.to_string().contains("65278x65278 pixels needs more than 1024 MiB"), "{error}");
    }

    #[test]
    fn no_bytes_at_all_and_bytes_that_are_no_jpeg() {
        for bytes in
            [&[][..], &[0xff], &[0xff, 0xd8], &[0xff, 0xd8, 0xff, 0xd9], &[0xff, 0xd8, 0xff, 0xda, 0, 0], b"text"]
        {
            assert!(decoded(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn inks_become_colours() {
        // No ink is white, all black is black; half the cyan takes half the red: 255 - 127 * 255 / 255 = 128.
        let mut pixels = vec![255, 255, 255, 255, 9, 9, 9, 0, 128, 255, 255, 255, 128, 0, 255, 100];
        rgb_of_inks(&mut pixels);
        // With black at 155 of 255: red 100 - 127 * 100 / 255 = 50.2, green 0, blue 100.
        assert_eq!(pixels, [255, 255, 255, 0, 0, 0, 128, 255, 255, 50, 0, 100]);
    }
}
