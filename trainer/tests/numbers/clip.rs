//! CLIP's image tower gives the patch tokens of Hugging Face's `transformers`, for real photos resized by the runtime.
//!
//! The numbers to meet were written by `fixtures/clip_vit_b16.py`, with weights by the formula below.

use cyborg_trainer::checkpoint::names::translate;
use cyborg_trainer::checkpoint::{Array, State};
use cyborg_trainer::network::Architecture;
use cyborg_trainer::torch::{LastLayer, Model, set_threads};

use crate::made_up::noise;
use crate::regions::{REGIONS, photos};

/// The fixture's weights; its script says why they are made like this.
fn made_up(name: &str, shape: &[usize]) -> Array {
    let of_place = noise(name);
    let inputs: usize = shape[1..].iter().product();
    let value = |place: usize| {
        let (share, sign) = (of_place(place), of_place(place) * 2.0 - 1.0);
        match shape.len() {
            _ if name.contains("embedding") && !name.contains("patch") => sign,
            1 if name.ends_with("weight") => 0.6 + 0.8 * share,
            1 => sign * 0.1,
            _ => sign * (3.0 / inputs as f64).sqrt(),
        }
    };
    Array { shape: shape.to_vec(), values: (0..shape.iter().product()).map(|place| value(place) as f32).collect() }
}

/// A file of the whole tower, with what else such files hold.
fn file() -> State {
    let network = Architecture::known("clip_vit_b16").with_depth(Some(12)).expect("one of its blocks").describe(2);
    let head = network.head_parameters();
    let tower = network.parameters().into_iter().filter(|parameter| !head.contains(&parameter.name));
    let mut state: State = tower.map(|each| (each.name.clone(), made_up(&each.name, &each.shape))).collect();
    for name in ["vision_model.post_layernorm.weight", "visual_projection.weight", "text_model.final_layer_norm.bias"] {
        state.insert(name.to_owned(), Array { shape: vec![1], values: vec![1.0] });
    }
    state
}

/// By how much the fixture's numbers for a block are off, the worst of them, in the mean absolute value of a token's channel.
fn off(state: &State, depth: usize, pixels: &[u8]) -> f64 {
    let architecture = Architecture::known("clip_vit_b16").with_depth(Some(depth)).expect("one of its blocks");
    let mut model = Model::new(architecture.describe(2), 0);
    let loaded = model.load_start(&translate(architecture, state.clone()).state).expect("the names are understood");
    assert_eq!((loaded.last_layer, loaded.unused.as_slice()), (LastLayer::Missing, [].as_slice()));
    let tokens = model.trunk(pixels);
    let mut worst = 0.0_f64;
    let mut lines = 0;
    for line in include_str!("../fixtures/clip_vit_b16.txt").lines() {
        let numbers: Vec<f64> = line.split(' ').map(|word| word.parse().expect("the fixture holds numbers")).collect();
        let [block, photo, sum, absolute, samples @ ..] = numbers.as_slice() else {
            unreachable!("a short line: {line}")
        };
        if *block as usize != depth {
            continue;
        }
        lines += 1;
        let size = tokens.len() / REGIONS.len();
        let found: Vec<f64> = tokens[*photo as usize * size..][..size].iter().map(|&value| f64::from(value)).collect();
        let mean = absolute / size as f64;
        let sums = [(found.iter().sum::<f64>(), sum), (found.iter().map(|value| value.abs()).sum(), absolute)];
        let of_sums = sums.into_iter().map(|(found, expected)| (found - expected).abs() / size as f64 * 20.0);
        let of_samples = samples.iter().enumerate().map(|(at, expected)| (found[at * size / 8] - expected).abs());
        worst = of_sums.chain(of_samples).map(|off| off / mean).fold(worst, f64::max);
    }
    assert_eq!(lines, REGIONS.len(), "block {depth}");
    worst
}

#[test]
fn the_tower_is_that_of_transformers() {
    set_threads(1);
    let (state, pixels) = (file(), photos(224));
    for depth in [1, 6, 12] {
        let off = off(&state, depth, &pixels);
        // The photos' own pixels are up to a grey level off.
        assert!(off < 2e-2, "block {depth}: off by {off}");
    }
    // Two layers of a shape that change places are found out.
    let mut swapped = state.clone();
    let [keys, queries] =
        ["k_proj", "q_proj"].map(|part| format!("vision_model.encoder.layers.0.self_attn.{part}.weight"));
    swapped.insert(keys.clone(), state[&queries].clone());
    swapped.insert(queries, state[&keys].clone());
    let off = off(&swapped, 1, &pixels);
    assert!(off > 5e-2, "swapping queries and keys changes {off} only");
}
