//! A model file in 8 bits says what the float one says, and one that doesn't is refused. The float one is the shipped model: a
//! network that has learnt nothing says nearly the same of all pictures, so that nothing could be told from it.

use std::num::NonZeroUsize;

use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use cyborg_edge::photo_list::Label;
use cyborg_models::model_file::ModelFile;
use cyborg_models::onnx::{ModelProto, element};
use cyborg_models::small;
use cyborg_trainer::export::{ExportError, Int8Faces, Precision, textures, to_int8, to_onnx};
use cyborg_trainer::network::{Architecture, Tap};
use cyborg_trainer::torch::Model;
use prost::Message;

use super::onnx::contract;

const SIDE: usize = 224;

/// How much more synthetic than authentic a file calls each of the crops.
fn scores(runtime: &Runtime, file: &[u8], crops: &[u8]) -> Vec<f32> {
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    let mut classifier = Classifier::from_bytes(runtime, "a test's", file, settings).expect("it holds the contract");
    let mut logits = Vec::new();
    classifier.run(crops, &mut logits, &mut Vec::new()).expect("it runs");
    logits.iter().map(|logits| logits.synthetic - logits.authentic).collect()
}

/// The shipped model with another calibration.
fn calibrated(temperature: f32, bias: f32) -> Vec<u8> {
    let mut model = ModelProto::decode(small::BYTES).expect("it is part of the program");
    for (key, value) in [("cyborg.calibration.temperature", temperature), ("cyborg.calibration.bias", bias)] {
        let pair = model.metadata_props.iter_mut().find(|pair| pair.key == key).expect("it is calibrated");
        pair.value = value.to_string();
    }
    model.encode_to_vec()
}

#[test]
fn eight_bits_say_what_floats_say() {
    let runtime = Runtime::load().expect("set-up has fetched ONNX Runtime");
    let (calibration, judged) = (textures(SIDE, 16, 1), textures(SIDE, 24, 2));
    // The float network itself tells the textures apart, where its scores are furthest from each other.
    let float_scores = scores(&runtime, small::BYTES, &judged);
    let mut sorted = float_scores.clone();
    sorted.sort_by(f32::total_cmp);
    let gaps = sorted.windows(2).map(|pair| (pair[1] - pair[0], (pair[1] + pair[0]) / 2.0));
    let (width, middle) = gaps.max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are several");
    let label = |&score: &f32| if score > middle { Label::Synthetic } else { Label::Authentic };
    let labels: Vec<Label> = float_scores.iter().map(label).collect();
    let temperature = width / 10.0;
    let float = calibrated(temperature, -middle / temperature);

    let faces = Int8Faces { calibration: &calibration, judged: &judged, labels: &labels };
    let made = to_int8(&runtime, &float, faces).expect("what it costs is allowed");
    assert_eq!((made.cost.faces, made.cost.changed, made.layers), (24, 0.0, 49));
    assert!(made.cost.cosine > 0.98 && made.cost.cosine < 1.0 - 1e-9, "{:?}: it isn't the same network", made.cost);
    // What stays in float32 is at the beginning, where there are few weights.
    assert!(made.float_layers < 13 && made.bytes.len() * 3 < float.len(), "{} bytes", made.bytes.len());
    let contract_of = |bytes: &[u8]| ModelFile::parse(bytes).expect("it holds the contract").contract;
    assert_eq!(contract_of(&made.bytes), contract_of(&float));
    let proto = ModelProto::decode(made.bytes.as_slice()).expect("it is ONNX");
    let says = |key: &str| proto.metadata_props.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str());
    assert_eq!(says("precision"), Some("int8"));
    assert_eq!(says("precision.calibrated_on"), Some("16 faces"));
    let graph = proto.graph.expect("it has one");
    let in_bytes =
        graph.initializer.iter().filter(|tensor| tensor.data_type == element::INT8 && tensor.dims.len() == 4);
    assert_eq!(in_bytes.count(), 49 - made.float_layers);

    // The same twice.
    assert_eq!(to_int8(&runtime, &float, faces).expect("as before").bytes, made.bytes);

    // Steps from black pictures alone don't hold what is in others, which is noticed where scores lie closely.
    let black = vec![0; calibration.len()];
    let median = sorted[sorted.len() / 2];
    let close = calibrated(temperature / 10.0, -median / (temperature / 10.0));
    let error = to_int8(&runtime, &close, Int8Faces { calibration: &black, ..faces }).expect_err("it is far off");
    assert!(matches!(&error, ExportError::Costs { faces: 24, .. }), "{error}");
}

#[test]
fn what_is_in_halves_has_no_8_bits() {
    let runtime = Runtime::load().expect("set-up has fetched ONNX Runtime");
    let architecture = Architecture::known("efficientnet_lite0");
    let model = Model::new(architecture.describe_at(2, 96), 7);
    let rule = contract(architecture, Tap::Head);
    let halves = to_onnx(model.network(), &model.state(), &rule, Precision::Float16).expect("it can be written");
    let crops = textures(96, 1, 1);
    let faces = Int8Faces { calibration: &crops, judged: &crops, labels: &[Label::Authentic] };
    assert!(matches!(to_int8(&runtime, &halves, faces), Err(ExportError::NoLayers)));
}
