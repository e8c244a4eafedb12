//! What 8 bits cost, on faces whose truth is known.

use std::num::NonZeroUsize;

use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use cyborg_edge::verdict::{Logits, SyntheticProbability, Verdict};
use cyborg_models::contract::Contract;

use crate::data::list::Label;
use crate::metrics::{Scored, auc};

/// What a model file says of faces.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    logits: Vec<Logits>,
    maps: Vec<f32>,
}

/// How far a file in 8 bits is from the one that it was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Faces that both were asked about.
    pub faces: usize,
    /// What the area under the ROC curve loses; negative where it gains.
    pub auc: f64,
    /// The cosine between both activation maps, the mean of all faces.
    pub cosine: f64,
    /// Share of the faces whose verdict is another one.
    pub changed: f64,
}

impl Cost {
    /// Loss of area under the ROC curve at most.
    pub const MOST_AUC: f64 = 0.005;
    /// Mean cosine between the maps at least.
    pub const LEAST_COSINE: f64 = 0.98;
    /// Share of changed verdicts at most.
    pub const MOST_CHANGED: f64 = 0.01;

    /// What is beyond what is allowed, in words; nothing where it isn't.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        // Each is asked the way round in which what is no number is a fault.
        let checks = [
            (
                self.auc <= Self::MOST_AUC,
                format!("the area under the ROC curve loses {:.4}, {} is allowed", self.auc, Self::MOST_AUC),
            ),
            (
                self.cosine >= Self::LEAST_COSINE,
                format!(
                    "the activation maps' cosine is {:.4}, at least {} is allowed",
                    self.cosine,
                    Self::LEAST_COSINE
                ),
            ),
            (
                self.changed <= Self::MOST_CHANGED,
                format!(
                    "{:.2} % of verdicts change, {} % is allowed",
                    self.changed * 100.0,
                    Self::MOST_CHANGED * 100.0
                ),
            ),
        ];
        let faults: Vec<String> = checks.into_iter().filter(|(holds, _)| !holds).map(|(_, fault)| fault).collect();
        (!faults.is_empty()).then(|| faults.join("; "))
    }
}

/// Asks a file about crops, N * S * S * 3 bytes of RGB.
pub(super) fn ask(runtime: &Runtime, file: &[u8], crops: &[u8]) -> anyhow::Result<Said> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads };
    let mut said = Said::default();
    Classifier::from_bytes(runtime, "just made", file, settings)?.run(crops, &mut said.logits, &mut said.maps)?;
    Ok(said)
}

/// Compares what both files say of the same faces, by the calibration and the thresholds of `contract`.
pub(super) fn cost(float: &Said, int8: &Said, labels: &[Label], contract: &Contract) -> Cost {
    let verdict =
        |&logits: &Logits| Verdict::new(SyntheticProbability::new(logits, &contract.calibration), &contract.thresholds);
    let differ = float.logits.iter().zip(&int8.logits).filter(|(a, b)| verdict(a) != verdict(b)).count();
    let area = |said: &Said| {
        let scored = said.logits.iter().zip(labels).map(|(logits, &label)| {
            let score = f64::from(logits.synthetic) - f64::from(logits.authentic);
            Scored { score, label }
        });
        auc(&scored.collect::<Vec<_>>()).unwrap_or(f64::NAN)
    };
    let faces = labels.len();
    let size = (float.maps.len() / faces.max(1)).max(1);
    let cosines = float.maps.chunks(size).zip(int8.maps.chunks(size)).map(|(a, b)| cosine(a, b));
    Cost {
        faces,
        auc: area(float) - area(int8),
        cosine: cosines.sum::<f64>() / faces as f64,
        changed: differ as f64 / faces as f64,
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let lengths = (product(a, a) * product(b, b)).sqrt();
    // Two maps of zeros are the same.
    if lengths == 0.0 { f64::from(a == b) } else { product(a, b) / lengths }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cyborg_models::contract::{
        Alignment, Border, Calibration, CamClass, CropRule, ResizeFilter, Saliency, Thresholds, Training,
    };

    use super::*;

    fn contract() -> Contract {
        Contract {
            network: "a test".to_owned(),
            crop: CropRule { margin: 1.3, alignment: Alignment::None, border: Border::Replicate },
            resize: ResizeFilter::BilinearAntialias,
            saliency: Saliency { tap: "head".into(), cam_class: CamClass::True, alpha: 0.5, source: "none".into() },
            calibration: Calibration { temperature: 2.0, bias: 1.0 },
            thresholds: Thresholds { authentic_below: 0.5, synthetic_above: 0.9, error_rates: None },
            training: Training { data_digest: "0".repeat(64), seed: 0, tool: "a test".into() },
            auc: BTreeMap::new(),
        }
    }

    fn said(scores: [f32; 4], maps: [f32; 8]) -> Said {
        let logits = scores.map(|synthetic| Logits { authentic: 0.0, synthetic });
        Said { logits: logits.to_vec(), maps: maps.to_vec() }
    }

    #[test]
    fn a_cost_worked_by_hand() {
        use Label::{Authentic as A, Synthetic as S};
        // Evidence -0.5, 0.5, 1.5, 3: authentic, unsure, unsure, synthetic.
        let float = said([-3.0, -1.0, 1.0, 4.0], [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        // The second face goes below the lowest, and to another verdict; one map turns by 45 degrees, one by 90.
        let int8 = said([-3.0, -4.0, 1.0, 4.0], [1.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0]);
        let cost = cost(&float, &int8, &[A, S, A, S], &contract());
        assert_eq!((cost.faces, cost.changed), (4, 0.25));
        // Of four pairs the float network has three right, the other one two.
        assert!((cost.auc - 0.25).abs() < 1e-12, "{cost:?}");
        assert!((cost.cosine - (0.5_f64.sqrt() + 0.0 + 1.0 + 1.0) / 4.0).abs() < 1e-12, "{cost:?}");
        let fault = cost.fault().expect("it is far off");
        for part in ["loses 0.2500, 0.005", "cosine is 0.6768", "25.00 % of verdicts change, 1 %"] {
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn each_limit_is_held_and_no_number_passes() {
        let good = Cost { faces: 100, auc: 0.005, cosine: 0.98, changed: 0.01 };
        assert_eq!(good.fault(), None);
        for bad in [
            Cost { auc: 0.0051, ..good },
            Cost { cosine: 0.9799, ..good },
            Cost { changed: 0.011, ..good },
            Cost { auc: f64::NAN, ..good },
            Cost { cosine: f64::NAN, ..good },
        ] {
            assert!(bad.fault().is_some(), "{bad:?}");
        }
    }
}
