//! The classifier: face crops in, logits and activation maps out, from one forward pass.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::Context;
use cyborg_models::contract::{CAM, Contract, DISTANCE, Expertise, KIND, Kind, LOGITS, PIXELS};
use cyborg_models::model_file::ModelFile;

use super::classifier_file::{ClassifierError, ClassifierFile};
use super::foreign::{Adapter, logits};
use crate::BoxError;
use crate::face::Face;
use crate::face::crop::{CropSquare, Cropper};
use crate::frame::Frame;
use crate::inference::provider::ProviderReport;
use crate::inference::runtime::Runtime;
use crate::inference::session::{Network, SessionSettings, Values};
use crate::verdict::{Logits, Score};

/// What a network says of one crop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Answer {
    /// The raw class scores.
    pub logits: Logits,
    /// The kind that most evidence is of, where the network tells several apart.
    pub kind: Option<Kind>,
    /// Whether the face is unlike anything that the network was trained on.
    pub unfamiliar: bool,
}

/// The activation maps of a frame's faces, one after the other, rows from the top. Not min-max scaled.
///
/// A foreign model may give none: height and width are then 0, [`ActivationMaps::of`] is empty, and nothing is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActivationMaps {
    /// Height of each map.
    pub height: usize,
    /// Width of each map.
    pub width: usize,
    /// `faces * height * width` values.
    pub values: Vec<f32>,
}

impl ActivationMaps {
    /// The map of face `index`, `height * width` values.
    #[must_use]
    pub fn of(&self, index: usize) -> &[f32] {
        let size = self.height * self.width;
        self.values.get(index * size..(index + 1) * size).unwrap_or_default()
    }
}

/// The most frames that are scored at once.
pub const MOST_FRAMES: usize = 8;

/// A frame whose faces are to be scored, and where to put what is found.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The picture.
    pub frame: &'a Frame,
    /// Its faces.
    pub faces: &'a [Face],
    /// Gets a score for each face, in their order, in place of what it held.
    pub scores: &'a mut Vec<Score>,
    /// Gets a map for each face likewise.
    pub maps: &'a mut ActivationMaps,
}

