//! Area under the ROC curve.

use super::Scored;
use crate::data::list::Label;

/// The share of pairs, one synthetic and one authentic face, in which the synthetic one has the higher score; ties count
/// half. `None` without a face of each class, or with a score that is no number.
///
/// This is the Mann-Whitney U statistic over the number of pairs, by ranks (Hanley and McNeil 1982).
#[must_use]
pub fn auc(scored: &[Scored]) -> Option<f64> {
    if scored.iter().any(|each| each.score.is_nan()) {
        return None;
    }
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
    let synthetic = sorted.iter().filter(|each| each.label == Label::Synthetic).count() as f64;
    let authentic = sorted.len() as f64 - synthetic;
    let mut rank_sum = 0.0;
    let mut before = 0;
    // Scores that are equal share the mean of their ranks.
    for tied in sorted.chunk_by(|a, b| a.score == b.score) {
        let mean_rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        rank_sum += mean_rank * tied.iter().filter(|each| each.label == Label::Synthetic).count() as f64;
        before += tied.len();
    }
    let pairs = synthetic * authentic;
    (pairs > 0.0).then(|| (rank_sum - synthetic * (synthetic + 1.0) / 2.0) / pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(authentic: &[f64], synthetic: &[f64], expected: Option<f64>) {
        let label = |label| move |&score: &f64| Scored { score, label };
        let scored: Vec<_> = authentic
            .iter()
            .map(label(Label::Authentic))
            .chain(synthetic.iter().map(label(Label::Synthetic)))
            .collect();
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
    }

    #[test]
    fn a_tie_counts_half() {
        check(&[0.5], &[0.5], Some(0.5));
        check(&[0.2, 0.5, 0.5], &[0.5, 0.9], Some(5.0 / 6.0));
        check(&[0.3; 7], &[0.3; 5], Some(0.5));
    }

    #[test]
    fn says_nothing_without_both_classes_or_with_no_number() {
        check(&[0.5], &[], None);
        check(&[], &[0.5], None);
        check(&[f64::NAN], &[0.5], None);
    }
}
