//! Whether one setting of the training is better than another, over seeds and over faces.
//!
//! Two runs of one setting differ by their seed, and the faces at hand are a sample too. Both kinds of chance are drawn anew
//! in each draw of a hierarchical bootstrap (A. Davison and D. Hinkley 1997, section 3.8): runs with replacement in each
//! setting by itself, and faces with replacement in each class, the same faces for all runs. The interval is that of the
//! percentiles of the difference.
//!
//! With few runs it is somewhat too narrow, as every bootstrap of few is: by `sqrt((n - 1) / n)` for the part of the seeds.
//! With one run in a setting it knows nothing of that setting's seeds at all.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::pairing::shared_labels;
use super::{PairingError, Scored, Spread, auc, spread};
use crate::data::list::Label;

/// How an interval is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Bootstrap {
    /// Draws; 2000 are usual for an interval of 95 %.
    pub draws: usize,
    /// Seed of the draws: the same one gives the same interval, on any number of cores.
    pub seed: u64,
}

/// AUCs of two settings.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// AUCs of the first setting's runs.
    pub first: Spread,
    /// AUCs of the second setting's runs.
    pub second: Spread,
    /// Mean of the first minus mean of the second.
    pub difference: f64,
    /// Lower end of the 95 % interval of the difference.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How the interval was drawn.
    pub bootstrap: Bootstrap,
}

/// Compares the AUCs of two settings, each with one or more runs, all scored on the same faces in the same order.
///
/// # Errors
///
/// When a setting has no run, the faces aren't the same by number and labels, a class is missing, a score is no number, or
/// no draw is asked for. Sets are counted through both settings.
pub fn compare(
    first: &[Vec<Scored>],
    second: &[Vec<Scored>],
    bootstrap: Bootstrap,
) -> Result<Comparison, PairingError> {
    if first.is_empty() || second.is_empty() {
        return Err(PairingError::NoRun);
    }
    if bootstrap.draws == 0 {
        return Err(PairingError::NoDraw);
    }
    let labels = shared_labels(&first.iter().chain(second).map(Vec::as_slice).collect::<Vec<_>>())?;
    let faces = Faces::new(&labels);
    let of_setting = |runs: &[Vec<Scored>]| {
        let aucs: Option<Vec<_>> = runs.iter().map(|run| auc(run)).collect();
        let spread = aucs.and_then(|aucs| spread(&aucs)).expect("both classes are there, and no NaN");
        (spread, runs.iter().map(|run| Run::new(run)).collect::<Vec<_>>())
    };
    let (first, first_runs) = of_setting(first);
    let (second, second_runs) = of_setting(second);
    let draw = |weights: &mut Vec<u32>, draw: usize| {
        // A stream a draw, so that it doesn't matter which core draws it.
        let mut random = ChaCha8Rng::seed_from_u64(bootstrap.seed);
        random.set_stream(draw as u64);
        faces.draw(weights, &mut random);
        mean_of_drawn(&first_runs, weights, &faces, &mut random)
            - mean_of_drawn(&second_runs, weights, &faces, &mut random)
    };
    let mut drawn: Vec<f64> = (0..bootstrap.draws).into_par_iter().map_init(Vec::new, draw).collect();
    drawn.sort_by(f64::total_cmp);
    Ok(Comparison {
        first,
        second,
        difference: first.mean - second.mean,
        low: quantile(&drawn, 0.025),
        high: quantile(&drawn, 0.975),
        bootstrap,
    })
}

/// The faces of each class by their indices.
struct Faces {
    authentic: Vec<usize>,
    synthetic: Vec<usize>,
}

impl Faces {
    fn new(labels: &[Label]) -> Self {
        let of = |label| (0..labels.len()).filter(|&face| labels[face] == label).collect();
        Self { authentic: of(Label::Authentic), synthetic: of(Label::Synthetic) }
    }

