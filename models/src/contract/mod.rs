//! The metadata of a model file: what the runtime must know to use the model, and what a person may ask about it.
//!
//! `CONTRACT.md` beside this package says the same in prose. All keys begin with `cyborg.`.

mod expertise;
mod metadata;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

pub use expertise::{Expertise, Kind, Unfamiliar, UnfamiliarRate};

/// The newest contract version that this package reads and writes.
pub const VERSION: u32 = 3;
/// The oldest one. A file that has nothing to say beyond it is written in it, so that older programs read it too.
pub const FIRST_VERSION: u32 = 1;
/// The one that added kinds and distances.
pub const SECOND_VERSION: u32 = 2;

/// Name of the image input.
pub const PIXELS: &str = "pixels";
/// Name of the class score output.
pub const LOGITS: &str = "logits";
/// Name of the class activation map output.
pub const CAM: &str = "cam";
/// Name of the output that says how far a face is from all that were trained on; version 2, where a model has it.
pub const DISTANCE: &str = "distance";
/// Name of the output that says which kind of synthetic face most evidence is of; version 2, where a model tells several apart.
pub const KIND: &str = "kind";
/// The two classes, in the order of the logits.
pub const CLASSES: &str = "authentic,synthetic";

/// All that a model file says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contract {
    /// Network architecture, `efficientnet_lite0` for example.
    pub network: String,
    /// How a face is cut out of the picture.
    pub crop: CropRule,
    /// How the crop is brought to the size of the input.
    pub resize: ResizeFilter,
    /// Where the activation map comes from, and how it was trained.
    pub saliency: Saliency,
    /// From logits to a probability.
    pub calibration: Calibration,
    /// From a probability to a verdict.
    pub thresholds: Thresholds,
    /// How the weights came to be.
    pub training: Training,
    /// Measured areas under the ROC curve by name, each in 0 to 1; empty when none was measured.
    pub auc: BTreeMap<String, f64>,
}

/// How a face is cut out: a square around the centre of the detector's box.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropRule {
    /// Side of the square over the longer side of the face box, in [`Self::MARGINS`].
    pub margin: f32,
    /// Whether the face is turned upright first.
    pub alignment: Alignment,
    /// What stands where the square leaves the picture.
    pub border: Border,
}

impl CropRule {
    /// From eyes, nose and mouth alone to head and shoulders.
    pub const MARGINS: RangeInclusive<f32> = 0.5..=4.0;
}

/// Whether a face is turned upright before it is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alignment {
    /// The picture is cut as it is.
    None,
}

/// What stands where a crop leaves the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// The nearest pixel of the picture.
    Replicate,
}

/// How a crop is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeFilter {
    /// Bilinear with the support widened when shrinking, as Pillow does it.
    BilinearAntialias,
}

/// What is known of the class activation map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Saliency {
    /// Which tensor the map is made from: `head` is the one that the pooled classifier sees.
    pub tap: String,
    /// The class whose map was pulled towards the human one in training.
    pub cam_class: CamClass,
    /// Share of the class loss, in 0 to 1; 1 is training without saliency.
    pub alpha: f64,
    /// Where the maps came from: `human`, `maps` (a list's own, of whatever origin), `landmark-prior`, these joined by `+` where
    /// several were used, `blend-masks` for forged fakes; `none` when there were none, `unknown` for imported weights.
    pub source: String,
}

/// The class whose map the saliency term looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CamClass {
    /// The label's class.
    True,
    /// The class that the network chose.
    Predicted,
}

/// p(synthetic) = sigmoid((logit of synthetic - logit of authentic) / temperature + bias).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Greater than zero; 1 when not calibrated.
    pub temperature: f32,
    /// 0 when not calibrated.
    pub bias: f32,
}

impl Calibration {
    /// The one that changes nothing: p(synthetic) is the softmax.
    pub const NONE: Self = Self { temperature: 1.0, bias: 0.0 };
}

/// Authentic below, synthetic above, unsure between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// A probability below this one is authentic; at most `synthetic_above`.
    pub authentic_below: f32,
    /// A probability above this one is synthetic.
    pub synthetic_above: f32,
    /// The error rates at these thresholds; absent when they were not measured.
    pub error_rates: Option<ErrorRates>,
}

impl Thresholds {
    /// Those of a model that is not calibrated: far enough from one half to leave room for doubt.
    pub const UNCALIBRATED: Self = Self { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None };
}

/// Error rates at the thresholds of a model, with the names of ISO/IEC 30107-3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRates {
    /// Share of synthetic faces taken for authentic, in 0 to 1.
    pub apcer: f64,
    /// Share of bona fide faces taken for synthetic, in 0 to 1.
    pub bpcer: f64,
    /// What they were measured on.
    pub measured_on: String,
}

/// How the weights came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Training {
    /// SHA-256 of the contents of training and validation photos and their maps, with labels and splits.
    pub data_digest: String,
    /// Seed of the run.
    pub seed: u64,
    /// Program and version that wrote the file.
    pub tool: String,
}

/// Why a metadata set is not a contract that we know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// There is no contract version at all.
    #[error(
        "it has no `cyborg.contract_version`, so it is not one of this project's models (export one with `cyborg-train export`, or describe a foreign one in a TOML next to it, see models/CONTRACT.md)"
    )]
    NotAContract,
    /// A version from another time.
    #[error(
        "contract version {found} is not known, this program reads versions {FIRST_VERSION} to {VERSION}: update the program, or export the model again"
    )]
    UnknownVersion {
        /// What the file says.
        found: String,
    },
    /// A key that must be there is not.
    #[error("metadata key `{0}` is missing: export the model again")]
    Missing(&'static str),
    /// A key holds something unknown.
    #[error("metadata key `{key}` is `{found}`, expected {expected}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// A key of ours that this version doesn't have.
    #[error(
        "metadata key `{key}` is not part of contract version {version}: update the program, or export the model again"
    )]
    UnknownKey {
        /// The key.
        key: String,
        /// The version that the file says it has.
        version: u32,
    },
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("none")
    }
}

impl fmt::Display for Border {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("replicate")
    }
}

impl fmt::Display for ResizeFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bilinear-antialias")
    }
}

impl fmt::Display for CamClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::True => "true",
            Self::Predicted => "predicted",
        })
    }
}
