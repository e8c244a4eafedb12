//! The faces of a list as pixels: cut out by the runtime's own detector and crop, kept in memory as far as a limit allows,
//! and read again from their photos beyond it.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

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
        let (exact, wide) = (empty(), empty());
        // A row's own path stands for its content, which nobody has told.
        let groups = rows.iter().map(|row| group_name(row, &row.path.to_string_lossy())).collect();
        Self { rows, settings, found, groups, taught: Vec::new(), exact, wide, left: AtomicUsize::new(settings.memory) }
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
        let prior = self.settings.saliency == SaliencySource::Landmarks && self.found[index].landmarks.is_some();
        self.rows[index].map.is_some() || prior
    }

    /// A face as pixels, from memory or from its photo.
    ///
    /// # Errors
    ///
    /// When its photo or its map can't be read (any more).
    pub fn view(&self, index: usize, extent: Extent, cutter: &mut Cutter) -> anyhow::Result<View<'_>> {
        let slot = match extent {
            Extent::Exact => &self.exact[index],
            Extent::Wide => &self.wide[index],
        };
        let saliency = |map: &Option<GreyMap>| match (self.settings.saliency, map) {
            (_, Some(map)) => Saliency::Map(map.clone()),
            (SaliencySource::Maps, None) => Saliency::Unknown,
            (SaliencySource::Landmarks, None) => {
                self.landmarks(index, extent).map_or(Saliency::Unknown, Saliency::Landmarks)
            }
        };
        if let Some(kept) = slot.get() {
            return Ok(View { pixels: Cow::Borrowed(&kept.pixels), saliency: saliency(&kept.map) });
        }
        stills::read(&self.rows[index].path, &mut cutter.frame)?;
        let fresh = self.cut(index, extent, cutter)?;
        let size = fresh.pixels.len() + fresh.map.as_ref().map_or(0, |map| map.values.len());
        let room = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(size));
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

#[cfg(test)]
mod tests {
    use cyborg_models::contract::{Alignment, Border};
    use image::{GrayImage, Luma, Rgb, RgbImage};

    use super::*;
    use crate::data::list::{Label, Split};

    const RULE: CropRule = CropRule { margin: 1.0, alignment: Alignment::None, border: Border::Replicate };

    /// A photo of 40 x 20 pixels, black but for a white left half, and a map of 20 x 10 with one white column at 5.
    fn faces(crop: CropMode, memory: usize) -> (tempfile::TempDir, Faces) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (path, map) = (folder.path().join("a.png"), folder.path().join("m.png"));
        RgbImage::from_fn(40, 20, |x, _| Rgb([if x < 20 { 255 } else { 0 }; 3]))
            .save(&path)
            .expect("it can be written");
        GrayImage::from_fn(20, 10, |x, _| Luma([if x == 5 { 255 } else { 0 }])).save(&map).expect("it can be written");
        let row = Row {
            line: 1,
            path,
            label: Label::Authentic,
            split: Split::Train,
            source: String::new(),
            video: None,
            group: None,
            pair: None,
            map: Some(map),
            face: None,
        };
        let found = Found {
            square: CropSquare { left: 0, top: 0, side: 20 },
            wide: CropSquare { left: -2, top: -2, side: 25 },
            photo: (40, 20),
            landmarks: Some([PixelPoint { x: 10.0, y: 5.0 }; 5]),
        };
        let settings = FaceSettings { side: 16, cam: 4, crop, saliency: SaliencySource::Maps, memory };
        (folder, Faces::new(vec![row], vec![found], settings))
    }

    #[test]
    fn a_face_crop_and_its_map_are_cut_at_the_same_place() {
        let (_folder, faces) = faces(CropMode::Face(RULE), 1 << 20);
        let view = faces.view(0, Extent::Exact, &mut Cutter::default()).expect("the files are there");
        assert!(view.pixels.iter().all(|&value| value == 255), "the crop is the white half");
        let Saliency::Map(map) = view.saliency else { unreachable!("there is a map") };
        // The map's column 5 of 20 is column 11 of 20 in the crop: in the third quarter.
        assert!(map.side == 4 && map.values[2] > 60 && map.values[0] == 0 && map.values[3] < 40, "{map:?}");
        let place = faces.landmarks(0, Extent::Exact).expect("there are some")[0];
        assert_eq!(place, PixelPoint { x: 0.5, y: 0.25 });
    }

    #[test]
    fn a_whole_photo_is_resized_straight() {
        let (_folder, faces) = faces(CropMode::Whole, 1 << 20);
        let mut cutter = Cutter::default();
        let view = faces.view(0, Extent::Exact, &mut cutter).expect("the files are there");
        assert_eq!((view.pixels[0], view.pixels[15 * 3]), (255, 0));
        let Saliency::Map(map) = view.saliency else { unreachable!("there is a map") };
        assert!(map.values[1] > 0 && map.values[3] == 0, "{map:?}");
        assert_eq!(faces.landmarks(0, Extent::Exact).expect("some")[0], PixelPoint { x: 0.25, y: 0.25 });
        // Wide: the same with a border that repeats the edge.
        let wide = faces.view(0, Extent::Wide, &mut cutter).expect("the files are there");
        assert_eq!((wide.pixels.len(), wide.pixels[0], wide.pixels[19 * 3]), (20 * 20 * 3, 255, 0));
        let place = faces.landmarks(0, Extent::Wide).expect("some")[0];
        assert!((place.x - 0.3).abs() < 1e-6, "{place:?}");
    }

    #[test]
    fn beyond_the_limit_nothing_is_kept_and_the_pixels_are_the_same() {
        let ((_one, roomy), (_other, tight)) = (faces(CropMode::Whole, 1 << 20), faces(CropMode::Whole, 100));
        let mut cutter = Cutter::default();
        for _ in 0..2 {
            let kept = roomy.view(0, Extent::Wide, &mut cutter).expect("the files are there");
            let fresh = tight.view(0, Extent::Wide, &mut Cutter::default()).expect("the files are there");
            assert_eq!(kept, fresh);
            assert!(matches!(kept.pixels, Cow::Borrowed(_)) && matches!(fresh.pixels, Cow::Owned(_)));
        }
    }

    #[test]
    fn a_photo_that_changed_and_a_map_in_colour_are_errors() {
        let (folder, faces) = faces(CropMode::Whole, 0);
        let map = folder.path().join("m.png");
        RgbImage::from_pixel(4, 4, Rgb([255, 0, 0])).save(&map).expect("it can be written");
        let error = faces.view(0, Extent::Exact, &mut Cutter::default()).expect_err("red is no grey");
        assert!(error.to_string().contains("m.png is in colour"), "{error}");
        RgbImage::new(3, 3).save(folder.path().join("a.png")).expect("it can be written");
        let error = faces.view(0, Extent::Exact, &mut Cutter::default()).expect_err("another size");
        assert!(error.to_string().contains("has changed"), "{error}");
    }
}
