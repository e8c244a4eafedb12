//! Stochastic gradient descent with momentum, as PyTorch defines it. Our own, so that its state can be kept and read.

use tch::{Tensor, no_grad};

use super::Model;

/// Settings of the descent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdSettings {
    /// Share of the last step that is kept, in 0 to 1.
    pub momentum: f64,
    /// Pull of each weight towards zero.
    pub weight_decay: f64,
}

/// The descent: `v = momentum * v + g + weight_decay * w`, then `w = w - rate * v`.
#[derive(Debug)]
pub struct Sgd {
    settings: SgdSettings,
    /// One for each trained tensor, in the model's order.
    velocity: Vec<Tensor>,
}

impl Sgd {
    /// At rest.
    #[must_use]
    pub fn new(model: &Model, settings: SgdSettings) -> Self {
        Self { settings, velocity: model.trained().map(Tensor::zeros_like).collect() }
    }

    /// Computes the gradients of `loss` and takes one step with learning rate `rate`.
    pub fn step(&mut self, model: &Model, loss: &Tensor, rate: f64) {
        for weight in model.trained() {
            let mut gradient = weight.grad();
            if gradient.defined() {
                let _ = gradient.zero_();
            }
        }
        loss.backward();
        no_grad(|| {
            for (weight, velocity) in model.trained().zip(&mut self.velocity) {
                let gradient = weight.grad();
                if !gradient.defined() {
                    continue;
                }
                *velocity *= self.settings.momentum;
                *velocity += gradient;
                *velocity += weight * self.settings.weight_decay;
                let _ = weight.shallow_clone().subtract_(&(&*velocity * rate));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Array;
    use crate::network::Architecture;

    #[test]
    fn two_steps_by_hand() {
        let mut model = Model::new(Architecture::EfficientNetLite0.describe(2), 0);
        let mut state = model.state();
        state.insert("_fc.bias".to_owned(), Array { shape: vec![2], values: vec![1.0, -2.0] });
        model.load(&state).expect("the model's own state");
        let mut sgd = Sgd::new(&model, SgdSettings { momentum: 0.5, weight_decay: 0.1 });
        // The loss 3 * bias[0] + bias[1] has the gradient (3, 1) everywhere.
        for _ in 0..2 {
            let bias = model.tensors["_fc.bias"].shallow_clone();
            let loss = (bias * Tensor::from_slice(&[3.0_f32, 1.0])).sum(tch::Kind::Float);
            sgd.step(&model, &loss, 0.1);
        }
        // First: v = (3.1, 0.8), w = (0.69, -2.08). Second: v = (1.55 + 3.069, 0.4 + 0.792), w = (0.2281, -2.1992).
        let bias = &model.state()["_fc.bias"].values;
        assert!((bias[0] - 0.2281).abs() < 1e-5 && (bias[1] + 2.1992).abs() < 1e-5, "{bias:?}");
    }
}
