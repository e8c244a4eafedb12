//! What is wrong with a photo of a list.

use std::path::PathBuf;

use cyborg_models::name;

use crate::data::list::Row;

/// Why a photo can't be used, with its line.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("line {line}: {} is missing", name::of(path))]
    Missing { line: u64, path: PathBuf },
    #[error(
        "line {line}: {}: no face found, and the list gives no box (columns face_x, face_y, face_w, face_h)",
        name::of(path)
    )]
    NoFace { line: u64, path: PathBuf },
    #[error("{0}")]
    Other(String),
}

impl Problem {
    pub(super) fn missing(row: &Row) -> Self {
        Self::Missing { line: row.line, path: row.path.clone() }
    }

    pub(super) fn no_face(row: &Row) -> Self {
        Self::NoFace { line: row.line, path: row.path.clone() }
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    pub(super) fn is_no_face(&self) -> bool {
        matches!(self, Self::NoFace { .. })
    }
}

impl From<String> for Problem {
    fn from(words: String) -> Self {
        Self::Other(words)
    }
}
