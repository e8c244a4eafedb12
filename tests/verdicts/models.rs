//! `cyborg models`: what files say of themselves, and that a broken one is found.

use std::fs;
use std::path::Path;
use std::process::Command;

use cyborg_edge::classify::shipped;
use cyborg_models::digest;
use cyborg_models::model_file::ModelFile;
use cyborg_models::onnx::{ModelProto, StringStringEntryProto, TensorProto};
use tempfile::TempDir;

use crate::support::{check_error, cyborg, foreign, model, run};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn models(arguments: &[&str]) -> Command {
    let mut command = cyborg();
    command.arg("models").args(arguments);
    command
}

fn foreign_model(folder: &Path) -> std::path::PathBuf {
    fs::write(folder.join("theirs.toml"), foreign::TOML).expect("it can be written");
    model::write(folder, "theirs.onnx", &foreign::network(2, None))
}

/// Puts another constant in the place of one of the small model's.
fn with_constant(name: &str, constant: TensorProto) -> ModelProto {
    let mut changed = model::corner();
    let constants = &mut changed.graph.as_mut().expect("it has one").initializer;
    *constants.iter_mut().find(|each| each.name == name).expect("it has one") = constant;
    changed
}

#[test]
fn the_list_has_the_shipped_model_and_those_of_a_folder() {
    let folder = folder();
    fs::create_dir(folder.path().join("below")).expect("it can be made");
    model::write(&folder.path().join("below"), "corner.onnx", &model::corner());
    foreign_model(folder.path());
    fs::write(folder.path().join("broken.onnx"), "no model").expect("it can be written");
    let (code, stdout, stderr) = run(models(&["list", "--folder"]).arg(folder.path()));
    assert_eq!(code, 0, "{stderr}");
    let [float, int8] = shipped::Form::ALL.map(|form| {
        let digest = &digest::of_bytes(form.bytes())[..12];
        format!("{}: efficientnet_lite0, input 224x224, sha256 {digest}", form.title())
    });
    for part in [
        float.as_str(),
        &int8,
        "below/corner.onnx: corner, input 32x32",
        "theirs.onnx: first_plane, foreign, input 32x32",
        "broken.onnx: not usable: ",
    ] {
        assert!(stdout.contains(part), "no `{part}` in {stdout}");
    }
    check_error(models(&["list", "--folder"]).arg(folder.path().join("none")), 1, "can't read folder");
    let (code, stdout, _) = run(&mut models(&["list"]));
    assert_eq!(code, 0);
    assert!(stdout.contains("the face detector that set-up fetched"), "{stdout}");
}

#[test]
fn everything_is_told() {
    let folder = folder();
    let mut named = model::corner();
    named.metadata_props.push(StringStringEntryProto { key: "author".into(), value: "somebody".into() });
    let path = model::write(folder.path(), "corner.onnx", &named);
    let (code, stdout, stderr) = run(models(&["inspect"]).arg(&path));
    assert_eq!(code, 0, "{stderr}");
    let text = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "kind of the contract",
        "network corner",
        "input 32x32, resized by bilinear-antialias",
        "crop margin 1, alignment none, border replicate",
        "map 4x4, tap head, class rule true",
        "thresholds authentic below 0.3, synthetic above 0.7",
        "calibration none",
        "error rates not measured",
        "further author = somebody",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let (_, stdout, _) = run(&mut models(&["inspect"]));
    assert!(stdout.contains(&digest::of_bytes(shipped::BYTES)) && stdout.contains("kept_out"), "{stdout}");
    let (_, stdout, _) = run(&mut models(&["inspect", "small-int8"]));
    let text = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&digest::of_bytes(shipped::Form::Int8.bytes())), "{text}");
    assert!(
        text.contains("further precision = int8") && text.contains("precision.calibrated_on = 300 faces"),
        "{text}"
    );
    check_error(&mut models(&["inspect", "no/such.onnx"]), 1, "no/such.onnx: No such file");
}

