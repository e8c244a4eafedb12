//! Photos on their way through the classifier: the crops of several wait until there are enough for one run.

use std::path::Path;

use super::PhotoFile;
use crate::capture::list::ListedFace;
use crate::capture::stills;
use crate::face::centerface::CenterFace;
use crate::face::crop::{CropSquare, Cropper};
use crate::face::exact::ExactResizer;
use crate::face::{Face, Locate};
use crate::frame::{Frame, PixelBox};
use crate::model::classifier::{ActivationMaps, Classifier, Score};
use crate::verdict::Logits;

/// Crops that are classified together. More gains nothing on a processor, and would let a person wait for the first row.
const BATCH: usize = 8;
/// A face of the detector is the face of the list when their boxes overlap at least so much, as the trainer has it.
const SAME_FACE: f32 = 0.3;

/// What of a photo is classified.
pub(super) enum Extent {
    /// Its faces, as the detector finds them.
    Faces(Box<CenterFace>),
    /// All of it, resized straight to the square.
    Whole,
}

/// Whether the pixels of a photo are wanted after it was classified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    Keep,
    Drop,
}

/// A photo that was read, and what was found in it.
pub(super) struct Photo {
    pub(super) file: PhotoFile,
    /// Its pixels, where they are wanted.
    pub(super) frame: Option<Frame>,
    /// Its faces; none when it was taken whole.
    pub(super) faces: Vec<Face>,
    /// A score a face, or one for the whole photo.
    pub(super) scores: Vec<Score>,
    /// A map a score; only where the pixels are wanted.
    pub(super) maps: ActivationMaps,
}

/// Reads and classifies photos.
pub(super) struct Batch {
    extent: Extent,
    classifier: Classifier,
    pixels: Pixels,
    cropper: Cropper,
    exact: ExactResizer,
    frame: Frame,
    crops: Vec<u8>,
    waiting: Vec<Photo>,
    logits: Vec<Logits>,
    maps: Vec<f32>,
}

impl Batch {
    pub(super) fn new(extent: Extent, classifier: Classifier, pixels: Pixels) -> Self {
        Self {
            extent,
            classifier,
            pixels,
            cropper: Cropper::new(),
            exact: ExactResizer::default(),
            frame: Frame::empty(),
            crops: Vec::new(),
            waiting: Vec::new(),
            logits: Vec::new(),
            maps: Vec::new(),
        }
    }

    /// Reads a photo and cuts out what is to be classified. An error is the photo's own: the next one can be added.
    pub(super) fn add(&mut self, file: PhotoFile) -> anyhow::Result<()> {
        stills::read(&file.path, &mut self.frame)?;
        let begun = self.crops.len();
        match self.cut(&file) {
            Ok((faces, scores)) => {
                let frame = (self.pixels == Pixels::Keep).then(|| std::mem::replace(&mut self.frame, Frame::empty()));
                self.waiting.push(Photo { file, frame, faces, scores, maps: ActivationMaps::default() });
                Ok(())
            }
            Err(error) => {
                self.crops.truncate(begun);
                Err(error.context(format!("can't judge {}", file.path.display())))
            }
        }
    }

    /// Whether there is enough for a run of the network. Photos without a face wait for the others, so that rows keep
    /// their order, yet not for ever.
    pub(super) fn is_full(&self) -> bool {
        let crop = self.classifier.file().input_side.pow(2) * 3;
        self.crops.len() >= BATCH * crop || self.waiting.len() >= BATCH
    }

