//! What an importer finds: marks on photos, whatever they were written as.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use cyborg_models::name;

use crate::study::painted::Painted;

/// Bytes of a file that are read, at most.
const MOST_BYTES: u64 = 1 << 30;
/// Pixels of a mask, at most: more than any camera has.
const MOST_PIXELS: u64 = 1 << 27;

/// A mark on a photo.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    /// The photo, as the file calls it.
    pub(super) image: String,
    /// Whose it is; empty where the file doesn't say.
    pub(super) by: String,
    /// What it was labelled as, where marks have labels.
    pub(super) label: String,
    /// Where it stands in the file, for messages.
    pub(super) at: String,
    /// What is marked.
    pub(super) shape: Shape,
}

/// What is marked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Where somebody looked, in pixels, and for how long in any unit.
    Fixation {
        /// From the left edge and from the upper one.
        place: [f64; 2],
        /// Above 0.
        weight: f64,
    },
    /// Outlines of one region, closed; an even number of them around a place leaves it out.
    Outlines {
        /// The corners of each, as shares of the photo.
        outlines: Vec<Vec<[f64; 2]>>,
        /// Width and height of the photo where the file says so, in pixels.
        size: Option<[u32; 2]>,
    },
    /// Pixels.
    Mask(Painted),
}

/// Takes the marks one by one.
pub(super) type Take<'a> = dyn FnMut(Mark) -> anyhow::Result<()> + 'a;

/// Reads a file that is looked at as a whole.
///
/// # Errors
///
/// When it can't be read, or is too large to be an export.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let fail = || format!("can't read {}", name::of(path));
    let size = fs::metadata(path).with_context(fail)?.len();
    ensure!(size <= MOST_BYTES, "{} has {size} bytes, more than {MOST_BYTES}: export it in parts", name::of(path));
    fs::read(path).with_context(fail)
}

/// Corners in pixels of a photo of this size, as shares of it.
///
/// # Errors
///
/// When there are fewer than three, or one is no number.
pub(super) fn outline(corners: &[[f64; 2]], size: [u32; 2]) -> anyhow::Result<Vec<[f64; 2]>> {
    ensure!(corners.len() >= 3, "an outline of {} corners", corners.len());
    ensure!(size[0] > 0 && size[1] > 0, "the photo's size is {} x {}", size[0], size[1]);
    let share = |corner: &[f64; 2]| [corner[0] / f64::from(size[0]), corner[1] / f64::from(size[1])];
    ensure!(corners.iter().flatten().all(|number| number.is_finite()), "a corner that is no number");
    Ok(corners.iter().map(share).collect())
}

/// Whether a mask may be of this size.
///
/// # Errors
///
/// When it is empty or too large.
pub(super) fn drawable(width: u32, height: u32) -> anyhow::Result<()> {
    let pixels = u64::from(width) * u64::from(height);
    ensure!((1..=MOST_PIXELS).contains(&pixels), "a mask of {width} x {height} pixels");
    Ok(())
}

/// Runs that begin with unpainted pixels and may be empty, as exports have them, over the rows from the top.
///
/// # Errors
///
/// When they don't fill the picture.
pub(super) fn mask_of_runs(width: u32, height: u32, runs: impl IntoIterator<Item = u64>) -> anyhow::Result<Vec<bool>> {
    drawable(width, height)?;
    let pixels = width as usize * height as usize;
    let mut mask = Vec::with_capacity(pixels);
    let mut is_painted = false;
    for run in runs {
        let length = usize::try_from(run).ok().filter(|length| *length <= pixels - mask.len());
        let length = length.with_context(|| format!("runs of more than the {pixels} pixels of the mask"))?;
        mask.resize(mask.len() + length, is_painted);
        is_painted = !is_painted;
    }
    ensure!(mask.len() == pixels, "runs of {} pixels, and the mask has {pixels}", mask.len());
    Ok(mask)
}
