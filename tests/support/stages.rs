//! Stages with a script: a source that counts, a detector and a classifier that know the answer.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use cyborg_edge::BoxError;
use cyborg_edge::capture::{Read, Source, SourceInfo};
use cyborg_edge::classify::classifier::{Classify, Seen};
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::face::follow::DetectEvery;
use cyborg_edge::face::{Face, Locate};
use cyborg_edge::findings::Sink;
use cyborg_edge::frame::{Changed, Frame, PixelBox, PixelPoint, PresentationTime};
use cyborg_edge::pipeline::{self, Stages, Worker};
use cyborg_edge::verdict::{Judge, Logits, Score};

use super::model::contract;

/// Gives `frames` frames as fast as they are taken; those in `damaged` can't be decoded, and `broken` ends it all.
pub(crate) struct CountingSource {
    info: SourceInfo,
    next: u64,
    frames: u64,
    given: u64,
    pub(crate) damaged: Vec<u64>,
    pub(crate) broken: Option<u64>,
    /// Each picture comes so many times, and says so.
    pub(crate) times: u64,
}

impl CountingSource {
    pub(crate) fn new(frames: u64, size: (usize, usize)) -> Self {
        let info = SourceInfo { name: "counting".into(), size, rate: Some(25.0), claimed_frames: Some(frames) };
        Self { info, next: 0, frames, given: 0, damaged: Vec::new(), broken: None, times: 1 }
    }
}

impl Source for CountingSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let number = self.next;
        self.next += 1;
        if self.broken == Some(number) {
            return Err(format!("the source broke at {number}").into());
        }
        if number >= self.frames {
            return Ok(Read::End);
        }
        if self.damaged.contains(&number) {
            return Ok(Read::Damaged(format!("frame {number} is damaged")));
        }
        frame.resize(self.info.size.0, self.info.size.1);
        frame.pixels.fill((number - number % self.times) as u8);
        frame.changed = (!number.is_multiple_of(self.times)).then(|| Changed::nothing(self.given - 1));
        frame.number = self.given;
        frame.time = PresentationTime(number as i64 * 40_000);
        frame.captured = Instant::now();
        frame.patched = false;
        self.given += 1;
        Ok(Read::Frame)
    }
}

/// Finds one face in the middle of every frame but those whose number divides by `blank`.
#[derive(Default)]
pub(crate) struct MiddleFace {
    pub(crate) blank: Option<u64>,
    /// Finds so many faces next to each other in place of the one.
    pub(crate) crowd: Option<usize>,
    pub(crate) fails_at: Option<u64>,
    /// Some frames take it longer than others.
    pub(crate) uneven: bool,
    pub(crate) panics_at: Option<u64>,
    /// In how many frames it looked.
    pub(crate) looks: u64,
}

impl Locate for MiddleFace {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        faces.clear();
        self.looks += 1;
        if self.uneven {
            thread::sleep(Duration::from_micros(frame.number * 7919 % 5 * 100));
        }
        assert!(self.panics_at != Some(frame.number), "the script says so");
        if self.blank.is_some_and(|blank| frame.number.is_multiple_of(blank)) {
            return Ok(());
        }
        if self.fails_at.is_some_and(|at| frame.number >= at) {
            return Err("the detector broke".into());
        }
        let (width, height) = (frame.width as f32 / 2.0, frame.height as f32 / 2.0);
        let face = |bounds| Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 };
        match self.crowd {
            None => faces.push(face(PixelBox { left: width / 2.0, top: height / 2.0, width, height })),
            Some(count) => {
                // Five in a row, with room between them.
                let side = frame.width as f32 / 10.0;
                faces.extend((0..count).map(|at| {
                    let (left, top) = ((at % 5) as f32 * 2.0 * side, (at / 5) as f32 * 2.0 * side);
                    face(PixelBox { left, top, width: side, height: side })
                }));
            }
        }
        Ok(())
    }
}

/// Cuts each face with the real cropper, and scores it by its first pixel: black is -5, white is 5.
pub(crate) struct BrightnessClassifier {
    pub(crate) latency: Duration,
    pub(crate) fails_at: Option<u64>,
    pub(crate) faces_at_once: usize,
    /// Added to what it makes of a face's brightness, in logits.
    pub(crate) bias: f32,
    /// It begins a frame when this is true.
    pub(crate) gate: Option<Box<dyn Fn() -> bool + Send>>,
    cropper: Cropper,
    crop: Vec<u8>,
}

impl BrightnessClassifier {
    /// Side of its crops.
    pub(crate) const SIDE: usize = 32;

    pub(crate) fn new(latency: Duration) -> Self {
        let crop = vec![0; Self::SIDE * Self::SIDE * 3];
        Self { latency, fails_at: None, faces_at_once: 1, bias: 0.0, gate: None, cropper: Cropper::new(), crop }
    }
}

impl Classify for BrightnessClassifier {
    fn classify(&mut self, seen: &mut [Seen<'_>]) -> Result<(), BoxError> {
        Ok(seen.iter_mut().try_for_each(|seen| self.one(seen))?)
    }

    fn faces_at_once(&self) -> usize {
        self.faces_at_once
    }
}

impl BrightnessClassifier {
    fn one(&mut self, seen: &mut Seen<'_>) -> anyhow::Result<()> {
        let Seen { frame, faces, scores, maps } = seen;
        anyhow::ensure!(self.fails_at != Some(frame.number), "the classifier broke at {}", frame.number);
        let begun = Instant::now();
        // One that stays shut is no reason to wait for ever: the test then fails by what it finds.
        while self.gate.as_ref().is_some_and(|open| !open()) && begun.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_micros(100));
        }
        thread::sleep(self.latency);
        scores.clear();
        maps.values.clear();
        (maps.height, maps.width) = (2, 2);
        for face in faces.iter() {
            let side = face.bounds.width.max(face.bounds.height) as usize;
            let square = CropSquare { left: face.bounds.left as i64, top: face.bounds.top as i64, side };
            self.cropper.cut(frame, &square, Self::SIDE, &mut self.crop)?;
            let logits = Logits { authentic: 0.0, synthetic: f32::from(self.crop[0]) / 25.5 - 5.0 + self.bias };
            scores.push(Score::new(square, logits));
            maps.values.extend([1.0, 0.0, 0.0, 0.0]);
        }
        Ok(())
    }
}

/// Runs a source through the pipeline with these stages, to `sinks`; each frame whose number divides by `blank` has no face.
pub(crate) fn run(source: &mut dyn Source, blank: u64, sinks: &mut [Box<dyn Sink>]) {
    let mut face = MiddleFace { blank: Some(blank), ..MiddleFace::default() };
    let mut classifier = BrightnessClassifier::new(Duration::ZERO);
    let judge = Judge::new(&contract());
    let stages = Stages {
        workers: vec![Worker { locate: &mut face, models: vec![&mut classifier] }],
        detect: DetectEvery::FRAME,
        judges: vec![&judge],
        sinks,
    };
    pipeline::run(source, stages, &AtomicBool::new(false));
}