/// Scores the faces of frames.
pub trait Classify: Send {
    /// Scores all faces of `seen`.
    ///
    /// # Errors
    ///
    /// When the model itself fails.
    fn classify(&mut self, seen: &mut [Seen<'_>]) -> Result<(), BoxError>;

    /// Scores the faces of one frame: see [`Seen`].
    ///
    /// # Errors
    ///
    /// When the model itself fails.
    fn classify_frame(
        &mut self,
        frame: &Frame,
        faces: &[Face],
        scores: &mut Vec<Score>,
        maps: &mut ActivationMaps,
    ) -> Result<(), BoxError> {
        self.classify(&mut [Seen { frame, faces, scores, maps }])
    }

    /// Faces that cost less together than one by one: frames that wait already are put together up to so many.
    fn faces_at_once(&self) -> usize {
        1
    }
}

/// A model of the contract, or a foreign one with its TOML, in ONNX Runtime.
#[derive(Debug)]
pub struct Classifier {
    network: Network,
    file: ModelFile,
    /// What stands between a foreign model and the contract.
    adapter: Option<Adapter>,
    name: String,
    cropper: Cropper,
    crops: Vec<u8>,
    /// What a batch gave, before it goes to the frames.
    answers: Vec<Answer>,
    maps: Vec<f32>,
    largest_batch: usize,
}

impl Classifier {
    /// Opens the model file at `path`, or the shipped model: [`ClassifierFile::read`] and [`Classifier::of`].
    ///
    /// # Errors
    ///
    /// When the file can't be read, doesn't hold the contract, or can't be opened on the provider.
    pub fn open(runtime: &Runtime, path: Option<&Path>, settings: SessionSettings) -> Result<Self, ClassifierError> {
        Self::of(runtime, &ClassifierFile::read(path)?, settings)
    }

    /// Opens the bytes of a model file of the contract; `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// When they don't hold the contract, or can't be opened on the provider.
    pub fn from_bytes(
        runtime: &Runtime,
        name: &str,
        bytes: &[u8],
        settings: SessionSettings,
    ) -> Result<Self, ClassifierError> {
        Self::of(runtime, &ClassifierFile::of_bytes(name, bytes)?, settings)
    }

    /// Opens a file that was read.
    ///
    /// # Errors
    ///
    /// When it can't be opened on the provider.
    pub fn of(
        runtime: &Runtime,
        file: &ClassifierFile<'_>,
        settings: SessionSettings,
    ) -> Result<Self, ClassifierError> {
        let ClassifierFile { name, network, file, foreign, .. } = file.form_for(settings.provider);
        let network = match Network::open(runtime, network, settings) {
            Ok(network) => network,
            Err(source) => return Err(ClassifierError::Open { name: name.clone(), source }),
        };
        // A foreign network may be made for a fixed number of faces.
        let adapter = foreign.as_ref().map(|(description, batch)| Adapter::new(description.clone(), *batch));
        let limit = adapter.as_ref().map_or(usize::MAX, |adapter| adapter.batch);
        let largest_batch = network.largest_batch().min(limit);
        Ok(Self {
            network,
            file: file.clone(),
            adapter,
            name: name.clone(),
            cropper: Cropper::new(),
            crops: Vec::new(),
            answers: Vec::new(),
            maps: Vec::new(),
            largest_batch,
        })
    }

    /// Whether it is a foreign model, described by a TOML.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.adapter.is_some()
    }

    /// What the model says of itself.
    #[must_use]
    pub fn contract(&self) -> &Contract {
        &self.file.contract
    }

    /// What the model says of its field.
    #[must_use]
    pub fn expertise(&self) -> &Expertise {
        &self.file.expertise
    }

    /// The file's facts: sizes and digest.
    #[must_use]
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it runs, and why there.
    #[must_use]
    pub fn provider(&self) -> &ProviderReport {
        &self.network.provider
    }

    /// Sets how many faces go through the network at once, for measuring; gives the number that it is now. An
    /// accelerator stays within what it was prepared for.
    pub fn set_largest_batch(&mut self, faces: NonZeroUsize) -> usize {
        let limit = if self.network.provider.got.is_accelerated() { self.network.largest_batch() } else { usize::MAX };
        let limit = self.adapter.as_ref().map_or(limit, |adapter| adapter.batch.min(limit));
        self.largest_batch = faces.get().min(limit);
        self.largest_batch
    }

    /// Runs crops that are ready: `pixels` holds N * S * S * 3 bytes. Logits and maps are added to what is there.
    ///
    /// # Errors
    ///
    /// When ONNX Runtime fails.
    pub fn run(&mut self, pixels: &[u8], logits: &mut Vec<Logits>, maps: &mut Vec<f32>) -> anyhow::Result<()> {
        self.ask(pixels, |answer| logits.push(answer.logits), maps)
    }

    /// The same with all that the network says of each crop, in their order.
    ///
    /// # Errors
    ///
    /// When ONNX Runtime fails.
    pub fn ask(&mut self, pixels: &[u8], mut keep: impl FnMut(Answer), maps: &mut Vec<f32>) -> anyhow::Result<()> {
        let bytes = self.file.input_side * self.file.input_side * 3;
        for pixels in pixels.chunks(self.largest_batch * bytes) {
            let count = pixels.len() / bytes;
            let Self { network, file, adapter, name, crops, .. } = self;
            let mut padded = pixels;
            if network.padded(count) > count {
                crops.clear();
                crops.extend_from_slice(pixels);
                crops.resize(network.padded(count) * bytes, 0);
                padded = crops;
            }
            run(network, (file, adapter), padded, count, &mut keep, maps)
                .with_context(|| format!("model {name} failed"))?;
        }
        Ok(())
    }
}

impl Classify for Classifier {
    fn classify(&mut self, seen: &mut [Seen<'_>]) -> Result<(), BoxError> {
        let side = self.file.input_side;
        let bytes = side * side * 3;
        for Seen { faces, scores, maps, .. } in seen.iter_mut() {
            scores.clear();
            let square = |face: &Face| CropSquare::around(&face.bounds, &self.file.contract.crop);
            let kind = self.file.expertise.looks_for;
            scores.extend(faces.iter().map(|face| Score { kind, ..Score::new(square(face), Logits::default()) }));
            maps.values.clear();
            (maps.height, maps.width) = self.file.cam_size;
        }
        let faces: usize = seen.iter().map(|seen| seen.faces.len()).sum();
        for first in (0..faces).step_by(self.largest_batch) {
            let count = self.largest_batch.min(faces - first);
            self.crops.resize(self.network.padded(count) * bytes, 0);
            let squares = seen.iter().flat_map(|seen| seen.scores.iter().map(|score| (seen.frame, score.square)));
            for ((frame, square), out) in squares.skip(first).zip(self.crops.chunks_exact_mut(bytes)).take(count) {
                self.cropper.cut(frame, &square, side, out)?;
            }
            let Self { network, file, adapter, name, crops, answers, maps, .. } = self;
            answers.clear();
            maps.clear();
            run(network, (file, adapter), crops, count, &mut |each| answers.push(each), maps)
                .with_context(|| format!("model {name} failed"))?;
            let size = maps.len() / count;
            let mut batch = answers.iter().enumerate();
            let mut before = first;
            for Seen { scores, maps: found, .. } in seen.iter_mut() {
                let skipped = before.min(scores.len());
                before -= skipped;
                for (score, (index, answer)) in scores[skipped..].iter_mut().zip(&mut batch) {
                    (score.logits, score.unfamiliar) = (answer.logits, answer.unfamiliar);
                    score.kind = answer.kind.or(score.kind);
                    found.values.extend_from_slice(&maps[index * size..(index + 1) * size]);
                }
            }
        }
        Ok(())
    }

    fn faces_at_once(&self) -> usize {
        // On a processor a face costs the same alone, and frames that wait for each other are late.
        if self.network.provider.got.is_accelerated() { self.largest_batch } else { 1 }
    }
}

/// Runs a batch whose first `count` crops matter; the others fill it up.
fn run(
    network: &mut Network,
    (file, adapter): (&ModelFile, &mut Option<Adapter>),
    pixels: &[u8],
    count: usize,
    keep: &mut impl FnMut(Answer),
    maps: &mut Vec<f32>,
) -> anyhow::Result<()> {
    let side = file.input_side;
    let batch = pixels.len() / (side * side * 3);
    let (height, width) = file.cam_size;
    let Some(adapter) = adapter else {
        let outputs = network.run(PIXELS, [batch, side, side, 3], Values::Bytes(pixels))?;
        let limit = file.expertise.unfamiliar.as_ref().map(|unfamiliar| unfamiliar.distance_above);
        let distances = limit.map_or(Ok(&[][..]), |_| outputs.floats(DISTANCE, batch))?;
        let kinds = &file.expertise.tells_apart;
        let found = if kinds.is_empty() { &[][..] } else { outputs.floats(KIND, batch)? };
        for (at, pair) in outputs.floats(LOGITS, batch * 2)?.chunks_exact(2).take(count).enumerate() {
            let logits = Logits { authentic: pair[0], synthetic: pair[1] };
            // A distance that is no number says nothing, as logits that are none.
            let unfamiliar = limit.zip(distances.get(at)).is_some_and(|(limit, &distance)| distance > limit);
            let kind = found.get(at).and_then(|&number| kinds.get(number as usize).copied());
            keep(Answer { logits, kind, unfamiliar });
        }
        maps.extend(outputs.floats(CAM, batch * height * width)?.iter().take(count * height * width));
        return Ok(());
    };
    adapter.fill(pixels);
    let (input, output) = (&adapter.description.input, &adapter.description.output);
    let outputs = network.run(&input.name, [batch, 3, side, side], Values::Floats(adapter.planes()))?;
    let numbers = outputs.floats(&output.name, batch * output.classes.len())?;
    for numbers in numbers.chunks_exact(output.classes.len()).take(count) {
        keep(Answer { logits: logits(output, numbers)?, ..Answer::default() });
    }
    if let Some(cam) = &adapter.description.cam {
        maps.extend(outputs.floats(&cam.name, batch * height * width)?.iter().take(count * height * width));
    }
    Ok(())
}
