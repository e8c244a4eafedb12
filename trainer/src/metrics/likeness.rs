//! How far an activation map lies where people looked at a face.
//!
//! - Correlation: Pearson's, over the cells of both maps (the "CC" of Z. Bylinskii and others, TPAMI 2019, arXiv 1604.03605).
//! - IoU at matched area: people's region is where their map reaches half of the way from its least to its largest value; the
//!   activation map's is made of as many cells, its largest ones. It is the share of what both cover together that both cover
//!   (P. Jaccard 1912). Matched, because an activation map has no threshold of its own.
//! - Pointing game: whether the largest value of the activation map lies in people's region (J. Zhang and others, IJCV 2018,
//!   arXiv 1608.00507), without that paper's tolerance of 15 pixels: a cell of an activation map is larger than that.
//!
//! Cells of one value are taken in equal shares, so that no order of cells decides. A map without any contrast has a correlation
//! of 0, and gets what a region or a cell that is drawn blindly gets on average.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Bootstrap;
use super::comparison::quantile;
use super::proportion::wilson;

/// How far an activation map lies where people looked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likeness {
    /// Pearson's correlation of the cells, -1 to 1.
    pub correlation: f64,
    /// Intersection over union at matched area, 0 to 1.
    pub iou: f64,
    /// 1 where the largest value lies in people's region, 0 where it doesn't, a share where several are the largest.
    pub pointing: f64,
}

/// How far the activation map `cam` lies where people looked, by a map of the same cells; nothing where that has no contrast,
/// a value of either is no number, or they have different numbers of cells.
#[must_use]
pub fn likeness(cam: &[f32], people: &[f32]) -> Option<Likeness> {
    let region = region(people)?;
    if cam.len() != people.len() || cam.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let wanted = region.iter().filter(|&&inside| inside).count();
    let mut sorted = cam.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let shared = inside(cam, &region, wanted, sorted[wanted - 1]);
    Some(Likeness {
        correlation: pearson(cam, people).unwrap_or(0.0),
        iou: shared / (2.0 * wanted as f64 - shared),
        pointing: inside(cam, &region, 1, sorted[0]),
    })
}

/// People's region: the cells of at least half of the way from the least to the largest value of their map. Nothing where that
/// has no contrast, or a value that is no number.
#[must_use]
pub fn region(people: &[f32]) -> Option<Vec<bool>> {
    let (low, high) = people
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v.into()), high.max(v.into())));
    let half = low + (high - low) / 2.0;
    let is_some = high > low && people.iter().all(|value| value.is_finite());
    is_some.then(|| people.iter().map(|&value| f64::from(value) >= half).collect())
}

/// How many of the `wanted` largest cells of a map lie in a region. `last` is the least value among them; cells of that value
/// share what room is left to them.
fn inside(cam: &[f32], region: &[bool], wanted: usize, last: f32) -> f64 {
    let count = |takes: &dyn Fn(f32, bool) -> bool| {
        cam.iter().zip(region).filter(|&(&value, &inside)| takes(value, inside)).count() as f64
    };
    let room = wanted as f64 - count(&|value, _| value > last);
    let tied_inside = count(&|value, inside| value == last && inside);
    count(&|value, inside| value > last && inside) + room * tied_inside / count(&|value, _| value == last)
}

/// Pearson's correlation; nothing where one of both has no contrast.
fn pearson(one: &[f32], other: &[f32]) -> Option<f64> {
    let count = one.len() as f64;
    let mean = |values: &[f32]| values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let (mut both, mut square_one, mut square_other) = (0.0, 0.0, 0.0);
    for (&a, &b) in one.iter().zip(other) {
        let (a, b) = (f64::from(a) - mean_one, f64::from(b) - mean_other);
        both += a * b;
        square_one += a * a;
        square_other += b * b;
    }
    let is_flat = |values: &[f32]| values.iter().all(|value| *value == values[0]);
    (!is_flat(one) && !is_flat(other)).then(|| both / (square_one.sqrt() * square_other.sqrt()))
}

