//! DenseNet-121 (G. Huang and others, "Densely Connected Convolutional Networks", CVPR 2017), one of the paper's networks.
//!
//! Parameter names are torchvision's. Every layer reads all that came before it in its block, so a block is a chain of
//! concatenations.

use crate::network::architecture::{Architecture, LEAST_SIDE, MOST_SIDE, Row};
use crate::network::builder::{Builder, Finish, imagenet_levels};
use crate::network::{BatchNormSettings, Network, NodeId, Op, Taps, Window};

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "densenet121",
    side: 224,
    sides: LEAST_SIDE..=MOST_SIDE,
    depths: None,
    weights: None,
    describe: |classes, side, _| describe(classes, side),
};

const STEM_CHANNELS: usize = 64;
/// Channels that a layer adds.
const GROWTH: usize = 32;
/// Channels between the two convolutions of a layer.
const BOTTLENECK: usize = 4 * GROWTH;
const LAYERS: [usize; 4] = [6, 12, 24, 16];

fn describe(classes: usize, side: usize) -> Network {
    let (mut net, image) = Builder::new(side);
    let x = net.conv(image, "features.conv0".to_owned(), STEM_CHANNELS, Window::square(7, 2, 3), 1);
    let x = norm_relu(&mut net, x, "features.norm0".to_owned());
    let mut x = net.max_pool(x, Window::square(3, 2, 1));
    for (block, &layers) in (1..).zip(&LAYERS) {
        for number in 1..=layers {
            let new = layer(&mut net, x, &format!("features.denseblock{block}.denselayer{number}"));
            x = net.concat(&[x, new]);
        }
        if block < LAYERS.len() {
            x = transition(&mut net, x, &format!("features.transition{block}"));
        }
    }
    // torchvision's `features` ends here: its ReLU stands in the classifier.
    let reference = net.batch_norm(x, "features.norm5".to_owned());
    let head = net.each(reference, Op::Relu);
    let x = net.global_average_pool(head);
    net.linear(x, "classifier", classes);
    let (mean, std) = imagenet_levels();
    net.finish(Finish {
        architecture: Architecture::of(&ROW),
        mean,
        std,
        batch_norm: BatchNormSettings { eps: 1e-5, momentum: 0.1 },
        taps: Taps { head, reference },
        last_linear: "classifier",
    })
}

fn layer(net: &mut Builder, input: NodeId, name: &str) -> NodeId {
    let x = norm_relu(net, input, format!("{name}.norm1"));
    let x = net.pointwise(x, format!("{name}.conv1"), BOTTLENECK);
    let x = norm_relu(net, x, format!("{name}.norm2"));
    net.conv(x, format!("{name}.conv2"), GROWTH, Window::square(3, 1, 1), 1)
}

/// Halves channels and sides between two blocks.
fn transition(net: &mut Builder, input: NodeId, name: &str) -> NodeId {
    let x = norm_relu(net, input, format!("{name}.norm"));
    let channels = net.shape(x).channels / 2;
    let x = net.pointwise(x, format!("{name}.conv"), channels);
    net.avg_pool(x, Window::square(2, 2, 0))
}

fn norm_relu(net: &mut Builder, input: NodeId, name: String) -> NodeId {
    let x = net.batch_norm(input, name);
    net.each(x, Op::Relu)
}
