//! Photos: one picture a file, turned as its EXIF orientation says.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::folder;
use super::jpeg::{self, JpegError};
use crate::frame::{Frame, PresentationTime};

/// File name endings of the formats that can be read, in lower case.
pub const ENDINGS: [&str; 7] = ["bmp", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// A picture that can't be read.
#[derive(Debug, thiserror::Error)]
pub enum StillError {
    /// The file can't be opened.
    #[error("can't read {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no picture, or a damaged one.
    #[error("{} is not a picture that can be read (JPEG, PNG, WebP, BMP and TIFF can): {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: image::ImageError,
    },
    /// It is a JPEG that is cut short, damaged or too large.
    #[error("{} is a JPEG that can't be read: {source}", path.display())]
    Jpeg {
        /// The file.
        path: PathBuf,
        /// Why.
        source: JpegError,
    },
}

/// Reads the picture at `path` into `frame`. The format is told from the content, not from the name.
///
/// # Errors
///
/// When the file can't be read or is no picture.
pub fn read(path: &Path, frame: &mut Frame) -> Result<(), StillError> {
    let open = |source| StillError::Open { path: path.to_owned(), source };
    let file = BufReader::new(File::open(path).map_err(open)?);
    // Not by `ImageReader::open`, which trusts the name where the content says nothing.
    let mut reader = ImageReader::new(file).with_guessed_format().map_err(open)?;
    let upright = if reader.format() == Some(ImageFormat::Jpeg) {
        let mut coded = Vec::new();
        // A file that is larger than all that decoding may need is refused as cut short.
        reader.into_inner().take(jpeg::MOST_MEMORY).read_to_end(&mut coded).map_err(open)?;
        let decoded = jpeg::decode(&coded, &mut frame.pixels)
            .map_err(|source| StillError::Jpeg { path: path.to_owned(), source })?;
        (frame.width, frame.height) = (decoded.width, decoded.height);
        if decoded.orientation == Orientation::NoTransforms { None } else { turned(frame, decoded.orientation) }
    } else {
        let mut limits = Limits::default();
        limits.max_alloc = Some(jpeg::MOST_MEMORY);
        reader.limits(limits);
        Some(decode(reader).map_err(|source| StillError::Decode { path: path.to_owned(), source })?)
    };
    if let Some(picture) = upright {
        frame.width = picture.width() as usize;
        frame.height = picture.height() as usize;
        frame.pixels = picture.into_raw();
    }
    frame.number = 0;
    frame.time = PresentationTime::default();
    frame.running = None;
    frame.captured = Instant::now();
    frame.patched = false;
    Ok(())
}

fn decode(reader: ImageReader<impl io::BufRead + io::Seek>) -> image::ImageResult<RgbImage> {
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// The picture of the frame, turned. The frame's pixels are used for it.
fn turned(frame: &mut Frame, orientation: Orientation) -> Option<RgbImage> {
    let pixels = std::mem::take(&mut frame.pixels);
    let picture = RgbImage::from_raw(frame.width as u32, frame.height as u32, pixels)?;
    let mut picture = DynamicImage::from(picture);
    picture.apply_orientation(orientation);
    Some(picture.into_rgb8())
}

/// The pictures in `folder` and the folders below it, in the order of their names.
///
/// # Errors
///
/// When a folder can't be read.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    folder::list(folder, &ENDINGS)
}
