//! The paper's four networks give the numbers of the public Python networks: class scores, activation maps at both
//! taps, and layers on the way, for real photos resized by the runtime.
//!
//! The numbers to meet were written by `fixtures/networks.py`, with weights by the formula of `support/made_up.rs`.

use cyborg_trainer::checkpoint::State;
use cyborg_trainer::checkpoint::names::translate;
use cyborg_trainer::network::{Architecture, NodeId, Op, Tap};
use cyborg_trainer::torch::{LastLayer, Mode, Model, set_threads};
use tch::{Tensor, no_grad};

use crate::made_up::{Strength, checkpoint};
use crate::regions::{REGIONS, photos};

const CLASSES: usize = 8;
/// Of class scores, over their spread.
const TOLERANCE: f64 = 1e-3;
/// A line of the fixture.
struct Line<'a> {
    what: &'a str,
    photo: usize,
    values: Vec<f64>,
}

fn lines(fixture: &str) -> Vec<Line<'_>> {
    fixture
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            let what = words.next().expect("a line has a first word");
            let mut numbers = words.map(|word| word.parse::<f64>().expect("the fixture holds numbers"));
            let photo = numbers.next().expect("the photo's number") as usize;
            Line { what, photo, values: numbers.collect() }
        })
        .collect()
}

/// Largest difference of the class scores, over the spread: by how much a score differs from photo to photo, in the mean
/// over the classes.
fn logits_off(model: &Model, pixels: &[u8], lines: &[Line<'_>]) -> f64 {
    let found = model.score(pixels).logits;
    let expected: Vec<&Line<'_>> = lines.iter().filter(|line| line.what == "logits").collect();
    assert_eq!((found.len(), expected.len()), (CLASSES * REGIONS.len(), REGIONS.len()));
    let spread = |class: usize| {
        let of_class = expected.iter().map(|line| line.values[class]);
        of_class.clone().fold(f64::MIN, f64::max) - of_class.fold(f64::MAX, f64::min)
    };
    let spread = (0..CLASSES).map(spread).sum::<f64>() / CLASSES as f64;
    assert!(spread > 1.0, "the photos differ by {spread} only");
    let expected = expected.iter().flat_map(|line| &line.values);
    found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max) / spread
}

/// What the fixture keeps of a tensor, its sum, the sum of absolute values and eight samples, is near enough. What is
/// allowed is counted in the mean absolute value; the photo's own pixels are already up to a grey level off.
fn check_summary(line: &Line<'_>, found: &[f32]) {
    let found: Vec<f64> = found.iter().map(|&value| value.into()).collect();
    let count = found.len() as f64;
    let mean = line.values[1] / count;
    let (sum, absolute): (f64, f64) = (found.iter().sum(), found.iter().map(|value| value.abs()).sum());
    let samples = (0..8).map(|number| (found[number * found.len() / 8], 1.0, 2e-2));
    let all = [(sum, count, 1e-3), (absolute, count, 1e-3)].into_iter().chain(samples);
    for ((found, counted, allowed), expected) in all.zip(&line.values) {
        let off = (found - expected).abs() / (mean * counted);
        assert!(off < allowed, "{} of photo {}: {found} is not {expected}, off by {off}", line.what, line.photo);
    }
}

