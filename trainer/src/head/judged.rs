//! Calibration and thresholds of a head by faces of collections that it didn't learn from.

use anyhow::Context;
use cyborg_models::contract::{ErrorRates, Thresholds};

use super::layer::KindLayer;
use crate::data::list::Label;
use crate::metrics::{ClassWeights, Scored, fit_calibration};

/// The probability from which on a face is called synthetic.
pub const SYNTHETIC_ABOVE: f64 = 0.9;
/// Evidence beyond this says no more.
const MOST: f64 = 20.0;
/// Collections with fewer faces say too little of a threshold.
pub const LEAST_FACES: usize = 30;

/// The same layer with evidence that is calibrated: a probability is its sigmoid.
///
/// # Errors
///
/// When a class is missing among `faces`, which are features and labels.
pub fn calibrated(layer: &KindLayer, faces: &[(&[f32], Label)]) -> anyhow::Result<KindLayer> {
    let scored: Vec<Scored> =
        faces.iter().map(|(features, label)| Scored { score: layer.evidence(features), label: *label }).collect();
    let fit = fit_calibration(&scored, ClassWeights::Balanced).context("can't calibrate")?;
    Ok(layer.scaled(1.0 / fit.temperature, fit.bias))
}

/// A face that was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged<'a> {
    /// The collection that it is from.
    pub source: &'a str,
    /// Its class.
    pub label: Label,
    /// The evidence for synthetic, in logits.
    pub evidence: f64,
}

impl Judged<'_> {
    /// p(synthetic), once its evidence has moved by `bias`.
    #[must_use]
    pub fn p(&self, bias: f64) -> f64 {
        1.0 / (1.0 + (-(self.evidence + bias)).exp())
    }
}

/// The evidence above which at most `share` of the real faces lie, in each of their collections; nothing where none of these
/// has enough faces to say.
#[must_use]
pub fn above(faces: &[Judged<'_>], share: f64) -> Option<f64> {
    let mut sources: Vec<&str> = faces.iter().map(|face| face.source).collect();
    sources.sort_unstable();
    sources.dedup();
    let of = |source: &str| -> Vec<f64> {
        let those = faces.iter().filter(|face| face.source == source && face.label == Label::Authentic);
        those.map(|face| face.evidence).collect()
    };
    let all = sources.iter().map(|source| of(source)).filter(|found| found.len() >= LEAST_FACES);
    let thresholds = all.map(|mut found| {
        found.sort_unstable_by(|one, other| other.total_cmp(one));
        // So many may lie above it.
        found[((found.len() as f64 * share) as usize).min(found.len() - 1)]
    });
    thresholds.reduce(f64::max).map(|highest| highest.max(-MOST))
}

/// The same layer, `steep` times as steep, with its evidence of `at` where a face begins to be synthetic.
#[must_use]
pub fn moved(layer: &KindLayer, at: f64, steep: f64) -> KindLayer {
    let begins = (SYNTHETIC_ABOVE / (1.0 - SYNTHETIC_ABOVE)).ln();
    layer.scaled(steep, begins - at * steep)
}

/// The thresholds by `counted`, whose synthetic faces lie below the lower one in at most `apcer`; with their error rates over
/// `all`, once all evidence has moved by `bias`.
#[must_use]
pub fn thresholds(
    counted: &[Judged<'_>],
    all: &[Judged<'_>],
    bias: f64,
    apcer: f64,
    synthetic_above: f64,
) -> Thresholds {
    let below = authentic_below(counted, bias, apcer, synthetic_above);
    Thresholds {
        authentic_below: below as f32,
        synthetic_above: synthetic_above as f32,
        error_rates: Some(ErrorRates {
            apcer: share_beyond(all, Label::Synthetic, bias, |p| p < below),
            bpcer: share_beyond(all, Label::Authentic, bias, |p| p > synthetic_above),
            measured_on: "split validation, on which the thresholds were set".to_owned(),
        }),
    }
}

/// The probability below which at most `share` of the synthetic faces lie, once all evidence has moved by `bias`, and no more
/// than `most`.
#[must_use]
fn authentic_below(faces: &[Judged<'_>], bias: f64, share: f64, most: f64) -> f64 {
    let those = faces.iter().filter(|face| face.label == Label::Synthetic);
    let mut found: Vec<f64> = those.map(|face| face.p(bias)).collect();
    found.sort_unstable_by(f64::total_cmp);
    let at = (found.len() as f64 * share) as usize;
    found.get(at).copied().unwrap_or(0.0).min(most)
}

/// The share of the faces of a class whose probability is beyond a threshold, once all evidence has moved by `bias`.
#[must_use]
pub fn share_beyond(faces: &[Judged<'_>], label: Label, bias: f64, beyond: impl Fn(f64) -> bool) -> f64 {
    let of = || faces.iter().filter(|face| face.label == label);
    of().filter(|face| beyond(face.p(bias))).count() as f64 / of().count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::Logistic;

    fn faces(source: &str, label: Label, evidence: impl Iterator<Item = f64>) -> Vec<Judged<'_>> {
        evidence.map(|evidence| Judged { source, label, evidence }).collect()
    }

    #[test]
    fn no_collection_of_real_faces_has_more_above_than_its_share() {
        // Fakes lie far above, and decide nothing.
        let mut all = faces("a", Label::Authentic, (0..100).map(f64::from));
        all.extend(faces("b", Label::Authentic, (100..150).map(f64::from)));
        all.extend(faces("c", Label::Synthetic, (150..200).map(f64::from)));
        assert_eq!(above(&all, 0.1), Some(144.0), "five of the fifty of b lie above");
        // A collection of a handful decides nothing.
        assert_eq!(above(&all[..110], 0.1), Some(89.0));
        assert_eq!(above(&all[140..], 0.1), None);
    }

    #[test]
    fn a_moved_layer_begins_to_speak_where_it_is_told() {
        let layer = KindLayer::plain(Logistic { weight: vec![2.0, -1.0], bias: 0.5 });
        let moved = moved(&layer, 1.5, 3.0);
        let p = |layer: &KindLayer, x: &[f32]| 1.0 / (1.0 + (-layer.evidence(x)).exp());
        // 2 * 1 - 1 + 0.5 = 1.5 is where it begins.
        assert!((p(&moved, &[1.0, 1.0]) - 0.9).abs() < 1e-6);
        assert!((moved.evidence(&[2.0, 1.0]) - moved.evidence(&[1.0, 1.0]) - 6.0).abs() < 1e-9);
    }

    #[test]
    fn few_synthetic_faces_lie_below_the_threshold_of_authentic() {
        let evidence = (1..10).map(|at| (f64::from(at) / f64::from(10 - at)).ln() - 0.5);
        let all = faces("c", Label::Synthetic, evidence.chain([30.0]));
        // Moved by half a logit, they have p of 0.1 to 0.9, and about 1.
        assert!((authentic_below(&all, 0.5, 0.2, 0.9) - 0.3).abs() < 1e-9);
        assert_eq!(authentic_below(&all, 0.5, 0.9, 0.9), 0.9);
        assert_eq!(share_beyond(&all, Label::Synthetic, 0.5, |p| p > 0.75), 0.3);
        assert_eq!(share_beyond(&all, Label::Authentic, 0.5, |p| p > 0.75), 0.0);
    }
}