#[test]
fn json_says_the_same_in_numbers() {
    let folder = folder();
    let json = |arguments: &mut Command| -> serde_json::Value {
        let (code, stdout, stderr) = run(arguments.arg("--json"));
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).expect("it is JSON")
    };
    let told = json(&mut models(&["inspect"]));
    let contract = ModelFile::parse(shipped::BYTES).expect("it holds the contract").contract;
    assert_eq!(told["kind"], "contract");
    assert_eq!((&told["input_side"], &told["cam_size"]), (&224.into(), &serde_json::json!([7, 7])));
    assert_eq!(told["contract"]["saliency"]["alpha"], contract.saliency.alpha);
    assert_eq!(told["contract"]["resize"], "bilinear-antialias");
    let auc = told["contract"]["auc"]["kept_out_same_sources"].as_f64().expect("a number");
    assert!((auc - contract.auc["kept_out_same_sources"]).abs() < 1e-12, "{auc}");
    let told = json(models(&["inspect"]).arg(foreign_model(folder.path())));
    assert_eq!((&told["kind"], &told["cam_size"]), (&"foreign".into(), &serde_json::Value::Null));
}

#[test]
fn whole_files_are_found_whole() {
    let folder = folder();
    let path = model::write(folder.path(), "corner.onnx", &model::corner());
    let digest = digest::of_file(&path).expect("it is there");
    fs::write(folder.path().join("corner.onnx.sha256"), format!("{digest}  corner.onnx\n")).expect("it can be written");
    let (code, stdout, stderr) = run(models(&["verify"]).arg(&path).arg(foreign_model(folder.path())));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("corner.onnx: valid, matches the digest file next to it"), "{stdout}");
    assert!(stdout.contains("theirs.onnx: valid, no digest file next to it"), "{stdout}");
    let whole = |form: shipped::Form| format!("{}: whole\n", form.title());
    let (code, stdout, _) = run(&mut models(&["verify"]));
    assert_eq!((code, stdout), (0, shipped::Form::ALL.map(whole).concat()));
    let (code, stdout, _) = run(&mut models(&["verify", "small-int8"]));
    assert_eq!((code, stdout), (0, whole(shipped::Form::Int8)));
}

#[test]
fn broken_files_are_found_broken() {
    let folder = folder();
    let check = |name: &str, model: &ModelProto, part: &str| {
        let path = model::write(folder.path(), name, model);
        check_error(models(&["verify"]).arg(path), 1, part);
    };
    let mut no_contract = model::corner();
    no_contract.metadata_props.clear();
    check("none.onnx", &no_contract, "not one of this project's models");
    check("nan.onnx", &with_constant("shift", TensorProto::floats("shift", &[2], &[0.0, f32::NAN])), "not finite");
    // A constant of two rows gives one answer too many for one face, and then one that depends on its neighbour.
    let rows = TensorProto::floats("shift", &[2, 2], &[0.0, -5.0, 0.0, 5.0]);
    check("rows.onnx", &with_constant("shift", rows), "rows.onnx");
    let missing = with_constant("weight", TensorProto::floats("other", &[2], &[0.0, 10.0]));
    check("missing.onnx", &missing, "can't be opened");
    let good = model::write(folder.path(), "good.onnx", &model::corner());
    fs::write(folder.path().join("good.onnx.sha256"), "0000  good.onnx\n").expect("it can be written");
    check_error(models(&["verify"]).arg(&good), 1, "expected SHA-256 0000, got ");
    // One bad file among good ones.
    fs::remove_file(folder.path().join("good.onnx.sha256")).expect("it was written");
    let (code, stdout, _) = run(models(&["verify"]).arg(good).arg("no/such.onnx"));
    assert_eq!((code, stdout.contains("good.onnx: valid")), (3, true), "{stdout}");
    check_error(&mut models(&["verify", "no/such.onnx"]), 1, "no/such.onnx");
    check_error(&mut models(&[]), 2, "Usage");
}
