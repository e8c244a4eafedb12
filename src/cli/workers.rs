//! The flags that `video` and `image` share, and the workers that are made from them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use cyborg_models::contract::Contract;
use cyborg_models::{digest, lock};
use serde_json::{Map, Value};

use super::outcome::{UsageError, note};
use crate::face::centerface::{CenterFace, DetectorSettings};
use crate::model::classifier::Classifier;
use crate::model::provider::{Asked, ProviderReport};
use crate::model::runtime::Runtime;
use crate::model::session::SessionSettings;
#[cfg(feature = "video")]
use crate::pipeline::Scorer;
use crate::sink::jsonl::{ModelRecord, RunRecord};
#[cfg(feature = "video")]
use crate::sink::report::MadeWith;
use crate::verdict::Judge;

#[derive(Args, Debug)]
pub(super) struct WorkerArgs {
    /// Model file that holds the contract of models/CONTRACT.md, or a foreign one with a TOML; named again, several
    /// models are asked of the same faces [default: the model that comes with the program]
    #[arg(long, value_name = "FILE")]
    pub(super) model: Vec<PathBuf>,
    /// The TOML that describes a foreign model [default: the one beside it, with the ending .toml]
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(super) model_toml: Option<PathBuf>,
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
    /// Further models, in the order in which they were named.
    pub(super) others: Vec<ReadyModel>,
    /// The flags that change rows, by their names.
    pub(super) settings: Map<String, Value>,
    #[cfg(feature = "video")]
    pub(super) threads: NonZeroUsize,
}

/// A classifier and its judge.
pub(super) struct ReadyModel {
    pub(super) classifier: Classifier,
    pub(super) judge: Judge,
}

impl WorkerArgs {
    /// All files that the networks are made of.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.model.iter().chain(&self.model_toml).chain(&self.detector)
    }

    /// What changes rows, by the names of the flags: the digests of what the models' own digests leave out, and the
    /// providers that were got, which agree to a thousandth only.
    fn settings<'a>(&self, models: impl Iterator<Item = &'a Classifier>, detector: &CenterFace) -> Map<String, Value> {
        let digest = |path: Option<PathBuf>| path.and_then(|path| digest::of_file(&path).ok());
        let (mut tomls, mut providers) = (Vec::new(), vec![detector.provider().got.to_string()]);
        for (index, model) in models.enumerate() {
            providers.push(model.provider().got.to_string());
            let beside = || self.model.get(index).map(|path| path.with_extension("toml"));
            let toml = model.is_foreign().then(|| self.model_toml.clone().or_else(beside)).flatten();
            tomls.push(digest(toml));
        }
        let settings: [(&str, Value); 5] = [
            ("detector", digest(self.detector.clone().or_else(|| lock::cached("centerface"))).into()),
            ("detect-size", self.detect_size.into()),
            ("detect-confidence", self.detect_confidence.into()),
            ("model-toml", tomls.into()),
            ("provider", providers.into()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }

    /// Loads ONNX Runtime and opens the models, for pictures in which no face is looked for. Each gets all threads: they
    /// work one after the other.
    pub(super) fn open_models(&self) -> anyhow::Result<Vec<ReadyModel>> {
        let threads = self.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        let session = SessionSettings { provider: self.provider, threads };
        let models = self.models(&Runtime::load()?, session)?;
        for model in models.iter().take(1) {
            note(&format!("provider: {}", model.classifier.provider()));
        }
        Ok(models)
    }

    /// Opens each model that is named, or the shipped one.
    fn models(&self, runtime: &Runtime, session: SessionSettings) -> anyhow::Result<Vec<ReadyModel>> {
        if let Some(twice) = (1..self.model.len()).find(|&at| self.model[..at].contains(&self.model[at])) {
            let name = self.model[twice].display();
            return Err(UsageError(format!("--model {name} is named twice: name each model once")).into());
        }
        if self.model.len() > 1 && self.model_toml.is_some() {
            let message =
                "--model-toml is for one model: with several, put each TOML beside its model, with the ending .toml";
            return Err(UsageError(message.to_owned()).into());
        }
        let named: Vec<Option<&Path>> = match &*self.model {
            [] => vec![None],
            named => named.iter().map(|path| Some(path.as_path())).collect(),
        };
        let open = |path| {
            let classifier = match (path, &self.model_toml) {
                (Some(model), Some(toml)) => Classifier::open_foreign(runtime, model, toml, session),
                (model, _) => Classifier::open(runtime, model, session),
            }?;
            Ok(ReadyModel { judge: Judge::new(classifier.contract()), classifier })
        };
        named.into_iter().map(open).collect()
    }

    /// Loads ONNX Runtime and opens both networks.
    pub(super) fn open(&self) -> anyhow::Result<Workers> {
        let threads = self.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        let runtime = Runtime::load_for(self.provider)?;
        // Detector and classifier work at the same time on different frames: each gets half of the processors. On two
        // of them no network was faster with two threads than with one: benches/results/2026-11-24-providers.md.
        let session = SessionSettings { provider: self.provider, threads: half(threads) };
        let mut models = self.models(&runtime, session)?;
        let ReadyModel { classifier, judge } = models.remove(0);
        let settings = DetectorSettings { longest_side: self.detect_size.into(), confidence: self.detect_confidence };
        let detector = CenterFace::open(&runtime, self.detector.as_deref(), settings, session)?;
        announce(classifier.provider(), detector.provider());
        let settings =
            self.settings(std::iter::once(&classifier).chain(models.iter().map(|m| &m.classifier)), &detector);
        Ok(Workers {
            settings,
            detector,
            classifier,
            judge,
            others: models,
            #[cfg(feature = "video")]
            threads,
        })
    }
}

impl ReadyModel {
    /// The model as a stage.
    #[cfg(feature = "video")]
    pub(super) fn scorer(&mut self) -> Scorer<'_> {
        Scorer { classify: &mut self.classifier, judge: &self.judge }
    }
}

