//! Inception-v3 (C. Szegedy and others, "Rethinking the Inception Architecture for Computer Vision", CVPR 2016), one of
//! the paper's networks.
//!
//! Parameter names are torchvision's. The auxiliary head is left out: the paper trains without it. Pictures are normalised
//! by ImageNet's mean and deviation, without the change of scale that torchvision makes for its ported weights.

use crate::network::architecture::{Architecture, LEAST_SIDE, MOST_SIDE, Row};
use crate::network::builder::{Builder, Finish, imagenet_levels};
use crate::network::{BatchNormSettings, Network, NodeId, Op, Taps, Window};

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "inception_v3",
    side: 299,
    sides: LEAST_SIDE..=MOST_SIDE,
    depths: None,
    weights: None,
    describe: |classes, side, _| describe(classes, side),
};

/// Dropout before the classifier.
const DROP: f64 = 0.5;

fn describe(classes: usize, side: usize) -> Network {
    let (mut net, image) = Builder::new(side);
    let x = conv(&mut net, image, "Conv2d_1a_3x3", 32, Window::square(3, 2, 0));
    let x = conv(&mut net, x, "Conv2d_2a_3x3", 32, Window::square(3, 1, 0));
    let x = conv(&mut net, x, "Conv2d_2b_3x3", 64, Window::square(3, 1, 1));
    let x = net.max_pool(x, Window::square(3, 2, 0));
    let x = conv(&mut net, x, "Conv2d_3b_1x1", 80, Window::square(1, 1, 0));
    let x = conv(&mut net, x, "Conv2d_4a_3x3", 192, Window::square(3, 1, 0));
    let mut x = net.max_pool(x, Window::square(3, 2, 0));
    for (name, pooled) in [("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)] {
        x = with_5x5(&mut net, x, name, pooled);
    }
    x = halve_by_3x3(&mut net, x, "Mixed_6a");
    for (name, narrow) in [("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)] {
        x = with_7x7(&mut net, x, name, narrow);
    }
    x = halve_by_7x7(&mut net, x, "Mixed_7a");
    for name in ["Mixed_7b", "Mixed_7c"] {
        x = with_fans(&mut net, x, name);
    }
    let head = x;
    let x = net.global_average_pool(head);
    let x = net.each(x, Op::Dropout { rate: DROP });
    net.linear(x, "fc", classes);
    let (mean, std) = imagenet_levels();
    net.finish(Finish {
        architecture: Architecture::of(&ROW),
        mean,
        std,
        batch_norm: BatchNormSettings { eps: 1e-3, momentum: 0.1 },
        taps: Taps { head, reference: head },
        last_linear: "fc",
    })
}

/// A convolution with its batch normalisation and ReLU.
fn conv(net: &mut Builder, input: NodeId, name: &str, channels: usize, window: Window) -> NodeId {
    let x = net.conv(input, format!("{name}.conv"), channels, window, 1);
    let x = net.batch_norm(x, format!("{name}.bn"));
    net.each(x, Op::Relu)
}

/// Convolutions one after the other, each with the last part of its name, its channels and its window.
fn chain(net: &mut Builder, input: NodeId, block: &str, steps: &[(&str, usize, Window)]) -> NodeId {
    steps.iter().fold(input, |x, &(name, channels, window)| conv(net, x, &format!("{block}.{name}"), channels, window))
}

/// The branch that smooths first. The pixels outside the picture count as zeros in the means.
fn pool_branch(net: &mut Builder, input: NodeId, block: &str, channels: usize) -> NodeId {
    let x = net.avg_pool(input, Window::square(3, 1, 1));
    conv(net, x, &format!("{block}.branch_pool"), channels, Window::square(1, 1, 0))
}

fn with_5x5(net: &mut Builder, input: NodeId, block: &str, pooled: usize) -> NodeId {
    let single = Window::square(1, 1, 0);
    let three = Window::square(3, 1, 1);
    let branches = [
        chain(net, input, block, &[("branch1x1", 64, single)]),
        chain(net, input, block, &[("branch5x5_1", 48, single), ("branch5x5_2", 64, Window::square(5, 1, 2))]),
        chain(
            net,
            input,
            block,
            &[("branch3x3dbl_1", 64, single), ("branch3x3dbl_2", 96, three), ("branch3x3dbl_3", 96, three)],
        ),
        pool_branch(net, input, block, pooled),
    ];
    net.concat(&branches)
}

/// From 35 pixels to 17.
fn halve_by_3x3(net: &mut Builder, input: NodeId, block: &str) -> NodeId {
    let halving = Window::square(3, 2, 0);
    let double = [
        ("branch3x3dbl_1", 64, Window::square(1, 1, 0)),
        ("branch3x3dbl_2", 96, Window::square(3, 1, 1)),
        ("branch3x3dbl_3", 96, halving),
    ];
    let branches = [
        chain(net, input, block, &[("branch3x3", 384, halving)]),
        chain(net, input, block, &double),
        net.max_pool(input, halving),
    ];
    net.concat(&branches)
}

fn with_7x7(net: &mut Builder, input: NodeId, block: &str, narrow: usize) -> NodeId {
    let single = Window::square(1, 1, 0);
    let (row, column) = (Window::centred(1, 7), Window::centred(7, 1));
    let once = [("branch7x7_1", narrow, single), ("branch7x7_2", narrow, row), ("branch7x7_3", 192, column)];
    let twice = [
        ("branch7x7dbl_1", narrow, single),
        ("branch7x7dbl_2", narrow, column),
        ("branch7x7dbl_3", narrow, row),
        ("branch7x7dbl_4", narrow, column),
        ("branch7x7dbl_5", 192, row),
    ];
    let branches = [
        chain(net, input, block, &[("branch1x1", 192, single)]),
        chain(net, input, block, &once),
        chain(net, input, block, &twice),
        pool_branch(net, input, block, 192),
    ];
    net.concat(&branches)
}

/// From 17 pixels to 8.
fn halve_by_7x7(net: &mut Builder, input: NodeId, block: &str) -> NodeId {
    let single = Window::square(1, 1, 0);
    let halving = Window::square(3, 2, 0);
    let seven = [
        ("branch7x7x3_1", 192, single),
        ("branch7x7x3_2", 192, Window::centred(1, 7)),
        ("branch7x7x3_3", 192, Window::centred(7, 1)),
        ("branch7x7x3_4", 192, halving),
    ];
    let branches = [
        chain(net, input, block, &[("branch3x3_1", 192, single), ("branch3x3_2", 320, halving)]),
        chain(net, input, block, &seven),
        net.max_pool(input, halving),
    ];
    net.concat(&branches)
}

/// Two of the branches end in a row and a column filter side by side.
fn with_fans(net: &mut Builder, input: NodeId, block: &str) -> NodeId {
    let single = Window::square(1, 1, 0);
    let fan = |net: &mut Builder, x: NodeId, across: &str, down: &str| {
        let across = chain(net, x, block, &[(across, 384, Window::centred(1, 3))]);
        let down = chain(net, x, block, &[(down, 384, Window::centred(3, 1))]);
        net.concat(&[across, down])
    };
    let first = chain(net, input, block, &[("branch1x1", 320, single)]);
    let x = chain(net, input, block, &[("branch3x3_1", 384, single)]);
    let second = fan(net, x, "branch3x3_2a", "branch3x3_2b");
    let double = [("branch3x3dbl_1", 448, single), ("branch3x3dbl_2", 384, Window::square(3, 1, 1))];
    let x = chain(net, input, block, &double);
    let third = fan(net, x, "branch3x3dbl_3a", "branch3x3dbl_3b");
    let last = pool_branch(net, input, block, 192);
    net.concat(&[first, second, third, last])
}
