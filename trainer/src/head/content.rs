//! How far the content of a picture alone gives its class away.
//!
//! Generated faces are often of young people with make-up in soft light, and photos of collections of people at a lectern. Who tells
//! the two apart has not told how a picture was made. The late blocks of the tower know what a picture shows and hardly anything
//! of how it came about, so a layer on their tokens measures that: each face is judged by a layer that learnt from others of the same
//! collections, to which no face is new.

use std::collections::HashMap;

use anyhow::Context;

use super::features::Described;
use super::generated::{alike, only};
use crate::torch::logistic;

/// Block whose tokens say what a picture shows.
pub const BLOCK: usize = 11;
/// In how many parts the faces are left out in turn.
const FOLDS: usize = 5;
/// Holds back the weights. So little that content is used for all that it is worth: 0.16 and more leave some of it in what is then
/// called matched.
const RIDGE: f64 = 0.05;

/// p(synthetic) of each face by its content, by a layer that learnt neither from it nor from others of its group.
///
/// # Errors
///
/// When a class is missing in what is learnt from, or the numbers don't settle.
pub fn told(faces: &Described, groups: &[Option<&str>], width: usize) -> anyhow::Result<Vec<f32>> {
    let folds = folds(groups);
    let mut told = vec![f32::NAN; groups.len()];
    for fold in 0..FOLDS {
        let learnt = only(faces, width, |at| folds[at] != fold);
        let layer = logistic::fit(&learnt.features, &learnt.labels, &alike(&learnt.labels), RIDGE)
            .with_context(|| format!("without part {} of {FOLDS} of the faces", fold + 1))?;
        for ((told, &at), features) in told.iter_mut().zip(&folds).zip(faces.features.chunks_exact(width)) {
            if at == fold {
                *told = (1.0 / (1.0 + (-layer.evidence(features)).exp())) as f32;
            }
        }
    }
    Ok(told)
}

/// The part that each face goes to: in turn, so that each collection is in all of them, and a group as a whole.
fn folds(groups: &[Option<&str>]) -> Vec<usize> {
    let (mut of_group, mut turns) = (HashMap::new(), (0..FOLDS).cycle());
    let mut folds = Vec::with_capacity(groups.len());
    for group in groups {
        let known = group.and_then(|group| of_group.get(group).copied());
        let fold = known.or_else(|| turns.next()).unwrap_or(0);
        if let Some(group) = group {
            of_group.insert(*group, fold);
        }
        folds.push(fold);
    }
    folds
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Two values: whether the picture shows what fakes show, which is right for four in five faces, and noise.
    fn faces() -> Described {
        let mut seen = Described::default();
        for at in 0..600 {
            let synthetic = at % 2 == 1;
            let shows = synthetic != (at / 2 % 5 == 0);
            seen.features.extend([f32::from(u8::from(shows)), (at * 7 % 13) as f32 / 13.0]);
            seen.labels.push(synthetic);
        }
        seen
    }

    #[test]
    fn each_face_is_judged_by_what_it_shows() {
        let seen = faces();
        let told = told(&seen, &vec![None; 600], 2).expect("both classes are there");
        for (face, p) in seen.features.chunks_exact(2).zip(&told) {
            assert!((face[0] - p).abs() < 0.45 && (face[0] > 0.5) == (*p > 0.5), "{face:?}: {p}");
        }
    }

    #[test]
    fn nobody_is_judged_by_a_layer_that_learnt_from_it() {
        // Two hundred values that have nothing to do with the class: enough to know each of eighty faces by heart.
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let features = (0..80 * 200).map(|_| random.random()).collect();
        let seen = Described { features, labels: (0..80).map(|at| at % 2 == 1).collect() };
        let told = told(&seen, &[None; 80], 200).expect("both classes are there");
        let right = told.iter().zip(&seen.labels).filter(|(p, label)| (**p > 0.5) == **label).count();
        assert!(right < 56, "{right} of 80");
    }

    #[test]
    fn groups_stay_together_and_the_rest_goes_in_turn() {
        let groups = [Some("a"), None, None, Some("a"), Some("b"), None, None, Some("b")];
        assert_eq!(folds(&groups), [0, 1, 2, 0, 3, 4, 0, 3]);
    }

    #[test]
    fn one_class_is_refused() {
        let seen = Described { features: vec![0.5; 20], labels: vec![true; 20] };
        let error = told(&seen, &[None; 20], 1).expect_err("there are no real faces");
        assert!(format!("{error:#}").contains("both classes"), "{error:#}");
    }
}
