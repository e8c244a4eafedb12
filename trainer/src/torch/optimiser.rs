//! What moves the weights: one step from the gradients of a loss. Our own, so that its state can be kept, read and resumed.

use tch::{Kind, Tensor, no_grad};

use super::loss_scale::LossScale;
use super::{ForeignWeights, Model, adamw, sgd, to_array, to_tensor};
use crate::checkpoint::{Array, State};
use crate::network::Role;

/// A way to descend, with its settings.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum OptimiserSettings {
    /// Stochastic gradient descent with momentum.
    Sgd(sgd::SgdSettings),
    /// Adam with decoupled weight decay.
    AdamW(adamw::AdamWSettings),
}

impl OptimiserSettings {
    /// Names of what is remembered for each weight.
    fn memories(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(_) => &["velocity"],
            Self::AdamW(_) => &["mean", "square"],
        }
    }
}

/// Number of steps taken, among the arrays of the state.
const STEPS: &str = "steps";
/// The loss scale, where half precision is used.
const SCALE: &str = "loss_scale";

/// A descent under way.
#[derive(Debug)]
pub struct Optimiser {
    settings: OptimiserSettings,
    /// By memory, then by trained tensor in the model's order.
    memory: Vec<Vec<Tensor>>,
    steps: u64,
    scale: Option<LossScale>,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The weights were moved.
    Taken,
    /// Half precision could not hold the gradients; the next step is scaled less, and the weights are as they were.
    Skipped,
}

impl Optimiser {
    /// At rest. With a `scale` the loss is scaled up before its gradients are computed in half precision.
    #[must_use]
    pub fn new(model: &Model, settings: OptimiserSettings, scale: Option<LossScale>) -> Self {
        let zeros = || model.trained().map(Tensor::zeros_like).collect();
        let memory = settings.memories().iter().map(|_| zeros()).collect();
        Self { settings, memory, steps: 0, scale }
    }

    /// Computes the gradients of `loss` and takes one step with learning rate `rate`.
    pub fn step(&mut self, model: &Model, loss: &Tensor, rate: f64) -> Step {
        for weight in model.trained() {
            let mut gradient = weight.grad();
            if gradient.defined() {
                let _ = gradient.zero_();
            }
        }
        match &mut self.scale {
            None => loss.backward(),
            Some(scale) => {
                (loss * scale.factor()).backward();
                if !no_grad(|| unscale(model, scale.factor())) {
                    scale.overflowed();
                    return Step::Skipped;
                }
                scale.fitted();
            }
        }
        self.steps += 1;
        no_grad(|| {
            for (at, weight) in model.trained().enumerate() {
                let gradient = weight.grad();
                if !gradient.defined() {
                    continue;
                }
                match (&self.settings, &mut self.memory[..]) {
                    (OptimiserSettings::Sgd(settings), [velocity]) => {
                        sgd::update(weight, &gradient, &mut velocity[at], settings, rate);
                    }
                    (OptimiserSettings::AdamW(settings), [mean, square]) => {
                        adamw::update(weight, &gradient, (&mut mean[at], &mut square[at]), settings, rate, self.steps);
                    }
                    _ => unreachable!("`new` made the memories of the settings"),
                }
            }
        });
        Step::Taken
    }

    /// Steps that were taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What must be kept to go on from here.
    #[must_use]
    pub fn state(&self, model: &Model) -> State {
        let names = self.settings.memories().iter().zip(&self.memory);
        let mut state: State = names
            .flat_map(|(memory, tensors)| {
                model
                    .trained_names()
                    .zip(tensors)
                    .map(move |(name, tensor)| (format!("{memory}.{name}"), to_array(tensor)))
            })
            .collect();
        // In two parts that a 32-bit float holds exactly.
        let parts = [(self.steps >> 20) as f32, (self.steps & 0xf_ffff) as f32];
        state.insert(STEPS.to_owned(), Array { shape: vec![2], values: parts.to_vec() });
        if let Some(scale) = &self.scale {
            state.insert(SCALE.to_owned(), Array { shape: vec![2], values: scale.state().to_vec() });
        }
        state
    }

    /// Goes on from what [`Self::state`] gave.
    ///
    /// # Errors
    ///
    /// When it is the state of another network or of another way to descend.
    pub fn load(&mut self, model: &Model, state: &State) -> Result<(), ForeignWeights> {
        let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
        let mut memory = Vec::new();
        for name in self.settings.memories() {
            let mut tensors = Vec::new();
            for (weight, of) in model.trained().zip(model.trained_names()) {
                let key = format!("{name}.{of}");
                let shape: Vec<usize> = weight.size().iter().map(|&side| side as usize).collect();
                match state.get(&key) {
                    None => missing.push(key),
                    Some(array) if array.shape != shape => misshapen.push(key),
                    Some(array) => tensors.push(to_tensor(array, Role::RunningMean, model.device())),
                }
            }
            memory.push(tensors);
        }
        let steps = state.get(STEPS).map(|array| array.values.as_slice());
        let Some(&[high, low]) = steps.filter(|_| missing.is_empty() && misshapen.is_empty()) else {
            let network = model.network().architecture.name();
            return Err(ForeignWeights {
                network,
                expected: model.trained().count(),
                missing,
                misshapen,
                unused: Vec::new(),
            });
        };
        let scale = state.get(SCALE).map(|array| array.values.as_slice());
        if let (Some(own), Some(&[factor, good])) = (&mut self.scale, scale) {
            *own = LossScale::from_state([factor, good]);
        }
        self.memory = memory;
        self.steps = (high as u64) << 20 | low as u64;
        Ok(())
    }
}

/// Divides all gradients by `factor`; tells whether all of them are finite.
fn unscale(model: &Model, factor: f64) -> bool {
    let mut sums = Vec::new();
    for weight in model.trained() {
        let mut gradient = weight.grad();
        if gradient.defined() {
            let _ = gradient.divide_scalar_(factor);
            // A sum is finite only if its parts are: one number for each weight goes to the processor.
            sums.push(gradient.abs().sum(Kind::Float));
        }
    }
    sums.is_empty() || Tensor::stack(&sums, 0).isfinite().all().int64_value(&[]) == 1
}
