//! The accurate set: assembled of the package's tower by the program itself, refused when anything is off, and at work on a face.

use std::fs;
use std::num::NonZeroUsize;

use cyborg_edge::analyzer::{Analyzer, AnalyzerSettings};
use cyborg_edge::capture::stills;
use cyborg_edge::classify::classifier::{ActivationMaps, Classifier, Classify};
use cyborg_edge::classify::classifier_file::ClassifierFile;
use cyborg_edge::classify::named::ModelName;
use cyborg_edge::face::detector::{Detector, DetectorName, DetectorSettings};
use cyborg_edge::face::{Face, Locate};
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::network_file::NetworkFile;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::{Network, SessionSettings, Values};
use cyborg_edge::verdict::Score;
use cyborg_models::accurate::{FOLDER, TOWER};
use cyborg_models::contract::Kind;
use cyborg_models::head::{Gated, Head, KindHead, Layer};
use cyborg_models::onnx::{AttributeProto, Dimension, ModelProto, NodeProto, ValueInfoProto, element};
use cyborg_models::tower::GATE_OFFSETS;
use prost::Message;

use crate::support::{check_error, cyborg, fetched, run};

/// What we trained of it.
static HEAD: &[u8] = include_bytes!("../../models/accurate/head.safetensors");

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

/// The astronaut's portrait, judged by the tower with some head: its score, and the mean of its map.
struct Portrait {
    runtime: Runtime,
    tower: Vec<u8>,
    frame: Frame,
    faces: Vec<Face>,
}

const SESSION: SessionSettings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };

impl Portrait {
    fn find() -> Self {
        let runtime = Runtime::load().expect("ONNX Runtime is there after set-up");
        let settings = DetectorSettings::of_side(320);
        let mut detector = Detector::open(&runtime, &DetectorName::of("centerface".into()), settings, SESSION)
            .expect("set-up fetched it");
        let (mut frame, mut faces) = (Frame::empty(), Vec::new());
        stills::read(&fetched("astronaut"), &mut frame).expect("set-up fetched it");
        detector.locate(&frame, &mut faces).expect("the detector runs");
        Self { runtime, tower: fs::read(fetched(TOWER)).expect("set-up fetched it"), frame, faces }
    }

    fn judge(&self, head: &Head) -> (Score, f32) {
        self.judge_as(head, |file| file)
    }

    fn judge_as(&self, head: &Head, change: impl for<'a> Fn(ClassifierFile<'a>) -> ClassifierFile<'a>) -> (Score, f32) {
        let bytes = head.to_bytes().expect("its arrays fit");
        let model = cyborg_models::assemble::assemble(&self.tower, &bytes).expect("they fit");
        let file = change(ClassifierFile::of_bytes("accurate", &model).expect("it is whole"));
        let mut classifier = Classifier::of(&self.runtime, &file, SESSION).expect("it can be opened");
        let (mut scores, mut maps) = (Vec::new(), ActivationMaps::default());
        classifier.classify_frame(&self.frame, &self.faces, &mut scores, &mut maps).expect("the model runs");
        assert_eq!((scores.len(), maps.height, maps.width), (1, 14, 14));
        (scores[0], maps.of(0).iter().sum::<f32>() / 196.0)
    }
}

fn evidence(score: &Score) -> f32 {
    score.logits.synthetic - score.logits.authentic
}

/// Whether two numbers are one but for the order of sums.
fn near(found: f32, wanted: f32) -> bool {
    (found - wanted).abs() < 1e-3 * wanted.abs().max(1.0)
}

#[test]
fn a_real_portrait_is_no_stranger_and_not_synthetic() {
    let (score, _) = Portrait::find().judge(&Head::read(HEAD).expect("it is ours"));
    assert!(score.kind.is_some(), "it tells kinds apart");
    assert!(!score.unfamiliar, "an astronaut's portrait is no stranger to portraits");
    // The photo is of a real woman.
    assert!(evidence(&score) < 0.0, "{}", evidence(&score));
}

