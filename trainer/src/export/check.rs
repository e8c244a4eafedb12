//! Runs a model file in ONNX Runtime beside libtorch.

use std::num::NonZeroUsize;

use anyhow::ensure;
use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;

use super::fold::foldable;
use crate::network::Op;
use crate::torch::Model;

/// Largest differences between ONNX Runtime and libtorch, by output, counted in the output's spread.
///
/// The spread is how far a number of the output (a class score, a pixel of the map) gets from crop to crop, from its
/// lowest to its highest value, the largest of all numbers of the output; and at least half of the largest absolute
/// value, as rounding grows with the values, even where a network says nearly the same of all crops. So a difference
/// means the same for outputs of any size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Of the class scores.
    pub logits: f32,
    /// Of the activation maps.
    pub maps: f32,
}

/// Share of the largest absolute value that the spread is at least.
const LEAST_SPREAD: f32 = 0.5;
/// Crops in a run but the first one, which runs alone: the batch size of a file is free.
const BATCH: usize = 8;

/// Runs `crops`, N * S * S * 3 bytes of RGB, through the file and through libtorch.
///
/// # Errors
///
/// When the file can't be opened or run, or `crops` are not whole crops of the network's size.
pub fn compare(runtime: &Runtime, file: &[u8], model: &Model, crops: &[u8]) -> anyhow::Result<Difference> {
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    let mut classifier = Classifier::from_bytes(runtime, "just made", file, settings)?;
    let crop = model.network().input_side.pow(2) * 3;
    ensure!(!crops.is_empty() && crops.len().is_multiple_of(crop), "{} bytes are not crops of {crop}", crops.len());
    let (first, others) = crops.split_at(crop);
    let (mut logits, mut maps, mut logits_expected, mut maps_expected) = (vec![], vec![], vec![], vec![]);
    for batch in std::iter::once(first).chain(others.chunks(crop * BATCH)) {
        classifier.run(batch, &mut logits, &mut maps)?;
        let scores = model.score(batch);
        logits_expected.extend(scores.logits);
        maps_expected.extend(scores.maps);
    }
    let logits: Vec<f32> = logits.iter().flat_map(|pair| [pair.authentic, pair.synthetic]).collect();
    let count = crops.len() / crop;
    Ok(Difference { logits: largest(&logits, &logits_expected, count), maps: largest(&maps, &maps_expected, count) })
}

/// The largest absolute value that the layers of a file would have to hold for these crops, the name of the layer or
/// its kind, by running them in libtorch. A convolution that its batch normalisation goes into is never seen alone.
pub(super) fn largest_inside(model: &Model, crops: &[u8]) -> (f32, String) {
    let network = model.network();
    let crop = network.input_side.pow(2) * 3;
    let folds = foldable(network);
    let hidden = |index: usize| folds.get(index + 1).is_some_and(|&folds| folds);
    let mut most = (0.0_f32, String::new());
    for batch in crops.chunks(crop * BATCH) {
        for (index, largest) in model.largest_values(batch).into_iter().enumerate() {
            if !hidden(index) && (largest > most.0 || largest.is_nan()) {
                most = (largest, name(&network.nodes[index].op));
            }
        }
    }
    most
}

fn name(op: &Op) -> String {
    match op {
        Op::Conv { name, .. } | Op::BatchNorm { name } | Op::Linear { name, .. } => name.clone(),
        other => format!("{other:?}"),
    }
}

/// The largest difference over the spread, see [`Difference`]. Infinite when the lengths differ, and no number when one
/// of the values is none.
fn largest(found: &[f32], expected: &[f32], crops: usize) -> f32 {
    if found.len() != expected.len() {
        return f32::INFINITY;
    }
    let worst = |most: f32, off: f32| if off.is_nan() || most.is_nan() { f32::NAN } else { most.max(off) };
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, worst);
    if off == 0.0 { 0.0 } else { off / spread(expected, crops) }
}

fn spread(values: &[f32], crops: usize) -> f32 {
    let size = values.len() / crops;
    let range = |at: usize| {
        let of_number = values.iter().skip(at).step_by(size);
        of_number.clone().fold(f32::MIN, |most, &value| most.max(value))
            - of_number.fold(f32::MAX, |least, &value| least.min(value))
    };
    let absolute = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    (0..size).map(range).fold(absolute * LEAST_SPREAD, f32::max)
}

#[cfg(test)]
mod tests {
    use super::{largest, spread};

    #[test]
    fn a_spread_worked_by_hand() {
        // Two numbers for three crops: the first one goes from -1 to 3, the second one from 5 to 6.
        assert_eq!(spread(&[1.0, 5.0, -1.0, 6.0, 3.0, 5.5], 3), 4.0);
        // An offset that all share counts for half of it.
        assert_eq!(spread(&[101.0, 105.0, 99.0, 106.0, 103.0, 105.5], 3), 53.0);
        assert_eq!(spread(&[0.25, 0.5], 1), 0.25);
    }

    #[test]
    fn a_difference_is_never_overlooked() {
        assert_eq!(largest(&[1.0, 2.0], &[1.0, 2.0], 2), 0.0);
        assert_eq!(largest(&[0.0, 0.0], &[0.0, 0.0], 2), 0.0);
        assert_eq!(largest(&[1e-6, 0.0], &[0.0, 0.0], 2), f32::INFINITY);
        // A difference of 1/4 in numbers from 1/2 to 1, and the same with all a thousand times smaller.
        assert_eq!(largest(&[0.5, 0.75], &[0.5, 1.0], 2), 0.5);
        assert!((largest(&[0.0005, 0.00075], &[0.0005, 0.001], 2) - 0.5).abs() < 1e-6);
        assert_eq!(largest(&[1.0], &[1.0, 2.0], 1), f32::INFINITY);
        assert!(largest(&[f32::NAN, 1.0], &[1.0, 1.0], 2).is_nan());
        assert!(largest(&[1.0, 1.0], &[1.0, f32::NAN], 2).is_nan());
    }
}
