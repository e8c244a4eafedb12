//! How sure an AUC is, and whether two models' AUCs differ.
//!
//! The variance is that of E. DeLong, D. DeLong and D. Clarke-Pearson (1988), by the ranks of X. Sun and W. Xu (2014), in
//! O(n log n): the place of a face is the share of the other class below it, ties counting half, and
//!
//! ```text
//! AUC = mean of the synthetic places,   variance = S_synthetic / synthetic + S_authentic / authentic
//! ```
//!
//! with `S` the sample variance of the places of a class. The interval is the normal one, cut at the ends of the scale. For
//! two models of the same faces, `S` is taken of the differences of the places.
//!
//! This variance is zero when the classes don't overlap, and can't be had of a single face, although the AUC isn't sure then
//! either. In these cases the interval is a wider one that holds for any distribution, after Hoeffding; see
//! [`IntervalRule::Hoeffding`].

use super::auc::mid_ranks;
use super::classes::Classes;
use super::pairing::shared_labels;
use super::{PairingError, Scored, hoeffding, normal};

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IntervalRule {
    /// The normal interval with DeLong's variance, for many faces.
    DeLong,
    /// W. Hoeffding's bound (1963) for the size of the smaller class: 95 % at least, and wider than need be. Two classes of
    /// `k` faces or more that don't overlap have an AUC of `0.025^(1 / k)` at least.
    Hoeffding,
}

/// An AUC with its 95 % interval; all in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct AucInterval {
    /// The AUC, as [`super::auc()`] has it.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// DeLong's variance; `None` with a single face in a class.
    pub variance: Option<f64>,
    /// How the ends were found.
    pub rule: IntervalRule,
}

/// AUC of one model minus AUC of another on the same faces.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct AucDifference {
    /// In -1 to 1; positive when the first model is better.
    pub difference: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// DeLong's variance of the difference; `None` with a single face in a class.
    pub variance: Option<f64>,
    /// Probability of a difference as large as this one, to either side, between equally good models. An upper limit of it
    /// under [`IntervalRule::Hoeffding`].
    pub p: f64,
    /// How `low`, `high` and `p` were found.
    pub rule: IntervalRule,
}

/// The AUC of `scored` with its 95 % interval. `None` without a face of each class, or with a score that is no number.
#[must_use]
pub fn auc_interval(scored: &[Scored]) -> Option<AucInterval> {
    let places = Places::of(&Classes::split(scored)?);
    let value = places.mean();
    let variance = places.variance();
    let (low, high, rule) = match variance.filter(|&variance| variance > 0.0) {
        Some(variance) => {
            let reach = normal::REACH_95 * variance.sqrt();
            ((value - reach).max(0.0), (value + reach).min(1.0), IntervalRule::DeLong)
        }
        None => {
            let (low, high) = hoeffding::interval(value, places.independent());
            (low, high, IntervalRule::Hoeffding)
        }
    };
    Some(AucInterval { value, low, high, variance, rule })
}

/// AUC of `first` minus AUC of `second`, scores of the same faces in the same order.
///
/// # Errors
///
/// When the faces aren't the same by number and labels, a class is missing, or a score is no number.
pub fn auc_difference(first: &[Scored], second: &[Scored]) -> Result<AucDifference, PairingError> {
    shared_labels(&[first, second])?;
    let classes = "both classes and no NaN, as was just looked up";
    let one = Places::of(&Classes::split(first).expect(classes));
    let other = Places::of(&Classes::split(second).expect(classes));
    let places = one.minus(&other);
    let difference = places.mean();
    let variance = places.variance();
    if let Some(variance) = variance.filter(|&variance| variance > 0.0) {
        let reach = normal::REACH_95 * variance.sqrt();
        return Ok(AucDifference {
            difference,
            low: (difference - reach).max(-1.0),
            high: (difference + reach).min(1.0),
            variance: Some(variance),
            p: normal::two_sided_p(difference / variance.sqrt()),
            rule: IntervalRule::DeLong,
        });
    }
    // The bound is for values in 0 to 1; a pair's difference is in -1 to 1.
    let scaled = f64::midpoint(difference, 1.0);
    let (low, high) = hoeffding::interval(scaled, places.independent());
    Ok(AucDifference {
        difference,
        low: 2.0 * low - 1.0,
        high: 2.0 * high - 1.0,
        variance,
        p: hoeffding::two_sided_p(scaled, 0.5, places.independent()),
        rule: IntervalRule::Hoeffding,
    })
}

/// For each face the number of faces of the other class below it, a tie counting half. These are whole numbers of halves, so
/// that equal places are exactly equal and a variance of zero is exactly zero.
struct Places {
    authentic: Vec<f64>,
    synthetic: Vec<f64>,
}

impl Places {
    fn of(classes: &Classes) -> Self {
        let Classes { authentic, synthetic } = classes;
        let all: Vec<_> = synthetic.iter().chain(authentic).copied().collect();
        let among_all = mid_ranks(&all);
        let (of_synthetic, of_authentic) = among_all.split_at(synthetic.len());
        let below = |all: &[f64], own: &[f64]| all.iter().zip(mid_ranks(own)).map(|(all, own)| all - own).collect();
        Self { authentic: below(of_authentic, authentic), synthetic: below(of_synthetic, synthetic) }
    }

