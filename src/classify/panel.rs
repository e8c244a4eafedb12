//! What judges faces: one model, or a set of experts with one verdict. The rest of the program treats both alike.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cyborg_models::contract::{
    Alignment, Border, Calibration, CamClass, Contract, ContractError, CropRule, Kind, ResizeFilter, Saliency, Training,
};
use cyborg_models::digest;
use cyborg_models::expert_set::{ExpertEntry, ExpertSet, ExpertSetError, SHIPPED};
use cyborg_models::model_file::ModelFileError;

use super::classifier::{ActivationMaps, Classifier, Classify, Seen};
use super::classifier_file::{ClassifierError, ClassifierFile};
use super::experts::{Agreement, ExpertScores, Experts};
use super::shipped;
use crate::BoxError;
use crate::inference::provider::Provider;
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;
use crate::name;
use crate::verdict::Score;
use crate::verdict::experts::{KINDS, Rule, Voice};

/// The crop of a set without an expert, which there is none of.
const FACE: CropRule = CropRule { margin: 1.0, alignment: Alignment::None, border: Border::Replicate };

/// A set of experts that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetError {
    /// Its file can't be read.
    #[error("can't read the set of experts {}: {source}", name::of(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its file is no set.
    #[error("set of experts {} can't be used: {source}", name::of(path))]
    Set {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ExpertSetError,
    },
    /// One of its experts can't be had.
    #[error("set of experts {} can't be used: expert `{file}` {source}", name::of(path))]
    Expert {
        /// The set's file.
        path: PathBuf,
        /// The expert, as the set names it.
        file: String,
        /// What is wrong with it.
        source: ExpertError,
    },
}

/// Why a file can't be an expert of a set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpertError {
    /// It can't be read.
    #[error("can't be read: {0}; put it next to the set file")]
    Read(std::io::Error),
    /// It is another file than the one that the set was made with.
    #[error(
        "is not the file that the set was made with: its SHA-256 is {got}, expected {expected}; fetch or assemble the set again"
    )]
    Digest {
        /// That of the file.
        got: String,
        /// That of the set.
        expected: String,
    },
    /// It has no contract.
    #[error("is a foreign classifier: a set takes only model files that follow the contract")]
    Foreign,
    /// It doesn't hold the contract.
    #[error("breaks the contract: {0}")]
    Contract(ModelFileError),
    /// File and set disagree on what it is for.
    #[error("looks for {} according to the file, but for {} according to the set: correct `looks_for` in the set", word(*file), word(*set))]
    LooksFor {
        /// What the file says.
        file: Option<Kind>,
        /// What the set says.
        set: Option<Kind>,
    },
}

fn word(kind: Option<Kind>) -> String {
    kind.map_or_else(|| "nothing in particular".to_owned(), |kind| format!("`{kind}`"))
}

/// The files of a model or a set, read and checked once for all the sessions that run them.
#[derive(Clone, Debug)]
pub struct PanelFile<'a> {
    name: String,
    digest: String,
    files: Files<'a>,
}