#[test]
fn its_map_says_where_its_evidence_comes_from_and_a_gate_which_layer_is_asked() {
    let portrait = Portrait::find();
    let ours = Head::read(HEAD).expect("it is ours");
    // A head of one kind: the first layer alone, unless a second stands beside it behind a gate.
    let with = |layer: &Layer, gated: Option<Gated>| {
        let mut head = Head { kinds: vec![KindHead { layer: layer.clone(), gated }], ..ours.clone() };
        head.contract.remove("cyborg.tells_apart");
        head.contract.insert("cyborg.looks_for".to_owned(), "generated".to_owned());
        portrait.judge(&head)
    };
    let layer = &ours.kinds[0].layer;
    let (score, mean) = with(layer, None);
    let alone = evidence(&score);
    // A mean of what each patch adds.
    assert!(near(mean + layer.bias, alone), "{mean} + {} is not {alone}", layer.bias);
    // As a gate the same layer, made flatter, is neither open nor shut; the second layer says 4 more than the first.
    let flat = |layer: &Layer, times: f32| Layer {
        weight: layer.weight.iter().map(|weight| weight * times).collect(),
        bias: layer.bias * times,
    };
    let times = 0.5 / alone.abs();
    let other = Layer { bias: layer.bias + 4.0, ..layer.clone() };
    let (score, mean) = with(layer, Some(Gated { gate: flat(layer, times), other: other.clone() }));
    let open = 1.0 / (1.0 + (-alone * times).exp());
    let both = evidence(&score);
    assert!((0.3..0.7).contains(&open) && near(both, alone + 4.0 * open), "{both} is not {alone} + 4 * {open}");
    // The second layer's weights count in the map by the gate's share.
    assert!(near(mean + layer.bias + 4.0 * open, both), "{mean}");
    let doubled = flat(layer, 2.0);
    let (score, mean) = with(layer, Some(Gated { gate: flat(layer, times), other: doubled }));
    assert!(near(evidence(&score), alone * (1.0 + open)) && near(mean + layer.bias * (1.0 + open), evidence(&score)));
    // Two kinds: the map is that of the kind with most evidence, and the gate's share is in it.
    let gated = KindHead { layer: layer.clone(), gated: Some(Gated { gate: flat(layer, times), other }) };
    let silent = Layer { weight: vec![0.0; layer.weight.len()], bias: -1000.0 };
    let kinds = vec![KindHead { layer: silent, gated: None }, gated];
    let (score, mean) = portrait.judge(&Head { kinds, ..ours.clone() });
    assert_eq!(score.kind, Some(Kind::Swapped));
    assert!(near(evidence(&score), both) && near(mean + layer.bias + 4.0 * open, both));
}

/// A head that says 1 of photos and 5 of frames of a video, whatever it sees: its gate is all but shut.
fn head_with_gates_for_video() -> Head {
    let mut head = Head::read(HEAD).expect("it is ours");
    let width = head.kinds[0].layer.weight.len();
    let nothing = |bias: f32| Layer { weight: vec![0.0; width], bias };
    head.kinds =
        vec![KindHead { layer: nothing(1.0), gated: Some(Gated { gate: nothing(-9.0), other: nothing(5.0) }) }];
    head.familiar = None;
    head.contract.retain(|key, _| !key.starts_with("cyborg.unfamiliar."));
    head.contract.remove("cyborg.tells_apart");
    for (key, value) in [("looks_for", "generated"), ("contract_version", "3"), ("video_gates", GATE_OFFSETS)] {
        head.contract.insert(format!("cyborg.{key}"), value.to_owned());
    }
    head
}

#[test]
fn frames_of_a_video_are_judged_by_the_layer_for_video() {
    let portrait = Portrait::find();
    let mut head = head_with_gates_for_video();
    let photo = |head: &Head| evidence(&portrait.judge(head).0);
    let video = |head: &Head| evidence(&portrait.judge_as(head, |file| file.for_video()).0);
    assert!(near(photo(&head), 1.0) && near(video(&head), 5.0), "{} {}", photo(&head), video(&head));
    // A gate that isn't for video stays as it is.
    head.contract.remove("cyborg.video_gates");
    head.contract.insert("cyborg.contract_version".to_owned(), "2".to_owned());
    assert!(near(photo(&head), 1.0) && near(video(&head), 1.0), "{} {}", photo(&head), video(&head));
}

