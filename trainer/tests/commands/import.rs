//! Other people's checkpoints, all the way: `import`, `export`, and the model file in the runtime.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use cyborg_models::contract::CamClass;
use cyborg_models::lock;
use cyborg_models::model_file::ModelFile;
use cyborg_trainer::checkpoint::{self, Array, Checkpoint, State};
use cyborg_trainer::export::textures;
use cyborg_trainer::network::{Architecture, Tap};
use cyborg_trainer::torch::Model;

fn cyborg_train(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cyborg-train")).args(arguments).output();
    let Output { status, stderr, .. } = output.expect("the program starts");
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&stderr).into_owned())
}

/// Writes a state without metadata, as somebody else would.
fn foreign(folder: &Path, state: &State) -> PathBuf {
    let path = folder.join("foreign.safetensors");
    checkpoint::write(&path, &Checkpoint { metadata: [].into(), state: state.clone() }).expect("it can be written");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the temporary folder has a plain name")
}

#[test]
fn a_checkpoint_of_the_published_code_becomes_a_model_file() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = Model::new(Architecture::known("xception").describe(2), 3);
    // As a file of Keras's weights that was trained on several GPUs: `fc`, and pointwise weights of two dimensions.
    let state = model.state().into_iter().map(|(name, mut array)| {
        if name.ends_with("pointwise.weight") {
            array.shape.truncate(2);
        }
        (format!("module.{}", name.replace("last_linear", "fc")), array)
    });
    let path = foreign(folder.path(), &state.collect());
    let [imported, exported] = ["imported.safetensors", "model.onnx"].map(|name| folder.path().join(name));
    let arguments = ["import", text(&path), "--network", "xception", "--out", text(&imported), "--margin", "1.5"];
    let (code, stderr) = cyborg_train(&arguments);
    assert_eq!(code, 0, "{stderr}");

    // A photo is one of the crops that the file is checked with.
    let photo = lock::cached("astronaut").expect("it is locked");
    let arguments =
        ["export", text(&imported), "--out", text(&exported), "--precision", "float16", "--check", text(&photo)];
    let (code, stderr) = cyborg_train(&arguments);
    assert_eq!(code, 0, "{stderr}");
    let bytes = fs::read(&exported).expect("it was written");
    let file = ModelFile::parse(&bytes).expect("it holds the contract");
    assert_eq!((file.input_side, file.cam_size, file.contract.crop.margin), (299, (10, 10), 1.5));
    let saliency = &file.contract.saliency;
    assert_eq!((saliency.tap.as_str(), saliency.cam_class, saliency.alpha), ("reference", CamClass::Predicted, 0.5));

    // The map of the file is that of the reference tap.
    let runtime = Runtime::load().expect("set-up has fetched ONNX Runtime");
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    let mut classifier = Classifier::from_bytes(&runtime, "imported", &bytes, settings).expect("the runtime takes it");
    let (mut logits, mut maps) = (Vec::new(), Vec::new());
    let crop = textures(299, 1, 4);
    classifier.run(&crop, &mut logits, &mut maps).expect("it runs");
    let off = |tap| {
        let mut tapped = Model::new(Architecture::known("xception").describe(2).with_tap(tap), 0);
        tapped.load(&model.state()).expect("the same network");
        let expected = tapped.score(&crop).maps;
        let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        maps.iter().zip(&expected).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest
    };
    assert!(off(Tap::Reference) < 0.02 && off(Tap::Head) > 0.2, "{} {}", off(Tap::Reference), off(Tap::Head));

    // A refusal leaves the file that is there.
    let mut broken = checkpoint::read(&imported).expect("it was written");
    broken.state.get_mut("bn1.bias").expect("it is there").values[0] = f32::NAN;
    checkpoint::write(&imported, &broken).expect("it can be written");
    let (code, stderr) = cyborg_train(&["export", text(&imported), "--out", text(&exported)]);
    assert_eq!(code, 1);
    assert!(stderr.contains("no file was written"), "{stderr}");
    assert_eq!(fs::read(&exported).expect("it is still there"), bytes);
}

#[test]
fn names_that_do_not_match_are_all_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let mut state = Model::new(Architecture::known("resnet50").describe(2), 1).state();
    for name in ["layer1.0.bn1.bias", "layer2.1.conv2.weight", "layer3.0.downsample.1.running_mean", "fc.bias"] {
        state.remove(name).expect("it is there");
    }
    state.insert("conv1.weight".to_owned(), Array { shape: vec![64, 1, 7, 7], values: vec![0.0; 64 * 49] });
    state.insert("layer4.2.extra.weight".to_owned(), Array { shape: vec![1], values: vec![0.0] });
    let path = foreign(folder.path(), &state);
    let out = folder.path().join("out.safetensors");
    let (code, stderr) = cyborg_train(&["import", text(&path), "--network", "resnet50", "--out", text(&out)]);
    assert_eq!(code, 1);
    for line in [
        "of another shape, 1: conv1.weight is [64, 1, 7, 7] and not [64, 3, 7, 7]",
        "without a place, 1: layer4.2.extra.weight",
    ] {
        assert!(stderr.contains(line), "{stderr}");
    }
    for name in ["layer1.0.bn1.bias", "layer2.1.conv2.weight", "layer3.0.downsample.1.running_mean", "fc.bias"] {
        assert!(stderr.contains(name), "{stderr}");
    }
    assert!(stderr.contains("missing, 4") && !out.exists(), "{stderr}");
}

#[test]
fn flags_of_use_are_for_detectors_alone() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = foreign(folder.path(), &Model::new(Architecture::known("efficientnet_lite0").describe(5), 1).state());
    let out = folder.path().join("out.safetensors");
    let plain = ["import", text(&path), "--network", "efficientnet_lite0", "--out", text(&out)];
    let (code, stderr) = cyborg_train(&[plain.as_slice(), &["--alpha", "0.3"]].concat());
    assert_eq!(code, 1);
    assert!(stderr.contains("5 classes"), "{stderr}");
    assert_eq!(cyborg_train(&plain).0, 0);
    assert_eq!(cyborg_train(&[plain.as_slice(), &["--margin", "9"]].concat()).0, 2);
    assert_eq!(cyborg_train(&[plain.as_slice(), &["--cam-tap", "neck"]].concat()).0, 2);
}
