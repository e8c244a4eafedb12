//! One pass through a network, node by node.

use tch::{IndexOp, Kind, Tensor, no_grad};

use super::tokens::{attention, patches, quick_gelu, random_order, tokens};
use super::{Model, to_values};
use crate::loss::activation_maps;
use crate::network::{LAYER_NORM_EPS, NodeId, Op, Pads, Window};

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics are used and remembered, dropout drops.
    Training,
    /// Running statistics are used, nothing is dropped.
    Inference,
}

/// What a pass gives.
#[derive(Debug)]
pub struct Features {
    /// Class scores before softmax, `[N, classes]`.
    pub logits: Tensor,
    /// The tensor of the network's tap, `[N, C, h, w]`.
    pub tap: Tensor,
}

/// What inference gives, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Class scores before softmax, `N * classes` values.
    pub logits: Vec<f32>,
    /// Activation maps of class 1, the synthetic one, `N * h * w` values, not min-max scaled.
    pub maps: Vec<f32>,
    /// The same of class 0, the authentic one.
    pub authentic_maps: Vec<f32>,
}

/// What a pass begins with.
#[derive(Clone, Copy)]
enum Start<'a> {
    /// The picture: `[N, S, S, 3]` of unsigned bytes, RGB.
    Pixels(&'a Tensor),
    /// What the trunk gave before.
    Trunk(&'a Tensor),
}

impl Model {
    /// Runs `pixels`, `[N, S, S, 3]` of unsigned bytes, RGB.
    #[must_use]
    pub fn forward(&self, pixels: &Tensor, mode: Mode) -> Features {
        self.features(Start::Pixels(pixels), mode, |_| {})
    }

    /// Runs the head alone on what the trunk gave, see [`Self::trunk`]; the tap must not lie before the trunk's end.
    #[must_use]
    pub fn forward_head(&self, trunk: &Tensor, mode: Mode) -> Features {
        self.features(Start::Trunk(trunk), mode, |_| {})
    }

    /// What the trunk gives for `N * S * S * 3` bytes of RGB, without gradients: `N * C * h * w` values.
    #[must_use]
    pub fn trunk(&self, pixels: &[u8]) -> Vec<f32> {
        let (side, end) = (self.network.input_side as i64, self.network.trunk);
        no_grad(|| {
            let pixels = Tensor::from_slice(pixels).view([-1, side, side, 3]).to_device(self.device());
            let mut values = self.walk(Start::Pixels(&pixels), end, Mode::Inference, |_| {});
            to_values(&values.pop().flatten().expect("nothing after the trunk was computed that would read it"))
        })
    }

    fn features(&self, start: Start<'_>, mode: Mode, follow: impl FnMut(&Tensor)) -> Features {
        let end = NodeId(self.network.nodes.len() - 1);
        let mut values = self.walk(start, end, mode, follow);
        let tap = values[self.network.tap_node().0].take().expect("the tap is kept for the caller");
        let logits = values.pop().flatten().expect("the last node is read by nobody");
        Features { logits, tap }
    }

    /// One pass up to the node `end`; `follow` sees the value of each node, in the order of the description. Gives the values
    /// that are still to be read, those of the tap and of the end among them.
    fn walk(&self, start: Start<'_>, end: NodeId, mode: Mode, mut follow: impl FnMut(&Tensor)) -> Vec<Option<Tensor>> {
        let network = &self.network;
        let shuffles = mode == Mode::Training && self.shuffles;
        let tap = network.tap_node();
        let mut readers = network.consumers();
        // The tap is read once more, by the caller, so nothing writes over it either.
        readers[tap.0] += 1;
        let mut order = None;
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(network.nodes.len());
        if let Start::Trunk(trunk) = start {
            // It is the caller's, so nothing writes over it.
            readers[network.trunk.0] += 1;
            values.resize_with(network.trunk.0, || None);
            values.push(Some(trunk.shallow_clone()));
        }
        for (at, node) in network.nodes.iter().enumerate().take(end.0 + 1).skip(values.len()) {
            let training = mode == Mode::Training && at >= self.frozen;
            let input = |at: usize| -> &Tensor {
                let id: NodeId = node.inputs[at];
                values[id.0].as_ref().expect("a node reads earlier ones, and they are kept for their last reader")
            };
            // Whether a node may write over its first input: nobody else reads it, it shares its memory with no other
            // value, and the operation that made it doesn't need it for its gradient.
            let is_free = || {
                let id = node.inputs[0];
                let maker = &network.node(id).op;
                let spares = matches!(maker, Op::Conv { .. } | Op::BatchNorm { .. } | Op::Add | Op::Linear { .. });
                readers[id.0] == 1 && spares
            };
            let value = match &node.op {
                Op::Image => match start {
                    Start::Pixels(pixels) => self.normalise(pixels),
                    Start::Trunk(_) => unreachable!("the picture comes before the trunk's end"),
                },
                Op::Conv { name, window, groups, .. } => {
                    let (x, padding) = pad(input(0), window.pads);
                    let stride = [window.stride as i64; 2];
                    let weight = self.parameter(name, "weight");
                    x.conv2d(weight, None::<&Tensor>, stride, padding, [1, 1], *groups as i64)
                }
                Op::BatchNorm { name } => input(0).batch_norm(
                    Some(self.parameter(name, "weight")),
                    Some(self.parameter(name, "bias")),
                    Some(self.parameter(name, "running_mean")),
                    Some(self.parameter(name, "running_var")),
                    training,
                    network.batch_norm.momentum,
                    network.batch_norm.eps,
                    true,
                ),
                Op::Relu if is_free() => input(0).shallow_clone().relu_(),
                Op::Relu => input(0).relu(),
                Op::Relu6 if is_free() => input(0).shallow_clone().relu6_(),
                Op::Relu6 => input(0).relu6(),
                Op::MaxPool(window) => {
                    let (kernel, stride, padding) = pool(*window);
                    input(0).max_pool2d(kernel, stride, padding, [1, 1], false)
                }
                Op::AvgPool(window) => {
                    let (kernel, stride, padding) = pool(*window);
                    input(0).avg_pool2d(kernel, stride, padding, false, true, None)
                }
                Op::Concat => {
                    let inputs: Vec<&Tensor> = (0..node.inputs.len()).map(input).collect();
                    Tensor::cat(&inputs, 1)
                }
                Op::Add if is_free() => {
                    (1..node.inputs.len()).fold(input(0).shallow_clone(), |mut sum, at| sum.g_add_(input(at)))
                }
                Op::Add => (1..node.inputs.len()).fold(input(0).shallow_clone(), |sum, at| sum + input(at)),
                Op::GlobalAveragePool => input(0).mean_dim([2_i64, 3].as_slice(), false, Kind::Float),
                Op::Dropout { rate } => input(0).dropout(*rate, training),
                Op::DropConnect { rate } => drop_connect(input(0), *rate, training),
                Op::Linear { name, .. } => {
                    input(0).linear(self.parameter(name, "weight"), Some(self.parameter(name, "bias")))
                }
                Op::Tokens { name } => {
                    let size = input(0).size();
                    order = shuffles.then(|| random_order(size[0], size[2] * size[3], input(0).device()));
                    let (class, position) = ("class_embedding", "position_embedding.weight");
                    tokens(input(0), self.parameter(name, class), self.parameter(name, position), order.as_ref())
                }
                Op::LayerNorm { name } => input(0).layer_norm(
                    [node.shape.channels as i64],
                    Some(self.parameter(name, "weight")),
                    Some(self.parameter(name, "bias")),
                    LAYER_NORM_EPS,
                    true,
                ),
                Op::Attention { heads } => attention(input(0), input(1), input(2), *heads),
                Op::QuickGelu => quick_gelu(input(0)),
                Op::Patches => patches(input(0), (node.shape.height, node.shape.width), order.as_ref()),
            };
            for id in &node.inputs {
                readers[id.0] -= 1;
                if readers[id.0] == 0 {
                    values[id.0] = None;
                }
            }
            follow(&value);
            values.push(Some(value));
        }
        values
    }

    /// Runs `N * S * S * 3` bytes of RGB without gradients.
    #[must_use]
    pub fn score(&self, pixels: &[u8]) -> Scores {
        let side = self.network.input_side as i64;
        no_grad(|| {
            let pixels = Tensor::from_slice(pixels).view([-1, side, side, 3]).to_device(self.device());
            let features = self.forward(&pixels, Mode::Inference);
            let of_class = |class: i64| {
                let classes = Tensor::full([pixels.size()[0]], class, (Kind::Int64, pixels.device()));
                to_values(&activation_maps(&features.tap, self.last_weight(), &classes))
            };
            Scores { logits: to_values(&features.logits), maps: of_class(1), authentic_maps: of_class(0) }
        })
    }

    /// Largest absolute value of each node for `N * S * S * 3` bytes of RGB, in the order of the description; no number
    /// where one of the values is none.
    #[must_use]
    pub fn largest_values(&self, pixels: &[u8]) -> Vec<f32> {
        let side = self.network.input_side as i64;
        let mut largest = Vec::with_capacity(self.network.nodes.len());
        no_grad(|| {
            let pixels = Tensor::from_slice(pixels).view([-1, side, side, 3]).to_device(self.device());
            let follow = |value: &Tensor| largest.push(value.abs().max().double_value(&[]) as f32);
            self.features(Start::Pixels(&pixels), Mode::Inference, follow)
        });
        largest
    }

    fn normalise(&self, pixels: &Tensor) -> Tensor {
        let of_channel = |values: &[f32; 3]| Tensor::from_slice(values).view([1, 3, 1, 1]).to_device(pixels.device());
        // Left as it lies in memory, channels last: a training step takes two thirds of the time that it takes otherwise.
        let x = pixels.to_kind(Kind::Float).permute([0, 3, 1, 2]);
        (x - of_channel(&self.network.mean)).g_div_(&of_channel(&self.network.std))
    }

    fn parameter(&self, owner: &str, part: &str) -> &Tensor {
        &self.tensors[&format!("{owner}.{part}")]
    }
}

/// Padding that is the same above and below is left to the convolution; other padding is put around the picture here.
fn pad(x: &Tensor, pads: Pads) -> (Tensor, [i64; 2]) {
    let Pads { top, left, bottom, right } = pads;
    if top == bottom && left == right {
        return (x.shallow_clone(), [top as i64, left as i64]);
    }
    (x.constant_pad_nd([left as i64, right as i64, top as i64, bottom as i64]), [0, 0])
}

fn pool(window: Window) -> ([i64; 2], [i64; 2], [i64; 2]) {
    let Window { kernel, stride, pads } = window;
    (kernel.map(|side| side as i64), [stride as i64; 2], [pads.top as i64, pads.left as i64])
}

/// Stochastic depth (G. Huang and others, ECCV 2016): a block's own part is left out for some samples.
fn drop_connect(x: &Tensor, rate: f64, training: bool) -> Tensor {
    if !training {
        return x.shallow_clone();
    }
    let kept = 1.0 - rate;
    let mask = (Tensor::rand([x.size()[0], 1, 1, 1], (Kind::Float, x.device())) + kept).floor();
    x * mask / kept
}

impl Features {
    /// p(synthetic) of each sample by softmax, for networks of two classes.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f32> {
        to_values(&self.logits.softmax(1, Kind::Float).i((.., 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::textures;
    use crate::network::{Architecture, Network, Tap, VitSizes, vision_transformer};
    use crate::torch::Tune;

    fn crops(network: &Network, count: usize) -> Tensor {
        let side = network.input_side;
        Tensor::from_slice(&textures(side, count, 3)).view([-1, side as i64, side as i64, 3])
    }

    /// libtorch itself finds out when a value that a gradient needs was written over, and fails.
    fn check_training(architecture: Architecture) {
        let model = Model::new(architecture.describe(2).with_tap(Tap::Reference), 1);
        let before = model.state();
        let features = model.forward(&crops(model.network(), 2), Mode::Training);
        (features.logits.square().sum(Kind::Float) + features.tap.square().mean(Kind::Float)).backward();
        for (weight, parameter) in model.trained().zip(model.list.iter().filter(|each| each.role.is_trained())) {
            let gradient = weight.grad();
            assert!(gradient.defined(), "{architecture}: {} has no gradient", parameter.name);
            assert!(gradient.abs().max().double_value(&[]).is_finite(), "{architecture}: {}", parameter.name);
        }
        let moved = model.state();
        let still = moved.iter().find(|(name, array)| name.contains("running") && before[*name] == **array);
        assert_eq!(still, None, "{architecture}: statistics that no batch moved");
    }

    #[test]
    fn every_network_learns() {
        // The whole of CLIP's tower would take a minute: two of its blocks have all that the others have.
        let shallow = |architecture: Architecture| match architecture.depth() {
            Some(_) => Architecture::known("clip_vit_b16").with_depth(Some(2)).expect("one of its blocks"),
            None => architecture,
        };
        Architecture::all().map(shallow).for_each(check_training);
    }

    fn small() -> Model {
        let sizes = VitSizes { side: 32, patch: 8, width: 8, heads: 2, hidden: 16, depth: 2 };
        Model::new(vision_transformer(2, sizes), 1)
    }

    #[test]
    fn the_head_goes_on_where_the_trunk_ended() {
        let mut model = small();
        let pixels = textures(32, 3, 3);
        let batch = Tensor::from_slice(&pixels).view([-1, 32, 32, 3]);
        let trunk = Tensor::from_slice(&model.trunk(&pixels)).view([3, 8, 4, 4]);
        for mode in [Mode::Training, Mode::Inference] {
            model.tune(Tune::Head);
            let (whole, head) = no_grad(|| (model.forward(&batch, mode), model.forward_head(&trunk, mode)));
            for (one, other) in [(whole.logits, head.logits), (whole.tap, head.tap)] {
                assert!((one - other).abs().max().double_value(&[]) < 1e-5, "{mode:?}");
            }
        }
    }

    #[test]
    fn patches_that_are_shuffled_come_back_to_their_places() {
        let mut model = small();
        let pixels = textures(32, 3, 3);
        let batch = Tensor::from_slice(&pixels).view([-1, 32, 32, 3]);
        let tap = |model: &Model| no_grad(|| model.forward(&batch, Mode::Training).tap);
        let plain = tap(&model);
        model.shuffle_patches(true);
        assert!((&plain - tap(&model)).abs().max().double_value(&[]) > 1e-3, "they were not shuffled");
        let seeded = || {
            crate::torch::seed(1);
            tap(&model)
        };
        // Other tests draw from the same generator meanwhile, which may spoil a pair. An order that doesn't come from the seed is
        // the same twice once in 10^39 times.
        assert!((0..20).any(|_| seeded() == seeded()), "the order comes from libtorch's seed");
        // Without places and with one block that all tokens see alike, order is all that could tell them apart.
        let mut state = model.state();
        state.get_mut("vision_model.embeddings.position_embedding.weight").expect("it has one").values.fill(0.0);
        model.load(&state).expect("the model's own state");
        let shuffled = tap(&model);
        model.shuffle_patches(false);
        assert!((tap(&model) - shuffled).abs().max().double_value(&[]) < 1e-5, "a cell is not where its patch is");
        let scores = model.score(&pixels);
        model.shuffle_patches(true);
        assert_eq!(model.score(&pixels), scores, "nothing is shuffled in inference");
    }

    #[test]
    fn a_tap_is_not_written_over_by_what_follows() {
        let state = Model::new(Architecture::known("densenet121").describe(2), 1).state();
        let [head, reference] = Tap::ALL.map(|tap| {
            let mut model = Model::new(Architecture::known("densenet121").describe(2).with_tap(tap), 1);
            model.load(&state).expect("the same network");
            no_grad(|| model.forward(&crops(model.network(), 2), Mode::Inference))
        });
        assert_eq!(head.logits, reference.logits);
        assert!(reference.tap.min().double_value(&[]) < 0.0, "the ReLU after the tap was seen");
        assert_eq!(head.tap, reference.tap.relu());
    }

    #[test]
    fn the_largest_values_are_those_of_the_nodes() {
        let model = Model::new(Architecture::known("efficientnet_lite0").describe(2), 1);
        let pixels = vec![255; 224 * 224 * 3];
        let largest = model.largest_values(&pixels);
        assert_eq!(largest.len(), model.network().nodes.len());
        // The picture itself: white less the mean, over the deviation.
        assert_eq!(largest[0], (255.0 - 127.0) / 128.0);
        let logits = model.score(&pixels).logits;
        let last = largest.last().copied().expect("there are nodes");
        assert!((last - logits.iter().fold(0.0_f32, |most, value| most.max(value.abs()))).abs() < 1e-6);
    }
}
