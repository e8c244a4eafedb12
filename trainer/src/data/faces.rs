//! The faces of a list as pixels: cut out by the runtime's own detector and crop, kept in memory as far as a limit allows,
//! and read again from their photos beyond it.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, ensure};
use cyborg_edge::capture::stills;
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::face::exact::ExactResizer;
use cyborg_edge::frame::{Frame, PixelPoint};
use cyborg_models::contract::CropRule;
use cyborg_models::name;

use super::list::{Row, group_name};
use super::photo_box::PhotoBox;
use super::saliency::{GreyMap, Saliency};

/// Side of the wide crop over the side of the exact one: the room in which a crop may be shifted.
pub const ROOM: f32 = 1.25;
/// Wide side over the side of the saliency map that is kept beside a wide crop; far finer than any activation map.
const MAP_SHARE: usize = 4;
/// Channels of a grey picture differ by less, even when it was saved as a colour JPEG.
const GREY_TOLERANCE: u8 = 32;

/// What is cut out of a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CropMode {
    /// The face, as the runtime cuts it.
    Face(CropRule),
    /// The whole photo, resized straight to the square as the runtime does it: the photos are face crops already.
    Whole,
}

/// Sizes and sources of what is cut out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceSettings {
    /// Side of the exact crops in pixels: the network's input.
    pub side: usize,
    /// Side of the activation map.
    pub cam: usize,
    /// What is cut out.
    pub crop: CropMode,
    /// Where saliency comes from.
    pub saliency: SaliencySource,
    /// Bytes of crops to keep in memory, at most.
    pub memory: usize,
}

/// Where the saliency of faces comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaliencySource {
    /// The list's maps alone; a face without one has no saliency term.
    Maps,
    /// For a face without a map a prior over eyes, nose and mouth, from the detector's landmarks.
    Landmarks,
    /// That prior for all faces; maps are not looked at.
    Prior,
    /// That prior for the faces that have a map, in its place; the others have no saliency term.
    MappedPrior,
}

impl SaliencySource {
    /// Whether a map that is there is taken.
    #[must_use]
    pub fn takes_maps(self) -> bool {
        matches!(self, Self::Maps | Self::Landmarks)
    }

    /// Whether the prior is drawn for a face.
    fn takes_prior(self, has_map: bool) -> bool {
        match self {
            Self::Maps => false,
            Self::Landmarks => !has_map,
            Self::Prior => true,
            Self::MappedPrior => has_map,
        }
    }
}

/// How much of the surroundings is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What the runtime would classify.
    Exact,
    /// The same place with [`ROOM`] around it, to shift and turn in.
    Wide,
}

/// Where a face is in its photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The exact crop; in [`CropMode::Whole`] it is not used.
    pub square: CropSquare,
    /// The wide crop; in [`CropMode::Whole`] it is not used.
    pub wide: CropSquare,
    /// Width and height of the photo in pixels.
    pub photo: (usize, usize),
    /// Eyes, nose and mouth in pixels of the photo; absent when the detector did not find the face.
    pub landmarks: Option<[PixelPoint; 5]>,
}

/// A face as pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct View<'a> {
    /// RGB, [`Faces::side_of`] squared.
    pub pixels: Cow<'a, [u8]>,
    /// Where people look in it.
    pub saliency: Saliency,
}

/// What is kept of a face.
#[derive(Clone, Debug)]
struct Kept {
    pixels: Vec<u8>,
    map: Option<GreyMap>,
}

/// The faces of a list.
#[derive(Debug)]
pub struct Faces {
    /// The list's rows.
    pub rows: Vec<Row>,
    settings: FaceSettings,
    found: Vec<Found>,
    /// The group of each row: what stands for one person.
    groups: Vec<String>,
    /// What a teacher says of each row, where there is one.
    taught: Vec<Option<f32>>,
    crops: Arc<Crops>,
}

/// The crops that are kept.
#[derive(Debug)]
struct Crops {
    exact: Vec<OnceLock<Kept>>,
    wide: Vec<OnceLock<Kept>>,
    /// Bytes that may still be kept.
    left: AtomicUsize,
}

/// Buffers of one thread.
#[derive(Debug)]
pub struct Cutter {
    cropper: Cropper,
    exact: ExactResizer,
    pub(super) frame: Frame,
    square: Frame,
}

impl Cutter {
    /// What resizes, for other work of the same thread.
    pub fn cropper(&mut self) -> &mut Cropper {
        &mut self.cropper
    }
}

impl Default for Cutter {
    fn default() -> Self {
        Self { cropper: Cropper::new(), exact: ExactResizer::default(), frame: Frame::empty(), square: Frame::empty() }
    }
}

