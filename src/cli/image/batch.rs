//! Photos on their way through the classifier: the crops of several wait until there are enough for one run.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cyborg_models::contract::{CropRule, Kind};

use crate::capture::stills::{self, Still};
use crate::classify::classifier::{ActivationMaps, Answer, Classifier};
use crate::classify::experts::ExpertScores;
use crate::classify::panel::Panel;
use crate::cli::cure;
use crate::face::crop::{CropSquare, Cropper};
use crate::face::detector::Detector;
use crate::face::exact::ExactResizer;
use crate::face::{Face, Locate};
use crate::findings::Opinion;
use crate::frame::{Frame, PixelBox};
use crate::name;
use crate::photo_list::{ListedFace, ListedPhoto};
use crate::verdict::{Logits, Score};

/// A photo that is to be judged.
pub(super) struct PhotoFile {
    pub(super) path: PathBuf,
    /// What a list says of it.
    pub(super) listed: Option<ListedPhoto>,
}

/// Crops that are classified together. More gains nothing on a processor, and would let a person wait for the first row.
const BATCH: usize = 8;
/// A face of the detector is the face of the list when their boxes overlap at least so much, as the trainer has it.
const SAME_FACE: f32 = 0.3;

/// What of a photo is classified.
pub(super) enum Extent {
    /// Its faces, as the detector finds them.
    Faces(Box<Detector>),
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
    /// What each model says: a score a face, or one for the whole photo.
    pub(super) opinions: Vec<Opinion>,
    /// What their networks say apart, in the order of the models; maps only where the pixels are wanted.
    said: Vec<ExpertScores>,
}

/// Reads and classifies photos.
pub(super) struct Batch {
    extent: Extent,
    models: Vec<Panel>,
    /// What waits for each network of the models, in their order.
    waits: Vec<Crops>,
    pixels: Pixels,
    cropper: Cropper,
    exact: ExactResizer,
    frame: Frame,
    waiting: Vec<Photo>,
    stop: &'static AtomicBool,
}

/// The crops that wait for a network, each of which has a rule and a size of its own; and what it then says of them.
struct Crops {
    rule: CropRule,
    side: usize,
    kind: Option<Kind>,
    pixels: Vec<u8>,
    answers: Vec<Answer>,
    maps: Vec<f32>,
}

impl Batch {
    /// `stop` ends a wait for a file.
    pub(super) fn new(extent: Extent, models: Vec<Panel>, pixels: Pixels, stop: &'static AtomicBool) -> Self {
        Self {
            extent,
            waits: models.iter().flat_map(Panel::classifiers).map(Crops::new).collect(),
            models,
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
        let begun: Vec<usize> = self.waits.iter().map(|crops| crops.pixels.len()).collect();
        match self.cut(&file) {
            Ok((faces, said)) => {
                let frame = (self.pixels == Pixels::Keep).then(|| std::mem::replace(&mut self.frame, Frame::empty()));
                let opinions = vec![Opinion::default(); self.models.len()];
                self.waiting.push(Photo { file, frame, faces, opinions, said });
                Ok(still)
            }
            Err(error) => {
                for (crops, begun) in self.waits.iter_mut().zip(begun) {
                    crops.pixels.truncate(begun);
                }
                Err(error.context(format!("can't judge {}", name::of(&file.path))))
            }
        }
    }

    /// Whether there is enough for a run of the network. Photos without a face wait for the others, so that rows keep
    /// their order, yet not for ever.
    pub(super) fn is_full(&self) -> bool {
        let is_full = |crops: &Crops| crops.pixels.len() >= BATCH * crops.bytes();
        self.waits.iter().any(is_full) || self.waiting.len() >= BATCH
    }

    /// Classifies what waits, and gives the photos in the order in which they were added.
    pub(super) fn classify(&mut self) -> anyhow::Result<std::vec::Drain<'_, Photo>> {
        let Self { models, waits, waiting, .. } = self;
        let networks = models.iter_mut().flat_map(Panel::classifiers_mut);
        for (at, (network, crops)) in networks.zip(waits).enumerate() {
            crops.run(network)?;
            let mut first = 0;
            for photo in &mut *waiting {
                let ExpertScores { scores, maps } = &mut photo.said[at];
                for (score, answer) in scores.iter_mut().zip(&crops.answers[first..]) {
                    (score.logits, score.unfamiliar) = (answer.logits, answer.unfamiliar);
                }
                if photo.frame.is_some() {
                    *maps = crops.maps_of(first..first + scores.len(), network.file().cam_size);
                }
                first += scores.len();
            }
        }
        for photo in waiting.iter_mut() {
            let mut said = &mut photo.said[..];
            for (model, opinion) in models.iter().zip(&mut photo.opinions) {
                let (own, others) = said.split_at_mut(model.classifiers().len());
                model.agree(own, &mut opinion.scores, &mut opinion.maps);
                said = others;
            }
        }
        Ok(waiting.drain(..))
    }

