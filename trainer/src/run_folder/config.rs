//! `config.json`: how the runs of a folder are made. A run that goes on takes all of it from here.

use std::path::PathBuf;

use cyborg_models::contract::{Alignment, Border, CropRule};
use serde::{Deserialize, Serialize};

use crate::data::faces::{CropMode, SaliencySource};
use crate::data::list::{Place, Split};
use crate::fit::FitSettings;

/// All settings of the runs in a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Program and version that began the runs.
    pub tool: String,
    /// Network, by its name in flags.
    pub network: String,
    /// Tap of the activation map, by its name in flags.
    pub cam_tap: String,
    /// Side of the network's input in pixels; nothing for the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<usize>,
    /// Whether the network smooths its picture first, see [`crate::network::Network::smoothed`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub smooth: bool,
    /// Blocks of the network that are taken; nothing for a network that is always whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Folder where what the trunk gives for each face is kept; nothing where it runs in each epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// Variants of each face that are kept there, where faces are augmented; nothing where there is no such folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<u64>,
    /// Weights that the runs start from; nothing for random ones.
    pub weights: Option<PathBuf>,
    /// The data.
    pub data: DataConfig,
    /// SHA-256 of the data's contents, see [`crate::data::inspect::Inspected`].
    pub data_sha256: String,
    /// SHA-256 of the list as it was used, see [`crate::data::inspect::Inspected`].
    pub list_sha256: String,
    /// The first run; the others differ in their seed alone.
    pub fit: FitSettings,
    /// Number of runs, with the seeds `fit.seed` and following.
    pub runs: u64,
}

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
        match self.saliency {
            SaliencyName::Maps => SaliencySource::Maps,
            SaliencyName::Landmarks => SaliencySource::Landmarks,
        }
    }
}
