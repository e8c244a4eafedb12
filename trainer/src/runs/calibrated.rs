//! Probabilities that mean what they say, and thresholds at stated error rates, for networks that were trained.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::verdict::{Logits, SyntheticProbability};
use cyborg_models::contract::{Calibration, Contract, ErrorRates, Thresholds};

use super::trained::Trained;
use crate::checkpoint;
use crate::data::list::Label;
use crate::evaluation::{RunScores, ScoredFace};
use crate::export::{Precision, export};
use crate::head::judged::LEAST_FACES;
use crate::metrics::{self, ClassWeights, Scored, VerdictThresholds, fit_calibration, verdict_thresholds};
use crate::run_folder::{BEST, MODEL, ScoreRow, smooth, write_model};
use crate::torch::Model;

/// How networks are calibrated.
#[derive(Clone, Copy, Debug)]
pub struct HowCalibrated<'a> {
    /// What the classes count.
    pub weights: ClassWeights,
    /// Error rates that the thresholds may not exceed.
    pub wanted: metrics::ErrorRates,
    /// Scores of real faces of sources that weren't seen, for the threshold of synthetic; empty to set it by the faces
    /// themselves.
    pub unseen_real: &'a [ScoreRow],
    /// Whether the share of real faces that are called synthetic is held in each source, and not in all of them together.
    pub each_source: bool,
}

/// Logits that give the score of a row.
#[must_use]
pub fn logits_of(row: &ScoreRow) -> Logits {
    // A softmax of 32 bits may be 0 or 1 itself.
    let score = row.score.clamp(1e-7, 1.0 - 1e-7);
    Logits { authentic: 0.0, synthetic: (score / (1.0 - score)).ln() as f32 }
}

/// The contract with the calibration that fits the scores of a run, and what its thresholds come to. `measured_on` says of which
/// faces they are.
///
/// # Errors
///
/// When a class is missing, or the scores have no answer.
pub fn calibrated(
    how: &HowCalibrated<'_>,
    contract: &Contract,
    mut run: RunScores,
    faces: &[ScoredFace],
    measured_on: &str,
) -> anyhow::Result<(Contract, VerdictThresholds)> {
    let differences: Vec<Scored> = faces
        .iter()
        .zip(&run.logits)
        .map(|(face, logits)| Scored {
            score: f64::from(logits.synthetic) - f64::from(logits.authentic),
            label: face.label,
        })
        .collect();
    let fit = fit_calibration(&differences, how.weights).with_context(|| format!("can't calibrate {}", run.name))?;
    if fit.limited {
        log::warn!(
            "{}: its scores don't rise from real to synthetic faces; all probabilities come out near one half",
            run.name
        );
    }
    run.calibration = Calibration { temperature: fit.temperature as f32, bias: fit.bias as f32 };
    let mut measured_on = measured_on.to_owned();
    let mut judged: Vec<(Logits, Label)> =
        run.logits.iter().zip(faces).map(|(&logits, face)| (logits, face.label)).collect();
    if !how.unseen_real.is_empty() {
        // The threshold of synthetic is a matter of the real faces alone, and that of authentic of the synthetic ones.
        judged.retain(|&(_, label)| label == Label::Synthetic);
        let real = how.unseen_real.iter().filter(|row| row.label == Label::Authentic);
        judged.extend(real.map(|row| (logits_of(row), row.label)));
        measured_on += "; BPCER on real faces of sources that the networks that scored them had not seen";
        // Collections that weren't seen score higher as a whole, so one half goes to where the network can't tell.
        run.calibration.bias -= middle(&thresholds(&judged, &run.calibration, how.wanted)?);
    }
    if how.each_source {
        let (source, worst) = highest(how, &run, faces)?;
        judged = worst;
        measured_on += &format!("; BPCER on the real faces of {source}, which score highest");
        run.calibration.bias -= middle(&thresholds(&judged, &run.calibration, how.wanted)?);
    }
    let found = thresholds(&judged, &run.calibration, how.wanted)?;
    let error_rates = ErrorRates { apcer: found.reached.apcer, bpcer: found.reached.bpcer, measured_on };
    let contract = Contract {
        calibration: run.calibration,
        thresholds: Thresholds {
            authentic_below: found.authentic_below,
            synthetic_above: found.synthetic_above,
            error_rates: Some(error_rates),
        },
        ..contract.clone()
    };
    Ok((contract, found))
}

/// The source whose real faces ask for the highest threshold of synthetic, and its faces with the synthetic ones of all sources.
fn highest<'a>(
    how: &HowCalibrated<'_>,
    run: &RunScores,
    faces: &'a [ScoredFace],
) -> anyhow::Result<(&'a str, Vec<(Logits, Label)>)> {
    let mut sources: BTreeMap<&str, usize> = BTreeMap::new();
    for face in faces.iter().filter(|face| face.label == Label::Authentic) {
        *sources.entry(&face.source).or_default() += 1;
    }
    let with = |source: &str| -> Vec<(Logits, Label)> {
        let those = run.logits.iter().zip(faces);
        let those = those.filter(|(_, face)| face.label == Label::Synthetic || face.source == source);
        those.map(|(&logits, face)| (logits, face.label)).collect()
    };
    let mut found: Option<(f32, &str)> = None;
    for (source, _) in sources.into_iter().filter(|&(_, count)| count >= LEAST_FACES) {
        let above = thresholds(&with(source), &run.calibration, how.wanted)?.synthetic_above;
        if found.is_none_or(|(highest, _)| above > highest) {
            found = Some((above, source));
        }
    }
    let (_, source) = found.with_context(|| format!("no source has {LEAST_FACES} real faces to set a threshold by"))?;
    Ok((source, with(source)))
}

