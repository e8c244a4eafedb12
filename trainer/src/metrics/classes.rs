//! The scores of each class apart.

use super::Scored;
use crate::data::list::Label;

/// Scores of both classes, neither empty and none of them NaN, in the order they came in.
pub(super) struct Classes {
    pub(super) authentic: Vec<f64>,
    pub(super) synthetic: Vec<f64>,
}

impl Classes {
    /// `None` without a face of each class, or with a score that is no number.
    pub(super) fn split(scored: &[Scored]) -> Option<Self> {
        let of = |label| scored.iter().filter(move |each| each.label == label).map(|each| each.score);
        let classes = Self { authentic: of(Label::Authentic).collect(), synthetic: of(Label::Synthetic).collect() };
        let usable = !classes.authentic.is_empty()
            && !classes.synthetic.is_empty()
            && scored.iter().all(|each| !each.score.is_nan());
        usable.then_some(classes)
    }

    /// The same with the scores of each class ascending.
    pub(super) fn sorted(scored: &[Scored]) -> Option<Self> {
        let mut classes = Self::split(scored)?;
        classes.authentic.sort_by(f64::total_cmp);
        classes.synthetic.sort_by(f64::total_cmp);
        Some(classes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Faces with these scores, the authentic ones first.
    pub(in crate::metrics) fn faces(authentic: &[f64], synthetic: &[f64]) -> Vec<Scored> {
        let of = |label| move |&score: &f64| Scored { score, label };
        authentic.iter().map(of(Label::Authentic)).chain(synthetic.iter().map(of(Label::Synthetic))).collect()
    }

    #[test]
    fn needs_both_classes_and_numbers() {
        let classes = Classes::sorted(&faces(&[0.3, 0.1], &[0.9, 0.2])).expect("both classes are there");
        assert_eq!((classes.authentic, classes.synthetic), (vec![0.1, 0.3], vec![0.2, 0.9]));
        for unusable in [faces(&[0.3], &[]), faces(&[], &[0.3]), faces(&[0.3], &[f64::NAN]), Vec::new()] {
            assert!(Classes::split(&unusable).is_none());
        }
    }
}
