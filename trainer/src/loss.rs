//! The CYBORG loss (A. Boyd and others, WACV 2023): a class loss blended with the distance from the network's class
//! activation map to a map of where a person looked.
//!
//! ```text
//! L = alpha * CE(logits, labels) + (1 - alpha) * MSE(minmax(CAM of the true class), H)
//! ```

use tch::{Kind, Reduction, Tensor};

/// Terms of the loss, each a single number with its gradient.
#[derive(Debug)]
pub struct Loss {
    /// What training makes smaller.
    pub total: Tensor,
    /// Mean cross-entropy over the batch.
    pub class: Tensor,
    /// Mean squared error of the maps over the samples that have one, and their pixels; 0 when none has.
    pub saliency: Tensor,
}

/// What a batch says of its samples.
#[derive(Debug)]
pub struct Targets {
    /// Class of each sample, `[N]` of 64-bit integers.
    pub labels: Tensor,
    /// Saliency maps in 0 to 1 at the size of the activation map, `[N, h, w]`. What stands where there is none is not read.
    pub maps: Tensor,
    /// 1 for a sample with a map and 0 for one without, `[N]` of floats.
    pub has_map: Tensor,
}

/// The loss of a batch. `maps` are the activation maps of the true classes, `[N, h, w]`; `alpha` is in 0 to 1.
#[must_use]
pub fn cyborg(logits: &Tensor, maps: &Tensor, targets: &Targets, alpha: f64) -> Loss {
    let class = logits.cross_entropy_loss(&targets.labels, None::<&Tensor>, Reduction::Mean, -100, 0.0);
    let saliency = saliency_error(maps, targets);
    let total = &class * alpha + &saliency * (1.0 - alpha);
    Loss { total, class, saliency }
}

/// Mean over the samples that have a map, so that the others don't dilute it.
fn saliency_error(maps: &Tensor, targets: &Targets) -> Tensor {
    let distance = min_max(maps) - &targets.maps;
    let each = (&distance * &distance).mean_dim([1_i64, 2].as_slice(), false, Kind::Float);
    // Chosen, not multiplied: what stands in place of a missing map may even be NaN.
    let counted = each.where_self(&targets.has_map.gt(0.5), &Tensor::zeros_like(&each));
    counted.sum(Kind::Float) / targets.has_map.sum(Kind::Float).clamp_min(1.0)
}

/// Class activation maps: `sum over k of weight[class, k] * tap[k]`, the bias left out (B. Zhou and others, CVPR 2016).
///
/// `tap` is `[N, C, h, w]`, `weight` `[classes, C]`, `classes` `[N]` of 64-bit integers; gives `[N, h, w]`.
pub fn activation_maps(tap: &Tensor, weight: &Tensor, classes: &Tensor) -> Tensor {
    let size = tap.size();
    let rows = weight.index_select(0, classes).unsqueeze(1);
    rows.bmm(&tap.flatten(2, 3)).view([size[0], size[2], size[3]])
}

