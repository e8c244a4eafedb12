//! Area under the ROC curve.

use super::Scored;
use super::classes::Classes;
use crate::data::list::Label;

/// The share of pairs, one synthetic and one authentic face, in which the synthetic one has the higher score; ties count
/// half. `None` without a face of each class, or with a score that is no number.
///
/// This is the Mann-Whitney U statistic over the number of pairs, by ranks (Hanley and McNeil 1982). Only the order of the
/// scores counts, so that they may be logits.
#[must_use]
pub fn auc(scored: &[Scored]) -> Option<f64> {
    let Classes { authentic, synthetic } = Classes::split(scored)?;
    let all: Vec<_> = synthetic.iter().chain(&authentic).copied().collect();
    let rank_sum: f64 = mid_ranks(&all)[..synthetic.len()].iter().sum();
    let (authentic, synthetic) = (authentic.len() as f64, synthetic.len() as f64);
    Some((rank_sum - synthetic * (synthetic + 1.0) / 2.0) / (synthetic * authentic))
}

/// The same with a weight for each face: the share of the weight of all pairs, a pair's being the product of its two faces'.
/// `None` also without a weight above 0 in each class, or with a weight that is negative or no number.
///
/// As `roc_auc_score` of scikit-learn has it with `sample_weight`.
#[must_use]
pub fn weighted_auc(scored: &[Scored], weights: &[f64]) -> Option<f64> {
    let mut faces: Vec<(Scored, f64)> = scored.iter().copied().zip(weights.iter().copied()).collect();
    if faces.iter().any(|(each, weight)| each.score.is_nan() || !(0.0..f64::INFINITY).contains(weight)) {
        return None;
    }
    faces.sort_by(|(a, _), (b, _)| a.score.total_cmp(&b.score));
    let (mut below, mut synthetic, mut in_order) = (0.0, 0.0, 0.0);
    for tied in faces.chunk_by(|(a, _), (b, _)| a.score == b.score) {
        let of = |label| tied.iter().filter(|(each, _)| each.label == label).map(|(_, weight)| weight).sum::<f64>();
        let (tied_authentic, tied_synthetic) = (of(Label::Authentic), of(Label::Synthetic));
        in_order += tied_synthetic * (below + tied_authentic / 2.0);
        below += tied_authentic;
        synthetic += tied_synthetic;
    }
    (below > 0.0 && synthetic > 0.0).then(|| in_order / (below * synthetic))
}

/// Rank of each value, from 1; values that are equal share the mean of their ranks.
pub(super) fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let shared = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for &index in tied {
            ranks[index] = shared;
        }
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::*;

    fn check(authentic: &[f64], synthetic: &[f64], expected: Option<f64>) {
        let scored = faces(authentic, synthetic);
        match (auc(&scored), expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{found} is not {expected}"),
            (found, expected) => assert_eq!(found, expected),
        }
    }

    #[test]
    fn counts_ordered_pairs() {
        // Of the 4 pairs, 0.35 over 0.1, 0.8 over 0.1 and 0.8 over 0.4 are in order.
        check(&[0.1, 0.4], &[0.35, 0.8], Some(0.75));
        check(&[0.1, 0.2], &[0.8, 0.9], Some(1.0));
        check(&[0.8, 0.9], &[0.1, 0.2], Some(0.0));
        check(&[-7.5, f64::NEG_INFINITY], &[0.0, 40.0], Some(1.0));
    }

    #[test]
    fn a_tie_counts_half() {
        check(&[0.5], &[0.5], Some(0.5));
        check(&[0.2, 0.5, 0.5], &[0.5, 0.9], Some(5.0 / 6.0));
        check(&[0.3; 7], &[0.3; 5], Some(0.5));
        check(&[-0.0], &[0.0], Some(0.5));
    }

    #[test]
    fn says_nothing_without_both_classes_or_with_no_number() {
        check(&[0.5], &[], None);
        check(&[], &[0.5], None);
        check(&[f64::NAN], &[0.5], None);
    }
}