    fn minus(&self, other: &Self) -> Self {
        let less = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one - other).collect();
        Self { synthetic: less(&self.synthetic, &other.synthetic), authentic: less(&self.authentic, &other.authentic) }
    }

    fn mean(&self) -> f64 {
        self.synthetic.iter().sum::<f64>() / (self.synthetic.len() * self.authentic.len()) as f64
    }

    fn variance(&self) -> Option<f64> {
        let (synthetic, authentic) = (self.synthetic.len() as f64, self.authentic.len() as f64);
        let of_class = |places: &[f64], others: f64| {
            let count = places.len() as f64;
            let mean = places.iter().sum::<f64>() / count;
            let squares: f64 = places.iter().map(|place| (place - mean).powi(2)).sum();
            (count > 1.0).then(|| squares / (count - 1.0) / count / (others * others))
        };
        Some(of_class(&self.synthetic, authentic)? + of_class(&self.authentic, synthetic)?)
    }

    /// Pairs that share no face.
    fn independent(&self) -> usize {
        self.synthetic.len().min(self.authentic.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::auc;
    use super::super::classes::tests::faces;
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn a_variance_worked_by_hand() {
        // Synthetic 0.35 beats half of the authentic ones, 0.8 all; authentic 0.1 beats both, 0.4 one of two.
        let found = auc_interval(&faces(&[0.1, 0.4], &[0.35, 0.8])).expect("both classes are there");
        let of_class = (2.0 * 0.25_f64.powi(2)) / 1.0;
        close(found.value, 0.75);
        close(found.variance.expect("two of each"), of_class / 2.0 + of_class / 2.0);
        close(found.low, 0.75 - normal::REACH_95 * 0.125_f64.sqrt());
        close(found.high, 1.0);
        assert_eq!(found.rule, IntervalRule::DeLong);
    }

    #[test]
    fn classes_that_do_not_overlap_are_not_sure_to_stay_so() {
        let found = auc_interval(&faces(&[0.1, 0.2, 0.3, 0.4], &[0.7, 0.8])).expect("both classes are there");
        assert_eq!((found.value, found.variance, found.rule), (1.0, Some(0.0), IntervalRule::Hoeffding));
        close(found.low, 0.025_f64.sqrt());
        close(found.high, 1.0);
        let alone = auc_interval(&faces(&[0.1, 0.9], &[0.5])).expect("both classes are there");
        assert_eq!((alone.value, alone.variance, alone.rule), (0.5, None, IntervalRule::Hoeffding));
        assert!(alone.low < 0.02 && alone.high > 0.98);
        // Nor does a constant score prove an AUC of one half.
        let constant = auc_interval(&faces(&[0.3; 30], &[0.3; 30])).expect("both classes are there");
        assert_eq!((constant.value, constant.rule), (0.5, IntervalRule::Hoeffding));
        assert!(constant.low < 0.4 && constant.high > 0.6);
    }

    #[test]
    fn is_undefined_where_the_auc_is() {
        for unusable in [faces(&[0.5], &[]), faces(&[0.5], &[f64::NAN]), Vec::new()] {
            assert_eq!((auc_interval(&unusable), auc(&unusable)), (None, None));
        }
    }

    #[test]
    fn two_models_that_err_alike_differ_surely() {
        // The second model gets one synthetic face wrong against every authentic one, among 20.
        let authentic: Vec<_> = (0..20).map(f64::from).collect();
        let better: Vec<_> = (0..20).map(|face| f64::from(face) + 10.5).collect();
        let worse: Vec<_> = (0..20).map(|face| f64::from(face) + 8.5).collect();
        let first = faces(&authentic, &better);
        let second = faces(&authentic, &worse);
        let found = auc_difference(&first, &second).expect("the same faces");
        close(found.difference, auc(&first).expect("both classes") - auc(&second).expect("both classes"));
        assert!(found.low > 0.0 && found.high < 0.2 && found.p < 0.01, "{found:?}");
        assert_eq!(found.rule, IntervalRule::DeLong);
        // The other way round it is the same with the other sign.
        let back = auc_difference(&second, &first).expect("the same faces");
        close(back.low, -found.high);
        close(back.p, found.p);
        // Apart, each is far less sure than that.
        let apart = auc_interval(&first).expect("both classes");
        assert!(apart.high - apart.low > 1.5 * (found.high - found.low));
    }

    #[test]
    fn no_variance_is_no_proof_of_a_difference_of_zero() {
        let perfect = faces(&[0.1; 50], &[0.9; 50]);
        let other = faces(&[0.2; 50], &[0.7; 50]);
        let found = auc_difference(&perfect, &other).expect("the same faces");
        assert_eq!((found.difference, found.variance, found.p), (0.0, Some(0.0), 1.0));
        assert_eq!(found.rule, IntervalRule::Hoeffding);
        assert!(found.low < -0.1 && found.high > 0.1);
        let useless = auc_difference(&perfect, &faces(&[0.5; 50], &[0.5; 50])).expect("the same faces");
        assert_eq!(useless.difference, 0.5);
        assert!(useless.low > 0.0 && useless.p < 0.01, "{useless:?}");
    }

    #[test]
    fn intervals_end_where_the_scale_does() {
        let authentic = [0.1, 0.2, 0.3, 0.4, 0.8];
        let found = auc_difference(&faces(&authentic, &[0.7, 0.9, 0.9, 0.9]), &faces(&[0.9; 5], &[0.1; 4]));
        let found = found.expect("the same faces");
        close(found.difference, 0.95);
        assert_eq!((found.high, found.rule), (1.0, IntervalRule::DeLong));
        let back = auc_difference(&faces(&[0.9; 5], &[0.1; 4]), &faces(&authentic, &[0.7, 0.9, 0.9, 0.9]));
        assert_eq!(back.expect("the same faces").low, -1.0);
    }

    #[test]
    fn refuses_other_faces() {
        let found = auc_difference(&faces(&[0.1], &[0.2]), &faces(&[0.1], &[]));
        assert_eq!(found, Err(PairingError::Length { set: 1, found: 1, expected: 2 }));
    }
}
