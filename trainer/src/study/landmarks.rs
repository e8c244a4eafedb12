//! Landmarks for the faces of a study whose list has none, by the detector that the lists of the trainer are made by.

use cyborg_edge::capture::stills;
use cyborg_edge::explain::explain;
use cyborg_edge::face::Locate;
use cyborg_edge::face::detector::Detector;
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::runtime::Runtime;
use rayon::prelude::*;

use super::faces::Face;
use crate::data::inspect::choose;
use crate::data::list::ListedFace;
use crate::data::look::open_detector;

/// Looks for the landmarks of those faces that are wanted and have none; they are kept in the faces. Where there is no detector
/// or it finds no face they stay without, which is told.
pub(super) fn fill(faces: &mut [Face], is_wanted: impl Fn(usize) -> bool + Sync) {
    let lacks = |face: &Face| face.row.face.and_then(|face| face.landmarks).is_none();
    let missing: Vec<usize> = (0..faces.len()).filter(|&index| is_wanted(index) && lacks(&faces[index])).collect();
    if missing.is_empty() {
        return;
    }
    let runtime = match Runtime::load() {
        Ok(runtime) => runtime,
        Err(error) => {
            let reason = explain(&anyhow::Error::from(error));
            log::warn!("no regions for {} faces without landmarks: {reason}", missing.len());
            return;
        }
    };
    let found: Vec<anyhow::Result<Option<ListedFace>>> = missing
        .par_iter()
        .map_init(
            || (open_detector(&runtime), Frame::empty()),
            |(detector, frame), &index| {
                let detector = detector.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?;
                locate(&faces[index], detector, frame)
            },
        )
        .collect();
    for (index, found) in missing.into_iter().zip(found) {
        let face = &mut faces[index];
        match found {
            Ok(Some(found)) => face.row.face = Some(found),
            Ok(None) => log::warn!("no regions for {}: the detector finds no face there", face.photo),
            Err(error) => log::warn!("no regions for {}: {}", face.photo, explain(&error)),
        }
    }
}

fn locate(face: &Face, detector: &mut Detector, frame: &mut Frame) -> anyhow::Result<Option<ListedFace>> {
    stills::read(&face.row.path, frame)?;
    let mut faces = Vec::new();
    detector.locate(frame, &mut faces).map_err(anyhow::Error::from_boxed)?;
    let listed = face.row.face.map(|face| face.bounds);
    let seen = choose(&faces, listed.as_ref());
    Ok(seen.map(|seen| ListedFace { bounds: listed.unwrap_or(seen.bounds), landmarks: Some(seen.landmarks) }))
}