fn check(architecture: Architecture, strength: Strength, fixture: &str, swapped: [&str; 2]) {
    // The tests of this file run beside each other already; threads that wait for each other would only be in the way.
    set_threads(1);
    let renamed = translate(architecture, checkpoint(architecture, CLASSES, strength));
    let network = architecture.describe(CLASSES);
    let mut model = Model::new(network.clone(), 0);
    let loaded = model.load(&renamed.state).expect("the names are understood");
    assert_eq!((loaded.last_layer, loaded.unused.as_slice()), (LastLayer::Loaded, [].as_slice()));
    let side = network.input_side;
    let (pixels, lines) = (photos(side), lines(fixture));
    let off = logits_off(&model, &pixels, &lines);
    assert!(off < TOLERANCE, "{architecture}: the class scores are off by {off} of their spread");

    for tap in Tap::ALL {
        let mut model = Model::new(network.clone().with_tap(tap), 0);
        model.load(&renamed.state).expect("it was loaded before");
        let maps = model.score(&pixels).maps;
        let of_tap = lines.iter().filter(|line| line.what == format!("cam:{tap}"));
        of_tap.zip(maps.chunks_exact(maps.len() / REGIONS.len())).for_each(|(line, map)| check_summary(line, map));
    }
    let batch = Tensor::from_slice(&pixels).view([-1, side as i64, side as i64, 3]);
    let layers = lines.iter().filter(|line| line.photo == 0 && line.what != "logits" && !line.what.starts_with("cam:"));
    for layer in layers.map(|line| line.what) {
        // Any node can be made the tap, so any layer can be looked at.
        let mut network = network.clone();
        let is_it = |op: &Op| matches!(op, Op::Conv { name, .. } | Op::BatchNorm { name } if name == layer);
        let at = network.nodes.iter().position(|node| is_it(&node.op)).expect("the fixture's names are the network's");
        network.taps.head = NodeId(at);
        let mut model = Model::new(network, 0);
        model.load(&renamed.state).expect("it was loaded before");
        let tap = no_grad(|| model.forward(&batch, Mode::Inference).tap);
        for line in lines.iter().filter(|line| line.what == layer) {
            let of_photo = tap.select(0, line.photo as i64).contiguous().view([-1]);
            check_summary(line, &Vec::<f32>::try_from(of_photo).expect("it is flat"));
        }
    }

    // An importer that loses statistics, or takes one layer for another, is found out.
    let mut check_change = |what: &str, change: &dyn Fn(&mut State)| {
        let mut state = renamed.state.clone();
        change(&mut state);
        model.load(&state).expect("the shapes are right");
        let off = logits_off(&model, &pixels, &lines);
        assert!(off > 10.0 * TOLERANCE, "{architecture}: {what} changes {off} only");
    };
    let fill = |state: &mut State, part: &str, value: f32| {
        let of_part = state.iter_mut().filter(|(name, _)| name.ends_with(part));
        of_part.for_each(|(_, array)| array.values.fill(value));
    };
    check_change("losing the means", &|state| fill(state, "running_mean", 0.0));
    check_change("losing the variances", &|state| fill(state, "running_var", 1.0));
    check_change("swapping two layers", &|state| {
        let [first, second] = swapped.map(|name| state[name].clone());
        assert_eq!(first.shape, second.shape);
        state.extend([(swapped[0].to_owned(), second), (swapped[1].to_owned(), first)]);
    });
}

#[test]
fn resnet50_is_torchvisions() {
    let swapped = ["layer3.2.conv2.weight", "layer3.3.conv2.weight"];
    let strength = Strength { gain: 0.65, linear: 2e4 };
    check(Architecture::known("resnet50"), strength, include_str!("../fixtures/resnet50.txt"), swapped);
}

#[test]
fn densenet121_is_torchvisions() {
    let swapped = ["features.denseblock3.denselayer4.conv2.weight", "features.denseblock3.denselayer5.conv2.weight"];
    let strength = Strength { gain: 1.1, linear: 600.0 };
    check(Architecture::known("densenet121"), strength, include_str!("../fixtures/densenet121.txt"), swapped);
}

#[test]
fn inception_v3_is_torchvisions() {
    let swapped = ["Mixed_6c.branch7x7dbl_2.conv.weight", "Mixed_6c.branch7x7dbl_4.conv.weight"];
    let strength = Strength { gain: 1.0, linear: 1e5 };
    check(Architecture::known("inception_v3"), strength, include_str!("../fixtures/inception_v3.txt"), swapped);
}

#[test]
fn xception_is_pretrainedmodels() {
    let swapped = ["block6.rep.1.pointwise.weight", "block6.rep.4.pointwise.weight"];
    let strength = Strength { gain: 0.6, linear: 6000.0 };
    check(Architecture::known("xception"), strength, include_str!("../fixtures/xception.txt"), swapped);
}
