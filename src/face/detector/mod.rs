//! Detectors: networks that find faces, five landmarks each.
//!
//! [`Kind`] is a row of `kinds`, one for each detector that the program knows; all that is particular about one
//! (its tensors, what must be mended in its file, what its outputs mean) is in its own folder. [`Detector`] runs any of them,
//! and nobody outside knows which it is. A further one is a folder and a row.
//!
//! `file` finds and reads files, `mending` is what every file needs, `settings` how large a picture it sees, `overlap` has each
//! face told once.

mod file;
mod kind;
mod kinds;
mod mending;
mod overlap;
mod settings;

use anyhow::Context;

pub use file::{DetectorError, DetectorFile, DetectorName};
pub use kind::{Kind, Origin};
pub use kinds::{DEFAULT, KINDS, TRAINED_WITH, named};
#[doc(hidden)]
pub use overlap::{Several, one_each};
pub use settings::{DetectSize, DetectorSettings, USUAL_SIDE};

use kind::{Mended, View};
use mending::PIXELS;

use super::adaptive::LocateAt;
use super::crop::Cropper;
use super::{Face, Locate};
use crate::BoxError;
use crate::frame::{Frame, PixelBox};
use crate::inference::provider::ProviderReport;
use crate::inference::runtime::Runtime;
use crate::inference::session::{Network, SessionSettings, Values};

/// A detector in ONNX Runtime.
#[derive(Debug)]
pub struct Detector {
    network: Network,
    mended: Mended,
    kind: &'static Kind,
    digest: String,
    settings: DetectorSettings,
    cropper: Cropper,
    small: Vec<u8>,
    candidates: Vec<Face>,
}

impl Detector {
    /// Reads and opens a detector.
    ///
    /// # Errors
    ///
    /// When its file is missing, is another network, or can't be opened on the provider.
    pub fn open(
        runtime: &Runtime,
        name: &DetectorName,
        settings: DetectorSettings,
        session: SessionSettings,
    ) -> Result<Self, DetectorError> {
        Self::of(runtime, &DetectorFile::read(name)?, settings, session)
    }

    /// Opens a file that was read.
    ///
    /// # Errors
    ///
    /// When it can't be opened on the provider.
    pub fn of(
        runtime: &Runtime,
        file: &DetectorFile,
        settings: DetectorSettings,
        session: SessionSettings,
    ) -> Result<Self, DetectorError> {
        match Network::open_for(runtime, &file.mended.network, session, settings.size.most()) {
            Ok(network) => Ok(Self {
                network,
                mended: file.mended.clone(),
                kind: file.kind,
                digest: file.digest.clone(),
                settings,
                cropper: Cropper::new(),
                small: Vec::new(),
                candidates: Vec::new(),
            }),
            Err(source) => Err(DetectorError::Open { detector: file.called.clone(), source }),
        }
    }

    /// Which of those it is that the program knows.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Where it runs, and why there.
    #[must_use]
    pub fn provider(&self) -> &ProviderReport {
        &self.network.provider
    }

    /// SHA-256 of its file, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Faces of less confidence are left out, in 0 to 1.
    #[must_use]
    pub fn confidence(&self) -> f32 {
        self.settings.confidence.unwrap_or(self.kind.confidence)
    }
}

impl Locate for Detector {
    fn locate(&mut self, frame: &Frame, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        let longest = self.settings.size.longest_side(frame.width.max(frame.height), self.kind.found_from);
        self.locate_at(frame, longest, faces)
    }
}

impl LocateAt for Detector {
    fn found_from(&self) -> f32 {
        self.kind.found_from
    }

    fn locate_at(&mut self, frame: &Frame, longest: usize, faces: &mut Vec<Face>) -> Result<(), BoxError> {
        faces.clear();
        let smallest = self.settings.smallest;
        let (width, height) = settings::input_size(frame, longest);
        self.small.resize(width * height * 3, 0);
        self.cropper.resize(&frame.pixels, (frame.width, frame.height), &mut self.small, (width, height))?;
        let scale = (frame.width as f32 / width as f32, frame.height as f32 / height as f32);
        let view = View { width, height, scale, confidence: self.confidence() };
        let input = Values::Bytes(&self.small);
        let outputs = self.network.run(PIXELS, [1, height, width, 3], input).context("the face detector failed")?;
        self.candidates.clear();
        let reader = &self.mended.reader;
        reader
            .read(&outputs, &view, &mut self.candidates)
            .with_context(|| format!("the face detector failed: is its file a network like {}?", self.kind.name))?;
        let is_wanted = |face: &Face| {
            let PixelBox { left, top, width, height } = face.bounds;
            // What a strange network says may be no number.
            [left, top, width, height].into_iter().all(f32::is_finite) && width.min(height) >= smallest
        };
        self.candidates.retain(is_wanted);
        overlap::one_each(self.kind.several, &mut self.candidates, faces);
        Ok(())
    }
}
