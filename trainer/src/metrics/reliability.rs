//! Whether a probability means what it says: among faces scored 0.8, four of five should be synthetic.
//!
//! All of it takes p(synthetic) in 0 to 1, and is `None` for other scores and without a face.

use std::num::NonZeroUsize;

use super::Scored;
use crate::data::list::Label;

/// Bins that an expected calibration error is commonly given for (C. Guo and others, ICML 2017).
pub const ECE_BINS: NonZeroUsize = NonZeroUsize::new(15).expect("it isn't zero");

/// Probabilities are kept so far from 0 and 1 by [`log_loss`], as scikit-learn does: one sure and wrong face costs 36.
const CLIP: f64 = f64::EPSILON;

/// The faces whose score lies in one range.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct ReliabilityBin {
    /// Scores above this one; the first bin has 0 as well.
    pub above: f64,
    /// Scores up to and with this one.
    pub up_to: f64,
    /// Faces in it.
    pub faces: usize,
    /// Mean of their scores; `None` without a face.
    pub mean_score: Option<f64>,
    /// Share of them that is synthetic; `None` without a face.
    pub synthetic: Option<f64>,
}

/// Sorts the faces into `bins` ranges of equal width. A score on an edge belongs to the bin below it, as with C. Guo and
/// others (ICML 2017) and scikit-learn's `calibration_curve`.
#[must_use]
pub fn reliability(scored: &[Scored], bins: NonZeroUsize) -> Option<Vec<ReliabilityBin>> {
    let scored = probabilities(scored)?;
    let edge = |index: usize| index as f64 / bins.get() as f64;
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
    let mut rest = sorted.as_slice();
    let bins = (0..bins.get()).map(|index| {
        let (inside, above) = rest.split_at(rest.partition_point(|each| each.score <= edge(index + 1)));
        rest = above;
        ReliabilityBin {
            above: edge(index),
            up_to: edge(index + 1),
            faces: inside.len(),
            mean_score: mean(inside, |each| each.score),
            synthetic: mean(inside, truth),
        }
    });
    Some(bins.collect())
}

/// Expected calibration error, in 0 to 1: the distance of each bin's mean score from its share of synthetic faces, weighted
/// by its faces (C. Guo and others, ICML 2017). `None` when all bins are empty.
#[must_use]
pub fn ece(bins: &[ReliabilityBin]) -> Option<f64> {
    let faces: usize = bins.iter().map(|bin| bin.faces).sum();
    let distance = |bin: &ReliabilityBin| {
        let (score, synthetic) = bin.mean_score.zip(bin.synthetic)?;
        Some(bin.faces as f64 * (score - synthetic).abs())
    };
    (faces > 0).then(|| bins.iter().filter_map(distance).sum::<f64>() / faces as f64)
}

/// Brier score, in 0 to 1: mean of `(p - y)^2`, with `y` 1 for a synthetic face and 0 for an authentic one (G. Brier 1950, in
/// the form for two classes).
#[must_use]
pub fn brier(scored: &[Scored]) -> Option<f64> {
    mean(probabilities(scored)?, |each| (each.score - truth(each)).powi(2))
}

/// Mean of `-ln p(true class)`, at least 0. Probabilities are first brought 2.2e-16 away from 0 and 1.
#[must_use]
pub fn log_loss(scored: &[Scored]) -> Option<f64> {
    mean(probabilities(scored)?, |each| {
        let score = each.score.clamp(CLIP, 1.0 - CLIP);
        match each.label {
            Label::Authentic => -(-score).ln_1p(),
            Label::Synthetic => -score.ln(),
        }
    })
}

fn truth(each: &Scored) -> f64 {
    match each.label {
        Label::Authentic => 0.0,
        Label::Synthetic => 1.0,
    }
}

fn probabilities(scored: &[Scored]) -> Option<&[Scored]> {
    let sound = !scored.is_empty() && scored.iter().all(|each| (0.0..=1.0).contains(&each.score));
    sound.then_some(scored)
}

fn mean(faces: &[Scored], of: impl Fn(&Scored) -> f64) -> Option<f64> {
    (!faces.is_empty()).then(|| faces.iter().map(of).sum::<f64>() / faces.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::*;

    fn bins(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).expect("tests ask for some")
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.expect("it is defined");
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn a_diagram_worked_by_hand() {
        let found = reliability(&faces(&[0.0, 0.1, 0.2, 0.5], &[0.5, 0.9]), bins(2)).expect("probabilities");
        let first = ReliabilityBin {
            above: 0.0,
            up_to: 0.5,
            faces: 5,
            mean_score: Some((0.1 + 0.2 + 0.5 + 0.5) / 5.0),
            synthetic: Some(0.2),
        };
        let second = ReliabilityBin { above: 0.5, up_to: 1.0, faces: 1, mean_score: Some(0.9), synthetic: Some(1.0) };
        assert_eq!(found, [first, second]);
        close(ece(&found), (5.0 * 0.06 + 1.0 * 0.1) / 6.0);
    }

    #[test]
    fn a_score_on_an_edge_belongs_below() {
        let at = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        let found = reliability(&faces(&at, &[]), bins(5)).expect("probabilities");
        assert_eq!(found.iter().map(|bin| bin.faces).collect::<Vec<_>>(), [2, 1, 1, 1, 1]);
        let found = reliability(&faces(&[0.05], &[]), bins(10)).expect("probabilities");
        assert_eq!((found[1].faces, found[1].mean_score, found[1].synthetic), (0, None, None));
    }

    #[test]
    fn brier_and_log_loss_worked_by_hand() {
        let scored = faces(&[0.2], &[0.6]);
        close(brier(&scored), (0.04 + 0.16) / 2.0);
        close(log_loss(&scored), -(0.8_f64.ln() + 0.6_f64.ln()) / 2.0);
        close(log_loss(&faces(&[1.0], &[])), -f64::EPSILON.ln());
        close(log_loss(&faces(&[0.0], &[1.0])), 0.0);
    }

    #[test]
    fn says_nothing_of_what_is_no_probability() {
        for unusable in [faces(&[-0.1], &[0.5]), faces(&[1.5], &[]), faces(&[f64::NAN], &[]), Vec::new()] {
            assert_eq!((reliability(&unusable, ECE_BINS), brier(&unusable), log_loss(&unusable)), (None, None, None));
        }
        assert_eq!(ece(&[]), None);
    }
}
