//! libtorch and ONNX Runtime give the same numbers for the same network: all networks, both taps, both precisions, one
//! face and several.

use std::collections::BTreeMap;

use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::{
    Alignment, Border, Calibration, CamClass, Contract, CropRule, ResizeFilter, Saliency, Thresholds, Training,
};
use cyborg_models::model_file::ModelFile;
use cyborg_trainer::checkpoint::State;
use cyborg_trainer::export::{ExportError, Precision, compare, export, textures, to_onnx};
use cyborg_trainer::network::{Architecture, Network, Tap, VitSizes, vision_transformer};
use cyborg_trainer::torch::{Model, set_threads};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(super) fn contract(architecture: Architecture, tap: Tap) -> Contract {
    Contract {
        network: architecture.name().to_owned(),
        crop: CropRule { margin: 1.3, alignment: Alignment::None, border: Border::Replicate },
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency { tap: tap.name().into(), cam_class: CamClass::True, alpha: 0.5, source: "none".into() },
        calibration: Calibration { temperature: 1.0, bias: 0.0 },
        thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
        training: Training { data_digest: "0".repeat(64), seed: 0, tool: "a test".into() },
        auc: BTreeMap::new(),
    }
}

/// Gives all running statistics and batch normalisations values of their own, and scales the last layer so that class
/// scores and maps are of size one: what training does in an hour.
fn unsettle(model: &mut Model) {
    let mut state = model.state();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for (name, array) in &mut state {
        let (least, most) = match name.rsplit('.').next() {
            Some("running_mean") => (-0.3, 0.3),
            Some("running_var") => (0.5, 2.0),
            Some("bias") => (-0.2, 0.2),
            _ if array.shape.len() == 1 => (0.5, 1.1),
            _ => continue,
        };
        array.values.iter_mut().for_each(|value| *value = random.random_range(least..most));
    }
    model.load(&state).expect("the model's own state");
    let largest =
        model.score(&textures(model.network().input_side, 4, 9)).maps.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
    let weight = state.get_mut(&format!("{}.weight", model.network().last_linear)).expect("every network has it");
    weight.values.iter_mut().for_each(|value| *value /= largest);
    model.load(&state).expect("the model's own state");
}

fn check(architecture: Architecture, side: usize, cam_size: (usize, usize)) {
    check_network(&architecture.describe(2), side, cam_size);
}

fn check_network(network: &Network, side: usize, cam_size: (usize, usize)) {
    let architecture = network.architecture;
    // The tests of this file run beside each other already; threads that wait for each other would only be in the way.
    set_threads(1);
    let runtime = Runtime::load().expect("set-up has fetched ONNX Runtime");
    let mut model = Model::new(network.clone(), 7);
    unsettle(&mut model);
    let state = model.state();
    for (tap, precision) in
        [(Tap::Head, Precision::Float32), (Tap::Reference, Precision::Float32), (Tap::Reference, Precision::Float16)]
    {
        let mut model = Model::new(network.clone().with_tap(tap), 0);
        model.load(&state).expect("the same network");
        let rule = contract(architecture, tap);
        let bytes = export(&runtime, &model, &rule, precision, &[]).expect("libtorch and ONNX Runtime agree");
        let file = ModelFile::parse(&bytes).expect("the file holds the contract");
        assert_eq!((file.input_side, file.cam_size), (side, cam_size));
        let size = state.values().map(|array| array.values.len()).sum::<usize>()
            * if precision == Precision::Float16 { 2 } else { 4 };
        // A small network has nodes besides.
        assert!(bytes.len() < size * 11 / 10 + (1 << 14), "{} bytes for {size} of weights", bytes.len());
    }

    // The comparison can fail: a file with other running statistics is another network.
    let mut other = state;
    other.iter_mut().filter(|(name, _)| name.ends_with("running_var")).for_each(|(_, array)| array.values.fill(8.0));
    let rule = contract(architecture, Tap::Head);
    let other = to_onnx(model.network(), &other, &rule, Precision::Float32).expect("the weights are whole");
    let difference = compare(&runtime, &other, &model, &textures(side, 2, 3)).expect("it runs");
    let allowed = Precision::Float16.tolerance();
    assert!(difference.logits > allowed && difference.maps > allowed, "{difference:?}");
}

