//! EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excite and with ReLU6, made for small devices.
//!
//! The architecture is TensorFlow's public one (`efficientnet-lite0`), parameter names and running-statistics momentum
//! are those of its PyTorch port, whose ImageNet weights we start from.

use crate::network::architecture::{Architecture, LEAST_SIDE, MOST_SIDE, Row};
use crate::network::builder::{Builder, Finish};
use crate::network::{BatchNormSettings, Network, NodeId, Op, Pads, Taps, Window};

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "efficientnet_lite0",
    side: 224,
    sides: LEAST_SIDE..=MOST_SIDE,
    depths: None,
    weights: Some(("efficientnet_lite0_imagenet", "ImageNet's")),
    describe: |classes, side, _| describe(classes, side),
};

const STEM_CHANNELS: usize = 32;
const HEAD_CHANNELS: usize = 1280;
/// Dropout before the classifier, and drop-connect of the last block; earlier blocks get their share of it.
const DROP: f64 = 0.2;

/// Blocks of one shape. The first one has the stride and changes the channels.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    expand: usize,
    channels: usize,
}

const STAGES: [Stage; 7] = [
    Stage { repeats: 1, kernel: 3, stride: 1, expand: 1, channels: 16 },
    Stage { repeats: 2, kernel: 3, stride: 2, expand: 6, channels: 24 },
    Stage { repeats: 2, kernel: 5, stride: 2, expand: 6, channels: 40 },
    Stage { repeats: 3, kernel: 3, stride: 2, expand: 6, channels: 80 },
    Stage { repeats: 3, kernel: 5, stride: 1, expand: 6, channels: 112 },
    Stage { repeats: 4, kernel: 5, stride: 2, expand: 6, channels: 192 },
    Stage { repeats: 1, kernel: 3, stride: 1, expand: 6, channels: 320 },
];

fn describe(classes: usize, side: usize) -> Network {
    let (mut net, image) = Builder::new(side);
    let x = net.conv(image, "_conv_stem".to_owned(), STEM_CHANNELS, same(&net, image, 3, 2), 1);
    let x = net.batch_norm(x, "_bn0".to_owned());
    let mut x = net.each(x, Op::Relu6);

    let blocks: usize = STAGES.iter().map(|stage| stage.repeats).sum();
    let mut index = 0;
    for stage in &STAGES {
        for repeat in 0..stage.repeats {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            x = block(&mut net, x, index, DROP * index as f64 / blocks as f64, stage, stride);
            index += 1;
        }
    }

    // The paper doesn't have this network; its reference tap is chosen as that of ResNet-50 and Xception.
    let reference = net.pointwise(x, "_conv_head".to_owned(), HEAD_CHANNELS);
    let x = net.batch_norm(reference, "_bn1".to_owned());
    let head = net.each(x, Op::Relu6);
    let x = net.global_average_pool(head);
    let x = net.each(x, Op::Dropout { rate: DROP });
    net.linear(x, "_fc", classes);
    net.finish(Finish {
        architecture: Architecture::of(&ROW),
        mean: [127.0; 3],
        std: [128.0; 3],
        batch_norm: BatchNormSettings { eps: 1e-3, momentum: 0.01 },
        taps: Taps { head, reference },
        last_linear: "_fc",
    })
}

/// An inverted residual: widen, filter each channel by itself, narrow, and add what came in.
fn block(net: &mut Builder, input: NodeId, index: usize, drop: f64, stage: &Stage, stride: usize) -> NodeId {
    let name = |part: &str| format!("_blocks.{index}.{part}");
    let channels = net.shape(input).channels;
    let wide = channels * stage.expand;
    let mut x = input;
    if stage.expand != 1 {
        x = net.pointwise(x, name("_expand_conv"), wide);
        x = net.batch_norm(x, name("_bn0"));
        x = net.each(x, Op::Relu6);
    }
    x = net.conv(x, name("_depthwise_conv"), wide, same(net, x, stage.kernel, stride), wide);
    x = net.batch_norm(x, name("_bn1"));
    x = net.each(x, Op::Relu6);
    x = net.pointwise(x, name("_project_conv"), stage.channels);
    x = net.batch_norm(x, name("_bn2"));
    if stride == 1 && channels == stage.channels {
        if drop > 0.0 {
            x = net.each(x, Op::DropConnect { rate: drop });
        }
        x = net.add(x, input);
    }
    x
}

fn same(net: &Builder, input: NodeId, kernel: usize, stride: usize) -> Window {
    Window { kernel: [kernel; 2], stride, pads: Pads::same(net.shape(input).height, kernel, stride) }
}
