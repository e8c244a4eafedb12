//! Sets of experts, as `cyborg models` tells of them.

use std::fs;
use std::path::Path;

use cyborg_models::contract::{Kind, Thresholds, Unfamiliar};
use cyborg_models::expert_set::FusionBias;
use serde::Serialize;

use crate::classify::classifier_file::ClassifierFile;
use crate::classify::named::is_set;
use crate::classify::panel::{PanelFile, SetError};
use crate::name;

/// What a set says of itself, and its experts of themselves.
#[derive(Debug, Serialize)]
pub(super) struct SetTold {
    file: String,
    kind: &'static str,
    sha256: String,
    name: String,
    experts: Vec<ExpertTold>,
    fusion: FusionBias,
    thresholds: Thresholds,
}

#[derive(Debug, Serialize)]
struct ExpertTold {
    file: String,
    sha256: String,
    looks_for: Option<Kind>,
    weight: f32,
    network: String,
    input_side: usize,
    unfamiliar: Option<Unfamiliar>,
}

impl SetTold {
    /// Reads a set and all its experts.
    pub(super) fn read(path: &Path) -> Result<Self, SetError> {
        let panel = PanelFile::read_set(path, name::of(path))?;
        let mut told = Self {
            file: name::of(path),
            kind: "set",
            sha256: panel.digest().to_owned(),
            name: String::new(),
            experts: Vec::new(),
            fusion: FusionBias::default(),
            thresholds: Thresholds::UNCALIBRATED,
        };
        let Some(set) = panel.set() else {
            return Ok(told);
        };
        (told.name, told.fusion, told.thresholds) = (set.name.clone(), set.fusion, set.thresholds.clone());
        let files = set.experts.iter().zip(panel.files().iter().map(ClassifierFile::file));
        told.experts.extend(files.map(|(entry, file)| ExpertTold {
            file: entry.file.clone(),
            sha256: entry.sha256.clone(),
            looks_for: entry.looks_for,
            weight: entry.weight,
            network: file.contract.network.clone(),
            input_side: file.input_side,
            unfamiliar: file.expertise.unfamiliar.clone(),
        }));
        Ok(told)
    }

    /// One line, for people.
    pub(super) fn line(&self) -> String {
        let Self { file, name, experts, sha256, .. } = self;
        format!("{file}: set `{name}` of {} experts, sha256 {}", experts.len(), &sha256[..12])
    }

    /// A line a fact, for people.
    pub(super) fn to_text(&self) -> String {
        let Thresholds { authentic_below, synthetic_above, error_rates } = &self.thresholds;
        let rates = error_rates.as_ref().map_or_else(
            || "not measured".to_owned(),
            |rates| format!("APCER {}, BPCER {}, on {}", rates.apcer, rates.bpcer, rates.measured_on),
        );
        let mut lines = vec![
            ("file", self.file.clone()),
            ("kind", "set of experts".to_owned()),
            ("name", self.name.clone()),
            ("sha256", self.sha256.clone()),
        ];
        for expert in &self.experts {
            let kind = expert.looks_for.map_or_else(|| "anything".to_owned(), |kind| kind.to_string());
            let ExpertTold { file, network, input_side, weight, .. } = expert;
            lines.push(("expert", format!("{file}: {network}, input {input_side}x{input_side}")));
            lines.push(("", format!("looks for {kind}, weight {weight}")));
            lines.push(("", format!("sha256 {}", expert.sha256)));
            if let Some(Unfamiliar { distance_above, rate }) = &expert.unfamiliar {
                let rate = rate.as_ref().map(|rate| format!(", {} of the faces of {}", rate.share, rate.measured_on));
                lines.push(("", format!("unfamiliar beyond {distance_above}{}", rate.unwrap_or_default())));
            }
        }
        let FusionBias { generated, swapped, anything } = self.fusion;
        for (kind, bias) in [("generated", generated), ("swapped", swapped), ("anything", anything)] {
            lines.extend(bias.map(|bias| ("bias", format!("{bias} on evidence for {kind}"))));
        }
        lines.push(("thresholds", format!("authentic below {authentic_below}, synthetic above {synthetic_above}")));
        lines.push(("error rates", rates));
        lines.iter().map(|(name, value)| format!("{name:<12} {value}")).collect::<Vec<_>>().join("\n")
    }
}

/// Whether a file is that of a set, and not of something else that is written in TOML.
pub(super) fn is_one(path: &Path) -> bool {
    let has_experts = |text: String| text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("expert"));
    is_set(path) && fs::read_to_string(path).is_ok_and(has_experts)
}
