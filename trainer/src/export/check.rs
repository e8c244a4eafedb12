//! Runs a model file in ONNX Runtime beside libtorch.

use std::num::NonZeroUsize;

use cyborg_edge::model::classifier::Classifier;
use cyborg_edge::model::provider::{Asked, Provider};
use cyborg_edge::model::runtime::Runtime;
use cyborg_edge::model::session::SessionSettings;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::torch::Model;

/// Largest difference of a number, over the largest number of its output where that is more than 1.
pub const TOLERANCE: f32 = 1e-4;

/// Largest differences between ONNX Runtime and libtorch, by output; see [`TOLERANCE`] for what they are counted in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Of the class scores.
    pub logits: f32,
    /// Of the activation maps.
    pub maps: f32,
}

/// Runs `batch` random crops, half of them smooth and half of them noise, through the file and through libtorch.
///
/// # Errors
///
/// When the file can't be opened or run.
pub fn compare(runtime: &Runtime, file: &[u8], model: &Model, batch: usize, seed: u64) -> anyhow::Result<Difference> {
    let settings = SessionSettings { provider: Asked::Named(Provider::Cpu), threads: NonZeroUsize::MIN };
    let mut classifier = Classifier::from_bytes(runtime, "just made", file, settings)?;
    let pixels = crops(model.network().input_side, batch, seed);
    let (mut logits, mut maps) = (Vec::new(), Vec::new());
    classifier.run(&pixels, &mut logits, &mut maps)?;
    let logits: Vec<f32> = logits.iter().flat_map(|pair| [pair.authentic, pair.synthetic]).collect();
    let expected = model.score(&pixels);
    Ok(Difference { logits: largest(&logits, &expected.logits), maps: largest(&maps, &expected.maps) })
}

fn crops(side: usize, batch: usize, seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = Vec::with_capacity(batch * side * side * 3);
    for number in 0..batch {
        let [across, down, shift]: [f32; 3] = std::array::from_fn(|_| random.random_range(-0.1..0.1));
        for index in 0..side * side * 3 {
            let (x, y, channel) = (index / 3 % side, index / 3 / side, index % 3);
            let wave = (x as f32 * across + y as f32 * down + channel as f32 * shift * 30.0).sin();
            pixels.push(if number % 2 == 0 { (wave * 127.0 + 128.0) as u8 } else { random.random_range(0..=255) });
        }
    }
    pixels
}

/// Infinite when the lengths differ, and no number when one of the values is none.
fn largest(found: &[f32], expected: &[f32]) -> f32 {
    if found.len() != expected.len() {
        return f32::INFINITY;
    }
    let scale = expected.iter().fold(1.0_f32, |most, value| most.max(value.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs() / scale)
        .fold(0.0, |most, off| if off.is_nan() || most.is_nan() { f32::NAN } else { most.max(off) })
}

#[cfg(test)]
mod tests {
    use super::largest;

    #[test]
    fn a_difference_is_never_overlooked() {
        assert_eq!(largest(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert_eq!(largest(&[0.5, 0.25], &[0.5, 0.5]), 0.25);
        assert_eq!(largest(&[3.0, 4.0], &[4.0, 4.0]), 0.25);
        assert_eq!(largest(&[1.0], &[1.0, 2.0]), f32::INFINITY);
        assert!(largest(&[f32::NAN, 1.0], &[1.0, 1.0]).is_nan());
    }
}