    /// Classifies what waits, and gives the photos in the order in which they were added.
    pub(super) fn classify(&mut self) -> anyhow::Result<std::vec::Drain<'_, Photo>> {
        self.logits.clear();
        self.maps.clear();
        if !self.crops.is_empty() {
            self.classifier.run(&self.crops, &mut self.logits, &mut self.maps)?;
            self.crops.clear();
        }
        let (height, width) = self.classifier.file().cam_size;
        let mut first = 0;
        for photo in &mut self.waiting {
            let count = photo.scores.len();
            for (score, logits) in photo.scores.iter_mut().zip(&self.logits[first..]) {
                score.logits = *logits;
            }
            if photo.frame.is_some() {
                let size = height * width;
                let values = self.maps.get(first * size..(first + count) * size).unwrap_or_default().to_vec();
                photo.maps = ActivationMaps { height, width, values };
            }
            first += count;
        }
        Ok(self.waiting.drain(..))
    }

    /// The faces of the photo in the frame, and scores to be filled, whose crops stand behind the others.
    fn cut(&mut self, file: &PhotoFile) -> anyhow::Result<(Vec<Face>, Vec<Score>)> {
        let side = self.classifier.file().input_side;
        let crop = |crops: &mut Vec<u8>| {
            let begun = crops.len();
            crops.resize(begun + side * side * 3, 0);
            begun
        };
        let Extent::Faces(detector) = &mut self.extent else {
            let begun = crop(&mut self.crops);
            let size = (self.frame.width, self.frame.height);
            self.exact.resize(&self.frame.pixels, size, &mut self.crops[begun..], (side, side))?;
            let square = CropSquare { left: 0, top: 0, side: size.0.max(size.1) };
            return Ok((Vec::new(), vec![Score { square, logits: Logits::default() }]));
        };
        let listed = file.listed.as_ref().map(|listed| listed.face);
        let faces = find(detector, &self.frame, listed)?;
        let mut scores = Vec::with_capacity(faces.len());
        for face in &faces {
            let square = CropSquare::around(&face.bounds, &self.classifier.contract().crop);
            let begun = crop(&mut self.crops);
            self.cropper.cut(&self.frame, &square, side, &mut self.crops[begun..])?;
            scores.push(Score { square, logits: Logits::default() });
        }
        Ok((faces, scores))
    }
}

/// The faces of a photo: all of them, or the one that a list means, which `listed` tells where the list does.
///
/// As in training: landmarks in the list spare the detector; a face that it doesn't find is where the list has it; a list
/// without boxes means the largest face.
fn find(detector: &mut CenterFace, frame: &Frame, listed: Option<Option<ListedFace>>) -> anyhow::Result<Vec<Face>> {
    if let Some(Some(ListedFace { bounds, landmarks: Some(landmarks) })) = listed {
        return Ok(vec![Face { bounds, landmarks, confidence: 1.0 }]);
    }
    let mut faces = Vec::new();
    detector.locate(frame, &mut faces)?;
    Ok(match listed {
        None => faces,
        Some(listed) => choose(&faces, listed.map(|face| face.bounds)).into_iter().collect(),
    })
}

/// The face that a list means.
fn choose(faces: &[Face], listed: Option<PixelBox>) -> Option<Face> {
    let area = |face: &Face| face.bounds.width * face.bounds.height;
    let Some(bounds) = listed else {
        return faces.iter().max_by(|a, b| area(a).total_cmp(&area(b))).copied();
    };
    let same = faces.iter().filter(|face| face.bounds.overlap(&bounds) >= SAME_FACE);
    let found = same.max_by(|a, b| a.bounds.overlap(&bounds).total_cmp(&b.bounds.overlap(&bounds)));
    Some(found.copied().unwrap_or(Face { bounds, landmarks: Default::default(), confidence: 0.0 }))
}

impl Photo {
    /// Where the photo is.
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, side: f32) -> Face {
        let bounds = PixelBox { left, top: 0.0, width: side, height: side };
        Face { bounds, landmarks: Default::default(), confidence: 0.5 }
    }

    fn check(listed: Option<PixelBox>, expected: Option<Face>) {
        let faces = [face(0.0, 10.0), face(50.0, 20.0), face(100.0, 15.0)];
        assert_eq!(choose(&faces, listed), expected);
    }

    #[test]
    fn the_list_says_which_face_is_meant() {
        check(None, Some(face(50.0, 20.0)));
        check(Some(face(2.0, 10.0).bounds), Some(face(0.0, 10.0)));
        // 5 of 15 columns in common are a third; 4 of 16 a quarter, which is another face.
        check(Some(face(5.0, 10.0).bounds), Some(face(0.0, 10.0)));
        check(Some(face(6.0, 10.0).bounds), Some(Face { confidence: 0.0, ..face(6.0, 10.0) }));
        assert_eq!(choose(&[], None), None);
    }
}
