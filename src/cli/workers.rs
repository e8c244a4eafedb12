//! The flags that `video` and `image` share, and the workers that are made from them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use cyborg_models::contract::Calibration;
use cyborg_models::digest;
use serde_json::{Map, Value};

use super::detect_size::AskedSize;
#[cfg(feature = "video")]
use super::memory;
use super::outcome::{UsageError, note};
use crate::classify::classifier::Classifier;
use crate::classify::named::{self, ModelName};
use crate::classify::panel::{Panel, PanelFile};
#[cfg(all(feature = "video", feature = "camera"))]
use crate::face::Locate;
use crate::face::adaptive;
#[cfg(all(feature = "video", feature = "camera"))]
use crate::face::adaptive::Adaptive;
use crate::face::detector::{DetectSize, Detector, DetectorFile, DetectorName, DetectorSettings, USUAL_SIDE};
#[cfg(feature = "video")]
use crate::inference::provider::Provider;
use crate::inference::provider::{Asked, ProviderReport};
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;
use crate::sink::jsonl::{ExpertRecord, ModelRecord, RunRecord};
#[cfg(feature = "video")]
use crate::sink::report::MadeWith;
#[cfg(feature = "video")]
use crate::verdict::Judge;

#[derive(Args, Clone, Debug)]
pub(super) struct WorkerArgs {
    /// Model to use: small (built in; small-float32 and small-int8 name one of its two forms), accurate (a set of experts, if installed), auto (accurate if installed,
    /// otherwise small), a model file that follows models/CONTRACT.md, a foreign one with a TOML, or the TOML of a set; give it
    /// more than once to have several judge the same faces [default: auto]
    #[arg(long, value_name = "NAME|FILE", value_parser = OsStringValueParser::new().map(ModelName::of))]
    pub(super) model: Vec<ModelName>,
    /// TOML that describes a foreign model [default: the file next to it with the extension .toml]
    #[arg(long, value_name = "FILE", requires = "model")]
    pub(super) model_toml: Option<PathBuf>,
    /// Face detector: yunet (part of the program, several times as fast), centerface (which set-up fetches), or an ONNX file of
    /// one of them [default: yunet for the small model; centerface for others, where it is installed]
    #[arg(long, value_name = "NAME|FILE", value_parser = OsStringValueParser::new().map(DetectorName::of))]
    pub(super) detector: Option<DetectorName>,
    /// Execution provider: auto, cpu, cuda, tensorrt or another that `cyborg doctor` lists; naming one that isn't
    /// available is an error
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(super) provider: Asked,
    /// Maximum number of CPU threads, up to 256 [default: all]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(super) threads: Option<NonZeroUsize>,
    /// Longer side in pixels of the picture given to the face detector; larger finds smaller faces and is slower. auto, for
    /// `live` alone, goes by the faces that are there [default: what --min-face needs if that is given, otherwise 320; of a
    /// screen auto]
    #[arg(long, value_name = "PIXELS|auto", value_parser = AskedSize::read)]
    pub(super) detect_size: Option<AskedSize>,
    /// Ignore faces with a box side shorter than this many pixels, and set the detector's size to find larger ones
    #[arg(long, value_name = "PIXELS", default_value = "0")]
    pub(super) min_face: u16,
    /// Ignore faces below this detection confidence, 0 to 1 [default: depends on the detector]
    #[arg(long, value_name = "P", value_parser = share)]
    pub(super) detect_confidence: Option<f32>,
}

fn share(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number in 0 to 1".to_owned())
}

pub(super) fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().ok().filter(|number: &NonZeroUsize| number.get() <= 256);
    number.ok_or_else(|| "expected a whole number in 1 to 256".to_owned())
}

/// The networks that one thread works with.
pub(super) struct Team {
    pub(super) detector: Detector,
    pub(super) classifier: Panel,
    /// Further models, in the order in which they were named.
    pub(super) others: Vec<Panel>,
}

/// What a run over frames needs, ready to work.
#[cfg(feature = "video")]
pub(super) struct Workers {
    /// At least one; all of them run on the same.
    pub(super) teams: Vec<Team>,
    /// One for each model.
    pub(super) judges: Vec<Judge>,
    /// The flags that change rows, by their names.
    pub(super) settings: Map<String, Value>,
    pub(super) threads: NonZeroUsize,
}

/// Teams at most. Each has its own memory, and its frames on their way.
#[cfg(feature = "video")]
const MOST_TEAMS: usize = 8;
/// One works on the accelerator while the processor prepares the frames of the other.
#[cfg(feature = "video")]
const TEAMS_OF_ACCELERATOR: usize = 2;

