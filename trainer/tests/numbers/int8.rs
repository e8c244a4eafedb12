//! A model file in 8 bits says what the float one says, and one that doesn't is refused.

use std::num::NonZeroUsize;

use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use cyborg_edge::photo_list::Label;
use cyborg_edge::verdict::Logits;
use cyborg_models::contract::{Calibration, Contract};
use cyborg_models::model_file::ModelFile;
use cyborg_models::onnx::{ModelProto, element};
use cyborg_trainer::export::{ExportError, Int8Faces, Precision, textures, to_int8, to_onnx};
use cyborg_trainer::network::{Architecture, Tap};
use cyborg_trainer::torch::{Model, set_threads};
use prost::Message;

use super::onnx::{contract, unsettle};

const SIDE: usize = 96;

fn logits(runtime: &Runtime, file: &[u8], crops: &[u8]) -> Vec<Logits> {
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    let mut classifier = Classifier::from_bytes(runtime, "a test's", file, settings).expect("it holds the contract");
    let mut logits = Vec::new();
    classifier.run(crops, &mut logits, &mut Vec::new()).expect("it runs");
    logits
}

fn score(logits: &Logits) -> f32 {
    logits.synthetic - logits.authentic
}

#[test]
fn eight_bits_say_what_floats_say() {
    set_threads(1);
    let runtime = Runtime::load().expect("set-up has fetched ONNX Runtime");
    let architecture = Architecture::known("efficientnet_lite0");
    let mut model = Model::new(architecture.describe_at(2, SIDE), 7);
    unsettle(&mut model);
    let (calibration, judged) = (textures(SIDE, 16, 1), textures(SIDE, 24, 2));
    let mut rule = contract(architecture, Tap::Head);
    let write = |rule: &Contract, precision| {
        to_onnx(model.network(), &model.state(), rule, precision).expect("it can be written")
    };

    // The faces are told apart by the float network itself, where its scores are furthest from each other.
    let scores: Vec<f32> = logits(&runtime, &write(&rule, Precision::Float32), &judged).iter().map(score).collect();
    let mut sorted = scores.clone();
    sorted.sort_by(f32::total_cmp);
    let gap = (1..sorted.len()).max_by(|&a, &b| (sorted[a] - sorted[a - 1]).total_cmp(&(sorted[b] - sorted[b - 1])));
    let gap = gap.expect("there are several");
    let (middle, width) = ((sorted[gap] + sorted[gap - 1]) / 2.0, sorted[gap] - sorted[gap - 1]);
    let labels: Vec<Label> =
        scores.iter().map(|&score| if score > middle { Label::Synthetic } else { Label::Authentic }).collect();
    let temperature = width / 10.0;
    rule.calibration = Calibration { temperature, bias: -middle / temperature };
    let float = write(&rule, Precision::Float32);

    let faces = Int8Faces { calibration: &calibration, judged: &judged, labels: &labels };
    let made = to_int8(&runtime, &float, faces).expect("what it costs is allowed");
    assert_eq!((made.cost.faces, made.cost.changed, made.layers), (24, 0.0, 49));
    assert!(made.cost.cosine > 0.98 && made.cost.cosine < 1.0 - 1e-9, "{:?}: it isn't the same network", made.cost);
    // What stays in float32 is at the beginning, where there are few weights.
    assert!(made.float_layers < 12 && made.bytes.len() * 3 < float.len(), "{} bytes", made.bytes.len());
    let file = ModelFile::parse(&made.bytes).expect("it holds the contract");
    assert_eq!(file.contract, rule);
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

    // Steps from black pictures alone don't hold what is in others, which is noticed.
    let black = vec![0; calibration.len()];
    let error = to_int8(&runtime, &float, Int8Faces { calibration: &black, ..faces }).expect_err("it is far off");
    assert!(matches!(&error, ExportError::Costs { faces: 24, .. }), "{error}");

    // Halves have no float32 to begin with.
    let halves = write(&rule, Precision::Float16);
    assert!(matches!(to_int8(&runtime, &halves, faces), Err(ExportError::NoLayers)));
}
