//! Networks in libtorch: the description of [`crate::network`], run for training and for inference.

mod adamw;
mod average;
mod device;
mod forward;
pub mod logistic;
mod loss_scale;
mod optimiser;
mod sgd;
mod tokens;
mod tune;

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

pub use adamw::AdamWSettings;
pub use average::Average;
pub use device::{ComputeDevice, DeviceError};
pub use forward::{Features, Mode, Scores};
pub use logistic::Logistic;
pub use loss_scale::LossScale;
pub use optimiser::{Optimiser, OptimiserSettings, Step};
pub use sgd::SgdSettings;
pub use tune::Tune;

use crate::checkpoint::{Array, State};
use crate::network::{Network, Op, Parameter, Role};

/// A network and its parameters, on one device.
#[derive(Debug)]
pub struct Model {
    network: Network,
    /// The description's list, in its order.
    list: Vec<Parameter>,
    tensors: BTreeMap<String, Tensor>,
    device: Device,
    /// So many nodes from the first on don't learn.
    frozen: usize,
    /// Whether patches are shuffled in training.
    shuffles: bool,
}

/// What became of the last linear layer when weights were loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLayer {
    /// It was in the file.
    Loaded,
    /// The file's is for another number of classes; the random start stays.
    Fresh {
        /// Classes in the file.
        classes: usize,
    },
    /// The file has none, nor anything else of the head; the random start stays.
    Missing,
}

/// What loading weights did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The last linear layer.
    pub last_layer: LastLayer,
    /// Arrays of the file that the network doesn't have.
    pub unused: Vec<String>,
}

/// Weights that don't belong to a network.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "these are not weights of {network}: {} of its {expected} arrays are missing ({}), {} have another shape ({}), {} in the file are not used ({})",
    missing.len(), some(missing), misshapen.len(), some(misshapen), unused.len(), some(unused)
)]
pub struct ForeignWeights {
    /// The network.
    pub network: &'static str,
    /// How many arrays it needs.
    pub expected: usize,
    /// Names that the file lacks.
    pub missing: Vec<String>,
    /// Names whose array has another shape, with both shapes.
    pub misshapen: Vec<String>,
    /// Names in the file that the network doesn't have.
    pub unused: Vec<String>,
}

/// The first few names of a list.
fn some(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len() {
        0 => "none".to_owned(),
        1..=3 => shown.join(", "),
        _ => format!("{}, ...", shown.join(", ")),
    }
}

/// Sets the seed of libtorch's own random numbers: what dropout drops.
pub fn seed(seed: u64) {
    // The bits are what counts; a large seed may become a negative number.
    tch::manual_seed(seed as i64);
}

/// Sets the threads that libtorch computes with.
pub fn set_threads(threads: usize) {
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
}

impl Model {
    /// A network with random weights, the same ones for the same seed. The seed is libtorch's from then on, so it also
    /// decides what dropout drops.
    #[must_use]
    pub fn new(network: Network, seed: u64) -> Self {
        self::seed(seed);
        let list = network.parameters();
        let tensors = list.iter().map(|parameter| (parameter.name.clone(), start(parameter))).collect();
        Self { network, list, tensors, device: Device::Cpu, frozen: 0, shuffles: false }
    }

    /// Moves the network to a device. An optimiser of it must be made after that.
    ///
    /// # Errors
    ///
    /// When the device isn't there; the network stays where it was.
    pub fn move_to(&mut self, device: ComputeDevice) -> Result<(), DeviceError> {
        self.put_on(device.open()?);
        Ok(())
    }

    /// The same for a device that was opened before.
    fn put_on(&mut self, device: Device) {
        for parameter in &self.list {
            let tensor = &self.tensors[&parameter.name];
            let moved = tensor.detach().to_device(device).set_requires_grad(parameter.role.is_trained());
            self.tensors.insert(parameter.name.clone(), moved);
        }
        self.device = device;
    }

    /// From now on the layers before the first one whose map is `stride` times smaller than the picture stay as they are, running
    /// statistics included: they cost a third of the time, and what they look for is the same for all pictures. With 1 all
    /// layers learn. Loading weights or moving to a device undoes it.
    pub fn freeze(&mut self, stride: usize) {
        let side = self.network.input_side;
        let large = |height: usize| stride > 1 && height * stride > side;
        let nodes = &self.network.nodes;
        let from = nodes.iter().position(|node| !large(node.shape.height)).unwrap_or(nodes.len());
        self.let_learn(from, |_| true);
    }