    /// How often each face is drawn.
    fn draw(&self, weights: &mut Vec<u32>, random: &mut ChaCha8Rng) {
        weights.clear();
        weights.resize(self.authentic.len() + self.synthetic.len(), 0);
        for class in [&self.authentic, &self.synthetic] {
            for _ in class {
                weights[class[random.random_range(0..class.len())]] += 1;
            }
        }
    }
}

/// The faces of a run from the lowest score up: sorted once, so that a draw needs one pass.
struct Run(Vec<Place>);

struct Place {
    face: usize,
    label: Label,
    last_of_tie: bool,
}

impl Run {
    fn new(scored: &[Scored]) -> Self {
        let mut order: Vec<usize> = (0..scored.len()).collect();
        order.sort_by(|&a, &b| scored[a].score.total_cmp(&scored[b].score));
        let place = |(index, &face): (usize, &usize)| Place {
            face,
            label: scored[face].label,
            last_of_tie: order.get(index + 1).is_none_or(|&next| scored[next].score != scored[face].score),
        };
        Self(order.iter().enumerate().map(place).collect())
    }

    /// The AUC when each face is there as often as `weights` say.
    fn auc(&self, weights: &[u32], faces: &Faces) -> f64 {
        let (mut below, mut tied_authentic, mut tied_synthetic, mut halves) = (0_u64, 0_u64, 0_u64, 0_u64);
        for place in &self.0 {
            let weight = u64::from(weights[place.face]);
            match place.label {
                Label::Authentic => tied_authentic += weight,
                Label::Synthetic => tied_synthetic += weight,
            }
            if place.last_of_tie {
                halves += tied_synthetic * (2 * below + tied_authentic);
                below += tied_authentic;
                (tied_authentic, tied_synthetic) = (0, 0);
            }
        }
        halves as f64 / 2.0 / (faces.authentic.len() * faces.synthetic.len()) as f64
    }
}

/// Mean AUC of as many runs as there are, drawn with replacement.
fn mean_of_drawn(runs: &[Run], weights: &[u32], faces: &Faces, random: &mut ChaCha8Rng) -> f64 {
    let mut known = vec![None; runs.len()];
    let drawn = runs.iter().map(|_| {
        let run = random.random_range(0..runs.len());
        *known[run].get_or_insert_with(|| runs[run].auc(weights, faces))
    });
    drawn.sum::<f64>() / runs.len() as f64
}