impl Faces {
    /// Faces whose places are known; `found` has one for each row.
    #[must_use]
    pub fn new(rows: Vec<Row>, found: Vec<Found>, settings: FaceSettings) -> Self {
        debug_assert_eq!(rows.len(), found.len(), "every row has a place");
        let empty = || rows.iter().map(|_| OnceLock::new()).collect();
        let crops = Arc::new(Crops { exact: empty(), wide: empty(), left: AtomicUsize::new(settings.memory) });
        // A row's own path stands for its content, which nobody has told.
        let groups = rows.iter().map(|row| group_name(row, &row.path.to_string_lossy())).collect();
        Self { rows, settings, found, groups, taught: Vec::new(), crops }
    }

    /// The same faces, whose crops are kept together with these, with saliency from elsewhere.
    #[must_use]
    pub fn with_saliency(&self, saliency: SaliencySource) -> Self {
        let Self { rows, found, groups, taught, crops, .. } = self;
        Self {
            rows: rows.clone(),
            settings: FaceSettings { saliency, ..self.settings },
            found: found.clone(),
            groups: groups.clone(),
            taught: taught.clone(),
            crops: Arc::clone(crops),
        }
    }

    /// The same faces with the digest of each one's photo: lines with the same photo are of one group.
    #[must_use]
    pub fn with_contents(mut self, contents: &[String]) -> Self {
        debug_assert_eq!(self.rows.len(), contents.len(), "every row has a content");
        self.groups = self.rows.iter().zip(contents).map(|(row, content)| group_name(row, content)).collect();
        self
    }

    /// Takes the p(synthetic) that a teacher gives each face, for those that it knows.
    pub fn teach(&mut self, taught: Vec<Option<f32>>) {
        debug_assert_eq!(self.rows.len(), taught.len(), "every row has a place for it");
        self.taught = taught;
    }

    /// Whether there is a teacher.
    #[must_use]
    pub fn is_taught(&self) -> bool {
        !self.taught.is_empty()
    }

    /// The p(synthetic) that a teacher gives a face: its class where the teacher doesn't know it.
    #[must_use]
    pub fn taught(&self, index: usize) -> f32 {
        self.taught.get(index).copied().flatten().unwrap_or(self.rows[index].label.class() as f32)
    }

    /// The group that a face belongs to: its own word in the list, its video or its photo.
    #[must_use]
    pub fn group(&self, index: usize) -> &str {
        &self.groups[index]
    }

    /// Sizes and sources.
    #[must_use]
    pub fn settings(&self) -> &FaceSettings {
        &self.settings
    }

    /// Side of a crop in pixels.
    #[must_use]
    pub fn side_of(&self, extent: Extent) -> usize {
        match extent {
            Extent::Exact => self.settings.side,
            Extent::Wide => wide_side(self.settings.side),
        }
    }

    /// Eyes, nose and mouth as shares of a crop's side; absent when the detector did not find the face.
    #[must_use]
    pub fn landmarks(&self, index: usize, extent: Extent) -> Option<[PixelPoint; 5]> {
        let landmarks = self.found[index].landmarks?;
        let [left, top, width, height] = self.cut_out(index, extent);
        Some(landmarks.map(|point| PixelPoint { x: (point.x - left) / width, y: (point.y - top) / height }))
    }

    /// Where the photo is in a crop.
    #[must_use]
    pub fn photo_in(&self, index: usize, extent: Extent) -> PhotoBox {
        let [left, top, width, height] = self.cut_out(index, extent);
        let photo = self.found[index].photo;
        PhotoBox {
            left: -left / width,
            top: -top / height,
            right: (photo.0 as f32 - left) / width,
            bottom: (photo.1 as f32 - top) / height,
        }
    }

    /// Pixels of the photo along a crop's height.
    #[must_use]
    pub fn photo_pixels(&self, index: usize, extent: Extent) -> f32 {
        self.cut_out(index, extent)[3].max(1.0)
    }

    /// Left and upper edge, width and height of a crop in pixels of its photo.
    fn cut_out(&self, index: usize, extent: Extent) -> [f32; 4] {
        let found = &self.found[index];
        match self.settings.crop {
            CropMode::Face(_) => {
                let square = if extent == Extent::Exact { found.square } else { found.wide };
                [square.left as f32, square.top as f32, square.side as f32, square.side as f32]
            }
            CropMode::Whole => {
                let (width, height) = (found.photo.0 as f32, found.photo.1 as f32);
                let border = if extent == Extent::Exact { 0.0 } else { (ROOM - 1.0) / 2.0 };
                let room = 1.0 + 2.0 * border;
                [-border * width, -border * height, room * width, room * height]
            }
        }
    }

    /// Whether a face has a saliency term.
    #[must_use]
    pub fn has_saliency(&self, index: usize) -> bool {
        let (source, has_map) = (self.settings.saliency, self.rows[index].map.is_some());
        (has_map && source.takes_maps()) || (source.takes_prior(has_map) && self.found[index].landmarks.is_some())
    }

