//! Scores of the same faces by several models.

use super::Scored;
use crate::data::list::Label;

/// Why scores can't be compared with each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// A setting without a run.
    #[error("a setting has no runs: give the scores of at least one")]
    NoRun,
    /// Different numbers of faces.
    #[error(
        "set {set} of the scores has {found} faces and the first has {expected}: score the same list with both models"
    )]
    Length {
        /// Which set, from 0.
        set: usize,
        /// Its faces.
        found: usize,
        /// Faces of the first set.
        expected: usize,
    },
    /// The labels are not the same.
    #[error("face {face} has another label in set {set} of the scores than in the first: give both in the same order")]
    Label {
        /// Which set, from 0.
        set: usize,
        /// Which face, from 0.
        face: usize,
    },
    /// A score that is no number.
    #[error("the score of face {face} in set {set} is not a number: check that model")]
    NotANumber {
        /// Which set, from 0.
        set: usize,
        /// Which face, from 0.
        face: usize,
    },
    /// All faces are of one class, or there are none.
    #[error("there are no {0} faces, and an AUC needs both classes: add some to the list")]
    OneClass(&'static str),
    /// A bootstrap without a draw.
    #[error("an interval can't be made of 0 draws: ask for 1000 or more")]
    NoDraw,
}

/// The labels that all sets share.
pub(super) fn shared_labels(sets: &[&[Scored]]) -> Result<Vec<Label>, PairingError> {
    let first = sets.first().ok_or(PairingError::NoRun)?;
    for (set, scored) in sets.iter().enumerate() {
        if scored.len() != first.len() {
            return Err(PairingError::Length { set, found: scored.len(), expected: first.len() });
        }
        if let Some(face) = scored.iter().zip(*first).position(|(one, other)| one.label != other.label) {
            return Err(PairingError::Label { set, face });
        }
        if let Some(face) = scored.iter().position(|each| each.score.is_nan()) {
            return Err(PairingError::NotANumber { set, face });
        }
    }
    for (label, name) in [(Label::Authentic, "authentic"), (Label::Synthetic, "synthetic")] {
        if first.iter().all(|each| each.label != label) {
            return Err(PairingError::OneClass(name));
        }
    }
    Ok(first.iter().map(|each| each.label).collect())
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::*;

    #[test]
    fn names_what_is_not_the_same() {
        let one = faces(&[0.1, 0.2], &[0.3]);
        let check = |sets: &[&[Scored]], expected| assert_eq!(shared_labels(sets), Err(expected));
        assert_eq!(
            shared_labels(&[&one, &faces(&[0.5, 0.4], &[0.1])]),
            Ok(vec![Label::Authentic, Label::Authentic, Label::Synthetic])
        );
        check(&[], PairingError::NoRun);
        check(&[&one, &one[..2]], PairingError::Length { set: 1, found: 2, expected: 3 });
        check(&[&one, &one, &faces(&[0.1], &[0.2, 0.3])], PairingError::Label { set: 2, face: 1 });
        check(&[&one, &faces(&[0.1, 0.2], &[f64::NAN])], PairingError::NotANumber { set: 1, face: 2 });
        check(&[&one[..2]], PairingError::OneClass("synthetic"));
        check(&[&one[2..]], PairingError::OneClass("authentic"));
    }
}