#[test]
fn efficientnet_lite0_agrees() {
    check(Architecture::known("efficientnet_lite0"), 224, (7, 7));
}

#[test]
fn a_network_that_smooths_its_picture_agrees() {
    check_network(&Architecture::known("efficientnet_lite0").describe(2).smoothed(), 224, (7, 7));
}

#[test]
fn densenet121_agrees() {
    check(Architecture::known("densenet121"), 224, (7, 7));
}

#[test]
fn resnet50_agrees() {
    check(Architecture::known("resnet50"), 224, (7, 7));
}

#[test]
fn inception_v3_agrees() {
    check(Architecture::known("inception_v3"), 299, (8, 8));
}

#[test]
fn xception_agrees() {
    check(Architecture::known("xception"), 299, (10, 10));
}

#[test]
fn a_transformer_agrees() {
    let sizes = VitSizes { side: 64, patch: 16, width: 48, heads: 4, hidden: 96, depth: 2 };
    check_network(&vision_transformer(2, sizes), 64, (4, 4));
    // One head, and a picture that is smoothed.
    let sizes = VitSizes { side: 48, patch: 8, width: 16, heads: 1, hidden: 16, depth: 1 };
    check_network(&vision_transformer(2, sizes).smoothed(), 48, (6, 6));
}

#[test]
fn clip_vit_b16_agrees() {
    check(Architecture::known("clip_vit_b16").with_depth(Some(1)).expect("one of its blocks"), 224, (14, 14));
}

#[test]
fn what_can_not_be_written_is_refused() {
    let model = Model::new(Architecture::known("efficientnet_lite0").describe(10), 1);
    let rule = contract(Architecture::known("efficientnet_lite0"), Tap::Head);
    let write = |network: &Network, state: &State, precision| to_onnx(network, state, &rule, precision);
    let error = write(model.network(), &model.state(), Precision::Float32);
    assert!(matches!(error, Err(ExportError::Classes(10))));
    let error = write(&Architecture::known("densenet121").describe(2), &model.state(), Precision::Float32);
    assert!(matches!(error, Err(ExportError::Parameter(_))));
    let network = Architecture::known("efficientnet_lite0").describe(2);
    let mut state = Model::new(network.clone(), 1).state();
    let error = write(&network.clone().with_tap(Tap::Reference), &state, Precision::Float32);
    assert!(matches!(error, Err(ExportError::Tap { network: Tap::Reference, .. })));
    state.get_mut("_blocks.0._bn1.bias").expect("it is there").values[3] = 1e5;
    write(&network, &state, Precision::Float32).expect("float32 holds it");
    assert!(matches!(write(&network, &state, Precision::Float16), Err(ExportError::TooLarge { .. })));
}

#[test]
fn values_that_float16_can_not_hold_are_refused() {
    // Each parameter is small enough, but what the second convolution makes of the first one's values is not. Its own
    // normalisation would make it small again, so the class scores of the two files hardly differ on a processor.
    let network = Architecture::known("densenet121").describe(2);
    let mut model = Model::new(network, 1);
    let mut state = model.state();
    state.get_mut("features.norm0.weight").expect("it is there").values.fill(3e4);
    state.get_mut("features.denseblock1.denselayer1.norm1.running_var").expect("it is there").values.fill(1e9);
    model.load(&state).expect("the model's own state");
    let runtime = Runtime::load().expect("set-up has fetched ONNX Runtime");
    let rule = contract(Architecture::known("densenet121"), Tap::Head);
    let error = export(&runtime, &model, &rule, Precision::Float16, &[]).expect_err("it overflows");
    assert!(matches!(&error, ExportError::TooLarge { .. }), "{error}");
}