impl WorkerArgs {
    /// All files that the networks are made of.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let models = self.models();
        let models = models.iter().flat_map(ModelName::files);
        models.chain(self.model_toml.clone()).chain(self.detector().find().ok().flatten()).collect()
    }

    /// Who is asked, the first one first, by what it comes to here.
    pub(super) fn models(&self) -> Vec<ModelName> {
        let asked = if self.model.is_empty() { &[ModelName::Auto][..] } else { &self.model };
        asked.iter().map(ModelName::resolved).collect()
    }

    /// What changes rows, by the names of the flags: the digests of what the models' own digests leave out, and the
    /// providers that were got, which agree to a thousandth only.
    fn settings<'a>(&self, models: impl Iterator<Item = &'a Panel>, detector: &Detector) -> Map<String, Value> {
        let digest = |path: Option<PathBuf>| path.and_then(|path| digest::of_file(&path).ok());
        let (mut tomls, mut providers) = (Vec::new(), vec![detector.provider().got.to_string()]);
        for (model, name) in models.zip(self.models()) {
            providers.extend(model.providers().map(|provider| provider.to_string()));
            let beside = || match name {
                ModelName::File(path) => Some(path.with_extension("toml")),
                _ => None,
            };
            let is_foreign = model.classifiers().iter().any(Classifier::is_foreign);
            let toml = is_foreign.then(|| self.model_toml.clone().or_else(beside)).flatten();
            tomls.push(digest(toml));
        }
        let settings: [(&str, Value); 6] = [
            ("detector", detector.digest().into()),
            ("detect-size", self.size().most().into()),
            ("min-face", self.min_face.into()),
            ("detect-confidence", detector.confidence().into()),
            ("model-toml", tomls.into()),
            ("provider", providers.into()),
        ];
        settings.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
    }

    /// Loads ONNX Runtime and opens the models, for pictures in which no face is looked for. Each gets all threads: they
    /// work one after the other.
    pub(super) fn open_models(&self) -> anyhow::Result<(Panel, Vec<Panel>)> {
        let session = SessionSettings { provider: self.provider, threads: self.all_threads() };
        let models = open_models(&Runtime::load()?, &self.model_files()?, session)?;
        announce(&models.0, None);
        Ok(models)
    }

    /// Loads ONNX Runtime and opens one team, which gets all threads; and the flags that change rows.
    pub(super) fn open_team(&self) -> anyhow::Result<(Team, Map<String, Value>)> {
        AskedSize::check_for_files(self.detect_size)?;
        let team =
            self.read_files()?.team(&Runtime::load_for(self.provider)?, self.all_threads(), self.all_threads())?;
        announce(&team.classifier, Some(team.detector.provider()));
        let settings = self.settings(team.classifiers(), &team.detector);
        Ok((team, settings))
    }

    /// Loads ONNX Runtime and opens one team, and the detectors of so many feeds more, which share its weights. The networks work
    /// at the same time: the classifier gets half of the threads, and the detectors share the other half.
    #[cfg(all(feature = "video", feature = "camera"))]
    pub(super) fn open_live_team(&self, feeds: NonZeroUsize) -> anyhow::Result<(Team, Vec<Detector>)> {
        let part = |of: usize| NonZeroUsize::new(self.all_threads().get() / 2 / of).unwrap_or(NonZeroUsize::MIN);
        let (mut files, runtime) = (self.read_files()?.for_video(), Runtime::load_for(self.provider)?);
        let team = files.team(&runtime, part(1), part(feeds.get()))?;
        announce(&team.classifier, Some(team.detector.provider()));
        let more = (1..feeds.get()).map(|_| files.detector(&runtime, part(feeds.get())));
        let more = more.collect::<Result<_, _>>()?;
        // What is free can only be given back when nobody has it.
        drop(files);
        memory::opened();
        Ok((team, more))
    }

    /// Loads ONNX Runtime and opens as many teams as serve this machine.
    #[cfg(feature = "video")]
    pub(super) fn open(&self) -> anyhow::Result<Workers> {
        AskedSize::check_for_files(self.detect_size)?;
        let threads = self.all_threads();
        let runtime = Runtime::load_for(self.provider)?;
        // One thread a network wastes nothing on dividing its work; more processors than teams help within them.
        let most = threads.get().min(MOST_TEAMS);
        let each = NonZeroUsize::new(threads.get() / most).unwrap_or(NonZeroUsize::MIN);
        let mut files = self.read_files()?.for_video();
        let first = files.team(&runtime, each, each)?;
        announce(&first.classifier, Some(first.detector.provider()));
        let is_accelerated = first.classifier.providers().any(Provider::is_accelerated);
        let count = if is_accelerated { TEAMS_OF_ACCELERATOR } else { most };
        let mut teams = Vec::with_capacity(count);
        // One after the other: opening takes several times the memory that a session keeps, and the next one uses it again.
        for _ in 1..count {
            match files.team(&runtime, each, each) {
                Ok(team) if team.providers().eq(first.providers()) => teams.push(team),
                // Without it the run is slower, and the same.
                Ok(_) => {
                    log::warn!("a further set of workers got other providers than the first, and is not used")
                }
                Err(error) => log::warn!("a further set of workers can't be opened, and is not used: {error:#}"),
            }
        }
        let (judges, settings) = (first.judges(), self.settings(first.classifiers(), &first.detector));
        teams.insert(0, first);
        // What is free can only be given back when nobody has it.
        drop(files);
        memory::opened();
        Ok(Workers { teams, judges, settings, threads })
    }

    /// The detector of a feed of `live`, which chooses the size of its picture by what is there where that is asked for, and where
    /// nothing is asked for and calls may be in the pictures.
    #[cfg(all(feature = "video", feature = "camera"))]
    pub(super) fn live_detector(&self, detector: Detector, shows_calls: bool) -> Box<dyn Locate> {
        match (self.detect_size, self.min_face) {
            (Some(AskedSize::Side(_)), _) => Box::new(detector),
            (None, _) if !shows_calls => Box::new(detector),
            (_, 0) => Box::new(Adaptive::new(detector, adaptive::SMALLEST)),
            (_, smallest) => Box::new(Adaptive::new(detector, smallest.into())),
        }
    }

    fn size(&self) -> DetectSize {
        match (self.detect_size, self.min_face) {
            (Some(AskedSize::Auto), _) => DetectSize::Side(adaptive::MOST_SIDE),
            (Some(AskedSize::Side(side)), _) => DetectSize::Side(side.into()),
            (None, 0) => DetectSize::Side(USUAL_SIDE),
            (None, smallest) => DetectSize::ForFaces(smallest.into()),
        }
    }

    /// The one that is named, or that the first model is used with.
    pub(super) fn detector(&self) -> DetectorName {
        let own = || self.models().first().map(ModelName::detector).unwrap_or_default();
        self.detector.clone().unwrap_or_else(own)
    }

    fn all_threads(&self) -> NonZeroUsize {
        self.threads.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }

    /// Reads each model that is asked for.
    fn model_files(&self) -> anyhow::Result<Vec<PanelFile<'static>>> {
        let models = self.models();
        if let Some(twice) = (1..models.len()).find(|&at| models[..at].contains(&models[at])) {
            let name = &models[twice];
            return Err(UsageError(format!("--model {name} is named twice: name each model once")).into());
        }
        if self.model_toml.is_some() {
            match &*models {
                [ModelName::File(path)] if !named::is_set(path) => {}
                [_] => {
                    let message = "--model-toml describes a foreign model: name its ONNX file by --model";
                    return Err(UsageError(message.to_owned()).into());
                }
                _ => {
                    let message = "--model-toml is for a single model: with several, put a TOML next to each model, under its name with the extension .toml";
                    return Err(UsageError(message.to_owned()).into());
                }
            }
        }
        Ok(models.iter().map(|model| model.read(self.model_toml.as_deref())).collect::<Result<_, _>>()?)
    }

    fn read_files(&self) -> anyhow::Result<Files> {
        let models = self.model_files()?;
        // Before anything large is read.
        self.detector().find()?;
        Ok(Files {
            models,
            asked: self.detector(),
            detector: None,
            provider: self.provider,
            settings: DetectorSettings {
                size: self.size(),
                confidence: self.detect_confidence,
                smallest: self.min_face.into(),
            },
        })
    }
}

