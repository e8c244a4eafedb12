//! Photos: one picture a file, turned as its EXIF orientation says.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

use super::folder;
use crate::frame::{Frame, PresentationTime};

/// File name endings of the formats that can be read, in lower case.
pub const ENDINGS: [&str; 7] = ["bmp", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// Decoding needs no more memory than this, whatever a file claims of its size.
const MOST_MEMORY: u64 = 1 << 30;

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
}

/// Reads the picture at `path` into `frame`. The format is told from the content, not from the name.
///
/// # Errors
///
/// When the file can't be read or is no picture.
pub fn read(path: &Path, frame: &mut Frame) -> Result<(), StillError> {
    let picture = decode(path)?.into_rgb8();
    frame.width = picture.width() as usize;
    frame.height = picture.height() as usize;
    frame.pixels = picture.into_raw();
    frame.number = 0;
    frame.time = PresentationTime::default();
    frame.captured = Instant::now();
    frame.patched = false;
    Ok(())
}

fn decode(path: &Path) -> Result<DynamicImage, StillError> {
    let open = |source| StillError::Open { path: path.to_owned(), source };
    let fail = |source| StillError::Decode { path: path.to_owned(), source };
    let mut reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(open)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let orientation = decoder.orientation().map_err(fail)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(fail)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The pictures in `folder` and the folders below it, in the order of their names.
///
/// # Errors
///
/// When a folder can't be read.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    folder::list(folder, &ENDINGS)
}
