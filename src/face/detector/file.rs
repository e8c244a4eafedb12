//! How a detector is named, and its file: read, and adapted in memory. The file on disk is unchanged.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;

use cyborg_models::digest;
use cyborg_models::onnx::ModelProto;
use prost::Message;

use super::kind::{Kind, Mended, Origin};
use super::kinds::{self, DEFAULT, KINDS};
use crate::inference::session::SessionError;
use crate::{name, wall};

/// Why the detector can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorError {
    /// There is no file.
    #[error("the face detector is missing: {}; `cargo xtask setup` fetches the default one", name::of(path))]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is no cache folder to look in.
    #[error("there is no cache folder to look for the face detector in: set HOME or CYBORG_CACHE")]
    NoCache,
    /// The file can't be read.
    #[error("can't read the face detector {}: {source}", name::of(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is another network, or none.
    #[error("{} can't be used as a face detector: {reason}; the known ones are {}", name::of(path), kinds::names())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// ONNX Runtime can't open it.
    #[error("the face detector {detector} can't be opened: {source}")]
    Open {
        /// Its file, or what it is called.
        detector: String,
        /// What is wrong.
        source: SessionError,
    },
}

/// What is asked for. A file that is called like a detector is meant by `./yunet`.
#[derive(Clone, Debug)]
pub enum DetectorName {
    /// A detector that the program knows, from where it comes from.
    Known(&'static Kind),
    /// A file of one of them, which is told by what is in it.
    File(PathBuf),
}

impl Default for DetectorName {
    fn default() -> Self {
        Self::of(DEFAULT.into())
    }
}

impl DetectorName {
    /// What a word on the command line asks for.
    #[must_use]
    pub fn of(word: OsString) -> Self {
        match word.to_str().and_then(kinds::named) {
            Some(kind) => Self::Known(kind),
            None => Self::File(word.into()),
        }
    }

    /// Its file; nothing for one that is part of the program.
    ///
    /// # Errors
    ///
    /// When the file isn't there.
    pub fn find(&self) -> Result<Option<PathBuf>, DetectorError> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Known(Kind { origin: Origin::Embedded(_), .. }) => return Ok(None),
            Self::Known(kind) => kind.fetched().ok_or(DetectorError::NoCache)?,
        };
        // What can't be told is found out by reading it.
        if matches!(path.try_exists(), Ok(false)) { Err(DetectorError::Missing { path }) } else { Ok(Some(path)) }
    }
}

/// The file of a detector, read and mended: once for all the sessions that run it.
#[derive(Clone, Debug)]
pub struct DetectorFile {
    /// What to call it in errors.
    pub(super) called: String,
    pub(super) kind: &'static Kind,
    pub(super) digest: String,
    pub(super) mended: Mended,
}

impl DetectorFile {
    /// Reads the file of a detector.
    ///
    /// # Errors
    ///
    /// When the file is missing or is another network.
    pub fn read(name: &DetectorName) -> Result<Self, DetectorError> {
        let path = match name {
            DetectorName::Known(Kind { origin: Origin::Embedded(bytes), name, .. }) => {
                return Self::of((*name).to_owned(), bytes)
                    .map_err(|reason| DetectorError::Foreign { path: name.into(), reason });
            }
            DetectorName::Known(kind) => kind.fetched().ok_or(DetectorError::NoCache)?,
            DetectorName::File(path) => path.clone(),
        };
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DetectorError::Missing { path: path.clone() },
            _ => DetectorError::Read { path: path.clone(), source },
        })?;
        Self::of(name::of(&path), &bytes).map_err(|reason| DetectorError::Foreign { path, reason })
    }

    fn of(called: String, bytes: &[u8]) -> Result<Self, String> {
        let (kind, mended) = wall::behind(|| mend(bytes)).unwrap_or_else(|fault| Err(fault.to_string()))?;
        Ok(Self { called, kind, digest: digest::of_bytes(bytes), mended })
    }
}

/// Tells which detector a file is, and makes of it what is run.
fn mend(bytes: &[u8]) -> Result<(&'static Kind, Mended), String> {
    let model = ModelProto::decode(bytes).map_err(|error| format!("it is not an ONNX file ({error})"))?;
    let graph = model.graph.as_ref().ok_or("it has no graph")?;
    let kind = KINDS.iter().find(|kind| (kind.is_own)(graph));
    let kind = kind.ok_or_else(|| {
        let outputs: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
        format!("it is a network of another kind, with the outputs {}", outputs.join(", "))
    })?;
    Ok((kind, (kind.mend)(model).map_err(|reason| format!("it looks like {}, but {reason}", kind.name))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_refused() {
        let refused = |bytes: &[u8]| mend(bytes).map(drop).expect_err("it is no detector");
        assert!(refused(b"not a model").starts_with("it is not an ONNX file"));
        assert_eq!(refused(&ModelProto::default().encode_to_vec()), "it has no graph");
        let classifier = refused(crate::classify::shipped::BYTES);
        assert_eq!(classifier, "it is a network of another kind, with the outputs logits, cam");
    }
}