    /// Lets those layers learn, from a node on, for which `learns` holds.
    fn let_learn(&mut self, from: usize, learns: impl Fn(&Op) -> bool) {
        self.frozen = from;
        let still = self.network.nodes.iter().enumerate().filter(|(at, node)| *at < from || !learns(&node.op));
        let owners: Vec<String> = still.filter_map(|(_, node)| node.op.name()).map(|name| format!("{name}.")).collect();
        for parameter in self.list.iter().filter(|parameter| parameter.role.is_trained()) {
            let learns = !owners.iter().any(|owner| parameter.name.starts_with(owner));
            let tensor = self.tensors[&parameter.name].detach().set_requires_grad(learns);
            self.tensors.insert(parameter.name.clone(), tensor);
        }
    }

    /// Whether, in training, a transformer's patches are put in a random order before their places are added: what it then
    /// learns doesn't hang on what the whole picture shows. Their values go back to where they were taken from.
    pub fn shuffle_patches(&mut self, shuffles: bool) {
        self.shuffles = shuffles;
    }

    /// Where it is, by libtorch's name.
    #[must_use]
    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// The description.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Takes the weights from a checkpoint. All must be there, but a last layer for other classes is left at its start.
    ///
    /// # Errors
    ///
    /// When an array is missing or has another shape; nothing is changed then.
    pub fn load(&mut self, state: &State) -> Result<Loaded, ForeignWeights> {
        self.load_all_but(state, &[])
    }

    /// The same for weights to start from: where the file has nothing at all of the head, as the public ones of some networks,
    /// that is left at its start.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn load_start(&mut self, state: &State) -> Result<Loaded, ForeignWeights> {
        let head = self.network.head_parameters();
        if head.iter().any(|name| state.contains_key(name)) {
            return self.load(state);
        }
        Ok(Loaded { last_layer: LastLayer::Missing, ..self.load_all_but(state, &head)? })
    }

    fn load_all_but(&mut self, state: &State, left: &[String]) -> Result<Loaded, ForeignWeights> {
        let last = [format!("{}.weight", self.network.last_linear), format!("{}.bias", self.network.last_linear)];
        let fresh = match state.get(&last[0]).map(|array| array.shape.as_slice()) {
            Some(&[classes, _]) if classes != self.network.classes() => Some(classes),
            _ => None,
        };
        let needed = |parameter: &&Parameter| {
            (fresh.is_none() || !last.contains(&parameter.name)) && !left.contains(&parameter.name)
        };
        let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
        for parameter in self.list.iter().filter(needed) {
            match state.get(&parameter.name) {
                None => missing.push(parameter.name.clone()),
                Some(array) if array.shape != parameter.shape => {
                    misshapen.push(format!("{} is {:?} and not {:?}", parameter.name, array.shape, parameter.shape));
                }
                Some(_) => {}
            }
        }
        let unused = state.keys().filter(|name| !self.tensors.contains_key(*name)).cloned().collect();
        if !missing.is_empty() || !misshapen.is_empty() {
            let network = self.network.architecture.name();
            return Err(ForeignWeights { network, expected: self.list.len(), missing, misshapen, unused });
        }
        for parameter in self.list.iter().filter(needed) {
            let array = &state[&parameter.name];
            self.tensors.insert(parameter.name.clone(), to_tensor(array, parameter.role, self.device));
        }
        let last_layer = fresh.map_or(LastLayer::Loaded, |classes| LastLayer::Fresh { classes });
        Ok(Loaded { last_layer, unused })
    }

    /// The weights, to be kept.
    #[must_use]
    pub fn state(&self) -> State {
        self.tensors.iter().map(|(name, tensor)| (name.clone(), to_array(tensor))).collect()
    }

    /// All tensors, in the order of their names.
    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.tensors.values()
    }

    /// The tensors that gradients change, in the order of the description; those that stay as they are, are left out.
    pub fn trained(&self) -> impl Iterator<Item = &Tensor> {
        self.trained_names().map(|name| &self.tensors[name])
    }

    /// Their names, in the same order.
    pub fn trained_names(&self) -> impl Iterator<Item = &str> {
        let names = self.list.iter().map(|parameter| parameter.name.as_str());
        names.filter(|name| self.tensors[*name].requires_grad())
    }

    /// Weight of the last linear layer, `[classes, C]`.
    pub fn last_weight(&self) -> &Tensor {
        &self.tensors[&format!("{}.weight", self.network.last_linear)]
    }
}

