//! All metrics of one set of probabilities, as plain data.

use super::{
    AtThreshold, AucInterval, ECE_BINS, Eer, ReliabilityBin, Scored, TdrAt, at_threshold, auc_interval, brier, ece,
    log_loss, reliability, roc,
};
use crate::data::list::Label;

/// False detection rates at which detection is commonly told: 0.1 %, 0.2 %, 1 % and 5 %.
pub const FDR_TARGETS: [f64; 4] = [0.001, 0.002, 0.01, 0.05];

/// Measures of one set of scores. What isn't defined is `None`, and `null` in JSON: most of it without a face of each class.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Authentic faces.
    pub authentic: usize,
    /// Synthetic faces.
    pub synthetic: usize,
    /// Area under the ROC curve with its 95 % interval.
    pub auc: Option<AucInterval>,
    /// Equal error rate.
    pub eer: Option<Eer>,
    /// Share of faces on their side of one half, a half counting as synthetic; the same as `at_half.accuracy`.
    pub accuracy: Option<f64>,
    /// Detection at each of [`FDR_TARGETS`]; none without a face of each class.
    pub tdr_at: Vec<TdrAt>,
    /// Errors at a threshold of 0.5.
    pub at_half: AtThreshold,
    /// Errors at the threshold of least ACER, chosen on these very faces.
    pub at_least_acer: Option<AtThreshold>,
    /// Expected calibration error over 15 bins.
    pub ece: Option<f64>,
    /// The bins of `ece`; none without a face.
    pub reliability: Vec<ReliabilityBin>,
    /// Brier score.
    pub brier: Option<f64>,
    /// Mean of `-ln p(true class)`.
    pub log_loss: Option<f64>,
}

/// A score that is no probability.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the score of face {face} is {score}, and a report is made of probabilities in 0 to 1: calibrate it first")]
pub struct NotAProbability {
    /// Which face, from 0.
    pub face: usize,
    /// Its score.
    pub score: f64,
}

/// Measures `scored`, probabilities of being synthetic. The scores are taken as they are: nothing is stretched or rounded.
///
/// # Errors
///
/// When a score isn't in 0 to 1. No faces, or faces of one class, are no error.
pub fn summarise(scored: &[Scored]) -> Result<Summary, NotAProbability> {
    if let Some(face) = scored.iter().position(|each| !(0.0..=1.0).contains(&each.score)) {
        return Err(NotAProbability { face, score: scored[face].score });
    }
    let count = |label| scored.iter().filter(|each| each.label == label).count();
    let curve = roc(scored);
    let bins = reliability(scored, ECE_BINS).unwrap_or_default();
    let at_half = at_threshold(scored, 0.5).expect("no score is NaN");
    Ok(Summary {
        authentic: count(Label::Authentic),
        synthetic: count(Label::Synthetic),
        auc: auc_interval(scored),
        eer: curve.as_ref().map(super::Roc::eer),
        accuracy: at_half.accuracy,
        tdr_at: curve.iter().flat_map(|curve| FDR_TARGETS.map(|target| curve.tdr_at(target))).collect(),
        at_half,
        at_least_acer: curve.as_ref().map(super::Roc::least_acer),
        ece: ece(&bins),
        reliability: bins,
        brier: brier(scored),
        log_loss: log_loss(scored),
    })
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::*;

    #[test]
    fn gathers_all_of_both_classes() {
        let scored = faces(&[0.1, 0.2, 0.6], &[0.3, 0.7, 0.8, 0.9]);
        let found = summarise(&scored).expect("probabilities");
        assert_eq!((found.authentic, found.synthetic), (3, 4));
        assert_eq!(found.auc, auc_interval(&scored));
        assert_eq!(found.accuracy, Some(5.0 / 7.0));
        assert_eq!(
            found.tdr_at.iter().map(|at| (at.target, at.tdr)).collect::<Vec<_>>(),
            [0.001, 0.002, 0.01, 0.05].map(|at| (at, 0.75))
        );
        assert_eq!((found.at_half.apcer, found.at_half.bpcer), (Some(0.25), Some(1.0 / 3.0)));
        let best = found.at_least_acer.expect("both classes are there");
        assert_eq!((best.threshold, best.acer), (0.7, Some(0.125)));
        assert_eq!((found.brier, found.log_loss), (brier(&scored), log_loss(&scored)));
        assert_eq!((found.reliability.len(), found.ece), (15, ece(&found.reliability)));
    }

    #[test]
    fn writes_null_where_nothing_is_defined() {
        let real = summarise(&faces(&[0.1, 0.6], &[])).expect("probabilities");
        assert_eq!((real.accuracy, real.at_half.bpcer, real.at_half.apcer), (Some(0.5), Some(0.5), None));
        let json = serde_json::to_value(&real).expect("plain data");
        for undefined in ["auc", "eer", "at_least_acer"] {
            assert!(json[undefined].is_null(), "{undefined}");
        }
        assert_eq!(json["tdr_at"], serde_json::json!([]));
        assert!(json["brier"].is_number() && json["ece"].is_number());
        let both = summarise(&faces(&[0.1], &[0.6])).expect("probabilities");
        assert_eq!(serde_json::to_value(&both).expect("plain data")["auc"]["rule"], "hoeffding");
        let none = summarise(&[]).expect("nothing is out of range");
        assert_eq!((none.accuracy, none.ece, none.log_loss, none.auc), (None, None, None, None));
        // An infinite threshold has no number in JSON.
        let useless = summarise(&faces(&[0.9], &[0.1])).expect("probabilities");
        let json = serde_json::to_value(&useless).expect("plain data");
        assert!(json["at_least_acer"]["threshold"].is_null() && json["at_least_acer"]["acer"] == 0.5);
    }

    #[test]
    fn refuses_logits() {
        let found = summarise(&faces(&[0.1], &[3.5]));
        assert_eq!(found, Err(NotAProbability { face: 1, score: 3.5 }));
        assert!(summarise(&faces(&[f64::NAN], &[0.5])).is_err());
    }
}
