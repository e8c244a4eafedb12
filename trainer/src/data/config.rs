//! Which data, and how faces are cut out of them, as the runs of a folder keep it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cyborg_models::contract::{Alignment, Border, CropRule};
use cyborg_models::name;
use serde::{Deserialize, Serialize};

use super::faces::{CropMode, SaliencySource};
use super::list::{Place, Split};

/// Which data, and how faces are cut out of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The list.
    pub list: PathBuf,
    /// Folder that paths start from.
    pub root: Option<PathBuf>,
    /// Folder of human maps.
    pub maps: Option<PathBuf>,
    /// What is cut out.
    pub crop: CropName,
    /// Side of the crop over the longer side of the face box. For whole photos: how they were cut, for the runtime.
    pub margin: f32,
    /// Where saliency comes from.
    pub saliency: SaliencyName,
    /// Whether the list has any maps.
    pub has_maps: bool,
    /// Split that epochs are judged by; nothing when a tenth of the training faces is kept out for it.
    pub validation: Option<Split>,
    /// Sources of the training split that are not trained on, and that epochs are judged by instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Table of a teacher's scores for the training faces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taught_by: Option<PathBuf>,
}

/// [`CropMode`] by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CropName {
    /// The face, as the runtime cuts it.
    Face,
    /// The whole photo.
    Whole,
}

/// [`SaliencySource`] by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum SaliencyName {
    /// The list's maps alone; a face without one has no saliency term.
    Maps,
    /// For a face without a map a prior over eyes, nose and mouth, from the detector's landmarks.
    Landmarks,
    /// That prior for all faces; maps are not looked at.
    Prior,
    /// That prior for the faces that have a map, in its place; the others have no saliency term.
    #[serde(rename = "mapped-prior")]
    MappedPrior,
}

impl SaliencyName {
    /// The same faces with saliency, but by their maps where they have some.
    #[must_use]
    pub fn with_maps(self) -> Self {
        match self {
            Self::Maps | Self::MappedPrior => Self::Maps,
            Self::Landmarks | Self::Prior => Self::Landmarks,
        }
    }

    /// [`SaliencySource`] of this name.
    #[must_use]
    pub fn source(self) -> SaliencySource {
        match self {
            Self::Maps => SaliencySource::Maps,
            Self::Landmarks => SaliencySource::Landmarks,
            Self::Prior => SaliencySource::Prior,
            Self::MappedPrior => SaliencySource::MappedPrior,
        }
    }
}

impl DataConfig {
    /// Where the list is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { list: self.list.clone(), root: self.root.clone(), maps: self.maps.clone() }
    }

    /// The crop of the runtime.
    #[must_use]
    pub fn rule(&self) -> CropRule {
        CropRule { margin: self.margin, alignment: Alignment::None, border: Border::Replicate }
    }

    /// What is cut out.
    #[must_use]
    pub fn crop_mode(&self) -> CropMode {
        match self.crop {
            CropName::Face => CropMode::Face(self.rule()),
            CropName::Whole => CropMode::Whole,
        }
    }

    /// Where saliency comes from.
    #[must_use]
    pub fn saliency_source(&self) -> SaliencySource {
        self.saliency.source()
    }

    /// What epochs are judged by, in words.
    #[must_use]
    pub fn judged_by(&self) -> String {
        match self.validation {
            Some(split) => format!("split {split}"),
            None if self.left_out.is_empty() => "kept-out tenth of the training sources".to_owned(),
            None => format!("sources that were not trained on: {}", self.left_out.join(", ")),
        }
    }
}

/// A path that means the same from whatever folder a run is gone on with.
///
/// # Errors
///
/// When it is empty, or there is no current folder.
pub fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("can't resolve the path {}", name::of(path)))
}
