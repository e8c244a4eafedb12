//! Xception (F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017), one of the paper's
//! networks.
//!
//! Parameter names are those of the Python package `pretrainedmodels`. Its blocks begin with a ReLU that is not in
//! place, so the way round a block carries the values from before the ReLU. It pads by one on each side where the
//! publication's TensorFlow puts an odd pixel last.

use crate::network::architecture::{Architecture, LEAST_SIDE, MOST_SIDE, Row};
use crate::network::builder::{Builder, Finish};
use crate::network::{BatchNormSettings, Network, NodeId, Op, Taps, Window};

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "xception",
    side: 299,
    sides: LEAST_SIDE..=MOST_SIDE,
    depths: None,
    weights: None,
    describe: |classes, side, _| describe(classes, side),
};

const HALF: [f32; 3] = [127.5; 3];

/// A block: separable convolutions, each with its batch normalisation and after a ReLU.
struct Block {
    /// Channels after each convolution.
    channels: &'static [usize],
    /// Of the pooling after them; 2 halves the sides, 1 is no pooling.
    stride: usize,
    /// Whether the first convolution has its ReLU. Before the first block one stands already.
    starts_with_relu: bool,
}

const MIDDLE: Block = Block { channels: &[728, 728, 728], stride: 1, starts_with_relu: true };

const BLOCKS: [Block; 12] = [
    Block { channels: &[128, 128], stride: 2, starts_with_relu: false },
    Block { channels: &[256, 256], stride: 2, starts_with_relu: true },
    Block { channels: &[728, 728], stride: 2, starts_with_relu: true },
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    Block { channels: &[728, 1024], stride: 2, starts_with_relu: true },
];

fn describe(classes: usize, side: usize) -> Network {
    let (mut net, image) = Builder::new(side);
    let x = net.conv(image, "conv1".to_owned(), 32, Window::square(3, 2, 0), 1);
    let x = norm_relu(&mut net, x, "bn1");
    let x = net.conv(x, "conv2".to_owned(), 64, Window::square(3, 1, 0), 1);
    let mut x = norm_relu(&mut net, x, "bn2");
    for (shape, number) in BLOCKS.iter().zip(1..) {
        x = block(&mut net, x, &format!("block{number}"), shape);
    }
    let x = separable(&mut net, x, "conv3", 1536);
    let x = norm_relu(&mut net, x, "bn3");
    let reference = separable(&mut net, x, "conv4", 2048);
    let head = norm_relu(&mut net, reference, "bn4");
    let x = net.global_average_pool(head);
    net.linear(x, "last_linear", classes);
    net.finish(Finish {
        architecture: Architecture::of(&ROW),
        mean: HALF,
        std: HALF,
        batch_norm: BatchNormSettings { eps: 1e-5, momentum: 0.1 },
        taps: Taps { head, reference },
        last_linear: "last_linear",
    })
}

/// A residual block. The way round it has a convolution of its own where channels or sides change.
fn block(net: &mut Builder, input: NodeId, name: &str, shape: &Block) -> NodeId {
    let mut x = input;
    // Parts are numbered in a row, ReLUs among them.
    let mut part = 0;
    for (at, &channels) in shape.channels.iter().enumerate() {
        if at > 0 || shape.starts_with_relu {
            x = net.each(x, Op::Relu);
            part += 1;
        }
        x = separable(net, x, &format!("{name}.rep.{part}"), channels);
        x = net.batch_norm(x, format!("{name}.rep.{}", part + 1));
        part += 2;
    }
    if shape.stride == 1 {
        return net.add(x, input);
    }
    x = net.max_pool(x, Window::square(3, shape.stride, 1));
    let channels = net.shape(x).channels;
    let round = net.conv(input, format!("{name}.skip"), channels, Window::square(1, shape.stride, 0), 1);
    let round = net.batch_norm(round, format!("{name}.skipbn"));
    net.add(x, round)
}

/// A filter for each channel by itself, then a mix of the channels, with nothing between them.
fn separable(net: &mut Builder, input: NodeId, name: &str, channels: usize) -> NodeId {
    let inputs = net.shape(input).channels;
    let x = net.conv(input, format!("{name}.conv1"), inputs, Window::square(3, 1, 1), inputs);
    net.pointwise(x, format!("{name}.pointwise"), channels)
}

fn norm_relu(net: &mut Builder, input: NodeId, name: &str) -> NodeId {
    let x = net.batch_norm(input, name.to_owned());
    net.each(x, Op::Relu)
}
