//! A face of a list, in whichever format it was written.

use std::path::PathBuf;

use cyborg_edge::photo_list::{Label, ListedFace, Split};

/// A face of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Line in the list, from 1.
    pub line: u64,
    /// The photo.
    pub path: PathBuf,
    /// What it is.
    pub label: Label,
    /// What it is used for.
    pub split: Split,
    /// Where it comes from; results are split by it.
    pub source: String,
    /// The video that it is a frame of.
    pub video: Option<String>,
    /// What it must not be parted from: faces of one group are trained on together or not at all. Else its video stands for
    /// one, or its photo.
    pub group: Option<String>,
    /// The photo of the other half, where it is a fake made from a photo of the list or that photo.
    pub pair: Option<PathBuf>,
    /// A grey picture over the whole photo: bright where people looked.
    pub map: Option<PathBuf>,
    /// Where the face is, when the list says so.
    pub face: Option<ListedFace>,
}

#[cfg(test)]
impl Row {
    /// A training photo of which nothing else is known.
    pub(crate) fn bare(path: impl Into<PathBuf>, label: Label, source: &str) -> Self {
        Self {
            line: 1,
            path: path.into(),
            label,
            split: Split::Train,
            source: source.to_owned(),
            video: None,
            group: None,
            pair: None,
            map: None,
            face: None,
        }
    }
}
