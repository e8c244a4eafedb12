//! Networks as plain descriptions: a list of operations, each naming the earlier ones that it reads.
//!
//! A network is described here once. [`crate::torch`] runs the description and [`crate::export`] writes it to ONNX, so
//! the two can't drift. Nothing here computes; parameters are named as the public PyTorch checkpoints name them.

mod architecture;
mod architectures;
mod builder;

mod tap;

pub use architecture::{Architecture, LEAST_SIDE, MOST_SIDE};
pub use architectures::clip_vit_b16::{Sizes as VitSizes, describe_sized as vision_transformer};
pub use tap::{Tap, Taps};

/// Index of a node in [`Network::nodes`]; a node reads only smaller ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub usize);

/// Pixels of zeros around a picture. TensorFlow's "same" padding is not symmetric, so all four sides are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pads {
    /// Rows above.
    pub top: usize,
    /// Columns to the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the right.
    pub right: usize,
}

/// A window that moves over a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width of the window.
    pub kernel: [usize; 2],
    /// Step from one position to the next, down and across.
    pub stride: usize,
    /// What is put around the picture first.
    pub pads: Pads,
}

/// What a node does. Names are those of the parameters in a PyTorch checkpoint, without `.weight` and the like.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The picture: RGB from 0 to 255, `(x - mean) / std`, channels first.
    Image,
    /// Convolution without bias; `NAME.weight` is `[channels, inputs / groups, height, width]` of the window.
    Conv {
        /// Parameter name.
        name: String,
        /// Channels that come out.
        channels: usize,
        /// The window.
        window: Window,
        /// Groups of channels that don't see each other.
        groups: usize,
    },
    /// Batch normalisation with `NAME.weight`, `.bias`, `.running_mean` and `.running_var`.
    BatchNorm {
        /// Parameter name.
        name: String,
    },
    /// Negative values become 0.
    Relu,
    /// Values are kept in 0 to 6.
    Relu6,
    /// Largest value of each window; pads never win.
    MaxPool(Window),
    /// Mean of each window; pads are counted as zeros, as PyTorch does unless told otherwise.
    AvgPool(Window),
    /// Channels of all inputs, one after the other.
    Concat,
    /// Sum of the inputs.
    Add,
    /// Mean over the picture: `[N, C, h, w]` to `[N, C]`.
    GlobalAveragePool,
    /// In training, each value is zero with this probability and the rest is scaled up; else nothing.
    Dropout {
        /// Probability, in 0 to 1.
        rate: f64,
    },
    /// In training, a whole sample is zero with this probability and the rest is scaled up; else nothing.
    DropConnect {
        /// Probability, in 0 to 1.
        rate: f64,
    },
    /// Fully connected layer with `NAME.weight` `[outputs, inputs]` and `NAME.bias`. Each token goes through it by itself.
    Linear {
        /// Parameter name.
        name: String,
        /// Values that come out.
        outputs: usize,
    },
    /// A picture becomes a row of tokens, its cells row by row, behind a class token: `NAME.class_embedding` `[C]` and
    /// `NAME.position_embedding.weight` `[T, C]`, which is added to all of them.
    Tokens {
        /// Parameter name.
        name: String,
    },
    /// Layer normalisation of each token, with `NAME.weight` and `NAME.bias`; see [`LAYER_NORM_EPS`].
    LayerNorm {
        /// Parameter name.
        name: String,
    },
    /// Scaled dot-product attention between tokens. The inputs are queries, keys and values; it learns nothing itself.
    Attention {
        /// Parts of the channels that attend by themselves.
        heads: usize,
    },
    /// `x * sigmoid(1.702 * x)`, CLIP's approximation of GELU.
    QuickGelu,
    /// Tokens become a picture again; the class token is dropped.
    Patches,
}

impl Op {
    /// Name of what it learns; nothing where it learns nothing.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Conv { name, .. }
            | Self::BatchNorm { name }
            | Self::Linear { name, .. }
            | Self::Tokens { name }
            | Self::LayerNorm { name } => Some(name),
            _ => None,
        }
    }
}

