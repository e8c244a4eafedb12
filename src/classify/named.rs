//! What a model is asked for by: a name of those that come with the program, or a file.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use cyborg_models::expert_set::ExpertSet;
use cyborg_models::{beside, cache};

use super::classifier_file::{ClassifierError, ClassifierFile};
use super::panel::{PanelFile, SetError};
use super::shipped::Form;
use crate::face::detector::{DetectorName, TRAINED_WITH};

use crate::name;

/// The variable that names the folder in which sets are looked for; nothing else is then tried.
pub const MODELS_VARIABLE: &str = "CYBORG_MODELS";

/// The name of the set that judges best, and of its folder.
pub const ACCURATE: &str = "accurate";
/// The name of the model that is part of the program, in the form that is faster where it runs.
pub const SMALL: &str = "small";
/// Its name in float32.
pub const SMALL_FLOAT32: &str = "small-float32";
/// Its name in 8 bits.
pub const SMALL_INT8: &str = "small-int8";
/// The best of these that is there.
pub const AUTO: &str = "auto";

/// What is asked for. A file that is called like one of the names is meant by `./auto`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelName {
    /// `accurate` where it is installed, else `small`.
    Auto,
    /// The model that is part of the program, in the form that is faster where it runs.
    Small,
    /// The same in this form.
    SmallAs(Form),
    /// The set that is installed next to the program or in the cache folder.
    Accurate,
    /// A model file, or the file of a set.
    File(PathBuf),
}

/// A model that is asked for and can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NamedError {
    /// It is not installed.
    #[error(
        "the set {ACCURATE} is not installed (looked for {}): run `cargo xtask setup`, or `cyborg models assemble` with your own head",
        listed(places)
    )]
    NotInstalled {
        /// Where it was looked for.
        places: Vec<PathBuf>,
    },
    /// It is a set.
    #[error(transparent)]
    Set(#[from] SetError),
    /// It is a model file.
    #[error(transparent)]
    Model(#[from] ClassifierError),
}

fn listed(places: &[PathBuf]) -> String {
    let places: Vec<String> = places.iter().map(name::of).collect();
    if places.is_empty() { "nowhere: no cache folder is known".to_owned() } else { places.join(", ") }
}

impl ModelName {
    /// What a word on the command line asks for.
    #[must_use]
    pub fn of(word: OsString) -> Self {
        match word.to_str() {
            Some(AUTO) => Self::Auto,
            Some(SMALL) => Self::Small,
            Some(SMALL_FLOAT32) => Self::SmallAs(Form::Float32),
            Some(SMALL_INT8) => Self::SmallAs(Form::Int8),
            Some(ACCURATE) => Self::Accurate,
            _ => Self::File(word.into()),
        }
    }

    /// The form of the program's own model that a command about files means: float32, of which the other one is made, unless that
    /// is named.
    #[must_use]
    pub fn form(&self) -> Form {
        if let Self::SmallAs(form) = self { *form } else { Form::Float32 }
    }

    /// What `auto` comes to here; any other name is itself.
    #[must_use]
    pub fn resolved(&self) -> Self {
        match self {
            Self::Auto if installed(ACCURATE).is_some() => Self::Accurate,
            Self::Auto => Self::Small,
            other => other.clone(),
        }
    }

    /// The files that it is made of, as far as they can be told without opening it: those of a set, too.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let path = match self.path() {
            Ok(Some(path)) if is_set(&path) => path,
            Ok(path) => return path.into_iter().collect(),
            Err(_) => return Vec::new(),
        };
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let experts = ExpertSet::parse(&text).map(|set| set.experts).unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut files = vec![path];
        files.extend(experts.iter().map(|expert| folder.join(&expert.file)));
        files
    }

    /// Its file; none for the model that is part of the program.
    ///
    /// # Errors
    ///
    /// When it is not installed.
    pub fn path(&self) -> Result<Option<PathBuf>, NamedError> {
        match self.resolved() {
            Self::Auto | Self::Small | Self::SmallAs(_) => Ok(None),
            Self::Accurate => match installed(ACCURATE) {
                Some(path) => Ok(Some(path)),
                None => Err(NamedError::NotInstalled { places: places(ACCURATE) }),
            },
            Self::File(path) => Ok(Some(path)),
        }
    }

    /// The detector that finds its faces unless another is named: the small model is as good with the quicker one, and others are used
    /// with the one that they were trained with, where it is installed.
    #[must_use]
    pub fn detector(&self) -> DetectorName {
        let trained_with = DetectorName::of(TRAINED_WITH.into());
        match self.resolved() {
            Self::Accurate | Self::File(_) if trained_with.find().is_ok() => trained_with,
            _ => DetectorName::default(),
        }
    }

    /// Reads it as one network; a set is none.
    ///
    /// # Errors
    ///
    /// When it isn't there, can't be read, or is no model.
    pub fn classifier(&self) -> Result<ClassifierFile<'static>, NamedError> {
        Ok(match (self.path()?, self) {
            (Some(path), _) => ClassifierFile::read(Some(&path))?,
            (None, Self::SmallAs(form)) => ClassifierFile::shipped_as(*form)?,
            (None, _) => ClassifierFile::shipped()?,
        })
    }

    /// Reads it; with `toml` it is a foreign model that this file describes.
    ///
    /// # Errors
    ///
    /// When it isn't there, can't be read, or is no model.
    pub fn read(&self, toml: Option<&Path>) -> Result<PanelFile<'static>, NamedError> {
        Ok(match (self.path()?, toml) {
            (Some(path), Some(toml)) => PanelFile::of_model(ClassifierFile::read_foreign(&path, toml)?),
            // A file is called as the user wrote it, the installed set by its name.
            (Some(path), None) if is_set(&path) => PanelFile::read_set(&path, self.resolved().to_string())?,
            _ => PanelFile::of_model(self.classifier()?),
        })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Small => f.write_str(Form::Float32.title()),
            Self::SmallAs(form) => f.write_str(form.title()),
            Self::Accurate => f.write_str(ACCURATE),
            Self::File(path) => name::of(path).fmt(f),
        }
    }
}

/// Whether a file is meant as that of a set: a foreign model's TOML is never named by itself.
#[must_use]
pub fn is_set(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

/// Where the file of a set of this name is looked for, the first place first.
#[must_use]
pub fn places(name: &str) -> Vec<PathBuf> {
    let file = |folder: &Path| folder.join(name).join("set.toml");
    if let Some(folder) = env::var_os(MODELS_VARIABLE).filter(|folder| !folder.is_empty()) {
        return vec![file(Path::new(&folder))];
    }
    beside::folders().into_iter().chain(cache::folder()).map(|folder| file(&folder.join("models"))).collect()
}

/// The file of the set of this name, where it is installed.
#[must_use]
pub fn installed(name: &str) -> Option<PathBuf> {
    places(name).into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_and_all_else_is_a_file() {
        for (word, expected) in [
            ("auto", ModelName::Auto),
            ("small", ModelName::Small),
            ("small-float32", ModelName::SmallAs(Form::Float32)),
            ("small-int8", ModelName::SmallAs(Form::Int8)),
            ("small-int4", ModelName::File("small-int4".into())),
            ("accurate", ModelName::Accurate),
            ("./small", ModelName::File("./small".into())),
            ("Small", ModelName::File("Small".into())),
            ("a.onnx", ModelName::File("a.onnx".into())),
        ] {
            assert_eq!(ModelName::of(word.into()), expected);
        }
        assert!(is_set(Path::new("a/set.TOML")) && !is_set(Path::new("toml")) && !is_set(Path::new("a.onnx")));
    }
}