/// The mean of a number over faces with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceMean {
    /// The mean.
    pub value: f64,
    /// Lower end of the interval; nothing for faces of a single group.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

impl FaceMean {
    /// The mean of `values`, with the percentiles of a bootstrap that draws whole groups of faces (A. Davison and D. Hinkley 1997,
    /// section 3.8): those of a clip or a person say much the same. `groups` has a number below the number of groups for each.
    /// Nothing without a value.
    #[must_use]
    pub fn drawn(values: &[f64], groups: &[usize], bootstrap: Bootstrap) -> Option<Self> {
        let value = mean(values)?;
        let count = groups.iter().max()? + 1;
        if count < 2 || bootstrap.draws == 0 {
            return Some(Self { value, low: None, high: None });
        }
        let mut sums = vec![(0.0, 0.0); count];
        for (&value, &group) in values.iter().zip(groups) {
            sums[group].0 += value;
            sums[group].1 += 1.0;
        }
        let draw = |number: usize| {
            let mut random = stream(bootstrap.seed, number);
            let drawn = (0..count).map(|_| sums[random.random_range(0..count)]);
            let (sum, faces) = drawn.fold((0.0, 0.0), |(sum, faces), (s, f)| (sum + s, faces + f));
            sum / faces
        };
        let mut drawn: Vec<f64> = (0..bootstrap.draws).into_par_iter().map(draw).collect();
        drawn.sort_by(f64::total_cmp);
        Some(Self { value, low: Some(quantile(&drawn, 0.025)), high: Some(quantile(&drawn, 0.975)) })
    }

    /// The mean of `values` that are hits or misses, with E. B. Wilson's interval, as wide as if each group were one face: a bootstrap
    /// has none where all are hits. Nothing without a value.
    #[must_use]
    pub fn of_hits(values: &[f64], groups: &[usize]) -> Option<Self> {
        let value = mean(values)?;
        let (low, high) = wilson(value, (groups.iter().max()? + 1) as f64);
        Some(Self { value, low: Some(low), high: Some(high) })
    }
}

/// The difference of a number's mean in two settings, with its 95 % interval over runs and groups of faces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanDifference {
    /// Mean of the first setting less that of the second.
    pub difference: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl MeanDifference {
    /// Compares values of the same faces in the runs of two settings, by the percentiles of a hierarchical bootstrap: runs of each
    /// setting by itself, and groups of faces, the same ones for all runs. Nothing where a setting has no run, there is no face, or
    /// the runs aren't of the same faces.
    #[must_use]
    pub fn new(first: &[Vec<f64>], second: &[Vec<f64>], groups: &[usize], bootstrap: Bootstrap) -> Option<Self> {
        let mut all = first.iter().chain(second);
        if first.is_empty() || second.is_empty() || bootstrap.draws == 0 || all.any(|run| run.len() != groups.len()) {
            return None;
        }
        let count = groups.iter().max()? + 1;
        let means = |runs: &[Vec<f64>]| runs.iter().filter_map(|run| mean(run)).sum::<f64>() / runs.len() as f64;
        let mut members = vec![Vec::new(); count];
        for (face, &group) in groups.iter().enumerate() {
            members[group].push(face);
        }
        let draw = |number: usize| {
            let mut random = stream(bootstrap.seed, number);
            let drawn: Vec<usize> = (0..count).flat_map(|_| &members[random.random_range(0..count)]).copied().collect();
            let mut of = |runs: &[Vec<f64>]| {
                let sum: f64 = (0..runs.len())
                    .map(|_| {
                        let run = &runs[random.random_range(0..runs.len())];
                        drawn.iter().map(|&face| run[face]).sum::<f64>() / drawn.len() as f64
                    })
                    .sum();
                sum / runs.len() as f64
            };
            let first = of(first);
            first - of(second)
        };
        let mut drawn: Vec<f64> = (0..bootstrap.draws).into_par_iter().map(draw).collect();
        drawn.sort_by(f64::total_cmp);
        let difference = means(first) - means(second);
        Some(Self { difference, low: quantile(&drawn, 0.025), high: quantile(&drawn, 0.975) })
    }
}

