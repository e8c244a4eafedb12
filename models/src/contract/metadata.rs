//! The contract as the metadata of a model file: pairs of text, strictly read.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{
    Alignment, Border, CLASSES, Calibration, CamClass, Contract, ContractError, CropRule, ErrorRates, FIRST_VERSION,
    ResizeFilter, SECOND_VERSION, Saliency, Thresholds, Training, VERSION,
};

pub(super) mod key {
    pub(in super::super) const PREFIX: &str = "cyborg.";
    pub(in super::super) const VERSION: &str = "cyborg.contract_version";
    pub(in super::super) const NETWORK: &str = "cyborg.network";
    pub(in super::super) const CLASSES: &str = "cyborg.classes";
    pub(in super::super) const MARGIN: &str = "cyborg.crop.margin";
    pub(in super::super) const ALIGNMENT: &str = "cyborg.crop.alignment";
    pub(in super::super) const BORDER: &str = "cyborg.crop.border";
    pub(in super::super) const RESIZE: &str = "cyborg.resize";
    pub(in super::super) const TAP: &str = "cyborg.cam.tap";
    pub(in super::super) const CAM_CLASS: &str = "cyborg.cam.class";
    pub(in super::super) const ALPHA: &str = "cyborg.alpha";
    pub(in super::super) const SALIENCY: &str = "cyborg.saliency";
    pub(in super::super) const TEMPERATURE: &str = "cyborg.calibration.temperature";
    pub(in super::super) const BIAS: &str = "cyborg.calibration.bias";
    pub(in super::super) const AUTHENTIC_BELOW: &str = "cyborg.threshold.authentic_below";
    pub(in super::super) const SYNTHETIC_ABOVE: &str = "cyborg.threshold.synthetic_above";
    pub(in super::super) const APCER: &str = "cyborg.threshold.apcer";
    pub(in super::super) const BPCER: &str = "cyborg.threshold.bpcer";
    pub(in super::super) const MEASURED_ON: &str = "cyborg.threshold.measured_on";
    pub(in super::super) const DATA_DIGEST: &str = "cyborg.training.data_sha256";
    pub(in super::super) const SEED: &str = "cyborg.training.seed";
    pub(in super::super) const TOOL: &str = "cyborg.tool";
    pub(in super::super) const LOOKS_FOR: &str = "cyborg.looks_for";
    pub(in super::super) const TELLS_APART: &str = "cyborg.tells_apart";
    pub(in super::super) const DISTANCE_ABOVE: &str = "cyborg.unfamiliar.distance_above";
    pub(in super::super) const UNFAMILIAR_SHARE: &str = "cyborg.unfamiliar.share";
    pub(in super::super) const UNFAMILIAR_MEASURED_ON: &str = "cyborg.unfamiliar.measured_on";
    pub(in super::super) const VIDEO_GATES: &str = "cyborg.video_gates";
    pub(in super::super) const AUC_PREFIX: &str = "cyborg.auc.";
    pub(in super::super) const ALL: [&str; 21] = [
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
    /// What version 2 adds.
    pub(in super::super) const SECOND: [&str; 5] =
        [LOOKS_FOR, TELLS_APART, DISTANCE_ABOVE, UNFAMILIAR_SHARE, UNFAMILIAR_MEASURED_ON];
    /// What version 3 adds.
    pub(in super::super) const THIRD: [&str; 1] = [VIDEO_GATES];
}

impl Contract {
    /// The version of the contract in the metadata of a model file; `None` when there is none, or none that is known.
    pub(crate) fn version_of(metadata: &BTreeMap<String, String>) -> Option<u32> {
        let found = metadata.get(key::VERSION)?;
        (FIRST_VERSION..=VERSION).find(|version| *found == version.to_string())
    }

    /// Reads the contract from the metadata of a model file.
    ///
    /// Keys that don't begin with `cyborg.` are other people's and are left alone.
    ///
    /// # Errors
    ///
    /// When the version is unknown, a key is missing, or a key or a value is not one of this version.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Self, ContractError> {
        let found = metadata.get(key::VERSION).ok_or(ContractError::NotAContract)?;
        let version =
            Self::version_of(metadata).ok_or_else(|| ContractError::UnknownVersion { found: found.clone() })?;
        let known = |name: &str| {
            key::ALL.contains(&name)
                || (version > FIRST_VERSION && key::SECOND.contains(&name))
                || (version > SECOND_VERSION && key::THIRD.contains(&name))
        };
        let mut auc = BTreeMap::new();
        for (name, value) in metadata.iter().filter(|(name, _)| name.starts_with(key::PREFIX)) {
            if let Some(which) = name.strip_prefix(key::AUC_PREFIX) {
                auc.insert(which.to_owned(), ranged(key::AUC_PREFIX, value, "a number in 0 to 1", unit)?);
            } else if !known(name) {
                return Err(ContractError::UnknownKey { key: name.clone(), version });
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
                margin: ranged(key::MARGIN, text(key::MARGIN)?, "a number in 0.5 to 4", |v: &f32| {
                    CropRule::MARGINS.contains(v)
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

    /// The metadata that [`Contract::from_metadata`] reads back as this very contract, of the first version:
    /// [`Expertise::add_to`](super::Expertise::add_to) makes it the second where there is more to say.
    #[must_use]
    pub fn to_metadata(&self) -> BTreeMap<String, String> {
        let mut pairs = vec![
            (key::VERSION, FIRST_VERSION.to_string()),
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

pub(super) fn unit(value: &f64) -> bool {
    (0.0..=1.0).contains(value)
}

fn unit_f32(value: &f32) -> bool {
    (0.0..=1.0).contains(value)
}

pub(super) fn ranged<T: FromStr>(
    key: &'static str,
    found: &str,
    expected: &'static str,
    holds: impl Fn(&T) -> bool,
) -> Result<T, ContractError> {
    let parsed = found.parse().ok().filter(holds);
    parsed.ok_or_else(|| ContractError::Invalid { key, found: found.to_owned(), expected })
}

pub(super) fn word<T: Copy>(
    key: &'static str,
    found: &str,
    expected: &'static str,
    known: &[(&str, T)],
) -> Result<T, ContractError> {
    let value = known.iter().find(|(name, _)| *name == found).map(|(_, value)| *value);
    value.ok_or_else(|| ContractError::Invalid { key, found: found.to_owned(), expected })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn example() -> Contract {
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
        check(|m| drop(m.remove(key::VERSION)), "not one of this project's models");
        check(|m| drop(m.insert(key::VERSION.into(), "4".into())), "contract version 4 is not known");
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