    /// A face as pixels, from memory or from its photo.
    ///
    /// # Errors
    ///
    /// When its photo or its map can't be read (any more).
    pub fn view(&self, index: usize, extent: Extent, cutter: &mut Cutter) -> anyhow::Result<View<'_>> {
        let slot = match extent {
            Extent::Exact => &self.crops.exact[index],
            Extent::Wide => &self.crops.wide[index],
        };
        let source = self.settings.saliency;
        let saliency = |map: &Option<GreyMap>| match map {
            Some(map) if source.takes_maps() => Saliency::Map(map.clone()),
            _ if source.takes_prior(map.is_some()) => {
                self.landmarks(index, extent).map_or(Saliency::Unknown, Saliency::Landmarks)
            }
            _ => Saliency::Unknown,
        };
        if let Some(kept) = slot.get() {
            return Ok(View { pixels: Cow::Borrowed(&kept.pixels), saliency: saliency(&kept.map) });
        }
        stills::read(&self.rows[index].path, &mut cutter.frame)?;
        let fresh = self.cut(index, extent, cutter)?;
        let size = fresh.pixels.len() + fresh.map.as_ref().map_or(0, |map| map.values.len());
        let room = self.crops.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
        if room.is_err() {
            let saliency = saliency(&fresh.map);
            return Ok(View { pixels: Cow::Owned(fresh.pixels), saliency });
        }
        let kept = slot.get_or_init(|| fresh);
        Ok(View { pixels: Cow::Borrowed(&kept.pixels), saliency: saliency(&kept.map) })
    }

    /// Cuts a face out of its photo, which lies in the cutter's frame.
    fn cut(&self, index: usize, extent: Extent, cutter: &mut Cutter) -> anyhow::Result<Kept> {
        let (row, found) = (&self.rows[index], &self.found[index]);
        let photo = (cutter.frame.width, cutter.frame.height);
        ensure!(photo == found.photo, "{} has changed while it was in use", name::of(&row.path));
        let pixels = self.square(found, extent, self.side_of(extent), cutter)?;
        let Some(path) = &row.map else { return Ok(Kept { pixels, map: None }) };
        read_map(path, &mut cutter.frame)?;
        if matches!(self.settings.crop, CropMode::Face(_)) && (cutter.frame.width, cutter.frame.height) != photo {
            stretch(cutter, photo)?;
        }
        let side = match extent {
            Extent::Exact => self.settings.cam,
            Extent::Wide => self.side_of(extent) / MAP_SHARE,
        };
        let three = self.square(found, extent, side, cutter)?;
        let values = three.chunks_exact(3).map(|pixel| pixel[0]).collect();
        Ok(Kept { pixels, map: Some(GreyMap { side, values }) })
    }

    /// The crop of what lies in the cutter's frame, at a side in pixels.
    fn square(&self, found: &Found, extent: Extent, side: usize, cutter: &mut Cutter) -> anyhow::Result<Vec<u8>> {
        let mut out = vec![0; side * side * 3];
        let Cutter { cropper, exact, frame, square } = cutter;
        match (self.settings.crop, extent) {
            (CropMode::Face(_), Extent::Exact) => cropper.cut(frame, &found.square, side, &mut out)?,
            (CropMode::Face(_), Extent::Wide) => cropper.cut(frame, &found.wide, side, &mut out)?,
            (CropMode::Whole, Extent::Exact) => {
                exact.resize(&frame.pixels, (frame.width, frame.height), &mut out, (side, side))?;
            }
            (CropMode::Whole, Extent::Wide) => {
                // Nothing is known of what lies around: the edge is repeated there.
                let inner = (side as f32 / ROOM).round() as usize;
                square.resize(inner, inner);
                exact.resize(&frame.pixels, (frame.width, frame.height), &mut square.pixels, (inner, inner))?;
                let border = (side - inner) as i64 / 2;
                cropper.cut(square, &CropSquare { left: -border, top: -border, side }, side, &mut out)?;
            }
        }
        Ok(out)
    }
}

/// Side of a wide crop in pixels.
#[must_use]
pub fn wide_side(side: usize) -> usize {
    (side as f32 * ROOM).round() as usize
}

/// Reads a human map into `frame`.
///
/// # Errors
///
/// When it can't be read, or is a picture in colour.
pub fn read_map(path: &Path, frame: &mut Frame) -> anyhow::Result<()> {
    stills::read(path, frame).context("can't use a human map")?;
    let coloured = |pixel: &[u8]| {
        let (low, high) = pixel.iter().fold((255, 0), |(low, high), &value| (value.min(low), value.max(high)));
        high - low > GREY_TOLERANCE
    };
    let grey = !frame.pixels.chunks_exact(3).any(coloured);
    ensure!(grey, "{} is in colour: a human map is a grey picture, bright where people looked", name::of(path));
    Ok(())
}

/// Brings what lies in the cutter's frame to a size.
fn stretch(cutter: &mut Cutter, size: (usize, usize)) -> anyhow::Result<()> {
    let Cutter { cropper, frame, square, .. } = cutter;
    square.resize(size.0, size.1);
    cropper.resize(&frame.pixels, (frame.width, frame.height), &mut square.pixels, size)?;
    std::mem::swap(frame, square);
    Ok(())
}
