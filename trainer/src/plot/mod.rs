//! The pictures of the trainer: curves, histograms, heat maps and sheets of faces, from plain numbers.
//!
//! Each picture is a struct with public fields and a `save` that writes `<stem>.png` and `<stem>.svg`; pictures made of
//! photos write the PNG alone. The same numbers give the same bytes, so results can be kept in a repository. What can't
//! be drawn (a NaN, an infinite loss) is left out; a panel with nothing to draw says "no data".
//!
//! Colours are those of Okabe and Ito, which stay apart for colour-blind eyes.

mod axis;
mod chart;
pub mod confusion;
pub mod curves;
pub mod histogram;
mod letters;
pub mod maps;
mod page;
pub mod reliability;
pub mod robustness;
pub mod roc;
pub mod sheet;

use std::io;
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::checkpoint::replace;
use cyborg_models::name;
use letters::Picture;
use page::{Area, Fault};

/// A picture that can't be drawn or written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The numbers don't fit together.
    #[error("can't draw {}: {fault}", name::of(path))]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: DataFault,
    },
    /// The drawing library can't draw it.
    #[error("can't draw {}: {reason}", name::of(path))]
    Draw {
        /// The file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// The file can't be written.
    #[error("can't write {}: {source}; what was there before is still there", name::of(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Numbers that don't fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataFault {
    /// A heat map whose values don't fill its size.
    #[error("the map '{name}' has {values} values, {height} x {width} are needed")]
    MapSize {
        /// Its caption.
        name: String,
        /// Values given.
        values: usize,
        /// Height.
        height: usize,
        /// Width.
        width: usize,
    },
    /// A tile whose bytes don't fill its square.
    #[error("tile {tile} has {bytes} bytes, a square of {side} needs {}", side.saturating_mul(*side).saturating_mul(3))]
    TileSize {
        /// Number of the tile, from 0.
        tile: usize,
        /// Bytes given.
        bytes: usize,
        /// Side in pixels.
        side: usize,
    },
    /// A picture larger than is drawn.
    #[error("it would be {width} x {height} pixels, which is too much; draw less in one picture")]
    TooLarge {
        /// Width.
        width: usize,
        /// Height.
        height: usize,
    },
    /// A count that is zero or beyond reason.
    #[error("{what} must be 1 to {most}, not {given}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The most that is drawn.
        most: usize,
        /// The count.
        given: usize,
    },
}

/// Longest side of a picture, in pixels.
const LONGEST_SIDE: usize = 16_384;
/// Most pixels of a chart. It is drawn larger first, so this many take 650 MB.
const MOST_CHART_PIXELS: usize = 24_000_000;

/// A map of heat: activation, saliency or a mask.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// `height * width` values of any scale, rows from the top.
    pub values: Vec<f32>,
    /// Height.
    pub height: usize,
    /// Width.
    pub width: usize,
}

impl HeatMap {
    fn check(&self, name: &str) -> Result<(), DataFault> {
        let needed = self.height.checked_mul(self.width);
        if needed == Some(self.values.len()) && !self.values.is_empty() && self.height.max(self.width) <= LONGEST_SIDE {
            return Ok(());
        }
        let (values, height, width) = (self.values.len(), self.height, self.width);
        Err(DataFault::MapSize { name: name.to_owned(), values, height, width })
    }
}

/// The file of a picture: the ending goes behind the whole stem, which may hold dots.
fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Draws a picture of `size` (width, height) twice and writes both files.
fn save(stem: &Path, size: (usize, usize), paint: &dyn Fn(&Area<'_>) -> Result<(), Fault>) -> Result<(), PlotError> {
    let path = with_ending(stem, ".svg");
    let page = drawable(size, MOST_CHART_PIXELS).map_err(|fault| PlotError::Data { path: path.clone(), fault })?;
    let fail = |path: &Path, fault: Fault| PlotError::Draw { path: path.to_owned(), reason: fault.to_string() };
    let text = page::svg(page, paint).map_err(|fault| fail(&path, fault))?;
    let png = with_ending(stem, ".png");
    let picture = page::pixels(page, paint).map_err(|fault| fail(&png, fault))?;
    write_png(&png, &picture)?;
    replace(&path, text.as_bytes()).map_err(|source| PlotError::Write { path, source })
}

/// The size as plotters takes it, when it is one that is drawn.
fn drawable((width, height): (usize, usize), most_pixels: usize) -> Result<(u32, u32), DataFault> {
    let fits = width.max(height) <= LONGEST_SIDE && width * height <= most_pixels;
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width), Ok(height)) if fits => Ok((width, height)),
        _ => Err(DataFault::TooLarge { width, height }),
    }
}

/// Writes a picture as PNG.
fn write_png(path: &Path, picture: &Picture) -> Result<(), PlotError> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(&picture.pixels, picture.width as u32, picture.height as u32, ExtendedColorType::Rgb8)
        .map_err(|error| PlotError::Draw { path: path.to_owned(), reason: error.to_string() })?;
    replace(path, &bytes).map_err(|source| PlotError::Write { path: path.to_owned(), source })
}