impl Workers {
    /// What the run was made with.
    #[cfg(feature = "video")]
    pub(super) fn record(&self) -> RunRecord {
        let settings = self.settings.clone();
        RunRecord { settings, ..record(&self.classifier, &self.others, Some(&self.detector)) }
    }

    /// What a report was made with.
    #[cfg(feature = "video")]
    pub(super) fn made_with(&self) -> MadeWith {
        let caution = self.caution().map(str::to_owned);
        MadeWith { run: self.record(), contract: self.classifier.contract().clone(), caution }
    }

    /// A line on how far the first model's numbers can be trusted, for people.
    #[cfg(feature = "video")]
    pub(super) fn caution(&self) -> Option<&'static str> {
        caution(self.classifier.contract())
    }

    /// The same of each model, with its name where there are several.
    #[cfg(feature = "video")]
    pub(super) fn cautions(&self) -> Vec<String> {
        cautions(std::iter::once(&self.classifier).chain(self.others.iter().map(|other| &other.classifier)))
    }
}

/// A line a model on how far its numbers can be trusted, with its name where there are several.
pub(super) fn cautions<'a>(models: impl Iterator<Item = &'a Classifier>) -> Vec<String> {
    let models: Vec<_> = models.collect();
    let line = |model: &&Classifier| {
        let caution = caution(model.contract())?;
        Some(if models.len() > 1 { format!("{}: {caution}", model.name()) } else { caution.to_owned() })
    };
    models.iter().filter_map(line).collect()
}

/// What a run was made with; without a detector no face was looked for.
pub(super) fn record(classifier: &Classifier, others: &[ReadyModel], detector: Option<&CenterFace>) -> RunRecord {
    let other = |ReadyModel { classifier, .. }: &ReadyModel| ModelRecord {
        model: classifier.name().to_owned(),
        model_sha256: classifier.file().digest.clone(),
        provider: classifier.provider().to_string(),
    };
    RunRecord {
        others: others.iter().map(other).collect(),
        settings: Map::new(),
        tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
        model: classifier.name().to_owned(),
        model_sha256: classifier.file().digest.clone(),
        provider: classifier.provider().to_string(),
        detector_provider: detector.map_or_else(|| "none".to_owned(), |detector| detector.provider().to_string()),
    }
}

/// A line on how far a model's numbers can be trusted, for people.
fn caution(contract: &Contract) -> Option<&'static str> {
    let Contract { calibration, .. } = contract;
    (calibration.temperature == 1.0 && calibration.bias == 0.0)
        .then_some("this model is not calibrated: read p(synthetic) as an order, not as a probability")
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
