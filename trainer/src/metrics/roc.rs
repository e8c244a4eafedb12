//! The ROC curve, and what is read off it.
//!
//! The true detection rate (TDR) is the share of synthetic faces taken for synthetic, the false detection rate (FDR) that of
//! authentic ones. A score at or above the threshold is taken for synthetic.

use super::classes::Classes;
use super::{AtThreshold, Confusion, Scored};

/// One threshold.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct RocPoint {
    /// Share of authentic faces at or above the threshold, in 0 to 1.
    pub fdr: f64,
    /// Share of synthetic faces at or above the threshold, in 0 to 1.
    pub tdr: f64,
    /// A score of the set; infinite, `null` in JSON, at the first point.
    pub threshold: f64,
}

/// The curve from (0, 0) to (1, 1): a point a distinct score, from the highest down, after one at infinity. These are the
/// points of scikit-learn's `roc_curve` with `drop_intermediate=False`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Roc {
    /// Authentic faces.
    pub authentic: usize,
    /// Synthetic faces.
    pub synthetic: usize,
    /// Two at least; `fdr` and `tdr` never fall.
    pub points: Vec<RocPoint>,
}

/// Where as many authentic faces are taken for synthetic as the other way round, by share.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Eer {
    /// Equal error rate, in 0 to 1.
    pub rate: f64,
    /// Its threshold.
    pub threshold: f64,
}

/// The most that is detected at few false detections.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct TdrAt {
    /// FDR that was asked for.
    pub target: f64,
    /// FDR that was reached; at most the target.
    pub fdr: f64,
    /// TDR there.
    pub tdr: f64,
    /// Threshold of it; infinite, `null` in JSON, when not one face may be taken for synthetic.
    pub threshold: f64,
    /// Whether there are authentic faces enough for a single false one to lie within the target: 1000 for 0.1 %. If not,
    /// this is the TDR at no false detection, whatever the target.
    pub enough_authentic: bool,
}

/// The ROC curve. `None` without a face of each class, or with a score that is no number.
#[must_use]
pub fn roc(scored: &[Scored]) -> Option<Roc> {
    let Classes { authentic, synthetic } = Classes::sorted(scored)?;
    let mut points = vec![RocPoint { fdr: 0.0, tdr: 0.0, threshold: f64::INFINITY }];
    let (mut false_ones, mut true_ones) = (0, 0);
    // Both are counted from the end, the highest score.
    let next = |sorted: &[f64], taken: usize| sorted.len().checked_sub(taken + 1).map(|index| sorted[index]);
    loop {
        let threshold = match (next(&authentic, false_ones), next(&synthetic, true_ones)) {
            (None, None) => break,
            (Some(one), Some(other)) => one.max(other),
            (Some(score), None) | (None, Some(score)) => score,
        };
        while next(&authentic, false_ones) == Some(threshold) {
            false_ones += 1;
        }
        while next(&synthetic, true_ones) == Some(threshold) {
            true_ones += 1;
        }
        points.push(RocPoint {
            fdr: false_ones as f64 / authentic.len() as f64,
            tdr: true_ones as f64 / synthetic.len() as f64,
            threshold,
        });
    }
    Some(Roc { authentic: authentic.len(), synthetic: synthetic.len(), points })
}

impl Roc {
    /// The equal error rate: where the straight lines between neighbouring points meet `fdr = 1 - tdr`. The threshold is
    /// interpolated by the same share, or is that of the lower point when the upper one is the point at infinity.
    #[must_use]
    pub fn eer(&self) -> Eer {
        // It is -1 at the first point, 1 at the last, and rises from each point to the next.
        let excess = |point: &RocPoint| point.fdr + point.tdr - 1.0;
        let after = self.points.partition_point(|point| excess(point) < 0.0);
        let (upper, lower) = (self.points[after - 1], self.points[after]);
        let share = -excess(&upper) / (excess(&lower) - excess(&upper));
        let between = |from: f64, to: f64| from + share * (to - from);
        let threshold =
            if upper.threshold.is_finite() { between(upper.threshold, lower.threshold) } else { lower.threshold };
        Eer { rate: between(upper.fdr, lower.fdr), threshold }
    }

    /// The highest TDR of all thresholds whose FDR is at most `target`, nothing interpolated; of several thresholds with
    /// this TDR the highest, which has the fewest false detections.
    #[must_use]
    pub fn tdr_at(&self, target: f64) -> TdrAt {
        // The first point has no false detection, so that it stands for a target that is no number or negative.
        let allowed = self.points.partition_point(|point| point.fdr <= target).max(1);
        let best = self.points[allowed - 1].tdr;
        let first = self.points.partition_point(|point| point.tdr < best);
        let RocPoint { fdr, tdr, threshold } = self.points[first];
        TdrAt { target, fdr, tdr, threshold, enough_authentic: 1.0 / self.authentic as f64 <= target }
    }