#[derive(Clone, Debug)]
enum Files<'a> {
    One(Box<ClassifierFile<'a>>),
    Several(ExpertSet, Vec<ClassifierFile<'a>>),
}

/// A model or a set, opened.
#[derive(Debug)]
pub struct Panel {
    name: String,
    digest: String,
    contract: Contract,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// A model that speaks for itself.
    One(Box<Classifier>),
    /// A set.
    Several(Box<Ensemble>),
}

/// A set, and its experts.
#[derive(Debug)]
struct Ensemble {
    set: ExpertSet,
    experts: Experts<Classifier>,
}

impl<'a> PanelFile<'a> {
    /// One model.
    #[must_use]
    pub fn of_model(file: ClassifierFile<'a>) -> Self {
        Self { name: file.name.clone(), digest: file.file.digest.clone(), files: Files::One(Box::new(file)) }
    }

    /// Whether any of the models judges frames of a video by another layer than photos.
    #[must_use]
    pub fn tells_video(&self) -> bool {
        self.files().iter().any(|file| file.file.expertise.video_gates.is_some())
    }

    /// Has each model judge all faces as those of frames of a video: [`ClassifierFile::for_video`]. Names and digests stay.
    #[must_use]
    pub fn for_video(self) -> Self {
        let files = match self.files {
            Files::One(file) => Files::One(Box::new(file.for_video())),
            Files::Several(set, files) => {
                Files::Several(set, files.into_iter().map(ClassifierFile::for_video).collect())
            }
        };
        Self { files, ..self }
    }

    /// What the set file says; nothing for one model.
    #[must_use]
    pub fn set(&self) -> Option<&ExpertSet> {
        match &self.files {
            Files::One(_) => None,
            Files::Several(set, _) => Some(set),
        }
    }

    /// The model, or each expert of the set.
    #[must_use]
    pub fn files(&self) -> &[ClassifierFile<'a>] {
        match &self.files {
            Files::One(file) => std::slice::from_ref(&**file),
            Files::Several(_, files) => files,
        }
    }

    /// SHA-256 of the model file, or of the set file, which holds those of its experts. Of the shipped model that in float32: its form
    /// is chosen when it is opened.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

impl PanelFile<'static> {
    /// Reads the set file at `path` and its experts; `name` stands for it in tables.
    ///
    /// # Errors
    ///
    /// When a file can't be read, is no set or no model, or is another one than the set was made with.
    pub fn read_set(path: &Path, name: String) -> Result<Self, SetError> {
        let read = |source| SetError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(read)?;
        let set = ExpertSet::parse(&text).map_err(|source| SetError::Set { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let expert = |entry: &ExpertEntry| {
            let failed = |source| SetError::Expert { path: path.to_owned(), file: entry.file.clone(), source };
            expert(folder, entry).map_err(failed)
        };
        let files = set.experts.iter().map(expert).collect::<Result<_, _>>()?;
        Ok(Self { name, digest: digest::of_bytes(text.as_bytes()), files: Files::Several(set, files) })
    }
}

/// Reads an expert of a set that lies in `folder`.
fn expert(folder: &Path, entry: &ExpertEntry) -> Result<ClassifierFile<'static>, ExpertError> {
    let path = folder.join(&entry.file);
    let (name, bytes): (String, Cow<'static, [u8]>) = match entry.file.as_str() {
        SHIPPED => (shipped::NAME.to_owned(), shipped::BYTES.into()),
        _ => (name::of(&path), std::fs::read(&path).map_err(ExpertError::Read)?.into()),
    };
    // Before anything else is said of it: it may be half a download.
    let got = digest::of_bytes(&bytes);
    if got != entry.sha256 {
        return Err(ExpertError::Digest { got, expected: entry.sha256.clone() });
    }
    let file = match ClassifierFile::checked(name, bytes) {
        Ok(file) => file,
        Err(ModelFileError::Contract(ContractError::NotAContract)) => return Err(ExpertError::Foreign),
        Err(source) => return Err(ExpertError::Contract(source)),
    };
    let says = file.file.expertise.looks_for;
    if says.is_some() && says != entry.looks_for {
        return Err(ExpertError::LooksFor { file: says, set: entry.looks_for });
    }
    Ok(file)
}

impl Panel {
    /// Opens the files.
    ///
    /// # Errors
    ///
    /// When one of them can't be opened on the provider.
    pub fn of(runtime: &Runtime, file: &PanelFile<'_>, settings: SessionSettings) -> Result<Self, ClassifierError> {
        let PanelFile { name, digest, files } = file;
        let (mut name, mut digest) = (name.clone(), digest.clone());
        let (contract, body) = match files {
            Files::One(file) => {
                let classifier = Classifier::of(runtime, file, settings)?;
                // Its form was only chosen now.
                (name, digest) = (classifier.name().to_owned(), classifier.file().digest.clone());
                (classifier.contract().clone(), Body::One(Box::new(classifier)))
            }
            Files::Several(set, files) => {
                let open = |file| Classifier::of(runtime, file, settings);
                let experts: Vec<Classifier> = files.iter().map(open).collect::<Result<_, _>>()?;
                let agreement = agreement(set, experts.iter().map(Classifier::contract));
                let contract = contract(set, experts.iter().map(Classifier::contract));
                let ensemble = Ensemble { set: set.clone(), experts: Experts::new(experts, agreement) };
                (contract, Body::Several(Box::new(ensemble)))
            }
        };
        Ok(Self { name, digest, contract, body })
    }

    /// What to call it in tables and messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the model file, or of the set file, which holds those of its experts.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the model says of itself, by whose calibration and thresholds its scores are judged. A set says what there is to
    /// say of all its experts.
    #[must_use]
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// What the set file says; nothing for one model.
    #[must_use]
    pub fn set(&self) -> Option<&ExpertSet> {
        match &self.body {
            Body::One(_) => None,
            Body::Several(ensemble) => Some(&ensemble.set),
        }
    }

    /// The model, or each expert of the set.
    #[must_use]
    pub fn classifiers(&self) -> &[Classifier] {
        match &self.body {
            Body::One(classifier) => std::slice::from_ref(&**classifier),
            Body::Several(ensemble) => ensemble.experts.members(),
        }
    }

    /// The same, to be asked apart: [`Panel::agree`] then makes one score of what they say.
    pub fn classifiers_mut(&mut self) -> &mut [Classifier] {
        match &mut self.body {
            Body::One(classifier) => std::slice::from_mut(&mut **classifier),
            Body::Several(ensemble) => ensemble.experts.members_mut(),
        }
    }

    /// Puts what the classifiers said of the faces of a picture, each apart, into `scores` and `maps` as [`Classify`] does.
    pub fn agree(&self, said: &mut [ExpertScores], scores: &mut Vec<Score>, maps: &mut ActivationMaps) {
        match (&self.body, said) {
            (Body::One(_), [said, ..]) => {
                std::mem::swap(scores, &mut said.scores);
                std::mem::swap(maps, &mut said.maps);
            }
            (Body::One(_), []) => {}
            (Body::Several(ensemble), said) => ensemble.experts.agreement().agree(said, scores, maps),
        }
    }

    /// Where it runs, and why there, in words: once where all experts run on the same.
    #[must_use]
    pub fn provider(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for classifier in self.classifiers() {
            let provider = classifier.provider().to_string();
            if !words.contains(&provider) {
                words.push(provider);
            }
        }
        words.join("; ")
    }

    /// Where each classifier runs.
    pub fn providers(&self) -> impl Iterator<Item = Provider> {
        self.classifiers().iter().map(|classifier| classifier.provider().got)
    }
}

impl Classify for Panel {
    fn classify(&mut self, seen: &mut [Seen<'_>]) -> Result<(), BoxError> {
        match &mut self.body {
            Body::One(classifier) => classifier.classify(seen),
            Body::Several(ensemble) => ensemble.experts.classify(seen),
        }
    }

    fn faces_at_once(&self) -> usize {
        match &self.body {
            Body::One(classifier) => classifier.faces_at_once(),
            Body::Several(ensemble) => ensemble.experts.faces_at_once(),
        }
    }
}

/// How the experts of a set, with these contracts, come to one score.
fn agreement<'a>(set: &ExpertSet, contracts: impl Iterator<Item = &'a Contract>) -> Agreement {
    let voices = set.experts.iter().map(|expert| Voice { kind: expert.looks_for, weight: expert.weight });
    Agreement {
        rule: Rule { voices: voices.collect(), bias: KINDS.map(|kind| set.bias(kind)) },
        calibrations: contracts.map(|contract| contract.calibration).collect(),
    }
}

/// What there is to say of a set in the words of the contract. Its evidence is calibrated: weights and biases did that.
fn contract<'a>(set: &ExpertSet, contracts: impl Iterator<Item = &'a Contract> + Clone) -> Contract {
    let each = |of: fn(&Contract) -> &str| {
        let mut words: Vec<&str> = contracts.clone().map(of).collect();
        words.dedup();
        words.join(", ")
    };
    let own = || "that of its experts".to_owned();
    Contract {
        network: each(|contract| &contract.network),
        // That of the first expert; each cuts by its own.
        crop: contracts.clone().next().map_or(FACE, |contract| contract.crop),
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency {
            tap: own(),
            cam_class: CamClass::True,
            alpha: 1.0,
            source: each(|contract| &contract.saliency.source),
        },
        calibration: Calibration::NONE,
        thresholds: set.thresholds.clone(),
        training: Training { data_digest: own(), seed: 0, tool: each(|contract| &contract.training.tool) },
        auc: BTreeMap::new(),
    }
}
