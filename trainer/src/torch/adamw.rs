//! Adam with decoupled weight decay (I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019).

use tch::Tensor;

/// Settings of the descent.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AdamWSettings {
    /// Share of the mean gradient that is kept from step to step, in 0 to 1.
    pub mean_decay: f64,
    /// Share of the mean squared gradient that is kept, in 0 to 1.
    pub square_decay: f64,
    /// Added to the root of the squares.
    pub eps: f64,
    /// Pull of each weight towards zero.
    pub weight_decay: f64,
}

/// With `m` and `v` the running means of `g` and `g * g`, corrected for their start at zero:
/// `w = w - rate * (weight_decay * w + m / (sqrt(v) + eps))`. `step` counts from 1.
pub(super) fn update(
    weight: &Tensor,
    gradient: &Tensor,
    (mean, square): (&mut Tensor, &mut Tensor),
    settings: &AdamWSettings,
    rate: f64,
    step: u64,
) {
    *mean *= settings.mean_decay;
    *mean += gradient * (1.0 - settings.mean_decay);
    *square *= settings.square_decay;
    *square += gradient * gradient * (1.0 - settings.square_decay);
    let corrected = |decay: f64| 1.0 - decay.powf(step as f64);
    let root = (&*square / corrected(settings.square_decay)).sqrt() + settings.eps;
    let mut weight = weight.shallow_clone();
    weight *= 1.0 - rate * settings.weight_decay;
    let _ = weight.subtract_(&(&*mean / root * (rate / corrected(settings.mean_decay))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_values;

    #[test]
    fn two_steps_by_hand() {
        let weight = Tensor::from_slice(&[1.0_f32]);
        let (mut mean, mut square) = (Tensor::zeros_like(&weight), Tensor::zeros_like(&weight));
        let settings = AdamWSettings { mean_decay: 0.9, square_decay: 0.99, eps: 0.0, weight_decay: 0.1 };
        // The first step is one of the whole rate, whatever the gradient: 1 * (1 - 0.05) - 0.5 * 1.
        update(&weight, &Tensor::from_slice(&[4.0_f32]), (&mut mean, &mut square), &settings, 0.5, 1);
        assert!((to_values(&weight)[0] - 0.45).abs() < 1e-6, "{:?}", to_values(&weight));
        // m = 0.9 * 0.4 - 0.1 * 2 = 0.16, over 0.19; v = 0.99 * 0.16 + 0.01 * 4 = 0.1984, over 0.0199.
        update(&weight, &Tensor::from_slice(&[-2.0_f32]), (&mut mean, &mut square), &settings, 0.5, 2);
        let expected = 0.45 * 0.95 - 0.5 * (0.16 / 0.19) / (0.1984_f64 / 0.0199).sqrt();
        assert!((f64::from(to_values(&weight)[0]) - expected).abs() < 1e-5, "{:?}", to_values(&weight));
    }
}
