//! The metadata of a model file: what the runtime must know to use the model, and what a person may ask about it.
//!
//! `CONTRACT.md` beside this package says the same in prose. All keys begin with `cyborg.`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The contract version that this package reads and writes.
pub const VERSION: u32 = 1;

/// Name of the image input.
pub const PIXELS: &str = "pixels";
/// Name of the class score output.
pub const LOGITS: &str = "logits";
/// Name of the class activation map output.
pub const CAM: &str = "cam";
/// The two classes, in the order of the logits.
pub const CLASSES: &str = "authentic,synthetic";

/// All that a model file says of itself.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropRule {
    /// Side of the square over the longer side of the face box; 1 or more.
    pub margin: f32,
    /// Whether the face is turned upright first.
    pub alignment: Alignment,
    /// What stands where the square leaves the picture.
    pub border: Border,
}

/// Whether a face is turned upright before it is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// The picture is cut as it is.
    None,
}

/// What stands where a crop leaves the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// The nearest pixel of the picture.
    Replicate,
}

/// How a crop is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeFilter {
    /// Bilinear with the support widened when shrinking, as Pillow does it.
    BilinearAntialias,
}

/// What is known of the class activation map.
#[derive(Clone, Debug, PartialEq)]
pub struct Saliency {
    /// Which tensor the map is made from: `head` is the one that the pooled classifier sees.
    pub tap: String,
    /// The class whose map was pulled towards the human one in training.
    pub cam_class: CamClass,
    /// Share of the class loss, in 0 to 1; 1 is training without saliency.
    pub alpha: f64,
    /// Where the maps came from, `human` or `landmark-prior` for example; `none` when there were none.
    pub source: String,
}

/// The class whose map the saliency term looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CamClass {
    /// The label's class.
    True,
    /// The class that the network chose.
    Predicted,
}

/// p(synthetic) = sigmoid((logit of synthetic - logit of authentic) / temperature + bias).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Greater than zero; 1 when not calibrated.
    pub temperature: f32,
    /// 0 when not calibrated.
    pub bias: f32,
}

/// Authentic below, synthetic above, unsure between.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// A probability below this one is authentic; at most `synthetic_above`.
    pub authentic_below: f32,
    /// A probability above this one is synthetic.
    pub synthetic_above: f32,
    /// The error rates at these thresholds; absent when they were not measured.
    pub error_rates: Option<ErrorRates>,
}

/// Error rates at the thresholds of a model, with the names of ISO/IEC 30107-3.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorRates {
    /// Share of synthetic faces taken for authentic, in 0 to 1.
    pub apcer: f64,
    /// Share of bona fide faces taken for synthetic, in 0 to 1.
    pub bpcer: f64,
    /// What they were measured on.
    pub measured_on: String,
}

/// How the weights came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Training {
    /// SHA-256 of the list of training faces.
    pub data_digest: String,
    /// Seed of the run.
    pub seed: u64,
    /// Program and version that wrote the file.
    pub tool: String,
}

/// Why a metadata set is not a contract that we know.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// There is no contract version at all.
    #[error("it has no `cyborg.contract_version`: not a model of this project (export one with `cyborg-train export`)")]
    NotAContract,
    /// A version from another time.
    #[error(
        "contract version {found} is not known, this program reads version {VERSION}: update the program, or export the model again"
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
        "metadata key `{0}` is not part of contract version {VERSION}: update the program, or export the model again"
    )]
    UnknownKey(String),
}

mod key {
    pub(super) const PREFIX: &str = "cyborg.";
    pub(super) const VERSION: &str = "cyborg.contract_version";
    pub(super) const NETWORK: &str = "cyborg.network";
    pub(super) const CLASSES: &str = "cyborg.classes";
    pub(super) const MARGIN: &str = "cyborg.crop.margin";
    pub(super) const ALIGNMENT: &str = "cyborg.crop.alignment";
    pub(super) const BORDER: &str = "cyborg.crop.border";
    pub(super) const RESIZE: &str = "cyborg.resize";
    pub(super) const TAP: &str = "cyborg.cam.tap";
    pub(super) const CAM_CLASS: &str = "cyborg.cam.class";
    pub(super) const ALPHA: &str = "cyborg.alpha";
    pub(super) const SALIENCY: &str = "cyborg.saliency";
    pub(super) const TEMPERATURE: &str = "cyborg.calibration.temperature";
    pub(super) const BIAS: &str = "cyborg.calibration.bias";
    pub(super) const AUTHENTIC_BELOW: &str = "cyborg.threshold.authentic_below";
    pub(super) const SYNTHETIC_ABOVE: &str = "cyborg.threshold.synthetic_above";
    pub(super) const APCER: &str = "cyborg.threshold.apcer";
    pub(super) const BPCER: &str = "cyborg.threshold.bpcer";
    pub(super) const MEASURED_ON: &str = "cyborg.threshold.measured_on";
    pub(super) const DATA_DIGEST: &str = "cyborg.training.data_sha256";
    pub(super) const SEED: &str = "cyborg.training.seed";
    pub(super) const TOOL: &str = "cyborg.tool";
    pub(super) const AUC_PREFIX: &str = "cyborg.auc.";
    pub(super) const ALL: [&str; 21] = [
        VERSION,
        NETWORK,
        CLASSES,
        MARGIN,
        ALIGNMENT,
        BORDER,
        RESIZE,
        TAP,
        CAM_CLASS,
        ALPHA,
        SALIENCY,
        TEMPERATURE,
        BIAS,
        AUTHENTIC_BELOW,
        SYNTHETIC_ABOVE,
        APCER,
        BPCER,
        MEASURED_ON,
        DATA_DIGEST,
        SEED,
        TOOL,
    ];
}

