//! The model that comes with the program: whole, of the contract, and at work on a real face.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use cyborg_edge::capture::stills;
use cyborg_edge::face::Locate;
use cyborg_edge::face::detector::{Detector, DetectorName, DetectorSettings};
use cyborg_edge::frame::Frame;
use cyborg_edge::model::classifier::{ActivationMaps, Classifier, Classify};
use cyborg_edge::model::provider::{Asked, Provider};
use cyborg_edge::model::runtime::Runtime;
use cyborg_edge::model::session::SessionSettings;
use cyborg_edge::model::shipped;
use cyborg_models::digest;
use cyborg_models::model_file::ModelFile;

use crate::support::fetched;

#[test]
fn its_digest_is_the_one_that_is_written_beside_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/cyborg-lite0.onnx.sha256");
    let line = fs::read_to_string(path).expect("it is in the repository");
    assert_eq!(line, format!("{}  cyborg-lite0.onnx\n", digest::of_bytes(shipped::BYTES)));
}

#[test]
fn it_says_what_it_is_and_pretends_nothing() {
    let file = ModelFile::parse(shipped::BYTES).expect("it holds the contract");
    assert_eq!((file.input_side, file.cam_size), (224, (7, 7)));
    let contract = file.contract;
    assert_eq!(contract.network, "efficientnet_lite0");
    assert_eq!(contract.saliency.source, "landmark-prior+blend-masks", "no human looked at these faces");
    assert_eq!((contract.saliency.alpha, contract.crop.margin), (0.5, 0.85));
    assert_ne!((contract.calibration.temperature, contract.calibration.bias), (1.0, 0.0), "it is calibrated");
    let rates = contract.thresholds.error_rates.expect("they were measured");
    assert!(rates.measured_on.contains("sanity check") || rates.measured_on.contains("were set"), "{rates:?}");
    // Of the sources that it was trained on, so no claim: it says so by its name.
    assert!(contract.auc["kept_out_same_sources"] >= 0.9, "{:?}", contract.auc);
}

#[test]
fn it_looks_at_the_face() {
    let runtime = Runtime::load().expect("ONNX Runtime is there after set-up");
    let session = SessionSettings { provider: Asked::Named(Provider::Cpu), threads: NonZeroUsize::MIN };
    let settings = DetectorSettings::of_side(320);
    let mut detector =
        Detector::open(&runtime, &DetectorName::default(), settings, session).expect("set-up fetched it");
    let mut classifier = Classifier::open(&runtime, None, session).expect("it is whole");
    let (mut frame, mut faces) = (Frame::empty(), Vec::new());
    stills::read(&fetched("astronaut"), &mut frame).expect("set-up fetched it");
    detector.locate(&frame, &mut faces).expect("the detector runs");
    let (mut scores, mut maps) = (Vec::new(), ActivationMaps::default());
    classifier.classify_frame(&frame, &faces, &mut scores, &mut maps).expect("the model runs");
    assert_eq!((faces.len(), scores.len()), (1, 1));
    let logits = scores[0].logits;
    assert!(logits.authentic.is_finite() && logits.synthetic.is_finite());
    let map = maps.of(0);
    assert_eq!(map.len(), 49);
    let (low, high) = map.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    assert!(low < high, "the map is not constant: {map:?}");
}

#[test]
fn onnx_runtimes_own_reports_are_off_once_it_is_loaded() {
    Runtime::load().expect("ONNX Runtime is there after set-up");
    for name in ["ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"] {
        assert_eq!(std::env::var(name).as_deref(), Ok("1"), "{name}");
    }
}
