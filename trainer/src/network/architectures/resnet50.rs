//! ResNet-50 (K. He and others, "Deep Residual Learning for Image Recognition", CVPR 2016), one of the paper's networks.
//!
//! Parameter names are torchvision's, and so is the place of the stride: in the middle convolution of a block, not in
//! its first one as in the publication (what others call version 1.5).

use crate::network::architecture::{Architecture, LEAST_SIDE, MOST_SIDE, Row};
use crate::network::builder::{Builder, Finish, imagenet_levels};
use crate::network::{BatchNormSettings, Network, NodeId, Op, Taps, Window};

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "resnet50",
    side: 224,
    sides: LEAST_SIDE..=MOST_SIDE,
    depths: None,
    weights: None,
    describe: |classes, side, _| describe(classes, side),
};

const STEM_CHANNELS: usize = 64;
/// Channels that come out of a block, over those of its middle convolution.
const EXPANSION: usize = 4;

/// Blocks of one shape. The first one has the stride and a convolution on the way round it.
struct Stage {
    blocks: usize,
    middle: usize,
    stride: usize,
}

const STAGES: [Stage; 4] = [
    Stage { blocks: 3, middle: 64, stride: 1 },
    Stage { blocks: 4, middle: 128, stride: 2 },
    Stage { blocks: 6, middle: 256, stride: 2 },
    Stage { blocks: 3, middle: 512, stride: 2 },
];

fn describe(classes: usize, side: usize) -> Network {
    let (mut net, image) = Builder::new(side);
    let x = net.conv(image, "conv1".to_owned(), STEM_CHANNELS, Window::square(7, 2, 3), 1);
    let x = net.batch_norm(x, "bn1".to_owned());
    let x = net.each(x, Op::Relu);
    let mut head = net.max_pool(x, Window::square(3, 2, 1));
    let mut reference = head;
    for (stage, number) in STAGES.iter().zip(1..) {
        for block in 0..stage.blocks {
            (head, reference) = bottleneck(&mut net, head, &format!("layer{number}.{block}"), stage, block == 0);
        }
    }
    let x = net.global_average_pool(head);
    net.linear(x, "fc", classes);
    let (mean, std) = imagenet_levels();
    net.finish(Finish {
        architecture: Architecture::of(&ROW),
        mean,
        std,
        batch_norm: BatchNormSettings { eps: 1e-5, momentum: 0.1 },
        taps: Taps { head, reference },
        last_linear: "fc",
    })
}

/// Narrow, filter, widen, and add what came in. Gives what comes out, and the bare third convolution.
fn bottleneck(net: &mut Builder, input: NodeId, name: &str, stage: &Stage, is_first: bool) -> (NodeId, NodeId) {
    let stride = if is_first { stage.stride } else { 1 };
    let wide = stage.middle * EXPANSION;
    let x = net.pointwise(input, format!("{name}.conv1"), stage.middle);
    let x = net.batch_norm(x, format!("{name}.bn1"));
    let x = net.each(x, Op::Relu);
    let x = net.conv(x, format!("{name}.conv2"), stage.middle, Window::square(3, stride, 1), 1);
    let x = net.batch_norm(x, format!("{name}.bn2"));
    let x = net.each(x, Op::Relu);
    let third = net.pointwise(x, format!("{name}.conv3"), wide);
    let x = net.batch_norm(third, format!("{name}.bn3"));
    let round = if is_first {
        let round = net.conv(input, format!("{name}.downsample.0"), wide, Window::square(1, stride, 0), 1);
        net.batch_norm(round, format!("{name}.downsample.1"))
    } else {
        input
    };
    let x = net.add(x, round);
    (net.each(x, Op::Relu), third)
}