/// What teams are opened from.
struct Files {
    models: Vec<PanelFile<'static>>,
    asked: DetectorName,
    /// The detector, once it is read.
    detector: Option<DetectorFile>,
    provider: Asked,
    settings: DetectorSettings,
}

impl Files {
    /// Frames of a clip, a camera or a screen are judged as those of a video.
    #[cfg(feature = "video")]
    fn for_video(self) -> Self {
        Self { models: self.models.into_iter().map(PanelFile::for_video).collect(), ..self }
    }

    /// Each of its two networks gets so many threads.
    fn team(&mut self, runtime: &Runtime, threads: NonZeroUsize, detectors: NonZeroUsize) -> anyhow::Result<Team> {
        let session = SessionSettings { provider: self.provider, threads };
        let (classifier, others) = open_models(runtime, &self.models, session)?;
        Ok(Team { detector: self.detector(runtime, detectors)?, classifier, others })
    }

    fn detector(&mut self, runtime: &Runtime, threads: NonZeroUsize) -> anyhow::Result<Detector> {
        // Read only now: nothing takes more memory than opening a classifier, so nothing else is held meanwhile.
        let detector = match &self.detector {
            Some(detector) => detector,
            None => self.detector.insert(DetectorFile::read(&self.asked)?),
        };
        let session = SessionSettings { provider: self.provider, threads };
        Ok(Detector::of(runtime, detector, self.settings, session)?)
    }
}