/// A stream a draw, so that it doesn't matter which core draws it.
fn stream(seed: u64, draw: usize) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(draw as u64);
    random
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: Bootstrap = Bootstrap { draws: 2000, seed: 1 };

    fn check(cam: &[f32], people: &[f32], correlation: f64, iou: f64, pointing: f64) {
        let found = likeness(cam, people).expect("people's map has contrast");
        let close = |found: f64, wanted: f64| (found - wanted).abs() < 1e-12;
        let fits = close(found.correlation, correlation) && close(found.iou, iou) && close(found.pointing, pointing);
        assert!(fits, "{cam:?} and {people:?}: {found:?}");
    }

    #[test]
    fn maps_are_compared_by_hand() {
        let people = [1.0, 0.5, 0.0, 0.0];
        check(&people, &people, 1.0, 1.0, 1.0);
        check(&[-1.0, -0.5, 0.0, 0.0], &people, -1.0, 0.0, 0.0);
        // Half of the region, and the largest outside of it.
        let of_half = -0.125 / (2.75_f64 * 0.6875).sqrt();
        check(&[1.0, 0.0, 2.0, 0.0], &people, of_half, 1.0 / 3.0, 0.0);
        // A map without contrast: of two cells that are drawn blindly one lies in a region of two of four.
        check(&[7.0; 4], &people, 0.0, 1.0 / 3.0, 0.5);
    }

    #[test]
    fn what_can_t_be_compared_is_no_number() {
        assert_eq!(likeness(&[0.0, 1.0], &[1.0, 1.0]), None, "nobody painted anything");
        assert_eq!(likeness(&[0.0, f32::NAN], &[0.0, 1.0]), None);
        assert_eq!(likeness(&[0.0], &[0.0, 1.0]), None);
        assert_eq!(likeness(&[], &[]), None);
    }

    #[test]
    fn an_interval_goes_by_groups() {
        let values: Vec<f64> = (0..100).map(|face| f64::from(face % 10)).collect();
        let alone: Vec<usize> = (0..100).collect();
        let of_ten: Vec<usize> = (0..100).map(|face| face % 10).collect();
        let found = |groups: &[usize]| FaceMean::drawn(&values, groups, DRAWS).expect("there are values");
        let width = |mean: FaceMean| mean.high.expect("an end") - mean.low.expect("an end");
        // The normal interval of 100 faces, and of 10.
        assert!((width(found(&alone)) - 2.0 * 1.96 * 0.287).abs() < 0.1, "{:?}", found(&alone));
        assert!((width(found(&of_ten)) - 2.0 * 1.96 * 0.908).abs() < 0.3, "{:?}", found(&of_ten));
        assert_eq!(found(&[0; 100]), FaceMean { value: 4.5, low: None, high: None });
        let hits = FaceMean::of_hits(&[1.0; 20], &of_ten[..20]).expect("there are values");
        assert!((hits.low.expect("an end") - 0.722).abs() < 1e-3 && hits.high.expect("an end") > 0.999, "{hits:?}");
        assert_eq!(FaceMean::drawn(&[], &[], DRAWS), None);
    }

    #[test]
    fn settings_differ_by_the_difference_of_their_means() {
        let groups: Vec<usize> = (0..40).collect();
        let run = |more: f64| groups.iter().map(|&face| more + face as f64 / 40.0).collect::<Vec<f64>>();
        let found = MeanDifference::new(&[run(0.3), run(0.5)], &[run(0.0)], &groups, DRAWS).expect("the same faces");
        assert!((found.difference - 0.4).abs() < 1e-12, "{found:?}");
        // The faces are the same in both, so only which run is drawn matters: both times the one, or both times the other.
        assert!((found.low - 0.3).abs() < 1e-9 && (found.high - 0.5).abs() < 1e-9, "{found:?}");
        assert_eq!(MeanDifference::new(&[run(0.0)], &[vec![0.0; 3]], &groups, DRAWS), None);
    }
}
