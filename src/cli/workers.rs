//! The flags that `video` and `image` share, and the workers that are made from them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use cyborg_models::contract::Contract;

use super::outcome::note;
use crate::face::centerface::{CenterFace, DetectorSettings};
use crate::model::classifier::Classifier;
use crate::model::provider::{Asked, ProviderReport};
use crate::model::runtime::Runtime;
use crate::model::session::SessionSettings;
use crate::sink::jsonl::RunRecord;
use crate::verdict::Judge;

#[derive(Args, Debug)]
pub(super) struct WorkerArgs {
    /// Model file that holds the contract of models/CONTRACT.md [default: the model that comes with the program]
    #[arg(long, value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Face detector, a CenterFace ONNX file [default: the one that set-up fetched]
    #[arg(long, value_name = "FILE")]
    pub(super) detector: Option<PathBuf>,
    /// Execution provider: auto, cpu, cuda, tensorrt or another that `cyborg doctor` lists; one that is named and
    /// can't be had is an error
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(super) provider: Asked,
    /// Threads of the processor to use at most, up to 256 [default: all]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(super) threads: Option<NonZeroUsize>,
    /// Longer side in pixels of the picture in which faces are looked for; more finds smaller faces and is slower
    #[arg(long, value_name = "PIXELS", default_value_t = 320, value_parser = clap::value_parser!(u16).range(32..=8192))]
    pub(super) detect_size: u16,
    /// Leave out faces that the detector is less sure of, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.5, value_parser = share)]
    pub(super) detect_confidence: f32,
}

fn share(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number in 0 to 1".to_owned())
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 256);
    number.ok_or_else(|| "expected a whole number in 1 to 256".to_owned())
}

/// What a run needs, ready to work.
pub(super) struct Workers {
    pub(super) detector: CenterFace,
    pub(super) classifier: Classifier,
    pub(super) judge: Judge,
    #[cfg(feature = "video")]
    pub(super) threads: NonZeroUsize,
}

impl WorkerArgs {
    /// Loads ONNX Runtime and opens both networks.
    pub(super) fn open(&self) -> anyhow::Result<Workers> {
        let threads = self.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        let runtime = Runtime::load_for(self.provider)?;
        // Detector and classifier work at the same time on different frames: each gets half of the processors. On two
        // of them no network was faster with two threads than with one: benches/results/2026-11-24-providers.md.
        let session = SessionSettings { provider: self.provider, threads: half(threads) };
        let classifier = Classifier::open(&runtime, self.model.as_deref(), session)?;
        let settings = DetectorSettings { longest_side: self.detect_size.into(), confidence: self.detect_confidence };
        let detector = CenterFace::open(&runtime, self.detector.as_deref(), settings, session)?;
        announce(classifier.provider(), detector.provider());
        Ok(Workers {
            judge: Judge::new(classifier.contract()),
            detector,
            classifier,
            #[cfg(feature = "video")]
            threads,
        })
    }
}

impl Workers {
    /// What the run was made with.
    pub(super) fn record(&self) -> RunRecord {
        RunRecord {
            tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: self.classifier.name().to_owned(),
            model_sha256: self.classifier.file().digest.clone(),
            provider: self.classifier.provider().to_string(),
            detector_provider: self.detector.provider().to_string(),
        }
    }

    /// A line on how far the model's numbers can be trusted, for people.
    pub(super) fn caution(&self) -> Option<&'static str> {
        let Contract { calibration, .. } = self.classifier.contract();
        (calibration.temperature == 1.0 && calibration.bias == 0.0)
            .then_some("this model is not calibrated: read p(synthetic) as an order, not as a probability")
    }
}

fn half(threads: NonZeroUsize) -> NonZeroUsize {
    NonZeroUsize::new(threads.get() / 2).unwrap_or(NonZeroUsize::MIN)
}

/// One line where both networks run on the same, which is nearly always.
fn announce(classifier: &ProviderReport, detector: &ProviderReport) {
    note(&format!("provider: {classifier}"));
    if detector.got != classifier.got {
        note(&format!("provider of the face detector: {detector}"));
    }
}