impl Contract {
    /// Reads the contract from the metadata of a model file.
    ///
    /// Keys that don't begin with `cyborg.` are other people's and are left alone.
    ///
    /// # Errors
    ///
    /// When the version is unknown, a key is missing, or a key or a value is not one of this version.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Self, ContractError> {
        match metadata.get(key::VERSION) {
            None => return Err(ContractError::NotAContract),
            Some(version) if *version == VERSION.to_string() => {}
            Some(version) => return Err(ContractError::UnknownVersion { found: version.clone() }),
        }
        let mut auc = BTreeMap::new();
        for (name, value) in metadata.iter().filter(|(name, _)| name.starts_with(key::PREFIX)) {
            if let Some(which) = name.strip_prefix(key::AUC_PREFIX) {
                auc.insert(which.to_owned(), ranged(key::AUC_PREFIX, value, "a number in 0 to 1", unit)?);
            } else if !key::ALL.contains(&name.as_str()) {
                return Err(ContractError::UnknownKey(name.clone()));
            }
        }
        let text = |name: &'static str| metadata.get(name).map(String::as_str).ok_or(ContractError::Missing(name));
        word(key::CLASSES, text(key::CLASSES)?, CLASSES, &[(CLASSES, ())])?;
        let thresholds = Thresholds {
            authentic_below: ranged(key::AUTHENTIC_BELOW, text(key::AUTHENTIC_BELOW)?, "a number in 0 to 1", unit_f32)?,
            synthetic_above: ranged(key::SYNTHETIC_ABOVE, text(key::SYNTHETIC_ABOVE)?, "a number in 0 to 1", unit_f32)?,
            error_rates: match metadata.get(key::MEASURED_ON) {
                None => None,
                Some(measured_on) => Some(ErrorRates {
                    apcer: ranged(key::APCER, text(key::APCER)?, "a number in 0 to 1", unit)?,
                    bpcer: ranged(key::BPCER, text(key::BPCER)?, "a number in 0 to 1", unit)?,
                    measured_on: measured_on.clone(),
                }),
            },
        };
        if thresholds.authentic_below > thresholds.synthetic_above {
            return Err(ContractError::Invalid {
                key: key::AUTHENTIC_BELOW,
                found: thresholds.authentic_below.to_string(),
                expected: "at most `cyborg.threshold.synthetic_above`",
            });
        }
        Ok(Self {
            network: text(key::NETWORK)?.to_owned(),
            crop: CropRule {
                margin: ranged(key::MARGIN, text(key::MARGIN)?, "a number in 1 to 4", |v: &f32| {
                    (1.0..=4.0).contains(v)
                })?,
                alignment: word(key::ALIGNMENT, text(key::ALIGNMENT)?, "`none`", &[("none", Alignment::None)])?,
                border: word(key::BORDER, text(key::BORDER)?, "`replicate`", &[("replicate", Border::Replicate)])?,
            },
            resize: word(
                key::RESIZE,
                text(key::RESIZE)?,
                "`bilinear-antialias`",
                &[("bilinear-antialias", ResizeFilter::BilinearAntialias)],
            )?,
            saliency: Saliency {
                tap: text(key::TAP)?.to_owned(),
                cam_class: word(
                    key::CAM_CLASS,
                    text(key::CAM_CLASS)?,
                    "`true` or `predicted`",
                    &[("true", CamClass::True), ("predicted", CamClass::Predicted)],
                )?,
                alpha: ranged(key::ALPHA, text(key::ALPHA)?, "a number in 0 to 1", unit)?,
                source: text(key::SALIENCY)?.to_owned(),
            },
            calibration: Calibration {
                temperature: ranged(key::TEMPERATURE, text(key::TEMPERATURE)?, "a number above 0", |v: &f32| {
                    v.is_finite() && *v > 0.0
                })?,
                bias: ranged(key::BIAS, text(key::BIAS)?, "a finite number", |v: &f32| v.is_finite())?,
            },
            thresholds,
            training: Training {
                data_digest: text(key::DATA_DIGEST)?.to_owned(),
                seed: ranged(key::SEED, text(key::SEED)?, "a whole number", |_: &u64| true)?,
                tool: text(key::TOOL)?.to_owned(),
            },
            auc,
        })
    }

    /// The metadata that [`Contract::from_metadata`] reads back as this very contract.
    #[must_use]
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let mut pairs = vec![
            (key::VERSION, VERSION.to_string()),
            (key::NETWORK, self.network.clone()),
            (key::CLASSES, CLASSES.to_owned()),
            (key::MARGIN, self.crop.margin.to_string()),
            (key::ALIGNMENT, self.crop.alignment.to_string()),
            (key::BORDER, self.crop.border.to_string()),
            (key::RESIZE, self.resize.to_string()),
            (key::TAP, self.saliency.tap.clone()),
            (key::CAM_CLASS, self.saliency.cam_class.to_string()),
            (key::ALPHA, self.saliency.alpha.to_string()),
            (key::SALIENCY, self.saliency.source.clone()),
            (key::TEMPERATURE, self.calibration.temperature.to_string()),
            (key::BIAS, self.calibration.bias.to_string()),
            (key::AUTHENTIC_BELOW, self.thresholds.authentic_below.to_string()),
            (key::SYNTHETIC_ABOVE, self.thresholds.synthetic_above.to_string()),
            (key::DATA_DIGEST, self.training.data_digest.clone()),
            (key::SEED, self.training.seed.to_string()),
            (key::TOOL, self.training.tool.clone()),
        ];
        if let Some(rates) = &self.thresholds.error_rates {
            pairs.push((key::APCER, rates.apcer.to_string()));
            pairs.push((key::BPCER, rates.bpcer.to_string()));
            pairs.push((key::MEASURED_ON, rates.measured_on.clone()));
        }
        let auc = self.auc.iter().map(|(name, value)| (format!("{}{name}", key::AUC_PREFIX), value.to_string()));
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(auc).collect()
    }
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

