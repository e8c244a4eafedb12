//! Puts a network together node by node, and works out the shapes on the way.

use super::architecture::Architecture;
use super::{BatchNormSettings, Network, Node, NodeId, Op, Pads, Shape, Tap, Taps, Window};

/// A network in the making.
pub(super) struct Builder {
    nodes: Vec<Node>,
}

/// What a description adds to its nodes.
pub(super) struct Finish {
    pub(super) architecture: Architecture,
    pub(super) mean: [f32; 3],
    pub(super) std: [f32; 3],
    pub(super) batch_norm: BatchNormSettings,
    pub(super) taps: Taps,
    pub(super) last_linear: &'static str,
}

impl Pads {
    /// The same on all sides.
    pub(super) fn even(all: usize) -> Self {
        Self { top: all, left: all, bottom: all, right: all }
    }

    /// TensorFlow's "same": the output has `ceil(side / stride)` pixels, and an odd pixel goes below and to the right.
    pub(super) fn same(side: usize, kernel: usize, stride: usize) -> Self {
        let covered = (side.div_ceil(stride) - 1) * stride + kernel;
        let total = covered.saturating_sub(side);
        let before = total / 2;
        Self { top: before, left: before, bottom: total - before, right: total - before }
    }
}

impl Window {
    /// A window as high as it is wide, with the same pads on all sides.
    pub(super) fn square(kernel: usize, stride: usize, pads: usize) -> Self {
        Self { kernel: [kernel; 2], stride, pads: Pads::even(pads) }
    }

    /// A window of `height` and `width`, both odd, that leaves a picture as large as it is.
    pub(super) fn centred(height: usize, width: usize) -> Self {
        let (down, across) = (height / 2, width / 2);
        Self { kernel: [height, width], stride: 1, pads: Pads { top: down, left: across, bottom: down, right: across } }
    }
}

/// The mean and deviation of ImageNet, which torchvision gives in shares of white, as grey levels of 0 to 255.
pub(super) fn imagenet_levels() -> ([f32; 3], [f32; 3]) {
    let levels = |shares: [f32; 3]| shares.map(|share| share * 255.0);
    (levels([0.485, 0.456, 0.406]), levels([0.229, 0.224, 0.225]))
}

impl Builder {
    /// Begins with the picture, `side` pixels high and wide.
    pub(super) fn new(side: usize) -> (Self, NodeId) {
        let shape = Shape { channels: 3, height: side, width: side };
        (Self { nodes: vec![Node { op: Op::Image, inputs: Vec::new(), shape }] }, NodeId(0))
    }

    pub(super) fn shape(&self, id: NodeId) -> Shape {
        self.nodes[id.0].shape
    }

    fn push(&mut self, op: Op, inputs: Vec<NodeId>, shape: Shape) -> NodeId {
        self.nodes.push(Node { op, inputs, shape });
        NodeId(self.nodes.len() - 1)
    }

    pub(super) fn conv(
        &mut self,
        input: NodeId,
        name: String,
        channels: usize,
        window: Window,
        groups: usize,
    ) -> NodeId {
        let shape = Shape { channels, ..slide(self.shape(input), window) };
        self.push(Op::Conv { name, channels, window, groups }, vec![input], shape)
    }

    /// A convolution of a single pixel: it only mixes channels.
    pub(super) fn pointwise(&mut self, input: NodeId, name: String, channels: usize) -> NodeId {
        self.conv(input, name, channels, Window::square(1, 1, 0), 1)
    }

    pub(super) fn batch_norm(&mut self, input: NodeId, name: String) -> NodeId {
        self.push(Op::BatchNorm { name }, vec![input], self.shape(input))
    }

    /// An operation that leaves the shape as it is.
    pub(super) fn each(&mut self, input: NodeId, op: Op) -> NodeId {
        self.push(op, vec![input], self.shape(input))
    }

    pub(super) fn max_pool(&mut self, input: NodeId, window: Window) -> NodeId {
        self.push(Op::MaxPool(window), vec![input], slide(self.shape(input), window))
    }

