//! Verdicts at one threshold, counted.

use super::Scored;
use crate::data::list::Label;

/// Faces by what they are and what they were taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Confusion {
    /// Authentic, and taken for authentic.
    pub authentic_as_authentic: usize,
    /// Authentic, and taken for synthetic.
    pub authentic_as_synthetic: usize,
    /// Synthetic, and taken for authentic.
    pub synthetic_as_authentic: usize,
    /// Synthetic, and taken for synthetic.
    pub synthetic_as_synthetic: usize,
}

/// What a threshold comes to; all rates in 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct AtThreshold {
    /// A score of so much or more is taken for synthetic. Infinite, `null` in JSON, where no face is.
    pub threshold: f64,
    /// The counts.
    pub confusion: Confusion,
    /// Share of faces taken for what they are; `None` without a face.
    pub accuracy: Option<f64>,
    /// Share of synthetic faces taken for authentic (attack presentation classification error rate, ISO/IEC 30107-3);
    /// `None` without one.
    pub apcer: Option<f64>,
    /// Share of authentic faces taken for synthetic (bona fide presentation classification error rate); `None` without one.
    pub bpcer: Option<f64>,
    /// Mean of `apcer` and `bpcer`; `None` without a face of each class.
    pub acer: Option<f64>,
}

/// Takes a score of `threshold` or more for synthetic, and counts. `None` with a score that is no number.
#[must_use]
pub fn at_threshold(scored: &[Scored], threshold: f64) -> Option<AtThreshold> {
    if threshold.is_nan() || scored.iter().any(|each| each.score.is_nan()) {
        return None;
    }
    let count = |label, as_synthetic| {
        scored.iter().filter(|each| each.label == label && (each.score >= threshold) == as_synthetic).count()
    };
    Some(AtThreshold::new(
        threshold,
        Confusion {
            authentic_as_authentic: count(Label::Authentic, false),
            authentic_as_synthetic: count(Label::Authentic, true),
            synthetic_as_authentic: count(Label::Synthetic, false),
            synthetic_as_synthetic: count(Label::Synthetic, true),
        },
    ))
}

impl AtThreshold {
    pub(super) fn new(threshold: f64, confusion: Confusion) -> Self {
        let Confusion {
            authentic_as_authentic,
            authentic_as_synthetic,
            synthetic_as_authentic,
            synthetic_as_synthetic,
        } = confusion;
        let share = |part: usize, rest: usize| (part + rest > 0).then(|| part as f64 / (part + rest) as f64);
        let apcer = share(synthetic_as_authentic, synthetic_as_synthetic);
        let bpcer = share(authentic_as_synthetic, authentic_as_authentic);
        Self {
            threshold,
            confusion,
            accuracy: share(
                authentic_as_authentic + synthetic_as_synthetic,
                authentic_as_synthetic + synthetic_as_authentic,
            ),
            apcer,
            bpcer,
            acer: apcer.zip(bpcer).map(|(apcer, bpcer)| f64::midpoint(apcer, bpcer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::*;

    #[test]
    fn a_score_on_the_threshold_is_synthetic() {
        let found = at_threshold(&faces(&[0.1, 0.2, 0.5, 0.9], &[0.2, 0.3, 0.4, 0.5, 0.6]), 0.5).expect("numbers");
        let counts = Confusion {
            authentic_as_authentic: 2,
            authentic_as_synthetic: 2,
            synthetic_as_authentic: 3,
            synthetic_as_synthetic: 2,
        };
        assert_eq!(found.confusion, counts);
        assert_eq!((found.accuracy, found.apcer, found.bpcer), (Some(4.0 / 9.0), Some(0.6), Some(0.5)));
        assert_eq!(found.acer, Some(0.55));
    }

    #[test]
    fn leaves_out_what_one_class_alone_can_not_tell() {
        let real = at_threshold(&faces(&[0.1, 0.7], &[]), 0.5).expect("numbers");
        assert_eq!((real.accuracy, real.apcer, real.bpcer, real.acer), (Some(0.5), None, Some(0.5), None));
        let none = at_threshold(&[], 0.5).expect("numbers");
        assert_eq!((none.accuracy, none.apcer, none.bpcer, none.acer), (None, None, None, None));
        assert_eq!(at_threshold(&faces(&[f64::NAN], &[0.5]), 0.5), None);
        assert_eq!(at_threshold(&faces(&[0.1], &[0.5]), f64::NAN), None);
    }
}