fn unit(value: &f64) -> bool {
    (0.0..=1.0).contains(value)
}

fn unit_f32(value: &f32) -> bool {
    (0.0..=1.0).contains(value)
}

fn ranged<T: FromStr>(
    key: &'static str,
    found: &str,
    expected: &'static str,
    holds: impl Fn(&T) -> bool,
) -> Result<T, ContractError> {
    let parsed = found.parse().ok().filter(holds);
    parsed.ok_or_else(|| ContractError::Invalid { key, found: found.to_owned(), expected })
}

fn word<T: Copy>(
    key: &'static str,
    found: &str,
    expected: &'static str,
    known: &[(&str, T)],
) -> Result<T, ContractError> {
    let value = known.iter().find(|(name, _)| *name == found).map(|(_, value)| *value);
    value.ok_or_else(|| ContractError::Invalid { key, found: found.to_owned(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Contract {
        Contract {
            network: "efficientnet_lite0".into(),
            crop: CropRule { margin: 1.3, alignment: Alignment::None, border: Border::Replicate },
            resize: ResizeFilter::BilinearAntialias,
            saliency: Saliency {
                tap: "head".into(),
                cam_class: CamClass::True,
                alpha: 0.5,
                source: "landmark-prior".into(),
            },
            calibration: Calibration { temperature: 1.0, bias: 0.0 },
            thresholds: Thresholds {
                authentic_below: 0.3,
                synthetic_above: 0.7,
                error_rates: Some(ErrorRates { apcer: 0.01, bpcer: 0.02, measured_on: "kept-out rows".into() }),
            },
            training: Training { data_digest: "0".repeat(64), seed: 7, tool: "cyborg-train 0.1.0".into() },
            auc: BTreeMap::from([("kept_out".into(), 0.99)]),
        }
    }

    fn check(change: impl FnOnce(&mut BTreeMap<String, String>), message_part: &str) {
        let mut metadata = example().to_metadata();
        change(&mut metadata);
        let error = Contract::from_metadata(&metadata).expect_err("the contract is broken").to_string();
        assert!(error.contains(message_part), "`{error}` does not say `{message_part}`");
    }

    #[test]
    fn reads_back_what_it_wrote() {
        assert_eq!(Contract::from_metadata(&example().to_metadata()), Ok(example()));
    }

    #[test]
    fn leaves_other_peoples_keys_alone() {
        let mut metadata = example().to_metadata();
        metadata.insert("author".into(), "somebody".into());
        assert_eq!(Contract::from_metadata(&metadata), Ok(example()));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        check(|m| drop(m.remove(key::VERSION)), "not a model of this project");
        check(|m| drop(m.insert(key::VERSION.into(), "2".into())), "contract version 2 is not known");
        check(|m| drop(m.remove(key::MARGIN)), "`cyborg.crop.margin` is missing");
        check(|m| drop(m.insert(key::ALIGNMENT.into(), "eyes".into())), "expected `none`");
        check(|m| drop(m.insert("cyborg.colour".into(), "blue".into())), "not part of contract version 1");
        check(|m| drop(m.insert(key::TEMPERATURE.into(), "0".into())), "a number above 0");
        check(|m| drop(m.insert(key::TEMPERATURE.into(), "NaN".into())), "a number above 0");
        check(|m| drop(m.insert(key::AUTHENTIC_BELOW.into(), "0.9".into())), "at most");
        check(|m| drop(m.insert(key::CLASSES.into(), "synthetic,authentic".into())), "authentic,synthetic");
        check(|m| drop(m.remove(key::APCER)), "`cyborg.threshold.apcer` is missing");
        check(|m| drop(m.insert("cyborg.auc.x".into(), "1.2".into())), "0 to 1");
    }
}