/// The thresholds on the probabilities that `calibration` gives.
fn thresholds(
    judged: &[(Logits, Label)],
    calibration: &Calibration,
    wanted: metrics::ErrorRates,
) -> anyhow::Result<VerdictThresholds> {
    // By the runtime's own formula and numbers: a face on the edge must fall to the same side.
    let score = |logits| f64::from(SyntheticProbability::new(logits, calibration).value());
    let scored: Vec<Scored> = judged.iter().map(|&(logits, label)| Scored { score: score(logits), label }).collect();
    Ok(verdict_thresholds(&scored, wanted)?)
}

/// The middle between both thresholds, as the logit of a probability.
fn middle(found: &VerdictThresholds) -> f32 {
    let logit = |threshold: f32| {
        // A probability of 32 bits may be 0 or 1 itself.
        let threshold = threshold.clamp(1e-7, 1.0 - 1e-7);
        (threshold / (1.0 - threshold)).ln()
    };
    f32::midpoint(logit(found.authentic_below), logit(found.synthetic_above))
}

/// Writes checkpoint and model file of a network again, and says where the model file is. It is checked with `crops` too.
///
/// # Errors
///
/// When ONNX Runtime runs it differently, or something can't be written.
pub fn write(trained: &Trained, model: &Model, contract: &Contract, crops: &[u8]) -> anyhow::Result<PathBuf> {
    let mut checkpoint = checkpoint::read(&trained.path)?;
    checkpoint.metadata.extend(contract.to_metadata());
    if trained.is_smoothed {
        smooth(&mut checkpoint.metadata);
    }
    let bytes = export(&Runtime::load()?, model, contract, Precision::Float32, crops)?;
    checkpoint::write(&trained.path, &checkpoint)?;
    // The best epoch of a run has its model file beside it; of other checkpoints several may lie in one folder.
    let is_best = trained.path.file_name().is_some_and(|name| name == BEST);
    let file = if is_best { trained.path.with_file_name(MODEL) } else { trained.path.with_extension("onnx") };
    write_model(&file, &bytes)
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::{Alignment, Border, CropRule, Training};

    use super::*;
    use crate::head::judge;

    #[test]
    fn the_source_whose_real_faces_score_highest_sets_the_threshold() {
        let (mut faces, mut logits) = (Vec::new(), Vec::new());
        let sources = [
            ("web", Label::Authentic, 400, -3.0),
            ("streams", Label::Authentic, 100, 0.0),
            ("few", Label::Authentic, 10, 9.0),
            ("gan", Label::Synthetic, 200, 2.0),
        ];
        for (source, label, count, middle) in sources {
            for at in 0..count {
                faces.push(ScoredFace {
                    path: String::new(),
                    label,
                    source: source.to_owned(),
                    video: None,
                    group: None,
                    pair: None,
                });
                let spread = at as f32 / count as f32 * 4.0 - 2.0;
                logits.push(Logits { authentic: 0.0, synthetic: middle + spread });
            }
        }
        let how = |each_source| HowCalibrated {
            weights: ClassWeights::Balanced,
            wanted: metrics::ErrorRates { apcer: 0.05, bpcer: 0.05 },
            unseen_real: &[],
            each_source,
        };
        let run = |each_source| {
            let run = RunScores {
                name: "run".to_owned(),
                calibration: Calibration::NONE,
                thresholds: Thresholds::UNCALIBRATED,
                logits: logits.clone(),
            };
            let rule = CropRule { margin: 1.0, alignment: Alignment::None, border: Border::Replicate };
            let training = Training { data_digest: "0".repeat(64), seed: 1, tool: "a test".to_owned() };
            let contract = judge::contract(rule, training);
            calibrated(&how(each_source), &contract, run, &faces, "a test").expect("both classes are there").0
        };
        // Share of the real faces of a source that are called synthetic.
        let share = |contract: &Contract, source: &str| {
            let p = |logits| SyntheticProbability::new(logits, &contract.calibration).value();
            let those: Vec<f32> = logits
                .iter()
                .zip(&faces)
                .filter(|(_, face)| face.source == source)
                .map(|(&logits, _)| p(logits))
                .collect();
            those.iter().filter(|&&p| p > contract.thresholds.synthetic_above).count() as f64 / those.len() as f64
        };
        let (together, each) = (run(false), run(true));
        assert!(share(&together, "streams") > 0.1, "{}", share(&together, "streams"));
        assert!((0.03..=0.05).contains(&share(&each, "streams")), "{}", share(&each, "streams"));
        assert!(share(&each, "web") == 0.0 && share(&each, "few") == 1.0, "ten faces say too little");
        let Thresholds { authentic_below, synthetic_above, error_rates } = each.thresholds;
        assert!((authentic_below + synthetic_above - 1.0).abs() < 1e-3, "one half is in the middle");
        assert!(error_rates.is_some_and(|rates| rates.measured_on.contains("streams")));
    }
}
