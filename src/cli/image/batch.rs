//! Photos on their way through the classifier: the crops of several wait until there are enough for one run.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::PhotoFile;
use crate::capture::list::ListedFace;
use crate::capture::stills::{self, Still};
use crate::face::centerface::CenterFace;
use crate::face::crop::{CropSquare, Cropper};
use crate::face::exact::ExactResizer;
use crate::face::{Face, Locate};
use crate::frame::{Frame, PixelBox};
use crate::model::classifier::{ActivationMaps, Classifier, Score};
use crate::name;
use crate::pipeline::Opinion;
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
    /// What each model says: a score a face, or one for the whole photo; maps only where the pixels are wanted.
    pub(super) opinions: Vec<Opinion>,
}

/// Reads and classifies photos.
pub(super) struct Batch {
    extent: Extent,
    models: Vec<Model>,
    pixels: Pixels,
    cropper: Cropper,
    exact: ExactResizer,
    frame: Frame,
    waiting: Vec<Photo>,
    stop: &'static AtomicBool,
}

/// A model with the crops that wait for it: each has a rule and a size of its own.
struct Model {
    classifier: Classifier,
    crops: Vec<u8>,
    logits: Vec<Logits>,
    maps: Vec<f32>,
}

impl Batch {
    /// `stop` ends a wait for a file.
    pub(super) fn new(
        extent: Extent,
        classifiers: impl Iterator<Item = Classifier>,
        pixels: Pixels,
        stop: &'static AtomicBool,
    ) -> Self {
        let model = |classifier| Model { classifier, crops: Vec::new(), logits: Vec::new(), maps: Vec::new() };
        Self {
            extent,
            models: classifiers.map(model).collect(),
            pixels,
            cropper: Cropper::new(),
            exact: ExactResizer::default(),
            frame: Frame::empty(),
            waiting: Vec::new(),
            stop,
        }
    }

    /// Reads a photo and cuts out what is to be classified. An error is the photo's own: the next one can be added.
    pub(super) fn add(&mut self, file: PhotoFile) -> anyhow::Result<Still> {
        let still = stills::read_until(&file.path, &mut self.frame, Some(self.stop))?;
        let begun: Vec<usize> = self.models.iter().map(|model| model.crops.len()).collect();
        match self.cut(&file) {
            Ok((faces, opinions)) => {
                let frame = (self.pixels == Pixels::Keep).then(|| std::mem::replace(&mut self.frame, Frame::empty()));
                self.waiting.push(Photo { file, frame, faces, opinions });
                Ok(still)
            }
            Err(error) => {
                for (model, begun) in self.models.iter_mut().zip(begun) {
                    model.crops.truncate(begun);
                }
                Err(error.context(format!("can't judge {}", name::of(&file.path))))
            }
        }
    }

    /// Whether there is enough for a run of the network. Photos without a face wait for the others, so that rows keep
    /// their order, yet not for ever.
    pub(super) fn is_full(&self) -> bool {
        let is_full = |model: &Model| model.crops.len() >= BATCH * model.crop_bytes();
        self.models.iter().any(is_full) || self.waiting.len() >= BATCH
    }

    /// Classifies what waits, and gives the photos in the order in which they were added.
    pub(super) fn classify(&mut self) -> anyhow::Result<std::vec::Drain<'_, Photo>> {
        for (index, model) in self.models.iter_mut().enumerate() {
            model.run()?;
            let mut first = 0;
            for photo in &mut self.waiting {
                let keep_maps = photo.frame.is_some();
                let opinion = &mut photo.opinions[index];
                for (score, logits) in opinion.scores.iter_mut().zip(&model.logits[first..]) {
                    score.logits = *logits;
                }
                if keep_maps {
                    opinion.maps = model.maps_of(first..first + opinion.scores.len());
                }
                first += opinion.scores.len();
            }
        }
        Ok(self.waiting.drain(..))
    }

    /// The faces of the photo in the frame, and for each model scores to be filled, whose crops stand behind the others.
    fn cut(&mut self, file: &PhotoFile) -> anyhow::Result<(Vec<Face>, Vec<Opinion>)> {
        let Self { extent, models, cropper, exact, frame, .. } = self;
        let Extent::Faces(detector) = extent else {
            let size = (frame.width, frame.height);
            let square = CropSquare { left: 0, top: 0, side: size.0.max(size.1) };
            let whole = |model: &mut Model| {
                let side = model.classifier.file().input_side;
                exact.resize(&frame.pixels, size, model.room(), (side, side))?;
                Ok(opinion(vec![Score { square, logits: Logits::default() }]))
            };
            return Ok((Vec::new(), models.iter_mut().map(whole).collect::<anyhow::Result<_>>()?));
        };
        let listed = file.listed.as_ref().map(|listed| listed.face);
        let faces = find(detector, frame, listed)?;
        let mut crops = |model: &mut Model| {
            let mut scores = Vec::with_capacity(faces.len());
            for face in &faces {
                let square = CropSquare::around(&face.bounds, &model.classifier.contract().crop);
                cropper.cut(frame, &square, model.classifier.file().input_side, model.room())?;
                scores.push(Score { square, logits: Logits::default() });
            }
            Ok(opinion(scores))
        };
        let opinions = models.iter_mut().map(&mut crops).collect::<anyhow::Result<_>>()?;
        Ok((faces, opinions))
    }
}

impl Model {
    fn crop_bytes(&self) -> usize {
        self.classifier.file().input_side.pow(2) * 3
    }

    /// Room for one crop more.
    fn room(&mut self) -> &mut [u8] {
        let begun = self.crops.len();
        self.crops.resize(begun + self.crop_bytes(), 0);
        &mut self.crops[begun..]
    }

    /// Classifies all crops.
    fn run(&mut self) -> anyhow::Result<()> {
        self.logits.clear();
        self.maps.clear();
        if !self.crops.is_empty() {
            self.classifier.run(&self.crops, &mut self.logits, &mut self.maps)?;
            self.crops.clear();
        }
        Ok(())
    }

    fn maps_of(&self, faces: std::ops::Range<usize>) -> ActivationMaps {
        let (height, width) = self.classifier.file().cam_size;
        let size = height * width;
        let values = self.maps.get(faces.start * size..faces.end * size).unwrap_or_default().to_vec();
        ActivationMaps { height, width, values }
    }
}

fn opinion(scores: Vec<Score>) -> Opinion {
    Opinion { scores, ..Opinion::default() }
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