/// How a parameter starts: as PyTorch's own image networks do.
fn start(parameter: &Parameter) -> Tensor {
    let shape: Vec<i64> = parameter.shape.iter().map(|&side| side as i64).collect();
    let floats = (Kind::Float, Device::Cpu);
    let tensor = match parameter.role {
        Role::ConvWeight => {
            // K. He and others, "Delving Deep into Rectifiers", ICCV 2015, by the values that go out.
            let fan_out = (parameter.shape[0] * parameter.shape[2] * parameter.shape[3]) as f64;
            Tensor::randn(&shape, floats) * (2.0 / fan_out).sqrt()
        }
        Role::Embedding => Tensor::randn(&shape, floats) * 0.02,
        Role::NormScale | Role::RunningVariance => Tensor::ones(&shape, floats),
        Role::NormShift | Role::RunningMean | Role::LinearBias => Tensor::zeros(&shape, floats),
        Role::LinearWeight => {
            let bound = 1.0 / (parameter.shape[1] as f64).sqrt();
            (Tensor::rand(&shape, floats) * 2.0 - 1.0) * bound
        }
    };
    tensor.set_requires_grad(parameter.role.is_trained())
}

fn to_tensor(array: &Array, role: Role, device: Device) -> Tensor {
    let shape: Vec<i64> = array.shape.iter().map(|&side| side as i64).collect();
    Tensor::from_slice(&array.values).view(shape.as_slice()).to_device(device).set_requires_grad(role.is_trained())
}

fn to_array(tensor: &Tensor) -> Array {
    Array { shape: tensor.size().iter().map(|&side| side as usize).collect(), values: to_values(tensor) }
}

/// The values of a tensor of floats, row-major.
pub(crate) fn to_values(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.detach().to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
    let mut values = vec![0.0; tensor.numel()];
    let count = values.len();
    tensor.copy_data(&mut values, count);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;

    #[test]
    fn weights_go_out_and_in_again() {
        let first = Model::new(Architecture::known("efficientnet_lite0").describe(2), 1);
        let mut second = Model::new(Architecture::known("efficientnet_lite0").describe(2), 2);
        assert_ne!(first.state(), second.state());
        let loaded = second.load(&first.state()).expect("the same network");
        assert_eq!(loaded, Loaded { last_layer: LastLayer::Loaded, unused: Vec::new() });
        assert_eq!(first.state(), second.state());
    }

    #[test]
    fn frozen_layers_stay_as_they_are() {
        let mut model = Model::new(Architecture::known("efficientnet_lite0").describe_at(2, 96), 1);
        model.freeze(8);
        let before = model.state();
        let settings = OptimiserSettings::AdamW(AdamWSettings {
            mean_decay: 0.9,
            square_decay: 0.999,
            eps: 1e-8,
            weight_decay: 0.5,
        });
        let mut optimiser = Optimiser::new(&model, settings, None);
        let pixels = Tensor::from_slice(&crate::export::textures(96, 2, 3)).view([-1, 96, 96, 3]);
        let loss = model.forward(&pixels, Mode::Training).logits.square().sum(Kind::Float);
        optimiser.step(&model, &loss, 0.01);
        let after = model.state();
        let moved = |name: &str| before[name] != after[name];
        // Block 3 is the first whose map is an eighth: its expansion still works on the larger one.
        for name in
            ["_conv_stem.weight", "_bn0.running_mean", "_blocks.2._bn2.running_var", "_blocks.3._expand_conv.weight"]
        {
            assert!(!moved(name), "{name}");
        }
        for name in ["_blocks.3._depthwise_conv.weight", "_blocks.3._bn1.running_mean", "_fc.weight"] {
            assert!(moved(name), "{name}");
        }
    }

    #[test]
    fn another_class_count_keeps_the_fresh_last_layer() {
        let many = Model::new(Architecture::known("efficientnet_lite0").describe(10), 1);
        let mut two = Model::new(Architecture::known("efficientnet_lite0").describe(2), 2);
        let before = two.state();
        let loaded = two.load(&many.state()).expect("the same but for the classes");
        assert_eq!(loaded.last_layer, LastLayer::Fresh { classes: 10 });
        assert_eq!(two.state()["_fc.weight"], before["_fc.weight"]);
        assert_eq!(two.state()["_conv_stem.weight"], many.state()["_conv_stem.weight"]);
    }

    #[test]
    fn foreign_weights_are_refused_and_change_nothing() {
        let dense = Model::new(Architecture::known("densenet121").describe(2), 1);
        let mut lite = Model::new(Architecture::known("efficientnet_lite0").describe(2), 2);
        let before = lite.state();
        let error = lite.load(&dense.state()).expect_err("other names");
        assert_eq!(error.missing.len(), error.expected);
        assert_eq!(lite.state(), before);
    }
}
