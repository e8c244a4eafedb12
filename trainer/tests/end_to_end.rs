//! The whole way in small: a list of photos, a short training, a run folder, and a model file that the runtime takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cyborg_models::digest;
use cyborg_models::lock;
use cyborg_models::model_file::ModelFile;
use image::imageops::FilterType;
use tempfile::TempDir;

fn cyborg_train() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cyborg-train"))
}

fn run(command: &mut Command) -> (i32, String) {
    let Output { status, stderr, .. } = command.output().expect("the program starts");
    (status.code().unwrap_or(-1), String::from_utf8_lossy(&stderr).into_owned())
}

/// A list of 24 photos of one face: half as they are, half coarsened, which stand for synthetic ones.
fn faces(folder: &TempDir) -> PathBuf {
    let place = folder.path().join("data");
    fs::create_dir_all(place.join("faces")).expect("it can be made");
    let path = lock::cached("astronaut").expect("it is locked");
    let photo = image::open(&path).expect("`cargo xtask setup --media` fetched it");
    let mut list = String::from("file,label,source,role\n");
    for number in 0..24 {
        let face = photo.crop_imm(110 + number * 2, 10 + number, 230, 230).brighten(number as i32 - 12);
        let (label, source) = if number % 2 == 0 { ("real", "camera") } else { ("synthetic", "coarse") };
        let face = if number % 2 == 0 {
            face
        } else {
            face.resize(48, 48, FilterType::Nearest).resize(230, 230, FilterType::Nearest)
        };
        let name = format!("{number}.png");
        face.to_rgb8().save(place.join("faces").join(&name)).expect("it can be written");
        list += &format!("{name},{label},{source},train\n");
    }
    fs::write(place.join("faces.csv"), list).expect("it can be written");
    place
}

fn train(data: &Path, out: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = cyborg_train();
    command.arg("train").arg("--data").arg(data).arg("--out").arg(out).args(arguments);
    run(&mut command)
}

#[test]
fn from_a_list_to_a_model_file() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let data = faces(&folder);
    let out = folder.path().join("run");
    let (code, stderr) = train(&data, &out, &["--epochs", "2", "--batch", "6", "--seed", "3"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("epoch 2/2") && stderr.contains("model file:"), "{stderr}");

    let config: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("config.json")).expect("it was written"))
            .expect("it is JSON");
    assert_eq!((&config["fit"]["seed"], &config["saliency"]), (&3.into(), &"landmark-prior".into()));
    let mut metrics = csv::Reader::from_path(out.join("metrics.csv")).expect("it was written");
    assert_eq!(metrics.records().count(), 2);
    let mut kept_out = csv::Reader::from_path(out.join("kept_out.csv")).expect("it was written");
    assert_eq!(kept_out.records().count(), 2, "a tenth of 12, rounded, of each source");

    let bytes = fs::read(out.join("model.onnx")).expect("it was written");
    let file = ModelFile::parse(&bytes).expect("it holds the contract");
    assert_eq!((file.contract.training.seed, file.contract.saliency.alpha), (3, 0.5));
    assert!(file.contract.auc.contains_key("kept_out_same_sources"));
    let line = fs::read_to_string(out.join("model.onnx.sha256")).expect("it was written");
    assert_eq!(line, format!("{}  model.onnx\n", digest::of_bytes(&bytes)));

    // The checkpoint alone gives a model file of the same weights.
    let again = folder.path().join("again.onnx");
    let (code, stderr) = run(cyborg_train().arg("export").arg(out.join("best.safetensors")).arg("--out").arg(&again));
    assert_eq!(code, 0, "{stderr}");
    let again = ModelFile::parse(&fs::read(again).expect("it was written")).expect("it holds the contract");
    assert_eq!(again.contract.training, file.contract.training);

    let (code, stderr) = train(&data, &out, &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("holds a run already"), "{stderr}");
}

#[test]
fn imagenet_weights_are_imported() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let weights = lock::cached("efficientnet_lite0_imagenet").expect("it is locked");
    let out = folder.path().join("imagenet.safetensors");
    let import = |network: &str| {
        run(cyborg_train().arg("import").arg(&weights).args(["--network", network]).arg("--out").arg(&out))
    };
    let (code, stderr) = import("efficientnet_lite0");
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("1000 classes"), "{stderr}");
    // It says nothing of crops and thresholds, so it can't become a model file.
    let (code, stderr) = run(cyborg_train().arg("export").arg(&out).arg("--out").arg(folder.path().join("a.onnx")));
    assert_eq!(code, 1);
    assert!(stderr.contains("doesn't say how it is to be used"), "{stderr}");
    let (code, stderr) = import("densenet121");
    assert_eq!(code, 1);
    assert!(stderr.contains("not weights of densenet121"), "{stderr}");
}

#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (code, stderr) = train(Path::new("no/such/list.csv"), &folder.path().join("a"), &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("no/such/list.csv"), "{stderr}");
    let data = faces(&folder);
    fs::remove_file(data.join("faces/3.png")).expect("it is there");
    fs::write(data.join("faces/4.png"), "no photo").expect("it can be written");
    let (code, stderr) = train(&data, &folder.path().join("b"), &[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("line 5") && stderr.contains("3.png is missing"), "{stderr}");
    let (code, stderr) = train(&data, &folder.path().join("c"), &["--alpha", "1.5"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("expected a number in 0 to 1"), "{stderr}");
    let text = folder.path().join("weights.pth");
    fs::write(&text, "no weights").expect("it can be written");
    let weights = text.display().to_string();
    let (code, stderr) = train(&data, &folder.path().join("d"), &["--weights", &weights]);
    assert_eq!(code, 1);
    assert!(stderr.contains("weights.pth"), "{stderr}");
}