    /// The faces of the photo in the frame, and for each network scores to be filled, whose crops stand behind the others.
    fn cut(&mut self, file: &PhotoFile) -> anyhow::Result<(Vec<Face>, Vec<ExpertScores>)> {
        let Self { extent, waits, cropper, exact, frame, .. } = self;
        let Extent::Faces(detector) = extent else {
            let size = (frame.width, frame.height);
            let square = CropSquare { left: 0, top: 0, side: size.0.max(size.1) };
            let whole = |crops: &mut Crops| {
                let side = crops.side;
                exact.resize(&frame.pixels, size, crops.room(), (side, side))?;
                Ok(said(vec![crops.score(square)]))
            };
            return Ok((Vec::new(), waits.iter_mut().map(whole).collect::<anyhow::Result<_>>()?));
        };
        let listed = file.listed.as_ref().map(|listed| listed.face);
        let faces = find(&mut **detector, frame, listed)?;
        let mut cut = |crops: &mut Crops| {
            let mut scores = Vec::with_capacity(faces.len());
            for face in &faces {
                let square = CropSquare::around(&face.bounds, &crops.rule);
                cropper.cut(frame, &square, crops.side, crops.room())?;
                scores.push(crops.score(square));
            }
            Ok(said(scores))
        };
        let said = waits.iter_mut().map(&mut cut).collect::<anyhow::Result<_>>()?;
        Ok((faces, said))
    }
}

impl Crops {
    fn new(network: &Classifier) -> Self {
        Self {
            rule: network.contract().crop,
            side: network.file().input_side,
            kind: network.expertise().looks_for,
            pixels: Vec::new(),
            answers: Vec::new(),
            maps: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        self.side.pow(2) * 3
    }

    /// Room for one crop more.
    fn room(&mut self) -> &mut [u8] {
        let begun = self.pixels.len();
        self.pixels.resize(begun + self.bytes(), 0);
        &mut self.pixels[begun..]
    }

    /// The score of a crop, to be filled.
    fn score(&self, square: CropSquare) -> Score {
        Score { kind: self.kind, ..Score::new(square, Logits::default()) }
    }

    /// Classifies all crops.
    fn run(&mut self, network: &mut Classifier) -> anyhow::Result<()> {
        let Self { pixels, answers, maps, .. } = self;
        answers.clear();
        maps.clear();
        if !pixels.is_empty() {
            network.ask(pixels, |answer| answers.push(answer), maps)?;
            pixels.clear();
        }
        Ok(())
    }

    fn maps_of(&self, faces: std::ops::Range<usize>, (height, width): (usize, usize)) -> ActivationMaps {
        let size = height * width;
        let values = self.maps.get(faces.start * size..faces.end * size).unwrap_or_default().to_vec();
        ActivationMaps { height, width, values }
    }
}

fn said(scores: Vec<Score>) -> ExpertScores {
    ExpertScores { scores, maps: ActivationMaps::default() }
}

/// The faces of a photo: all of them, or the one that a list means, which `listed` tells where the list does.
///
/// As in training: landmarks in the list spare the detector; a face that it doesn't find is where the list has it; a list
/// without boxes means the largest face.
fn find(detector: &mut dyn Locate, frame: &Frame, listed: Option<Option<ListedFace>>) -> anyhow::Result<Vec<Face>> {
    if let Some(Some(ListedFace { bounds, landmarks: Some(landmarks) })) = listed {
        return Ok(vec![Face { bounds, landmarks, confidence: 1.0 }]);
    }
    let mut faces = Vec::new();
    detector.locate(frame, &mut faces).map_err(cure::unboxed)?;
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
