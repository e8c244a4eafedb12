//! Photos: one picture a file, turned as its EXIF block or XMP packet says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::folder::{self, Listing};
use super::heif::{self, HeifError};
use super::jpeg::{self, JpegError};
use super::patient::{self, Patient, Stop};
use super::{animated, orientation, png_notes};
use crate::frame::{Frame, PresentationTime};
use crate::name;
use crate::wall::{self, Fault};

/// File name endings of the formats that can be read, in lower case.
pub const ENDINGS: [&str; 13] =
    ["avif", "bmp", "gif", "heic", "heif", "hif", "jfif", "jpeg", "jpg", "png", "tif", "tiff", "webp"];
/// Enough of a file to tell its format.
const HEAD: u64 = 64;

/// How TIFF files of more than 4 GiB begin, and those of programs that make no others; the decoder reads them, but `image`
/// doesn't know them by their beginning.
const BIG_TIFF: [&[u8]; 2] = [b"II+\0", b"MM\0+"];

/// A picture that can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StillError {
    /// The file can't be opened.
    #[error("can't read {}: {source}", name::of(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no picture, or a damaged one.
    #[error(
        "{} is not a picture that can be read (JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP and TIFF can): {source}",
        name::of(path)
    )]
    Decode {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: image::ImageError,
    },
    /// It is a JPEG that is cut short, damaged or too large.
    #[error("{} is a JPEG that can't be read: {source}", name::of(path))]
    Jpeg {
        /// The file.
        path: PathBuf,
        /// Why.
        source: JpegError,
    },
    /// It is a HEIC or AVIF that can't be read.
    #[error("{} is a HEIC or AVIF photo that can't be read: {source}", name::of(path))]
    Heif {
        /// The file.
        path: PathBuf,
        /// Why.
        source: HeifError,
    },
    /// Its decoder broke down.
    #[error("{} can't be read: {source}", name::of(path))]
    Fault {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        source: Fault,
    },
    /// The user wanted an end while it was waited for.
    #[error("interrupted while reading {}", name::of(path))]
    Interrupted {
        /// The file.
        path: PathBuf,
    },
}

/// What a file held besides the picture that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Still {
    /// Whether it is animated: further pictures follow, which were not read.
    pub animated: bool,
}

/// Reads the picture at `path` into `frame`. The format is told from the content, not from the name.
///
/// # Errors
///
/// When the file can't be read or is no picture.
pub fn read(path: &Path, frame: &mut Frame) -> Result<Still, StillError> {
    read_until(path, frame, None)
}

/// The same, for a file that may keep one waiting, such as a named pipe: the wait ends when `stop` becomes true.
///
/// # Errors
///
/// As [`read`], and when it was interrupted.
pub fn read_until(path: &Path, frame: &mut Frame, stop: Stop) -> Result<Still, StillError> {
    let fault = |source| StillError::Fault { path: path.to_owned(), source };
    let file = open(path, stop)?;
    wall::behind(|| decode_into(path, file, frame)).map_err(fault)?
}

/// A file that can be read again from any place.
trait Seekable: BufRead + Seek {}

impl<T: BufRead + Seek> Seekable for T {}

fn open(path: &Path, stop: Stop) -> Result<Box<dyn Seekable>, StillError> {
    let fail = |source| StillError::Open { path: path.to_owned(), source };
    if !patient::may_wait(&path.metadata().map_err(fail)?) {
        return Ok(Box::new(BufReader::new(File::open(path).map_err(fail)?)));
    }
    let mut coming = Patient { reader: patient::open(path).map_err(fail)?, stop };
    let mut bytes = Vec::new();
    // A device may give for ever what is no picture.
    coming.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(fail)?;
    if format_of(&bytes).is_some() || heif::is_heif(&bytes) {
        coming.take(jpeg::MOST_MEMORY).read_to_end(&mut bytes).map_err(fail)?;
    }
    if patient::stopped(stop) {
        return Err(StillError::Interrupted { path: path.to_owned() });
    }
    Ok(Box::new(Cursor::new(bytes)))
}

