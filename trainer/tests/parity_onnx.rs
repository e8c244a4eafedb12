//! libtorch and ONNX Runtime give the same numbers for the same network: random and trained weights, one face and five.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use cyborg_edge::model::runtime::Runtime;
use cyborg_models::contract::{
    Alignment, Border, Calibration, CamClass, Contract, CropRule, ResizeFilter, Saliency, Thresholds, Training,
};
use cyborg_models::model_file::ModelFile;
use cyborg_trainer::export::{ExportError, TOLERANCE, compare, export, to_onnx};
use cyborg_trainer::loss::{LossSettings, Targets, cyborg};
use cyborg_trainer::network::Architecture;
use cyborg_trainer::torch::{Mode, Model, Optimiser, OptimiserSettings, SgdSettings, set_threads};
use tch::{Device, Kind, Tensor};

fn contract(architecture: Architecture) -> Contract {
    Contract {
        network: architecture.name().to_owned(),
        crop: CropRule { margin: 1.3, alignment: Alignment::None, border: Border::Replicate },
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency { tap: "head".into(), cam_class: CamClass::True, alpha: 0.5, source: "none".into() },
        calibration: Calibration { temperature: 1.0, bias: 0.0 },
        thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
        training: Training { data_digest: "0".repeat(64), seed: 0, tool: "a test".into() },
        auc: BTreeMap::new(),
    }
}

/// A few steps on noise: weights, and above all the running statistics, leave their start.
fn train(model: &Model) {
    let sgd = OptimiserSettings::Sgd(SgdSettings { momentum: 0.9, weight_decay: 1e-6 });
    let mut sgd = Optimiser::new(model, sgd, None);
    let settings = LossSettings { alpha: 0.5, cam_class: CamClass::True, cam_entropy: 0.0 };
    for _ in 0..3 {
        let pixels = Tensor::randint(256, [4, 224, 224, 3], (Kind::Uint8, Device::Cpu));
        let targets = Targets {
            labels: Tensor::from_slice(&[0_i64, 1, 0, 1]),
            maps: Tensor::rand([4, 7, 7], (Kind::Float, Device::Cpu)),
            has_map: Tensor::ones([4], (Kind::Float, Device::Cpu)),
        };
        let features = model.forward(&pixels, Mode::Training);
        let loss = cyborg(&features.logits, &features.tap, model.last_weight(), &targets, &settings);
        sgd.step(model, &loss.total, 0.01);
    }
}

/// Scales the last layer so that the largest value of an activation map is 1: the tolerance then is what it says, and
/// not a hundredth or a hundred times of it.
fn spread(model: &mut Model) {
    let side = model.network().input_side;
    let pixels: Vec<u8> = (0..side * side * 3).map(|index| (index * 37 % 251) as u8).collect();
    let largest = model.score(&pixels).maps.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let mut state = model.state();
    let weight = state.get_mut(&format!("{}.weight", model.network().last_linear)).expect("every network has it");
    weight.values.iter_mut().for_each(|value| *value /= largest);
    model.load(&state).expect("the model's own state");
    let maps = model.score(&pixels).maps;
    assert!(maps.iter().any(|value| value.abs() > 0.9) && maps.iter().all(|value| value.abs() < 1.1), "{maps:?}");
}

fn check(architecture: Architecture) {
    set_threads(std::thread::available_parallelism().map_or(1, NonZeroUsize::get));
    let runtime = Runtime::load().expect("set-up has fetched ONNX Runtime");
    let mut model = Model::new(architecture.describe(2), 7);
    let start = model.state();
    spread(&mut model);
    let random = model.state();
    export(&runtime, &model, &contract(architecture)).expect("random weights agree");

    // Trained from its own start: a last layer of other size would need another learning rate.
    model.load(&start).expect("the model's own state");
    train(&model);
    spread(&mut model);
    let bytes = export(&runtime, &model, &contract(architecture)).expect("trained weights agree");
    let file = ModelFile::parse(&bytes).expect("the file holds the contract");
    assert_eq!((file.input_side, file.cam_size), (224, (7, 7)));

    // The comparison can fail: the file of the weights from before the training is another network,
    let old = to_onnx(model.network(), &random, &contract(architecture)).expect("the weights are whole");
    let difference = compare(&runtime, &old, &model, 1, 3).expect("it runs");
    assert!(difference.logits > TOLERANCE && difference.maps > TOLERANCE, "{difference:?}");

    // and so is one whose running statistics were lost.
    let mut lost = model.state();
    for (name, array) in lost.iter_mut().filter(|(name, _)| name.ends_with("running_mean")) {
        assert!(array.values.iter().any(|&value| value != 0.0), "{name} was not moved by training");
        array.values.fill(0.0);
    }
    let lost = to_onnx(model.network(), &lost, &contract(architecture)).expect("the weights are whole");
    let difference = compare(&runtime, &lost, &model, 1, 3).expect("it runs");
    assert!(difference.logits > TOLERANCE && difference.maps > TOLERANCE, "{difference:?}");
}

#[test]
fn efficientnet_lite0_agrees() {
    check(Architecture::EfficientNetLite0);
}

#[test]
fn densenet121_agrees() {
    check(Architecture::DenseNet121);
}

#[test]
fn other_class_counts_and_foreign_weights_are_refused() {
    let model = Model::new(Architecture::EfficientNetLite0.describe(10), 1);
    let rule = contract(Architecture::EfficientNetLite0);
    assert!(matches!(to_onnx(model.network(), &model.state(), &rule), Err(ExportError::Classes(10))));
    let network = Architecture::DenseNet121.describe(2);
    assert!(matches!(to_onnx(&network, &model.state(), &rule), Err(ExportError::Parameter(_))));
}
