//! Stochastic gradient descent with momentum, as PyTorch defines it.

use tch::Tensor;

/// Settings of the descent.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SgdSettings {
    /// Share of the last step that is kept, in 0 to 1.
    pub momentum: f64,
    /// Pull of each weight towards zero.
    pub weight_decay: f64,
}

/// `v = momentum * v + g + weight_decay * w`, then `w = w - rate * v`.
pub(super) fn update(weight: &Tensor, gradient: &Tensor, velocity: &mut Tensor, settings: &SgdSettings, rate: f64) {
    *velocity *= settings.momentum;
    *velocity += gradient;
    if settings.weight_decay > 0.0 {
        *velocity += weight * settings.weight_decay;
    }
    let _ = weight.shallow_clone().subtract_(&(&*velocity * rate));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::to_values;

    #[test]
    fn two_steps_by_hand() {
        let weight = Tensor::from_slice(&[1.0_f32, -2.0]);
        let gradient = Tensor::from_slice(&[3.0_f32, 1.0]);
        let mut velocity = Tensor::zeros_like(&weight);
        let settings = SgdSettings { momentum: 0.5, weight_decay: 0.1 };
        for _ in 0..2 {
            update(&weight, &gradient, &mut velocity, &settings, 0.1);
        }
        // First: v = (3.1, 0.8), w = (0.69, -2.08). Second: v = (1.55 + 3.069, 0.4 + 0.792), w = (0.2281, -2.1992).
        let found = to_values(&weight);
        assert!((found[0] - 0.2281).abs() < 1e-5 && (found[1] + 2.1992).abs() < 1e-5, "{found:?}");
    }
}