#[test]
fn programs_and_library_know_which_pictures_are_frames_of_a_video() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (model, table) = (folder.path().join("gated.onnx"), folder.path().join("table.csv"));
    let head = head_with_gates_for_video().to_bytes().expect("its arrays fit");
    let tower = fs::read(fetched(TOWER)).expect("set-up fetched it");
    fs::write(&model, cyborg_models::assemble::assemble(&tower, &head).expect("they fit")).expect("it can be written");
    let judged = |words: &[&str], input: &str| -> Vec<f32> {
        let (code, _, told) =
            run(cyborg().args(words).arg(fetched(input)).arg("--model").arg(&model).arg("--csv").arg(&table));
        assert_eq!(code, 0, "{told}");
        let mut rows = csv::Reader::from_path(&table).expect("it was written");
        let at = rows.headers().expect("names").iter().position(|name| name == "p_synthetic").expect("it has it");
        rows.records().map(|row| row.expect("a row")[at].parse().expect("a number")).collect()
    };
    // By the head's own calibration, which is none.
    let p = |evidence: f32| 1.0 / (1.0 + (-evidence).exp());
    let all = |found: &[f32], evidence: f32| !found.is_empty() && found.iter().all(|&found| near(found, p(evidence)));
    let (photo, clip) = (judged(&["image"], "astronaut"), judged(&["video", "--every", "30"], "selfie"));
    assert!(all(&photo, 1.0) && all(&clip, 5.0), "{photo:?} {clip:?}");

    let mut settings = AnalyzerSettings::default();
    settings.model = ModelName::File(model);
    let mut analyzer = Analyzer::open_with(&settings).expect("all is there");
    let of_photo = |analyzer: &mut Analyzer| {
        let faces = analyzer.photo(fetched("astronaut")).expect("it can be judged");
        faces.iter().map(|face| face.probability).collect::<Vec<_>>()
    };
    assert!(all(&of_photo(&mut analyzer), 1.0));
    let frame = analyzer.clip(fetched("selfie")).expect("it opens").next().expect("it has one").expect("it is judged");
    let of_clip: Vec<f32> = frame.faces.iter().map(|face| face.face.probability).collect();
    assert!(all(&of_clip, 5.0), "{of_clip:?}");
    // The clip leaves nothing behind that would judge photos.
    assert!(all(&of_photo(&mut analyzer), 1.0));
}

/// The tokens that go into the first block, of a made-up picture, by the tower after some change to its first normalisation.
fn tokens(change: impl Fn(&mut Vec<NodeProto>)) -> Vec<f32> {
    let tower = fs::read(fetched(TOWER)).expect("set-up fetched it");
    let model = cyborg_models::assemble::assemble(&tower, HEAD).expect("they fit");
    let mut model = ModelProto::decode(model.as_slice()).expect("it is whole");
    let graph = model.graph.as_mut().expect("it has one");
    let last = graph.node.iter().position(|node| node.output == ["tokens"]).expect("it normalises its tokens");
    graph.node.truncate(last + 1);
    change(&mut graph.node);
    let shape = [1, 197, 768].map(Dimension::Value);
    graph.output = vec![ValueInfoProto::tensor("tokens", element::FLOAT, &shape)];
    graph.initializer.retain(|tensor| graph.node.iter().any(|node| node.input.contains(&tensor.name)));
    let runtime = Runtime::load().expect("ONNX Runtime is there after set-up");
    let onnx = model.encode_to_vec();
    let mut network = Network::open(&runtime, &NetworkFile::new(onnx), SESSION).expect("it is a network");
    let pixels: Vec<u8> = (0..224 * 224 * 3).map(|at: usize| (at * at / 7 % 251) as u8).collect();
    let outputs = network.run("pixels", [1, 224, 224, 3], Values::Bytes(&pixels)).expect("it runs");
    outputs.floats("tokens", 197 * 768).expect("a token a patch, and one for the class").to_vec()
}

#[test]
fn a_normalisation_in_steps_is_that_of_onnx() {
    let steps = tokens(|_| {});
    let whole = tokens(|nodes| {
        let start = nodes.iter().position(|node| node.output == ["tokens.mean"]).expect("the first of its steps");
        nodes.truncate(start);
        let settings = vec![AttributeProto::int("axis", -1), AttributeProto::float("epsilon", 1e-5)];
        let inputs = ["tokens.placed", "tokens.weight", "tokens.bias"];
        nodes.push(NodeProto { attribute: settings, ..NodeProto::plain("LayerNormalization", inputs, "tokens") });
    });
    let off = steps.iter().zip(&whole).map(|(step, whole)| (step - whole).abs()).fold(0.0, f32::max);
    let largest = whole.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    assert!(largest > 1.0 && off < 1e-5 * largest, "off by {off} of {largest}");
}