/// Added to the variance in [`Op::LayerNorm`].
pub const LAYER_NORM_EPS: f64 = 1e-5;

/// Factor in [`Op::QuickGelu`].
pub const QUICK_GELU: f64 = 1.702;

/// Channels, height and width of a value, which lies in memory as `[N, C, h, w]`. After [`Op::GlobalAveragePool`] height and
/// width are 1 and left out. From [`Op::Tokens`] to [`Op::Patches`] a value is `[N, T, C]`: its height is T, its width 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Height.
    pub height: usize,
    /// Width.
    pub width: usize,
}

/// One operation of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<NodeId>,
    /// What comes out.
    pub shape: Shape,
}

/// Settings of all batch normalisations of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNormSettings {
    /// Added to the variance.
    pub eps: f64,
    /// Weight of a new batch in the running statistics, as PyTorch counts it.
    pub momentum: f64,
}

/// A classifier: from a picture to class scores, with the feature map that its class activation map is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Which one.
    pub architecture: Architecture,
    /// Side of the square input, in pixels.
    pub input_side: usize,
    /// Subtracted from red, green and blue, in grey levels of 0 to 255.
    pub mean: [f32; 3],
    /// Divides them after that, in grey levels.
    pub std: [f32; 3],
    /// Settings of batch normalisation.
    pub batch_norm: BatchNormSettings,
    /// The operations, each after those that it reads. The last one gives the class scores.
    pub nodes: Vec<Node>,
    /// The tensors that a class activation map can be made from, each `[N, C, h, w]`.
    pub taps: Taps,
    /// Which of them it is made from.
    pub tap: Tap,
    /// Name of the last linear layer: its weight, applied to the tap, is the class activation map.
    pub last_linear: String,
    /// The last node of the trunk: what comes after it, and reads nothing before it, is the head.
    pub trunk: NodeId,
}

/// What a parameter is for; says how it starts and whether training changes it by gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weight of a convolution.
    ConvWeight,
    /// Scale of a batch normalisation.
    NormScale,
    /// Shift of a batch normalisation.
    NormShift,
    /// Running mean, moved by the batches, not by gradients.
    RunningMean,
    /// Running variance, moved by the batches, not by gradients.
    RunningVariance,
    /// A vector that stands for a place or for the whole picture.
    Embedding,
    /// Weight of a linear layer.
    LinearWeight,
    /// Bias of a linear layer.
    LinearBias,
}

impl Role {
    /// Whether gradients change it.
    #[must_use]
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// A named tensor that a network needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name as in a PyTorch checkpoint.
    pub name: String,
    /// Shape, outermost first.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

/// Nodes that smooth a picture.
const SMOOTHING: usize = 2;

impl Network {
    /// The node of an id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// How many class scores come out.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.shape.channels)
    }

    /// The same network with its class activation map made from `tap`; a description begins with [`Tap::Head`].
    #[must_use]
    pub fn with_tap(self, tap: Tap) -> Self {
        Self { tap, ..self }
    }

    /// The same network with a picture that is smoothed first: twice the mean over 3 x 3 pixels, as good as a Gaussian of 1.15
    /// pixels. How sharp a collection is, and how it was coded, differs more between collections than between real and
    /// synthetic faces. A network that is smoothed already is smoothed once more.
    #[must_use]
    pub fn smoothed(mut self) -> Self {
        let picture = self.nodes[0].shape;
        let window = Window { kernel: [3; 2], stride: 1, pads: Pads { top: 1, left: 1, bottom: 1, right: 1 } };
        let mean = |input| Node { op: Op::AvgPool(window), inputs: vec![NodeId(input)], shape: picture };
        // What read the picture reads the second mean; all else moves on by two.
        let moved = |id: NodeId| NodeId(id.0 + SMOOTHING);
        for node in &mut self.nodes {
            node.inputs.iter_mut().for_each(|input| *input = moved(*input));
        }
        self.nodes.splice(1..1, [mean(0), mean(1)]);
        self.taps = Taps { head: moved(self.taps.head), reference: moved(self.taps.reference) };
        self.trunk = moved(self.trunk);
        self
    }

