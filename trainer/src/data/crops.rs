//! Face crops of all photos of a list, made once by the runtime's own detector and crop, and kept in memory.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use cyborg_edge::capture::stills;
use cyborg_edge::explain::explain;
use cyborg_edge::face::centerface::CenterFace;
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::face::{Face, Locate};
use cyborg_edge::frame::{Frame, PixelBox, PixelPoint};
use cyborg_models::contract::CropRule;
use rayon::prelude::*;

use super::list::{Label, Row};
use super::prior::Landmarks;

/// Side of the wide crop over the side of the exact one: the room in which a crop may be shifted.
pub const ROOM: f32 = 1.25;
/// A face of the detector is the face of the list when their boxes overlap at least so much.
const SAME_FACE: f32 = 0.3;

/// A face of a list, cut out.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceCrop {
    /// What it is.
    pub label: Label,
    /// Where it comes from.
    pub source: String,
    /// The photo.
    pub path: PathBuf,
    /// RGB, [`CropSet::side`] squared: what the runtime would classify.
    pub exact: Vec<u8>,
    /// RGB, [`CropSet::wide_side`] squared: the same place with room around it.
    pub wide: Vec<u8>,
    /// Eyes, nose and mouth in the exact crop; absent when the detector did not find the face.
    pub landmarks: Option<Landmarks>,
}

/// All faces of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct CropSet {
    /// Side of the exact crops in pixels.
    pub side: usize,
    /// Side of the wide crops in pixels.
    pub wide_side: usize,
    /// In the order of the list.
    pub faces: Vec<FaceCrop>,
}

/// Cuts out all faces. `detector` opens a detector for each thread; `progress` is called with the number done.
///
/// The box is the detector's, as in use; where it doesn't find the face of the list, the list's box stands in and the
/// face has no landmarks. Photos that can't be used are named all at once.
///
/// # Errors
///
/// When a detector can't be opened, a photo can't be read, or a face is in neither the photo nor the list.
pub fn load(
    rows: &[Row],
    rule: &CropRule,
    side: usize,
    detector: impl Fn() -> anyhow::Result<CenterFace> + Sync,
    progress: impl Fn(usize) + Sync,
) -> anyhow::Result<CropSet> {
    let wide_side = (side as f32 * ROOM).round() as usize;
    let done = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let worker = || match detector() {
        Ok(detector) => Some(Worker { detector, cropper: Cropper::new(), frame: Frame::empty(), faces: Vec::new() }),
        Err(error) => {
            *failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
            None
        }
    };
    let results: Vec<Option<anyhow::Result<FaceCrop>>> = rows
        .par_iter()
        .map_init(worker, |worker, row| {
            let crop = worker.as_mut().map(|worker| worker.cut(row, rule, side, wide_side));
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            crop
        })
        .collect();
    if let Some(error) = failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error);
    }
    let mut faces = Vec::with_capacity(rows.len());
    let mut problems = Vec::new();
    for result in results.into_iter().flatten() {
        match result {
            Ok(face) => faces.push(face),
            Err(error) => problems.push(explain(&error)),
        }
    }
    anyhow::ensure!(problems.is_empty(), "{} photos can't be used:\n{}", problems.len(), problems.join("\n"));
    Ok(CropSet { side, wide_side, faces })
}

struct Worker {
    detector: CenterFace,
    cropper: Cropper,
    frame: Frame,
    faces: Vec<Face>,
}

impl Worker {
    fn cut(&mut self, row: &Row, rule: &CropRule, side: usize, wide_side: usize) -> anyhow::Result<FaceCrop> {
        stills::read(&row.path, &mut self.frame)?;
        self.detector.locate(&self.frame, &mut self.faces)?;
        let found = choose(&self.faces, row.bounds.as_ref());
        let bounds = found.map(|face| face.bounds).or(row.bounds);
        let bounds = bounds.with_context(|| no_face(&row.path))?;
        let square = CropSquare::around(&bounds, rule);
        let wide = CropSquare::around(&bounds, &CropRule { margin: rule.margin * ROOM, ..*rule });
        let mut crop = FaceCrop {
            label: row.label,
            source: row.source.clone(),
            path: row.path.clone(),
            exact: vec![0; side * side * 3],
            wide: vec![0; wide_side * wide_side * 3],
            landmarks: found.map(|face| inside(&face.landmarks, &square)),
        };
        self.cropper.cut(&self.frame, &square, side, &mut crop.exact)?;
        self.cropper.cut(&self.frame, &wide, wide_side, &mut crop.wide)?;
        Ok(crop)
    }
}

/// The face that the list means, or the largest one where the list has no box.
fn choose<'a>(faces: &'a [Face], listed: Option<&PixelBox>) -> Option<&'a Face> {
    let area = |face: &Face| face.bounds.width * face.bounds.height;
    match listed {
        None => faces.iter().max_by(|a, b| area(a).total_cmp(&area(b))),
        Some(listed) => faces
            .iter()
            .filter(|face| face.bounds.overlap(listed) >= SAME_FACE)
            .max_by(|a, b| a.bounds.overlap(listed).total_cmp(&b.bounds.overlap(listed))),
    }
}

fn inside(landmarks: &[PixelPoint; 5], square: &CropSquare) -> Landmarks {
    let bounds = square.bounds();
    landmarks.map(|point| PixelPoint {
        x: (point.x - bounds.left) / bounds.width,
        y: (point.y - bounds.top) / bounds.height,
    })
}

fn no_face(path: &Path) -> String {
    format!("{}: no face found, and the list gives no box (columns face_x, face_y, face_w, face_h)", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, side: f32) -> Face {
        Face {
            bounds: PixelBox { left, top: 0.0, width: side, height: side },
            landmarks: [PixelPoint { x: left + side / 2.0, y: side / 4.0 }; 5],
            confidence: 0.9,
        }
    }

    #[test]
    fn the_listed_face_is_chosen_and_else_the_largest() {
        let faces = [face(0.0, 10.0), face(50.0, 30.0)];
        let listed = PixelBox { left: 1.0, top: 0.0, width: 10.0, height: 10.0 };
        assert_eq!(choose(&faces, Some(&listed)), Some(&faces[0]));
        assert_eq!(choose(&faces, None), Some(&faces[1]));
        let elsewhere = PixelBox { left: 200.0, ..listed };
        assert_eq!(choose(&faces, Some(&elsewhere)), None);
    }

    #[test]
    fn landmarks_are_given_in_the_crop() {
        let square = CropSquare { left: -10, top: -5, side: 40 };
        let [point, ..] = inside(&face(0.0, 20.0).landmarks, &square);
        assert_eq!(point, PixelPoint { x: 0.5, y: 0.25 });
    }
}
