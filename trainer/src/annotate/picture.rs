//! Photos as the page gets them: upright, at their own size, coded anew from their pixels alone.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use cyborg_edge::capture::stills::{self, StillError};
use cyborg_edge::frame::Frame;
use cyborg_edge::wall;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageReader};

/// Photos with a longer side are not shown: browsers of phones have no room for them.
pub const MOST_SIDE: u32 = 4096;
/// Photos of up to so many pixels lose nothing.
const LOSSLESS: usize = 1024 * 1024;
/// Quality of the JPEG files of the others, 1 to 100, colours at their full size.
const QUALITY: u8 = 95;

/// A photo that can't be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It can't be read.
    #[error(transparent)]
    Still(#[from] StillError),
    /// It is too large.
    #[error("it is {0} x {1} pixels, and {MOST_SIDE} a side are shown at most")]
    Large(u32, u32),
    /// It can't be coded.
    #[error("it can't be coded: {0}")]
    Coding(#[from] image::ImageError),
}

/// A photo, coded for the page.
#[derive(Debug)]
pub(super) struct Coded {
    /// Type of the file.
    pub(super) kind: &'static str,
    pub(super) file: Bytes,
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
}

/// Width and height that the file says it has, before it is turned upright. `None` where its head can't be read: whether all of it can is
/// found out when it is to be shown.
#[must_use]
pub fn size_of(path: &Path) -> Option<(u32, u32)> {
    let file = File::open(path).ok()?;
    let read = || ImageReader::new(BufReader::new(file)).with_guessed_format().ok()?.into_dimensions().ok();
    wall::behind(read).ok().flatten()
}

pub(super) fn code(path: &Path) -> Result<Coded, Unfit> {
    let mut frame = Frame::empty();
    stills::read(path, &mut frame)?;
    let size = (frame.width as u32, frame.height as u32);
    if size.0.max(size.1) > MOST_SIDE {
        return Err(Unfit::Large(size.0, size.1));
    }
    let mut file = Vec::new();
    // By its pixels and nothing else: what the photo's own file was like must not show.
    let kind = if frame.width * frame.height <= LOSSLESS {
        let coder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive);
        coder.write_image(&frame.pixels, size.0, size.1, ExtendedColorType::Rgb8)?;
        "image/png"
    } else {
        let coder = JpegEncoder::new_with_quality(&mut file, QUALITY);
        coder.write_image(&frame.pixels, size.0, size.1, ExtendedColorType::Rgb8)?;
        "image/jpeg"
    };
    Ok(Coded { kind, file: file.into(), size })
}

/// The photos that were coded last.
#[derive(Debug)]
pub(super) struct Pictures {
    paths: Vec<PathBuf>,
    most: usize,
    /// Used last is last.
    kept: Mutex<VecDeque<(usize, Arc<Coded>)>>,
}

impl Pictures {
    /// Keeps `most` coded photos at a time.
    pub(super) fn new(paths: Vec<PathBuf>, most: usize) -> Self {
        Self { paths, most, kept: Mutex::default() }
    }

    /// A photo by its index. Takes as long as reading and coding it, unless it is there.
    pub(super) fn get(&self, photo: usize) -> Result<Arc<Coded>, Unfit> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut kept = lock();
            let found = kept.iter().position(|(of, _)| *of == photo).and_then(|at| kept.remove(at));
            if let Some(found) = found {
                let coded = Arc::clone(&found.1);
                kept.push_back(found);
                return Ok(coded);
            }
        }
        let coded = Arc::new(code(&self.paths[photo])?);
        let mut kept = lock();
        if kept.len() >= self.most {
            kept.pop_front();
        }
        kept.push_back((photo, Arc::clone(&coded)));
        Ok(coded)
    }
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    fn photo(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8]))
    }

    #[test]
    fn a_small_photo_keeps_each_pixel_and_loses_all_else() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("gan_17.png");
        let pixels = photo(37, 21);
        let mut file = Vec::new();
        let mut coder = PngEncoder::new(&mut file);
        coder.set_exif_metadata(b"MM\0*\0\0\0\x08\0\0a-generator".to_vec()).expect("PNG holds words");
        coder.write_image(&pixels, 37, 21, ExtendedColorType::Rgb8).expect("it is coded");
        std::fs::write(&path, &file).expect("it is written");
        assert!(file.windows(11).any(|at| at == b"a-generator"));
        let coded = code(&path).expect("it can be shown");
        assert_eq!((coded.kind, coded.size, size_of(&path)), ("image/png", (37, 21), Some((37, 21))));
        assert_eq!(image::load_from_memory(&coded.file).expect("a picture").to_rgb8(), pixels);
        assert!(!coded.file.windows(11).any(|at| at == b"a-generator"));
    }

    #[test]
    fn a_large_photo_keeps_its_size_and_its_colours() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("large.bmp");
        let check = |width, height| {
            photo(width, height).save(&path).expect("it is written");
            code(&path)
        };
        let coded = check(1100, 1000).expect("it can be shown");
        assert_eq!((coded.kind, coded.size), ("image/jpeg", (1100, 1000)));
        // Of the frame's head: three components, and 1 by 1 for the first.
        let head = coded.file.windows(2).position(|at| at == [0xff, 0xc0]).expect("a frame");
        assert_eq!([coded.file[head + 9], coded.file[head + 11]], [3, 0x11]);
        assert!(matches!(check(4097, 2), Err(Unfit::Large(4097, 2))));
    }

    #[test]
    fn the_oldest_photo_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let paths: Vec<PathBuf> = (0..3).map(|number| folder.path().join(format!("{number}.png"))).collect();
        for path in &paths {
            photo(4, 4).save(path).expect("it is written");
        }
        let pictures = Pictures::new(paths.clone(), 2);
        let first = pictures.get(0).expect("it is there");
        pictures.get(1).expect("it is there");
        assert!(Arc::ptr_eq(&first, &pictures.get(0).expect("it is kept")));
        pictures.get(2).expect("it is there");
        std::fs::remove_file(&paths[1]).expect("it was there");
        assert!(pictures.get(1).is_err(), "it was used least lately");
        assert!(pictures.get(0).is_ok());
    }
}