    /// The threshold of least ACER, the mean of both error rates. Ties go to the highest of them, which accuses the fewest
    /// authentic faces. It was chosen on these very faces, so that other faces will fare worse.
    #[must_use]
    pub fn least_acer(&self) -> AtThreshold {
        // Counted in whole numbers, so that ties are exact.
        let errors = |point: &RocPoint| {
            let Confusion { authentic_as_synthetic, synthetic_as_authentic, .. } = self.confusion(point);
            authentic_as_synthetic as u128 * self.synthetic as u128
                + synthetic_as_authentic as u128 * self.authentic as u128
        };
        let best = self.points.iter().min_by_key(|point| errors(point)).expect("a curve has two points at least");
        AtThreshold::new(best.threshold, self.confusion(best))
    }

    fn confusion(&self, point: &RocPoint) -> Confusion {
        let count = |rate: f64, all: usize| (rate * all as f64).round() as usize;
        let authentic_as_synthetic = count(point.fdr, self.authentic);
        let synthetic_as_synthetic = count(point.tdr, self.synthetic);
        Confusion {
            authentic_as_authentic: self.authentic - authentic_as_synthetic,
            authentic_as_synthetic,
            synthetic_as_authentic: self.synthetic - synthetic_as_synthetic,
            synthetic_as_synthetic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::at_threshold;
    use super::super::classes::tests::faces;
    use super::*;

    fn of(authentic: &[f64], synthetic: &[f64]) -> Roc {
        roc(&faces(authentic, synthetic)).expect("both classes are there")
    }

    #[test]
    fn a_curve_worked_by_hand() {
        let curve = of(&[0.1, 0.4, 0.4, 0.6], &[0.4, 0.8]);
        let points: Vec<_> = curve.points.iter().map(|point| (point.threshold, point.fdr, point.tdr)).collect();
        let expected =
            [(f64::INFINITY, 0.0, 0.0), (0.8, 0.0, 0.5), (0.6, 0.25, 0.5), (0.4, 0.75, 1.0), (0.1, 1.0, 1.0)];
        assert_eq!(points, expected);
        assert_eq!((curve.authentic, curve.synthetic), (4, 2));
    }

    #[test]
    fn needs_both_classes() {
        assert_eq!(roc(&faces(&[0.4], &[])), None);
        assert_eq!(roc(&faces(&[0.4], &[f64::NAN])), None);
    }

    #[test]
    fn the_equal_error_rate_is_interpolated() {
        // From (0.25, 0.5) to (0.75, 1): fdr + tdr goes from 0.75 to 1.75, a quarter of the way.
        assert_eq!(
            of(&[0.1, 0.4, 0.4, 0.6], &[0.4, 0.8]).eer(),
            Eer { rate: 0.375, threshold: 0.6 + 0.25 * (0.4 - 0.6) }
        );
        assert_eq!(of(&[0.1, 0.2], &[0.7, 0.9]).eer(), Eer { rate: 0.0, threshold: 0.7 });
        assert_eq!(of(&[0.7, 0.9], &[0.1, 0.2]).eer(), Eer { rate: 1.0, threshold: 0.7 });
        // Both at once, from the point at infinity: no share of an infinite threshold is taken.
        assert_eq!(of(&[0.3; 4], &[0.3; 3]).eer(), Eer { rate: 0.5, threshold: 0.3 });
    }

    #[test]
    fn detection_is_the_most_within_the_target() {
        let authentic: Vec<_> = (0..100).map(f64::from).collect();
        let curve = of(&authentic, &[10.5, 97.5, 98.5, 120.0]);
        let check = |target, fdr, tdr, threshold, enough_authentic| {
            assert_eq!(curve.tdr_at(target), TdrAt { target, fdr, tdr, threshold, enough_authentic });
        };
        check(0.001, 0.0, 0.25, 120.0, false);
        // One of 100 is exactly 1 %.
        check(0.01, 0.01, 0.5, 98.5, true);
        check(0.02, 0.02, 0.75, 97.5, true);
        // More is allowed, and would find no more.
        check(0.05, 0.02, 0.75, 97.5, true);
        check(1.0, 0.89, 1.0, 10.5, true);
        let nothing = of(&[0.9], &[0.1]).tdr_at(f64::NAN);
        assert_eq!((nothing.fdr, nothing.tdr, nothing.threshold), (0.0, 0.0, f64::INFINITY));
        assert!(!nothing.enough_authentic);
    }

    #[test]
    fn the_best_threshold_has_the_least_mean_error() {
        let scored = faces(&[0.1, 0.2, 0.6, 0.7], &[0.3, 0.65, 0.8, 0.9, 0.95]);
        let best = roc(&scored).expect("both classes are there").least_acer();
        // At 0.8 two of five are missed; at 0.65 one, with one false; at 0.3 none, with two false.
        assert_eq!(best, at_threshold(&scored, 0.8).expect("numbers"));
        assert_eq!(best.acer, Some(0.2));
        // Equal at 0.9 and at 0.3: the higher one.
        assert_eq!(of(&[0.1, 0.5], &[0.3, 0.9]).least_acer().threshold, 0.9);
        let useless = of(&[0.9], &[0.1]).least_acer();
        assert_eq!((useless.threshold, useless.acer), (f64::INFINITY, Some(0.5)));
    }
}
