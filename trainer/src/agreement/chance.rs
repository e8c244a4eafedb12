//! Agreement beyond chance of answers that are real or synthetic.

use serde::Serialize;

use crate::data::list::Label;

/// The answers to one face, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Votes {
    /// How many called it real.
    pub real: usize,
    /// How many called it synthetic.
    pub synthetic: usize,
}

impl Votes {
    /// Counts an answer.
    pub fn add(&mut self, answer: Label) {
        match answer {
            Label::Authentic => self.real += 1,
            Label::Synthetic => self.synthetic += 1,
        }
    }
}

/// Krippendorff's alpha of nominal answers (K. Krippendorff, "Content Analysis", 4th edition 2018, chapter 12): 1 for complete
/// agreement, 0 for that of chance. Faces needn't have the same annotators, or as many; those with fewer than two say
/// nothing. `None` where no face has two answers, or all answers are the same.
pub fn alpha<'a>(faces: impl IntoIterator<Item = &'a Votes>) -> Option<f64> {
    let (mut observed, mut real, mut synthetic) = (0.0, 0.0, 0.0);
    for votes in faces {
        let all = votes.real + votes.synthetic;
        if all < 2 {
            continue;
        }
        let (a, b) = (votes.real as f64, votes.synthetic as f64);
        observed += 2.0 * a * b / (all as f64 - 1.0);
        real += a;
        synthetic += b;
    }
    let expected = 2.0 * real * synthetic / (real + synthetic - 1.0);
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// Cohen's kappa of two answers each to some faces (J. Cohen, Educational and Psychological Measurement 20, 1960): 1 for
/// complete agreement, 0 for that of chance. `None` without a face, or where all answers are the same.
pub fn kappa<'a>(answers: impl IntoIterator<Item = &'a [Label; 2]>) -> Option<f64> {
    let (mut all, mut same, mut first, mut second) = (0.0, 0.0, 0.0, 0.0);
    for [one, other] in answers {
        all += 1.0;
        same += f64::from(u8::from(one == other));
        first += one.class() as f64;
        second += other.class() as f64;
    }
    let (first, second) = (first / all, second / all);
    let expected = first * second + (1.0 - first) * (1.0 - second);
    (all > 0.0 && expected < 1.0).then(|| (same / all - expected) / (1.0 - expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_by_hand() {
        // Krippendorff's own example of two observers and ten units, six of them agreed on: 0.095.
        let votes = |real, synthetic| Votes { real, synthetic };
        let units = [[2, 0]; 5].into_iter().chain([[0, 2]]).chain([[1, 1]; 4]);
        let units: Vec<Votes> = units.map(|[real, synthetic]| votes(real, synthetic)).collect();
        let found = alpha(&units).expect("both answers occur");
        assert!((found - 0.095).abs() < 5e-4, "{found}");
        assert_eq!(alpha(&[votes(2, 0), votes(0, 1)]), None);
        assert_eq!(alpha(&[]), None);
        assert_eq!(alpha(&[votes(3, 0), votes(0, 3)]), Some(1.0));
    }

    #[test]
    fn kappa_by_hand() {
        use Label::{Authentic as R, Synthetic as S};
        let of = |counts: [usize; 4]| {
            let kinds = [[R, R], [R, S], [S, R], [S, S]];
            let answers: Vec<[Label; 2]> =
                kinds.into_iter().zip(counts).flat_map(|(kind, count)| vec![kind; count]).collect();
            kappa(&answers)
        };
        // Cohen's measure of 20, 5, 10, 15: 0.7 observed, 0.5 expected.
        assert!(of([20, 5, 10, 15]).is_some_and(|found| (found - 0.4).abs() < 1e-12));
        assert_eq!((of([3, 0, 0, 0]), of([0; 4])), (None, None));
    }
}