fn decode_into(path: &Path, mut file: Box<dyn Seekable>, frame: &mut Frame) -> Result<Still, StillError> {
    let open = |source| StillError::Open { path: path.to_owned(), source };
    let head = file.fill_buf().map_err(open)?;
    let format = format_of(head);
    if heif::is_heif(head) {
        let mut coded = Vec::new();
        file.take(jpeg::MOST_MEMORY).read_to_end(&mut coded).map_err(open)?;
        let left = heif::decode(&coded, frame).map_err(|source| StillError::Heif { path: path.to_owned(), source })?;
        if left != Orientation::NoTransforms {
            turned(frame, left).into_iter().for_each(|picture| fill(frame, picture));
        }
        begin(frame);
        return Ok(Still { animated: false });
    }
    let animated = format.map_or(Ok(false), |format| animated::is_animated(format, &mut file)).map_err(open)?;
    let upright = if format == Some(ImageFormat::Jpeg) {
        let mut coded = Vec::new();
        // A file that is larger than all that decoding may need is refused as cut short.
        file.take(jpeg::MOST_MEMORY).read_to_end(&mut coded).map_err(open)?;
        let decoded = jpeg::decode(&coded, &mut frame.pixels)
            .map_err(|source| StillError::Jpeg { path: path.to_owned(), source })?;
        (frame.width, frame.height) = (decoded.width, decoded.height);
        if decoded.orientation == Orientation::NoTransforms { None } else { turned(frame, decoded.orientation) }
    } else {
        Some(decode(file, format).map_err(|source| StillError::Decode { path: path.to_owned(), source })?)
    };
    upright.into_iter().for_each(|picture| fill(frame, picture));
    begin(frame);
    Ok(Still { animated })
}

fn fill(frame: &mut Frame, picture: RgbImage) {
    frame.width = picture.width() as usize;
    frame.height = picture.height() as usize;
    frame.pixels = picture.into_raw();
}

/// Gives a frame with the pixels of a photo what it has besides.
fn begin(frame: &mut Frame) {
    frame.number = 0;
    frame.time = PresentationTime::default();
    frame.running = None;
    frame.captured = Instant::now();
    frame.patched = false;
}

/// The format of a file that begins so. The name says nothing: it is often another one.
fn format_of(head: &[u8]) -> Option<ImageFormat> {
    let is_big_tiff = BIG_TIFF.iter().any(|mark| head.starts_with(mark));
    if is_big_tiff { Some(ImageFormat::Tiff) } else { image::guess_format(head).ok() }
}

fn decode(mut file: Box<dyn Seekable>, format: Option<ImageFormat>) -> image::ImageResult<RgbImage> {
    let by_tag = (format == Some(ImageFormat::Tiff)).then(|| orientation::in_tiff(&mut file));
    let notes = (format == Some(ImageFormat::Png)).then(|| png_notes::read(&mut file));
    file.rewind()?;
    let mut reader = ImageReader::new(file);
    if let Some(format) = format {
        reader.set_format(format);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(jpeg::MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    // Words about a picture that can't be read say nothing of it, and don't make it one that can't.
    let (exif, xmp) = match notes {
        Some(notes) => (notes.exif, notes.xmp),
        None => (decoder.exif_metadata().unwrap_or(None), decoder.xmp_metadata().unwrap_or(None)),
    };
    let orientation = match by_tag {
        Some(number) => match (number.unwrap_or(None), decoder.orientation()?) {
            // A BigTIFF is read by the decoder alone.
            (None, turned) if turned != Orientation::NoTransforms => turned,
            (number, _) => orientation::from(number, xmp.as_deref()),
        },
        None => orientation::of(exif.as_deref(), xmp.as_deref()),
    };
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

/// The pictures in `folder` and the folders below it, in the order of their names, and what else lies there.
///
/// # Errors
///
/// When the folder can't be read.
pub fn list(folder: &Path) -> io::Result<Listing> {
    folder::list(folder, &ENDINGS)
}