/// Opens the first model, and the others.
fn open_models(
    runtime: &Runtime,
    files: &[PanelFile<'static>],
    session: SessionSettings,
) -> anyhow::Result<(Panel, Vec<Panel>)> {
    let mut models = files.iter().map(|file| Panel::of(runtime, file, session));
    let first = models.next().expect("there is always a model, the shipped one if no other")?;
    let others: Vec<Panel> = models.collect::<Result<_, _>>()?;
    // The form of the shipped model is only known now.
    let same = |a: &Panel, b: &Panel| a.name() == b.name() && a.digest() == b.digest();
    let all: Vec<&Panel> = std::iter::once(&first).chain(&others).collect();
    if let Some(twice) = (1..all.len()).find(|&at| all[..at].iter().any(|before| same(before, all[at]))) {
        let message =
            format!("two of the models named by --model are {} here: name each model once", all[twice].name());
        return Err(UsageError(message).into());
    }
    Ok((first, others))
}

impl Team {
    /// All models, the first one first.
    pub(super) fn classifiers(&self) -> impl Iterator<Item = &Panel> {
        std::iter::once(&self.classifier).chain(&self.others)
    }

    /// A judge for each model.
    #[cfg(feature = "video")]
    fn judges(&self) -> Vec<Judge> {
        self.classifiers().map(|model| Judge::new(model.contract())).collect()
    }

    #[cfg(feature = "video")]
    fn providers(&self) -> impl Iterator<Item = Provider> {
        std::iter::once(self.detector.provider().got).chain(self.classifiers().flat_map(Panel::providers))
    }
}

#[cfg(feature = "video")]
impl Workers {
    /// What the run was made with.
    pub(super) fn record(&self) -> RunRecord {
        let Team { detector, classifier, others } = self.first();
        RunRecord { settings: self.settings.clone(), ..record(classifier, others, Some(detector)) }
    }

    /// What a report was made with.
    pub(super) fn made_with(&self) -> MadeWith {
        let classifier = &self.first().classifier;
        let caution = caution(classifier).map(str::to_owned);
        MadeWith { run: self.record(), contract: classifier.contract().clone(), caution }
    }

    /// A line a model on how far its numbers can be trusted, with its name where there are several.
    pub(super) fn cautions(&self) -> Vec<String> {
        cautions(self.first().classifiers())
    }

    fn first(&self) -> &Team {
        self.teams.first().expect("`open` gives no workers without a first team")
    }
}

/// A line a model on how far its numbers can be trusted, with its name where there are several.
pub(super) fn cautions<'a>(models: impl Iterator<Item = &'a Panel>) -> Vec<String> {
    let models: Vec<_> = models.collect();
    let line = |model: &&Panel| {
        let caution = caution(model)?;
        Some(if models.len() > 1 { format!("{}: {caution}", model.name()) } else { caution.to_owned() })
    };
    models.iter().filter_map(line).collect()
}

/// What a run was made with; without a detector no face was looked for.
pub(super) fn record(classifier: &Panel, others: &[Panel], detector: Option<&Detector>) -> RunRecord {
    let other = |panel: &Panel| ModelRecord {
        model: panel.name().to_owned(),
        model_sha256: panel.digest().to_owned(),
        experts: ExpertRecord::of(panel.set()),
        provider: panel.provider(),
    };
    let ModelRecord { model, model_sha256, experts, provider } = other(classifier);
    RunRecord {
        others: others.iter().map(other).collect(),
        settings: Map::new(),
        tool: concat!("cyborg ", env!("CARGO_PKG_VERSION")).to_owned(),
        model,
        model_sha256,
        experts,
        provider,
        detector_provider: detector.map_or_else(|| "none".to_owned(), |detector| detector.provider().to_string()),
    }
}

/// A line on how far a model's numbers can be trusted, for people. Weights and biases of a set calibrate it.
fn caution(panel: &Panel) -> Option<&'static str> {
    let is_calibrated = panel.set().is_some() || panel.contract().calibration != Calibration::NONE;
    (!is_calibrated).then_some(
        "this model is not calibrated: read p(synthetic) as an order, not as a probability; `cyborg-train calibrate` \
         makes it one",
    )
}

/// Says who judges, where it is a set, and where that runs: in one line where all networks run on the same, which is nearly
/// always.
fn announce(panel: &Panel, detector: Option<&ProviderReport>) {
    if let Some(set) = panel.set() {
        note(&format!("model: {}, a set of {} experts with one verdict", panel.name(), set.experts.len()));
    }
    note(&format!("provider: {}", panel.provider()));
    if let Some(detector) = detector.filter(|detector| panel.providers().any(|got| got != detector.got)) {
        note(&format!("provider of the face detector: {detector}"));
    }
}
