//! The file of a classifier, read and checked, before ONNX Runtime opens it: once for all the sessions that run it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cyborg_models::contract::ContractError;
use cyborg_models::foreign::{Foreign, ForeignError, ForeignModel};
use cyborg_models::model_file::{ModelFile, ModelFileError};
use cyborg_models::video_gates;

use super::shipped::Form;
use crate::inference::network_file::NetworkFile;
use crate::inference::processor;
use crate::inference::provider::Asked;
use crate::inference::session::SessionError;

use crate::name;

/// A model that can't be used, with its name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// The file can't be read.
    #[error(transparent)]
    Read(ModelFileError),
    /// It doesn't hold the contract.
    #[error("model {name} can't be used: {source}")]
    Contract {
        /// Its name.
        name: String,
        /// What is wrong.
        source: ModelFileError,
    },
    /// The TOML of a foreign model can't be read.
    #[error("can't read the TOML of a foreign model {}: {source}", name::of(path))]
    ReadToml {
        /// The TOML.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A foreign model and its TOML don't fit.
    #[error("foreign model {name} can't be used: {source}")]
    Foreign {
        /// Its name.
        name: String,
        /// What is wrong.
        source: ForeignError,
    },
    /// ONNX Runtime can't open it.
    #[error("model {name} can't be opened: {source}")]
    Open {
        /// Its name.
        name: String,
        /// What is wrong.
        source: SessionError,
    },
}

/// A model of the contract, or a foreign one with its TOML.
#[derive(Clone, Debug)]
pub struct ClassifierFile<'a> {
    pub(super) name: String,
    pub(super) network: NetworkFile<'a>,
    pub(super) file: ModelFile,
    /// What the TOML of a foreign model says, and the faces that one run takes at most.
    pub(super) foreign: Option<(Foreign, usize)>,
    /// The same model in 8 bits, which is taken instead where that is faster.
    int8: Option<Box<ClassifierFile<'a>>>,
}

impl ClassifierFile<'static> {
    /// The shipped model in the form that is faster where it will run.
    ///
    /// # Errors
    ///
    /// When it doesn't hold the contract, which would be our fault.
    pub fn shipped() -> Result<Self, ClassifierError> {
        // No other processor would take it.
        let int8 = processor::adds_products_of_bytes().then(|| Self::shipped_as(Form::Int8)).transpose()?.map(Box::new);
        Ok(Self { int8, ..Self::shipped_as(Form::Float32)? })
    }

    /// The shipped model in a form.
    ///
    /// # Errors
    ///
    /// When it doesn't hold the contract, which would be our fault.
    pub fn shipped_as(form: Form) -> Result<Self, ClassifierError> {
        ClassifierFile::of_bytes(form.title(), form.bytes())
    }

    /// Reads the model file at `path`, or the shipped model in float32. A file without a contract is a foreign one when a TOML of its
    /// name lies beside it.
    ///
    /// # Errors
    ///
    /// When the file can't be read or doesn't hold the contract.
    pub fn read(path: Option<&Path>) -> Result<Self, ClassifierError> {
        let Some(path) = path else {
            return Self::shipped_as(Form::Float32);
        };
        let bytes = read(path)?;
        let beside = path.with_extension("toml");
        let name = name::of(path);
        match ModelFile::parse(&bytes) {
            Ok(file) => Ok(Self { name, network: NetworkFile::new(bytes), file, foreign: None, int8: None }),
            Err(ModelFileError::Contract(ContractError::NotAContract)) if beside.is_file() => {
                Self::of_foreign(name, bytes, &beside)
            }
            Err(source) => Err(ClassifierError::Contract { name, source }),
        }
    }

    /// Reads a foreign model and the TOML at `toml`.
    ///
    /// # Errors
    ///
    /// When one of the files can't be read, or they don't fit.
    pub fn read_foreign(path: &Path, toml: &Path) -> Result<Self, ClassifierError> {
        Self::of_foreign(name::of(path), read(path)?, toml)
    }

    fn of_foreign(name: String, bytes: Vec<u8>, toml: &Path) -> Result<Self, ClassifierError> {
        let read_toml = |source| ClassifierError::ReadToml { path: toml.to_owned(), source };
        let text = std::fs::read_to_string(toml).map_err(read_toml)?;
        match ForeignModel::parse(&text, &bytes) {
            Ok(ForeignModel { description, file, batch }) => Ok(Self {
                name,
                network: NetworkFile::new(bytes),
                file,
                foreign: Some((description, batch.unwrap_or(usize::MAX))),
                int8: None,
            }),
            Err(source) => Err(ClassifierError::Foreign { name, source }),
        }
    }
}

impl<'a> ClassifierFile<'a> {
    /// The form of the model that is opened where this provider is asked for. ONNX Runtime must be loaded.
    #[must_use]
    pub(super) fn form_for(&self, asked: Asked) -> &Self {
        let int8 = self.int8.as_deref().filter(|_| Form::faster(asked) == Form::Int8);
        int8.unwrap_or(self)
    }

    /// The file's facts.
    #[must_use]
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// Has the model judge all faces as those of frames of a video, where it makes a difference: [`video_gates`].
    #[must_use]
    pub fn for_video(mut self) -> Self {
        if let Some(name) = &self.file.expertise.video_gates {
            let mut bytes = self.network.into_bytes().into_owned();
            // The file was checked for them when it was read.
            if let Ok(Some(place)) = video_gates::place(&bytes, name) {
                video_gates::open(&mut bytes, place);
            }
            self.network = NetworkFile::new(bytes);
        }
        self
    }

    /// Checks the bytes of a model file of the contract; `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// When they don't hold the contract.
    pub fn of_bytes(name: &str, bytes: &'a [u8]) -> Result<Self, ClassifierError> {
        let name = name.to_owned();
        Self::checked(name.clone(), bytes.into()).map_err(|source| ClassifierError::Contract { name, source })
    }

    /// The same with an error that leaves the name to the caller.
    pub(super) fn checked(name: String, bytes: Cow<'a, [u8]>) -> Result<Self, ModelFileError> {
        let file = ModelFile::parse(&bytes)?;
        Ok(Self { name, network: NetworkFile::new(bytes), file, foreign: None, int8: None })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ClassifierError> {
    std::fs::read(path).map_err(|source| ClassifierError::Read(ModelFileError::Read { path: path.to_owned(), source }))
}
