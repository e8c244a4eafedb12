//! The flags that `video` and `image` share, and the workers that are made from them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use cyborg_models::contract::Contract;

use super::outcome::note;
use crate::face::centerface::{CenterFace, DetectorFile, DetectorSettings};
use crate::model::classifier::Classifier;
use crate::model::classifier_file::{ClassifierError, ClassifierFile};
use crate::model::provider::{Asked, ProviderReport};
use crate::model::runtime::Runtime;
use crate::model::session::SessionSettings;
use crate::sink::jsonl::RunRecord;
#[cfg(feature = "video")]
use crate::sink::report::MadeWith;
use crate::verdict::Judge;

/// Pairs of networks at most. Each has its own memory, and its frames on their way.
#[cfg(feature = "video")]
const MOST_PAIRS: usize = 8;
/// One works on the accelerator while the processor prepares the frames of the other.
#[cfg(feature = "video")]
const PAIRS_OF_ACCELERATOR: usize = 2;

#[derive(Args, Debug)]
pub(super) struct WorkerArgs {
    /// Model file that holds the contract of models/CONTRACT.md, or a foreign one with a TOML [default: the model that comes with the program]
    #[arg(long, value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
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

/// Both networks, for one thread.
pub(super) struct Pair {
    pub(super) detector: CenterFace,
    pub(super) classifier: Classifier,
}

/// What a run over frames needs, ready to work.
#[cfg(feature = "video")]
pub(super) struct Workers {
    /// At least one; all of them run on the same.
    pub(super) pairs: Vec<Pair>,
    pub(super) judge: Judge,
    pub(super) threads: NonZeroUsize,
}

/// A classifier and its judge, for pictures in which no face is looked for.
pub(super) struct ClassifierAlone {
    pub(super) classifier: Classifier,
    pub(super) judge: Judge,
}

impl WorkerArgs {
    /// Loads ONNX Runtime and opens the classifier, which gets all threads.
    pub(super) fn open_classifier(&self) -> anyhow::Result<ClassifierAlone> {
        let session = SessionSettings { provider: self.provider, threads: self.all_threads() };
        let classifier = Classifier::of(&Runtime::load()?, &self.classifier_file()?, session)?;
        note(&format!("provider: {}", classifier.provider()));
        Ok(ClassifierAlone { judge: Judge::new(classifier.contract()), classifier })
    }

    fn classifier_file(&self) -> Result<ClassifierFile<'static>, ClassifierError> {
        match (&self.model, &self.model_toml) {
            (Some(model), Some(toml)) => ClassifierFile::read_foreign(model, toml),
            (model, _) => ClassifierFile::read(model.as_deref()),
        }
    }

    /// Loads ONNX Runtime and opens both networks, which get all threads.
    pub(super) fn open_pair(&self) -> anyhow::Result<Pair> {
        let pair = self.files()?.pair(&Runtime::load_for(self.provider)?, self.all_threads())?;
        announce(pair.classifier.provider(), pair.detector.provider());
        Ok(pair)
    }

    /// Loads ONNX Runtime and opens as many pairs of networks as serve this machine.
    #[cfg(feature = "video")]
    pub(super) fn open(&self) -> anyhow::Result<Workers> {
        let threads = self.all_threads();
        let runtime = Runtime::load_for(self.provider)?;
        // One thread a network wastes nothing on dividing its work; more processors than pairs help within them.
        let most = threads.get().min(MOST_PAIRS);
        let each = NonZeroUsize::new(threads.get() / most).unwrap_or(NonZeroUsize::MIN);
        let files = self.files()?;
        let first = files.pair(&runtime, each)?;
        announce(first.classifier.provider(), first.detector.provider());
        let accelerated = first.classifier.provider().got.is_accelerated();
        let count = if accelerated { PAIRS_OF_ACCELERATOR } else { most };
        let same = |pair: &Pair| {
            let runs_on = |pair: &Pair| (pair.classifier.provider().got, pair.detector.provider().got);
            runs_on(pair) == runs_on(&first)
        };
        let mut pairs = Vec::with_capacity(count);
        // One after the other: opening takes several times the memory that a session keeps, and the next one uses it again.
        for _ in 1..count {
            match files.pair(&runtime, each) {
                Ok(pair) if same(&pair) => pairs.push(pair),
                // Without it the run is slower, and the same.
                Ok(_) => log::warn!("a further pair of networks didn't get the provider of the first, and is left out"),
                Err(error) => log::warn!("a further pair of networks can't be opened, and is left out: {error:#}"),
            }
        }
        let judge = Judge::new(first.classifier.contract());
        pairs.insert(0, first);
        Ok(Workers { pairs, judge, threads })
    }

    fn all_threads(&self) -> NonZeroUsize {
        self.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    fn files(&self) -> anyhow::Result<Files> {
        Ok(Files {
            classifier: self.classifier_file()?,
            detector: DetectorFile::read(self.detector.as_deref())?,
            provider: self.provider,
            settings: DetectorSettings { longest_side: self.detect_size.into(), confidence: self.detect_confidence },
        })
    }
}

/// What pairs are opened from.
struct Files {
    classifier: ClassifierFile<'static>,
    detector: DetectorFile,
    provider: Asked,
    settings: DetectorSettings,
}

impl Files {
    fn pair(&self, runtime: &Runtime, threads: NonZeroUsize) -> anyhow::Result<Pair> {
        let session = SessionSettings { provider: self.provider, threads };
        let classifier = Classifier::of(runtime, &self.classifier, session)?;
        Ok(Pair { detector: CenterFace::of(runtime, &self.detector, self.settings, session)?, classifier })
    }
}

#[cfg(feature = "video")]
impl Workers {
    /// What the run was made with.
    pub(super) fn record(&self) -> RunRecord {
        record(&self.first().classifier, Some(&self.first().detector))
    }

    /// What a report was made with.
    pub(super) fn made_with(&self) -> MadeWith {
        let caution = self.caution().map(str::to_owned);
        MadeWith { run: self.record(), contract: self.first().classifier.contract().clone(), caution }
    }

    /// A line on how far the model's numbers can be trusted, for people.
    pub(super) fn caution(&self) -> Option<&'static str> {
        caution(self.first().classifier.contract())
    }

    fn first(&self) -> &Pair {
        self.pairs.first().expect("there is always one")
    }
}

/// What a run was made with; without a detector no face was looked for.
pub(super) fn record(classifier: &Classifier, detector: Option<&CenterFace>) -> RunRecord {
    RunRecord {
        tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
        model: classifier.name().to_owned(),
        model_sha256: classifier.file().digest.clone(),
        provider: classifier.provider().to_string(),
        detector_provider: detector.map_or_else(|| "none".to_owned(), |detector| detector.provider().to_string()),
    }
}

/// A line on how far a model's numbers can be trusted, for people.
pub(super) fn caution(contract: &Contract) -> Option<&'static str> {
    let Contract { calibration, .. } = contract;
    (calibration.temperature == 1.0 && calibration.bias == 0.0)
        .then_some("this model is not calibrated: read p(synthetic) as an order, not as a probability")
}

/// One line where both networks run on the same, which is nearly always.
fn announce(classifier: &ProviderReport, detector: &ProviderReport) {
    note(&format!("provider: {classifier}"));
    if detector.got != classifier.got {
        note(&format!("provider of the face detector: {detector}"));
    }
}