/// Stretches each map of `[N, h, w]` to 0 to 1. A constant map becomes zeros, and pulls at nothing.
pub fn min_max(maps: &Tensor) -> Tensor {
    let lowest = maps.amin([1_i64, 2].as_slice(), true);
    let range = maps.amax([1_i64, 2].as_slice(), true) - &lowest;
    let varies = range.gt(0.0);
    let scaled = (maps - lowest) / range.where_self(&varies, &Tensor::ones_like(&range));
    scaled.where_self(&varies, &Tensor::zeros_like(maps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_values;

    fn maps(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).view([-1, 2, 2])
    }

    fn targets(labels: &[i64], h: &[f32], has_map: &[f32]) -> Targets {
        Targets { labels: Tensor::from_slice(labels), maps: maps(h), has_map: Tensor::from_slice(has_map) }
    }

    fn close(tensor: &Tensor, expected: f64) {
        let value = tensor.double_value(&[]);
        assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
    }

    #[test]
    fn a_batch_worked_by_hand() {
        // Sample 0: softmax of (ln 3, 0) is (3/4, 1/4), label 0. Sample 1: (0, 0), label 1.
        let logits = Tensor::from_slice(&[3.0_f32.ln(), 0.0, 0.0, 0.0]).view([2, 2]);
        // Scaled maps: (0, 1/2, 1/2, 1) and (1, 0, 0, 0).
        let cams = maps(&[1.0, 2.0, 2.0, 3.0, 5.0, -3.0, -3.0, -3.0]);
        let all = targets(&[0, 1], &[0.0, 0.5, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], &[1.0, 1.0]);
        let loss = cyborg(&logits, &cams, &all, 0.5);
        let class = ((4.0_f64 / 3.0).ln() + 2.0_f64.ln()) / 2.0;
        // Sample 0 differs by 1/2 in one of four pixels, sample 1 by 1 in one of four.
        let saliency = (0.25 / 4.0 + 1.0 / 4.0) / 2.0;
        close(&loss.class, class);
        close(&loss.saliency, saliency);
        close(&loss.total, 0.5 * class + 0.5 * saliency);
        close(&cyborg(&logits, &cams, &all, 1.0).total, class);
        close(&cyborg(&logits, &cams, &all, 0.2).total, 0.2 * class + 0.8 * saliency);
    }

    #[test]
    fn a_sample_without_a_map_does_not_dilute_the_others() {
        let logits = Tensor::zeros([2, 2], (Kind::Float, tch::Device::Cpu));
        let cams = maps(&[1.0, 2.0, 2.0, 3.0, 5.0, -3.0, -3.0, -3.0]);
        let h = [0.0, 0.5, 1.0, 1.0, f32::NAN, 0.0, 0.0, 0.0];
        close(&cyborg(&logits, &cams, &targets(&[0, 1], &h, &[1.0, 0.0]), 0.5).saliency, 0.25 / 4.0);
        close(&cyborg(&logits, &cams, &targets(&[0, 1], &h, &[0.0, 0.0]), 0.5).saliency, 0.0);
    }

    #[test]
    fn a_constant_map_gives_zeros_and_finite_gradients() {
        let cams = maps(&[2.0, 2.0, 2.0, 2.0, 0.0, 1.0, 2.0, 4.0]).set_requires_grad(true);
        assert_eq!(to_values(&min_max(&cams)), [0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.5, 1.0]);
        let logits = Tensor::zeros([2, 2], (Kind::Float, tch::Device::Cpu));
        let loss =
            cyborg(&logits, &cams, &targets(&[0, 1], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], &[1.0, 1.0]), 0.5);
        loss.total.backward();
        let gradient = to_values(&cams.grad());
        assert_eq!(&gradient[..4], &[0.0; 4]);
        assert!(gradient[4..].iter().all(|value| value.is_finite()) && gradient[5] != 0.0, "{gradient:?}");
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let values = [0.3_f32, -0.7, 1.1, 0.2, 0.9, 0.1, -0.4, 0.5];
        let goal = targets(&[1, 0], &[0.1, 0.9, 0.3, 0.5, 0.2, 0.0, 1.0, 0.6], &[1.0, 1.0]);
        let logits = Tensor::from_slice(&[0.2_f32, -0.1, 0.4, 0.3]).view([2, 2]);
        let loss = |values: &[f32]| cyborg(&logits, &maps(values), &goal, 0.3).total.double_value(&[]);
        let cams = maps(&values).set_requires_grad(true);
        cyborg(&logits, &cams, &goal, 0.3).total.backward();
        let step = 1e-2;
        for (at, gradient) in to_values(&cams.grad()).into_iter().enumerate() {
            let (mut more, mut less) = (values, values);
            more[at] += step;
            less[at] -= step;
            let slope = (loss(&more) - loss(&less)) / f64::from(2.0 * step);
            assert!((slope - f64::from(gradient)).abs() < 1e-4, "{at}: {slope} is not {gradient}");
        }
    }

    #[test]
    fn the_map_is_the_weighted_sum_of_the_channels_of_its_class() {
        // Two channels of one row and two columns.
        let tap = Tensor::from_slice(&[1.0_f32, 2.0, 10.0, 20.0, 1.0, 0.0, 0.0, 1.0]).view([2, 2, 1, 2]);
        let weight = Tensor::from_slice(&[1.0_f32, 0.0, 2.0, -1.0]).view([2, 2]);
        let got = activation_maps(&tap, &weight, &Tensor::from_slice(&[1_i64, 0]));
        assert_eq!(to_values(&got), [-8.0, -16.0, 1.0, 0.0]);
    }
}