    pub(super) fn avg_pool(&mut self, input: NodeId, window: Window) -> NodeId {
        self.push(Op::AvgPool(window), vec![input], slide(self.shape(input), window))
    }

    pub(super) fn concat(&mut self, inputs: &[NodeId]) -> NodeId {
        let channels = inputs.iter().map(|&input| self.shape(input).channels).sum();
        self.push(Op::Concat, inputs.to_vec(), Shape { channels, ..self.shape(inputs[0]) })
    }

    pub(super) fn add(&mut self, first: NodeId, second: NodeId) -> NodeId {
        self.push(Op::Add, vec![first, second], self.shape(first))
    }

    pub(super) fn global_average_pool(&mut self, input: NodeId) -> NodeId {
        let shape = Shape { height: 1, width: 1, ..self.shape(input) };
        self.push(Op::GlobalAveragePool, vec![input], shape)
    }

    pub(super) fn linear(&mut self, input: NodeId, name: &str, outputs: usize) -> NodeId {
        let shape = Shape { channels: outputs, height: 1, width: 1 };
        self.push(Op::Linear { name: name.to_owned(), outputs }, vec![input], shape)
    }

    /// The cells of a picture as tokens, behind a class token.
    pub(super) fn tokens(&mut self, input: NodeId, name: &str) -> NodeId {
        let Shape { channels, height, width } = self.shape(input);
        let shape = Shape { channels, height: height * width + 1, width: 1 };
        self.push(Op::Tokens { name: name.to_owned() }, vec![input], shape)
    }

    /// A linear layer that each token goes through by itself.
    pub(super) fn token_linear(&mut self, input: NodeId, name: String, outputs: usize) -> NodeId {
        let shape = Shape { channels: outputs, ..self.shape(input) };
        self.push(Op::Linear { name, outputs }, vec![input], shape)
    }

    pub(super) fn layer_norm(&mut self, input: NodeId, name: String) -> NodeId {
        self.each(input, Op::LayerNorm { name })
    }

    pub(super) fn attention(&mut self, [queries, keys, values]: [NodeId; 3], heads: usize) -> NodeId {
        self.push(Op::Attention { heads }, vec![queries, keys, values], self.shape(values))
    }

    /// Tokens as a square picture; the class token is dropped.
    pub(super) fn patches(&mut self, input: NodeId) -> NodeId {
        let Shape { channels, height: tokens, .. } = self.shape(input);
        let side = (tokens - 1).isqrt();
        self.push(Op::Patches, vec![input], Shape { channels, height: side, width: side })
    }

    pub(super) fn finish(self, finish: Finish) -> Network {
        Network {
            architecture: finish.architecture,
            input_side: self.nodes[0].shape.height,
            mean: finish.mean,
            std: finish.std,
            batch_norm: finish.batch_norm,
            nodes: self.nodes,
            taps: finish.taps,
            tap: Tap::Head,
            last_linear: finish.last_linear.to_owned(),
            trunk: finish.taps.head,
        }
    }
}

fn slide(input: Shape, window: Window) -> Shape {
    let pads = window.pads;
    let steps = |length: usize, kernel: usize| (length - kernel) / window.stride + 1;
    Shape {
        channels: input.channels,
        height: steps(input.height + pads.top + pads.bottom, window.kernel[0]),
        width: steps(input.width + pads.left + pads.right, window.kernel[1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_odd_pixel_last() {
        assert_eq!(Pads::same(224, 3, 2), Pads { top: 0, left: 0, bottom: 1, right: 1 });
        assert_eq!(Pads::same(56, 5, 2), Pads { top: 1, left: 1, bottom: 2, right: 2 });
        assert_eq!(Pads::same(7, 5, 1), Pads::even(2));
        assert_eq!(Pads::same(7, 3, 2), Pads::even(1));
        assert_eq!(Pads::same(9, 1, 1), Pads::default());
    }
}
