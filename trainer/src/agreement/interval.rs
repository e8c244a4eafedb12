//! A value over faces, with the interval that other faces of the kind would give: a bootstrap that draws whole faces, because
//! the answers to one face aren't independent of each other (B. Efron and R. Tibshirani 1993, chapter 13: percentiles).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use crate::metrics::Bootstrap;

/// A value with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Of the faces as they are.
    pub value: f64,
    /// Lower end; nothing where too few draws have a value.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// How many faces it is of.
    pub faces: usize,
}

/// The value of `faces`, and its interval over draws of as many of them with replacement. Draws without a value are left out;
/// with more than half of them so there is no interval. The same seed gives the same interval, on any number of cores.
pub fn estimate<T: Sync>(
    faces: &[T],
    bootstrap: Bootstrap,
    value: impl Fn(&mut dyn Iterator<Item = &T>) -> Option<f64> + Sync,
) -> Option<Estimate> {
    let found = value(&mut faces.iter())?;
    let draw = |number: usize| {
        let mut random = ChaCha8Rng::seed_from_u64(bootstrap.seed);
        random.set_stream(number as u64);
        value(&mut (0..faces.len()).map(|_| &faces[random.random_range(0..faces.len())]))
    };
    let mut drawn: Vec<f64> = (0..bootstrap.draws).into_par_iter().filter_map(draw).collect();
    drawn.sort_by(f64::total_cmp);
    let is_enough = !drawn.is_empty() && drawn.len() * 2 >= bootstrap.draws;
    let at = |share: f64| is_enough.then(|| percentile(&drawn, share));
    Some(Estimate { value: found, low: at(0.025), high: at(0.975), faces: faces.len() })
}

/// The value below which a share of sorted ones lies, on the line between its neighbours.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (at - at.floor())
}

/// Mean of some numbers; nothing of none.
pub fn mean(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_usize);
    for number in numbers {
        sum += number;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

/// First quartile, median and third quartile; nothing of none.
#[must_use]
pub fn quartiles(numbers: &[f64]) -> Option<[f64; 3]> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| [0.25, 0.5, 0.75].map(|share| percentile(&sorted, share)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_wide_as_theory_has_it() {
        // 400 faces, half of them right: the share's standard error is 0.025.
        let faces: Vec<f64> = (0..400).map(|face| f64::from(face % 2)).collect();
        let bootstrap = Bootstrap { draws: 2000, seed: 1 };
        let found = estimate(&faces, bootstrap, |faces| mean(faces.copied())).expect("there are faces");
        let (low, high) = (found.low.expect("an interval"), found.high.expect("an interval"));
        assert!((found.value - 0.5).abs() < 1e-12 && found.faces == 400);
        assert!((low - 0.451).abs() < 0.006 && (high - 0.549).abs() < 0.006, "{low} to {high}");
        assert_eq!(estimate(&faces, bootstrap, |faces| mean(faces.copied())), Some(found), "the seed decides");
        let other = estimate(&faces, Bootstrap { seed: 2, ..bootstrap }, |faces| mean(faces.copied()));
        assert_ne!(other, Some(found));
    }

    #[test]
    fn without_a_value_there_is_none() {
        let bootstrap = Bootstrap { draws: 10, seed: 1 };
        assert_eq!(estimate(&[0.0; 0], bootstrap, |faces| mean(faces.copied())), None);
        assert_eq!(quartiles(&[]), None);
        assert_eq!(quartiles(&[4.0, 1.0, 2.0, 3.0]), Some([1.75, 2.5, 3.25]));
    }
}
