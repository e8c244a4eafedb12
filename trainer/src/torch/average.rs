//! The mean of the weights over the last steps: it lies in a flatter place than any of them, and does better on faces of
//! collections that weren't seen (P. Izmailov and others, UAI 2018; J. Cha and others, NeurIPS 2021).

use tch::no_grad;

use super::{ForeignWeights, Model};
use crate::checkpoint::State;

/// A network whose weights and running statistics follow those of one that learns, as an exponential moving average.
#[derive(Debug)]
pub struct Average {
    model: Model,
    decay: f64,
}

impl Average {
    /// Begins at the weights of `model`. Each step `decay` of the mean stays, so the last `1 / (1 - decay)` steps count most.
    ///
    /// # Errors
    ///
    /// Never for a network that is whole: its own weights fit it.
    pub fn of(model: &Model, decay: f64) -> Result<Self, ForeignWeights> {
        let mut mean = Model::new(model.network().clone(), 0);
        mean.load(&model.state())?;
        mean.put_on(model.device());
        Ok(Self { model: mean, decay })
    }

    /// The network of the mean.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Takes in the weights of `model` after its step number `step`, counted from 1. At first less of the mean stays, so that
    /// the start is soon forgotten.
    pub fn follow(&mut self, model: &Model, step: u64) {
        let step = step as f64;
        let decay = self.decay.min(step / (step + 9.0));
        no_grad(|| {
            for (mean, weight) in self.model.tensors().zip(model.tensors()) {
                // `lerp_` takes a share of the way from the one to the other.
                let _ = mean.detach().lerp_(&weight.detach(), 1.0 - decay);
            }
        });
    }

    /// Goes on from a mean that was kept.
    ///
    /// # Errors
    ///
    /// When it is that of another network.
    pub fn load(&mut self, state: &State) -> Result<(), ForeignWeights> {
        let device = self.model.device();
        self.model.load(state)?;
        self.model.put_on(device);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;

    #[test]
    fn the_mean_follows_and_the_start_is_forgotten() {
        let network = Architecture::known("efficientnet_lite0").describe_at(2, 96);
        let (start, other) = (Model::new(network.clone(), 1), Model::new(network, 2));
        let mut average = Average::of(&start, 0.9).expect("its own weights fit");
        let value = |model: &Model| model.last_weight().double_value(&[0, 0]);
        assert_eq!(value(average.model()), value(&start));
        average.follow(&other, 1);
        let expected = 0.1 * value(&start) + 0.9 * value(&other);
        assert!((value(average.model()) - expected).abs() < 1e-6, "one step: a tenth of the start stays");
        let before = value(average.model());
        average.follow(&start, 1000);
        let expected = 0.9 * before + 0.1 * value(&start);
        assert!((value(average.model()) - expected).abs() < 1e-6, "later on `decay` of the mean stays");
        assert_ne!(value(&start), value(&other), "the two differ, or this shows nothing");
    }
}
