//! The library in few lines: a photo, a clip or frames of your own in, judged faces out, as the example at the
//! [crate's root](crate) has it.
//!
//! An [`Analyzer`] has one detector and one model, or a set of experts, and works on the caller's thread. Programs that want
//! several threads, sinks of their own or a camera use [`crate::pipeline`] and [`crate::live`], which work with the same parts.

#[cfg(feature = "video")]
mod clip;
mod error;
mod following;
mod judged_face;
mod moving;

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

#[cfg(feature = "video")]
pub use clip::{Clip, ClipFrame};
pub use error::AnalyzeError;
pub use following::{FollowedFace, Following};
pub use judged_face::JudgedFace;

use moving::Moving;

use crate::capture::stills;
use crate::classify::classifier::Classify;
use crate::classify::named::{ModelName, NamedError};
use crate::classify::panel::Panel;
use crate::face::detector::{Detector, DetectorName, DetectorSettings};
use crate::face::{Face, Locate};
use crate::findings::Opinion;
use crate::frame::Frame;
use crate::inference::provider::Asked;
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;
use crate::verdict::Judge;

/// What an [`Analyzer`] works with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AnalyzerSettings {
    /// The model, or set of experts, that judges.
    pub model: ModelName,
    /// What finds faces; [`ModelName::detector`] where nothing is named.
    pub detector: Option<DetectorName>,
    /// How faces are looked for.
    pub detect: DetectorSettings,
    /// Where the networks run.
    pub provider: Asked,
    /// Threads that each network may use.
    pub threads: NonZeroUsize,
}

impl Default for AnalyzerSettings {
    /// The best model that is installed, on the best execution provider that starts, with all processors.
    fn default() -> Self {
        Self {
            model: ModelName::Auto,
            detector: None,
            detect: DetectorSettings::default(),
            provider: Asked::Auto,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// Finds and judges faces. Opening one takes a second or more: keep it.
#[derive(Debug)]
pub struct Analyzer {
    detector: Detector,
    model: Panel,
    /// Judges frames of a video, where that is another network.
    moving: Moving,
    judge: Judge,
    #[cfg(feature = "video")]
    threads: NonZeroUsize,
    frame: Frame,
    faces: Vec<Face>,
    opinion: Opinion,
}

impl Analyzer {
    /// Opens the networks by the default settings.
    ///
    /// # Errors
    ///
    /// When ONNX Runtime, the detector or the model isn't there or can't be opened.
    pub fn open() -> Result<Self, AnalyzeError> {
        Self::open_with(&AnalyzerSettings::default())
    }

    /// The same by other settings.
    ///
    /// # Errors
    ///
    /// As [`Analyzer::open`].
    pub fn open_with(settings: &AnalyzerSettings) -> Result<Self, AnalyzeError> {
        let AnalyzerSettings { model, detector, detect, provider, threads } = settings;
        let (provider, threads) = (*provider, *threads);
        let file = model.read(None)?;
        let runtime = Runtime::load_for(provider)?;
        let session = SessionSettings { provider, threads };
        let name = model;
        let moving = Moving::new(&file, name, &runtime, session);
        let model = Panel::of(&runtime, &file, session).map_err(NamedError::from)?;
        let detector = detector.clone().unwrap_or_else(|| name.detector());
        let detector = Detector::open(&runtime, &detector, *detect, session)?;
        let judge = Judge::new(model.contract());
        let (frame, faces, opinion) = (Frame::empty(), Vec::new(), Opinion::default());
        Ok(Self {
            detector,
            model,
            moving,
            judge,
            #[cfg(feature = "video")]
            threads,
            frame,
            faces,
            opinion,
        })
    }

    /// The model: its name, its contract and where it runs.
    #[must_use]
    pub fn model(&self) -> &Panel {
        &self.model
    }

    /// Judges each face of a photo, the surest first; none where no face was found.
    ///
    /// # Errors
    ///
    /// When the photo can't be read, or a network fails.
    pub fn photo(&mut self, path: impl AsRef<Path>) -> Result<Vec<JudgedFace>, AnalyzeError> {
        let mut frame = std::mem::replace(&mut self.frame, Frame::empty());
        let read = stills::read(path.as_ref(), &mut frame).map_err(AnalyzeError::from);
        let judged = read.and_then(|_| self.frame(&frame));
        self.frame = frame;
        judged
    }

    /// Judges each face of a picture in memory by itself, the surest first. For pictures that follow each other there is
    /// [`Analyzer::follow`].
    ///
    /// # Errors
    ///
    /// When a network fails.
    pub fn frame(&mut self, frame: &Frame) -> Result<Vec<JudgedFace>, AnalyzeError> {
        let Self { detector, model, judge, faces, opinion, .. } = self;
        let Opinion { scores, maps, judgements, .. } = opinion;
        detector.locate(frame, faces).map_err(AnalyzeError::network)?;
        model.classify_frame(frame, faces, scores, maps).map_err(AnalyzeError::network)?;
        judge.judge(scores, judgements);
        Ok(JudgedFace::all(faces, opinion))
    }

    /// Judges persons in frames that the caller brings, in their order: of a camera, a decoder, a game. They are judged as frames of a
    /// video, as those of [`Analyzer::clip`] are.
    pub fn follow(&mut self) -> Following<'_> {
        Following::new(self)
    }

    /// Opens a clip, whose frames are then judged one by one.
    ///
    /// # Errors
    ///
    /// When it can't be opened.
    #[cfg(feature = "video")]
    pub fn clip(&mut self, path: impl AsRef<Path>) -> Result<Clip<'_>, AnalyzeError> {
        Clip::open(self, path.as_ref())
    }
}
