//! Calibration and thresholds of a head by faces of collections that it didn't learn from.

use anyhow::Context;

use crate::data::list::{Label, Row};
use crate::metrics::{ClassWeights, Scored, fit_calibration};
use crate::torch::Logistic;

/// Collections with fewer faces say too little of a threshold.
const LEAST_FACES: usize = 30;

/// The same layer with evidence that is calibrated: a probability is its sigmoid.
///
/// # Errors
///
/// When a class is missing among `faces`, which are features and labels.
pub fn calibrated(layer: &Logistic, faces: &[(&[f32], Label)]) -> anyhow::Result<Logistic> {
    let scored: Vec<Scored> =
        faces.iter().map(|(features, label)| Scored { score: layer.evidence(features), label: *label }).collect();
    let fit = fit_calibration(&scored, ClassWeights::Balanced).context("can't calibrate")?;
    Ok(Logistic {
        weight: layer.weight.iter().map(|weight| weight / fit.temperature).collect(),
        bias: layer.bias / fit.temperature + fit.bias,
    })
}

/// The threshold above which at most `share` of the real faces lie, in each of their collections.
#[must_use]
pub fn synthetic_above(rows: &[&Row], probabilities: &[f32], share: f64) -> f32 {
    let mut sources: Vec<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let of = |source: &str| -> Vec<f32> {
        let faces = rows.iter().zip(probabilities);
        faces.filter(|(row, _)| row.source == source && row.label == Label::Authentic).map(|(_, &p)| p).collect()
    };
    let thresholds = sources.iter().map(|source| of(source)).filter(|found| found.len() >= LEAST_FACES).map(|mut found| {
        found.sort_unstable_by(|one, other| other.total_cmp(one));
        // So many may lie above it.
        found[(found.len() as f64 * share) as usize]
    });
    thresholds.fold(0.5, f32::max)
}

/// The threshold below which at most `share` of the synthetic faces lie, in each of `sources` on the mean.
#[must_use]
pub fn authentic_below(rows: &[&Row], probabilities: &[f32], share: f64, most: f32) -> f32 {
    let faces = rows.iter().zip(probabilities).filter(|(row, _)| row.label == Label::Synthetic);
    let mut found: Vec<f32> = faces.map(|(_, &p)| p).collect();
    found.sort_unstable_by(f32::total_cmp);
    let at = (found.len() as f64 * share) as usize;
    found.get(at).copied().unwrap_or(0.0).min(most)
}
