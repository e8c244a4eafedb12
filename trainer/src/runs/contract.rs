//! What a run's weights and model file say of themselves.

use std::collections::BTreeMap;

use cyborg_models::contract::{Calibration, Contract, ErrorRates, ResizeFilter, Saliency, Thresholds, Training};

use crate::data::config::SaliencyName;
use crate::fit::Evaluation;
use crate::metrics::error_rates;
use crate::run_folder::{Config, TOOL};

/// The contract of a run before anything is measured.
pub(super) fn contract(config: &Config, seed: u64) -> Contract {
    let loss = &config.fit.loss;
    let source = if loss.alpha < 1.0 { saliency_words(config) } else { "none".to_owned() };
    Contract {
        network: config.network.clone(),
        crop: config.data.rule(),
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency { tap: config.cam_tap.clone(), cam_class: loss.cam_class, alpha: loss.alpha, source },
        calibration: Calibration::NONE,
        thresholds: Thresholds::UNCALIBRATED,
        training: Training { data_digest: config.data_sha256.clone(), seed, tool: TOOL.to_owned() },
        auc: BTreeMap::new(),
    }
}

/// Where the saliency maps came from, by the contract's words.
fn saliency_words(config: &Config) -> String {
    // Only the CYBORG data's folder is known to hold what people drew.
    let listed = if config.data.maps.is_some() { "human" } else { "maps" };
    let mut words = match (config.data.saliency, config.data.has_maps) {
        (SaliencyName::Maps, _) => vec![listed],
        (SaliencyName::Landmarks, false) | (SaliencyName::Prior | SaliencyName::MappedPrior, _) => {
            vec!["landmark-prior"]
        }
        (SaliencyName::Landmarks, true) => vec!["landmark-prior", listed],
    };
    words.extend(config.fit.makes_fakes().then_some("blend-masks"));
    words.join("+")
}

/// The contract with what was measured on the validation faces.
pub(super) fn measured(mut contract: Contract, evaluation: &Evaluation, config: &Config) -> Contract {
    let (name, measured_on) = match config.data.validation {
        Some(_) => ("validation", "the validation split, by which the epoch was chosen".to_owned()),
        None if config.data.left_out.is_empty() => {
            ("kept_out_same_sources", format!("{}, a sanity check", config.data.judged_by()))
        }
        None => ("left_out_sources", config.data.judged_by()),
    };
    let Thresholds { authentic_below, synthetic_above, .. } = contract.thresholds;
    let (below, above) = (f64::from(authentic_below), f64::from(synthetic_above));
    contract.thresholds.error_rates = error_rates(&evaluation.scored, below, above).map(|rates| ErrorRates {
        apcer: rates.apcer,
        bpcer: rates.bpcer,
        measured_on,
    });
    contract.auc.insert(name.to_owned(), evaluation.auc);
    contract
}
