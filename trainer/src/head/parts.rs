//! Layers that were learnt from different collections, made into one.
//!
//! In each group of collections real and synthetic faces differ by more than what is generated: in gloss, light and framing. A layer
//! learns that too, and what it learns of one group speaks wrongly of another. The mean of layers that know one group each
//! keeps what they agree on.

use crate::torch::Logistic;

/// The layer whose evidence is the mean of that of `layers`, each with its weight, over its own standard deviation over all
/// faces of `features`, `[faces, width]`. Its unit is that of the first one.
#[must_use]
pub fn mean(layers: &[(Logistic, f64)], features: &[f32], width: usize) -> Option<Logistic> {
    let spread = |layer: &Logistic| {
        let evidence: Vec<f64> = features.chunks_exact(width).map(|face| layer.evidence(face)).collect();
        let count = evidence.len().max(1) as f64;
        let middle = evidence.iter().sum::<f64>() / count;
        (evidence.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / count).sqrt()
    };
    let unit = spread(&layers.first()?.0);
    let weights: f64 = layers.iter().map(|(_, weight)| weight).sum();
    let mut mean = Logistic { weight: vec![0.0; width], bias: 0.0 };
    for (layer, weight) in layers {
        let share = weight / weights * unit / spread(layer).max(f64::MIN_POSITIVE);
        mean.weight.iter_mut().zip(&layer.weight).for_each(|(sum, part)| *sum += part * share);
        mean.bias += layer.bias * share;
    }
    Some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_count_alike_whatever_their_units() {
        let layer = |weight: [f64; 2], bias| Logistic { weight: weight.to_vec(), bias };
        // Four faces, each feature 0 or 1 in half of them: a deviation of one half.
        let features = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
        let both = |weight| mean(&[(layer([2.0, 0.0], 1.0), 1.0), (layer([0.0, 8.0], -4.0), weight)], &features, 2);
        // The second one's 4 to the first one's 1: a quarter of it counts, and half of each.
        assert_eq!(both(1.0), Some(layer([1.0, 1.0], 0.0)));
        // With three times the weight a quarter of the first one and three quarters of the second.
        assert_eq!(both(3.0), Some(layer([0.5, 1.5], -0.5)));
        assert_eq!(mean(&[(layer([2.0, 0.0], 1.0), 7.0)], &features, 2), Some(layer([2.0, 0.0], 1.0)));
        assert_eq!(mean(&[], &features, 2), None);
    }
}
