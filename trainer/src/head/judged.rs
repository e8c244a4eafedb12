//! Calibration and thresholds of a head by faces of collections that it didn't learn from.

use anyhow::Context;

use crate::data::list::{Label, Row};
use crate::metrics::{ClassWeights, Scored, fit_calibration};
use crate::torch::Logistic;

/// The probability from which on a face is called synthetic.
pub const SYNTHETIC_ABOVE: f32 = 0.9;
/// Evidence beyond this says no more.
const MOST: f64 = 20.0;
/// Collections with fewer faces say too little of a threshold.
pub const LEAST_FACES: usize = 30;

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

/// The evidence above which at most `share` of the real faces lie, in each of their collections.
#[must_use]
pub fn above(rows: &[&Row], evidence: &[f64], share: f64) -> f64 {
    let mut sources: Vec<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let of = |source: &str| -> Vec<f64> {
        let faces = rows.iter().zip(evidence);
        faces.filter(|(row, _)| row.source == source && row.label == Label::Authentic).map(|(_, &e)| e).collect()
    };
    let all = sources.iter().map(|source| of(source)).filter(|found| found.len() >= LEAST_FACES);
    let thresholds = all.map(|mut found| {
        found.sort_unstable_by(|one, other| other.total_cmp(one));
        // So many may lie above it.
        found[((found.len() as f64 * share) as usize).min(found.len() - 1)]
    });
    thresholds.fold(f64::MIN, f64::max).max(-MOST)
}

/// The same layer, `steep` times as steep, with its evidence of `at` where a face begins to be synthetic.
#[must_use]
pub fn moved(layer: &Logistic, at: f64, steep: f64) -> Logistic {
    let begins = f64::from(SYNTHETIC_ABOVE / (1.0 - SYNTHETIC_ABOVE)).ln();
    Logistic {
        weight: layer.weight.iter().map(|weight| weight * steep).collect(),
        bias: (layer.bias - at) * steep + begins,
    }
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::data::list::Split;

    fn row(source: &str, label: Label) -> Row {
        Row {
            line: 1,
            path: PathBuf::new(),
            label,
            split: Split::Validation,
            source: source.to_owned(),
            video: None,
            group: None,
            pair: None,
            map: None,
            face: None,
        }
    }

    #[test]
    fn no_collection_of_real_faces_has_more_above_than_its_share() {
        let (one, other, fake) = (row("a", Label::Authentic), row("b", Label::Authentic), row("c", Label::Synthetic));
        let mut rows = vec![&one; 100];
        rows.extend([&other; 50]);
        rows.extend([&fake; 50]);
        // a: 0 to 99; b: 100 to 149; fakes far above.
        let evidence: Vec<f64> = (0..200).map(f64::from).collect();
        let at = above(&rows, &evidence, 0.1);
        assert_eq!(at, 144.0, "five of the fifty of b lie above");
        // A collection of a handful decides nothing.
        let few: Vec<&Row> = rows[..110].to_vec();
        assert_eq!(above(&few, &evidence[..110], 0.1), 89.0);
    }

    #[test]
    fn a_moved_layer_begins_to_speak_where_it_is_told() {
        let layer = Logistic { weight: vec![2.0, -1.0], bias: 0.5 };
        let moved = moved(&layer, 1.5, 3.0);
        let p = |layer: &Logistic, x: &[f32]| 1.0 / (1.0 + (-layer.evidence(x)).exp());
        // 2 * 1 - 1 + 0.5 = 1.5 is where it begins.
        assert!((p(&moved, &[1.0, 1.0]) - 0.9).abs() < 1e-6);
        assert!((moved.evidence(&[2.0, 1.0]) - moved.evidence(&[1.0, 1.0]) - 6.0).abs() < 1e-9);
    }

    #[test]
    fn few_synthetic_faces_lie_below_the_threshold_of_authentic() {
        let fake = row("c", Label::Synthetic);
        let rows = vec![&fake; 10];
        let p: Vec<f32> = (1..=10).map(|at| at as f32 / 10.0).collect();
        assert_eq!(authentic_below(&rows, &p, 0.2, 0.9), 0.3);
        assert_eq!(authentic_below(&rows, &p, 0.9, 0.9), 0.9);
    }
}
