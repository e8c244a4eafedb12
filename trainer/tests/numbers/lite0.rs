//! EfficientNet-Lite0 with its public ImageNet weights gives the logits of the public PyTorch port.
//!
//! The numbers to meet were written by `fixtures/efficientnet_lite0_logits.py`.

use cyborg_models::lock;
use cyborg_trainer::checkpoint;
use cyborg_trainer::network::Architecture;
use cyborg_trainer::torch::{LastLayer, Model};

const SIDE: usize = 224;

/// The fixture's picture, by the same whole-number formula.
fn picture() -> Vec<u8> {
    let level = |x: usize, y: usize, channel: usize| {
        let wave = (x * (channel + 2) + y * (5 - channel)) % 256;
        let grain = (x * 7 + y * 13 + x * y * 3 + channel * 29) % 64;
        ((wave * 3 + grain) / 4) as u8
    };
    let places = (0..SIDE * SIDE).map(|index| (index % SIDE, index / SIDE));
    places.flat_map(|(x, y)| [0, 1, 2].map(|channel| level(x, y, channel))).collect()
}

fn largest_difference(model: &Model) -> f32 {
    let expected = include_str!("../fixtures/efficientnet_lite0_logits.txt").lines();
    let expected: Vec<f32> = expected.map(|line| line.parse().expect("the fixture holds numbers")).collect();
    let found = model.score(&picture()).logits;
    assert_eq!((found.len(), expected.len()), (1000, 1000));
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_port_is_right() {
    let path = lock::cached("efficientnet_lite0_imagenet").expect("there is a cache folder");
    let weights = checkpoint::read(&path).expect("`cargo xtask setup --trainer` has fetched the weights");
    let mut model = Model::new(Architecture::known("efficientnet_lite0").describe(1000), 0);
    let loaded = model.load(&weights.state).expect("the names are the port's");
    assert_eq!((loaded.last_layer, loaded.unused.as_slice()), (LastLayer::Loaded, [].as_slice()));
    let off = largest_difference(&model);
    assert!(off < 1e-3, "off by {off}");

    // A wrong epsilon, a lost statistic, a swap of two layers of a shape: each of them is seen.
    let mut lost = weights.state.clone();
    lost.get_mut("_blocks.3._bn1.running_mean").expect("it is there").values.fill(0.0);
    model.load(&lost).expect("the shapes are right");
    assert!(largest_difference(&model) > 1e-2);
    let mut swapped = weights.state.clone();
    let (one, other) = ("_blocks.12._project_conv.weight".to_owned(), "_blocks.13._project_conv.weight".to_owned());
    let (first, second) = (swapped[&one].clone(), swapped[&other].clone());
    assert_eq!(first.shape, second.shape);
    swapped.extend([(one, second), (other, first)]);
    model.load(&swapped).expect("the shapes are right");
    assert!(largest_difference(&model) > 1e-2);
}