/// Interpolated between the two nearest of the sorted values, as numpy does by default.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::super::{auc_difference, auc_interval};
    use super::*;

    /// Runs of a model whose synthetic faces score higher by `apart`; scores of a face are alike in all runs and settings,
    /// but for noise of `jitter`.
    fn runs(seeds: std::ops::Range<u64>, count: usize, apart: f64, jitter: f64) -> Vec<Vec<Scored>> {
        let mut shared = ChaCha8Rng::seed_from_u64(1000);
        let base: Vec<f64> = (0..2 * count).map(|_| shared.random_range(0.0..1.0)).collect();
        let run = |seed| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let scores: Vec<f64> = base.iter().map(|score| score + jitter * random.random_range(-1.0..1.0)).collect();
            let synthetic: Vec<f64> = scores[count..].iter().map(|score| score + apart).collect();
            faces(&scores[..count], &synthetic)
        };
        seeds.map(run).collect()
    }

    fn compared(first: &[Vec<Scored>], second: &[Vec<Scored>]) -> Comparison {
        compare(first, second, Bootstrap { draws: 2000, seed: 7 }).expect("the same faces")
    }

    #[test]
    fn a_weighted_auc_is_that_of_repeated_faces() {
        let scored = faces(&[0.1, 0.4, 0.4, 0.6], &[0.4, 0.8, 0.2, 0.6]);
        let labels: Vec<_> = scored.iter().map(|each| each.label).collect();
        for weights in [[1; 8], [0, 3, 1, 0, 2, 0, 1, 1], [4, 0, 0, 0, 0, 0, 0, 4], [0, 0, 0, 4, 0, 0, 0, 4]] {
            let repeated: Vec<_> =
                scored.iter().zip(weights).flat_map(|(&each, weight)| vec![each; weight as usize]).collect();
            let found = Run::new(&scored).auc(&weights, &Faces::new(&labels));
            let expected = auc(&repeated).expect("both classes are there");
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn faces_are_drawn_within_their_class() {
        let labels: Vec<_> = faces(&[0.1; 30], &[0.2; 7]).iter().map(|each| each.label).collect();
        let faces = Faces::new(&labels);
        let mut weights = Vec::new();
        for seed in 0..20 {
            faces.draw(&mut weights, &mut ChaCha8Rng::seed_from_u64(seed));
            assert_eq!((weights[..30].iter().sum::<u32>(), weights[30..].iter().sum::<u32>()), (30, 7));
            assert!(weights.iter().any(|&weight| weight > 1));
        }
    }

    #[test]
    fn one_run_each_comes_to_delongs_interval() {
        // Without seeds to draw from, only the faces vary, and DeLong's variance is about that.
        let first = runs(0..1, 400, 0.4, 0.3);
        let second = runs(1..2, 400, 0.3, 0.3);
        let found = compared(&first, &second);
        let delong = auc_difference(&first[0], &second[0]).expect("the same faces");
        assert!((found.difference - delong.difference).abs() < 1e-12);
        let width = delong.high - delong.low;
        assert!((found.low - delong.low).abs() < 0.1 * width && (found.high - delong.high).abs() < 0.1 * width);
        // The same faces for both: apart they would be far less sure.
        let alone = auc_interval(&first[0]).expect("both classes");
        assert!(width < alone.high - alone.low);
        assert_eq!((found.first.runs, found.first.deviation), (1, None));
    }

    #[test]
    fn seeds_are_drawn_with_replacement() {
        // Whatever faces are drawn, a perfect run has an AUC of 1 and a constant one of 1/2. Of three draws from three runs,
        // all are the perfect one once in 27 times, more than the 2.5 % at the end, and none is it 8 times.
        let (perfect, constant) = (faces(&[0.1; 9], &[0.9; 8]), faces(&[0.5; 9], &[0.5; 8]));
        let first = [constant.clone(), perfect, constant.clone()];
        let found = compared(&first, std::slice::from_ref(&constant));
        assert!((found.difference - 0.5 / 3.0).abs() < 1e-12);
        assert_eq!((found.low, found.high), (0.0, 0.5));
        let back = compared(&[constant], &first);
        assert_eq!((back.low, back.high), (-0.5, 0.0));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let (first, second) = (runs(0..3, 50, 0.4, 0.2), runs(3..6, 50, 0.2, 0.2));
        let found = compared(&first, &second);
        assert_eq!(found, compared(&first, &second));
        let other = compare(&first, &second, Bootstrap { draws: 2000, seed: 8 }).expect("the same faces");
        assert!(other.low != found.low && (other.low - found.low).abs() < 0.05);
        assert!(found.low > 0.0, "{found:?}");
    }

    #[test]
    fn quantiles_are_interpolated() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|share| quantile(&sorted, share)), [1.0, 1.75, 3.0, 8.0]);
        assert_eq!(quantile(&[5.0], 0.975), 5.0);
    }

    #[test]
    fn refuses_what_can_not_be_compared() {
        let one = vec![faces(&[0.1, 0.2], &[0.3])];
        let check = |first: &[Vec<Scored>], second: &[Vec<Scored>], draws, expected| {
            assert_eq!(compare(first, second, Bootstrap { draws, seed: 0 }), Err(expected));
        };
        check(&one, &[], 10, PairingError::NoRun);
        check(&[], &one, 10, PairingError::NoRun);
        check(&one, &one, 0, PairingError::NoDraw);
        check(&one, &[faces(&[0.1], &[0.2, 0.3])], 10, PairingError::Label { set: 1, face: 1 });
    }
}