    /// The node that the class activation map is made from.
    #[must_use]
    pub fn tap_node(&self) -> NodeId {
        match self.tap {
            Tap::Head => self.taps.head,
            Tap::Reference => self.taps.reference,
        }
    }

    /// Height and width of the class activation map.
    #[must_use]
    pub fn cam_size(&self) -> (usize, usize) {
        let shape = self.node(self.tap_node()).shape;
        (shape.height, shape.width)
    }

    /// Names of the parameters of the head, which the public weights of some networks don't have.
    #[must_use]
    pub fn head_parameters(&self) -> Vec<String> {
        let owners: Vec<String> =
            self.nodes[self.trunk.0 + 1..].iter().filter_map(|node| Some(format!("{}.", node.op.name()?))).collect();
        let names = self.parameters().into_iter().map(|parameter| parameter.name);
        names.filter(|name| owners.iter().any(|owner| name.starts_with(owner))).collect()
    }

    /// How many nodes read each node.
    #[must_use]
    pub fn consumers(&self) -> Vec<usize> {
        let mut counts = vec![0; self.nodes.len()];
        for input in self.nodes.iter().flat_map(|node| &node.inputs) {
            counts[input.0] += 1;
        }
        counts
    }

    /// All parameters, in the order of the nodes.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut add = |owner: &str, part: &str, shape: Vec<usize>, role| {
            parameters.push(Parameter { name: format!("{owner}.{part}"), shape, role });
        };
        for node in &self.nodes {
            let inputs = node.inputs.first().map_or(0, |&input| self.node(input).shape.channels);
            match &node.op {
                Op::Conv { name, channels, window, groups } => {
                    let shape = vec![*channels, inputs / groups, window.kernel[0], window.kernel[1]];
                    add(name, "weight", shape, Role::ConvWeight);
                }
                Op::LayerNorm { name } => {
                    add(name, "weight", vec![inputs], Role::NormScale);
                    add(name, "bias", vec![inputs], Role::NormShift);
                }
                Op::Tokens { name } => {
                    add(name, "class_embedding", vec![inputs], Role::Embedding);
                    add(name, "position_embedding.weight", vec![node.shape.height, inputs], Role::Embedding);
                }
                Op::BatchNorm { name } => {
                    add(name, "weight", vec![inputs], Role::NormScale);
                    add(name, "bias", vec![inputs], Role::NormShift);
                    add(name, "running_mean", vec![inputs], Role::RunningMean);
                    add(name, "running_var", vec![inputs], Role::RunningVariance);
                }
                Op::Linear { name, outputs } => {
                    add(name, "weight", vec![*outputs, inputs], Role::LinearWeight);
                    add(name, "bias", vec![*outputs], Role::LinearBias);
                }
                _ => {}
            }
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(architecture: Architecture, trained: usize, side: usize, cam: (usize, usize), channels: usize) {
        let network = architecture.describe(1000);
        let size = |parameter: &Parameter| parameter.shape.iter().product::<usize>();
        let parameters = network.parameters();
        assert_eq!(parameters.iter().filter(|p| p.role.is_trained()).map(size).sum::<usize>(), trained, "{network:?}");
        assert_eq!((network.input_side, network.classes()), (side, 1000));
        assert!(network.nodes.iter().enumerate().all(|(at, node)| node.inputs.iter().all(|input| input.0 < at)));
        for tap in Tap::ALL {
            let network = network.clone().with_tap(tap);
            assert_eq!(network.cam_size(), cam, "{architecture} {tap}");
            assert_eq!(network.node(network.tap_node()).shape.channels, channels, "{architecture} {tap}");
        }
    }

    #[test]
    fn sizes_are_the_published_ones() {
        // Parameters of the public EfficientNet-Lite0, of torchvision's networks (Inception-v3 without its auxiliary
        // head, which has 3,326,696), and of Xception in `pretrainedmodels`.
        check(Architecture::known("efficientnet_lite0"), 4_652_008, 224, (7, 7), 1280);
        check(Architecture::known("densenet121"), 7_978_856, 224, (7, 7), 1024);
        check(Architecture::known("resnet50"), 25_557_032, 224, (7, 7), 2048);
        check(Architecture::known("inception_v3"), 27_161_264 - 3_326_696, 299, (8, 8), 2048);
        check(Architecture::known("xception"), 22_855_952, 299, (10, 10), 2048);
        // CLIP's image tower ViT-B/16 has 86,192,640 parameters with its last layer normalisation (1,536) and its projection
        // to 512 numbers (393,216), which are left out; a batch normalisation and a classifier are put in their place.
        let head = 2 * 768 + 768 * 1000 + 1000;
        check(
            Architecture::known("clip_vit_b16").with_depth(Some(12)).expect("one of its blocks"),
            86_192_640 - 1_536 - 393_216 + head,
            224,
            (14, 14),
            768,
        );
        // A block: two layer normalisations, four projections of attention, two layers of the MLP.
        let block = 2 * 1536 + 4 * (768 * 768 + 768) + 768 * 3072 + 3072 + 3072 * 768 + 768;
        check(
            Architecture::known("clip_vit_b16").with_depth(Some(6)).expect("one of its blocks"),
            86_192_640 - 1_536 - 393_216 + head - 6 * block,
            224,
            (14, 14),
            768,
        );
    }

    #[test]
    fn a_smoothed_network_is_the_same_behind_its_picture() {
        for architecture in Architecture::all() {
            let plain = architecture.describe(2);
            let smoothed = plain.clone().smoothed();
            assert_eq!((smoothed.input_side, smoothed.cam_size()), (plain.input_side, plain.cam_size()));
            assert_eq!(smoothed.parameters(), plain.parameters());
            assert_eq!(smoothed.nodes.len(), plain.nodes.len() + SMOOTHING);
            for (node, after) in plain.nodes.iter().zip(&smoothed.nodes[SMOOTHING..]).skip(1) {
                assert_eq!((&node.op, node.shape), (&after.op, after.shape), "{architecture}");
                let inputs: Vec<usize> = node.inputs.iter().map(|input| input.0 + SMOOTHING).collect();
                assert_eq!(after.inputs.iter().map(|input| input.0).collect::<Vec<_>>(), inputs, "{architecture}");
            }
            for tap in Tap::ALL {
                let of = |network: &Network| network.node(network.clone().with_tap(tap).tap_node()).op.clone();
                assert_eq!(of(&smoothed), of(&plain), "{architecture} {tap}");
            }
        }
    }

    fn tap_of(architecture: Architecture, tap: Tap) -> Op {
        let network = architecture.describe(2).with_tap(tap);
        network.node(network.tap_node()).op.clone()
    }

    #[test]
    fn taps_are_those_of_the_published_code() {
        let named = |architecture| match tap_of(architecture, Tap::Reference) {
            Op::Conv { name, .. } | Op::BatchNorm { name } => name,
            other => format!("{other:?}"),
        };
        assert_eq!(named(Architecture::known("resnet50")), "layer4.2.conv3");
        assert_eq!(named(Architecture::known("densenet121")), "features.norm5");
        assert_eq!(named(Architecture::known("xception")), "conv4.pointwise");
        assert_eq!(named(Architecture::known("efficientnet_lite0")), "_conv_head");
        let inception = Architecture::known("inception_v3").describe(2).taps;
        assert_eq!(inception.reference, inception.head);
        for architecture in
            [Architecture::known("resnet50"), Architecture::known("densenet121"), Architecture::known("xception")]
        {
            assert_eq!(tap_of(architecture, Tap::Head), Op::Relu, "{architecture}");
        }
    }
}
