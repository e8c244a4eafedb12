//! Which detector looks for faces: by name, by file, and with nothing fetched at all.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyborg_edge::frame::PixelBox;
use tempfile::TempDir;

use crate::support::{check_error, cyborg, fetched, model, run};

/// The published file that is part of the program.
const YUNET: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/src/face/detector/kinds/yunet/face_detection_yunet_2023mar_int8bq.onnx");

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// Judges a photo on a machine where nothing was fetched but ONNX Runtime.
fn bare(folder: &TempDir, photo: &Path) -> Command {
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("image").arg(photo).arg("--model").arg(model).arg("--csv").arg(folder.path().join("table.csv"));
    command.env("ORT_DYLIB_PATH", fetched("onnxruntime")).env("CYBORG_CACHE", folder.path().join("empty"));
    command
}

/// The boxes that are found.
fn boxes(folder: &TempDir, command: &mut Command) -> Vec<PixelBox> {
    let (code, _, stderr) = run(command);
    assert_eq!(code, 0, "{stderr}");
    let mut reader = csv::Reader::from_path(folder.path().join("table.csv")).expect("it was written");
    let header = reader.headers().expect("it has one").clone();
    let column = |name: &str| header.iter().position(|column| column == name).expect("it has this column");
    let columns = ["left", "top", "width", "height"].map(column);
    let rows = reader.records().map(|row| {
        let row = row.expect("it is whole");
        let [left, top, width, height] = columns.map(|column| row[column].parse().expect("a number"));
        PixelBox { left, top, width, height }
    });
    rows.collect()
}

#[test]
fn nothing_has_to_be_fetched_to_find_a_face() {
    let (folder, photo) = (folder(), fetched("astronaut"));
    for asked in [&[][..], &["--detector", "yunet"]] {
        assert_eq!(boxes(&folder, bare(&folder, &photo).args(asked)).len(), 1, "{asked:?}");
    }
    // The other one is missed where it is named, and the error says how to do without it.
    check_error(bare(&folder, &photo).args(["--detector", "centerface"]), 1, "`--detector yunet` is built in");
}

#[test]
fn a_file_is_told_by_what_is_in_it_and_all_draw_the_same_box() {
    let (folder, photo) = (folder(), fetched("astronaut"));
    let strange = folder.path().join("centerface.onnx");
    std::fs::copy(YUNET, &strange).expect("it can be copied");
    let found = |detector: PathBuf| {
        let boxes = boxes(&folder, bare(&folder, &photo).arg("--detector").arg(&detector));
        assert_eq!(boxes.len(), 1, "{}", detector.display());
        boxes[0]
    };
    let (own, file, other) = (found("yunet".into()), found(strange), found(fetched("centerface")));
    assert_eq!(own, file);
    assert_ne!(own, other);
    assert!(own.overlap(&other) > 0.85, "{own:?} and {other:?}");
}

#[test]
fn each_model_is_used_with_the_detector_that_suits_it() {
    let (folder, photo) = (folder(), fetched("astronaut"));
    let file = model::write(folder.path(), "corner.onnx", &model::corner());
    let found = |model: &OsStr, detector: Option<&str>| {
        let mut command = cyborg();
        command.arg("image").arg(&photo).arg("--csv").arg(folder.path().join("table.csv")).arg("--model").arg(model);
        command.args(detector.map(|name| format!("--detector={name}")));
        boxes(&folder, &mut command)
    };
    let [yunet, centerface] = ["yunet", "centerface"].map(|name| found("small".as_ref(), Some(name)));
    assert_ne!(yunet, centerface);
    assert_eq!(found("small".as_ref(), None), yunet);
    assert_eq!(found("small-float32".as_ref(), None), yunet);
    assert_eq!(found(file.as_os_str(), None), centerface);
}

#[test]
fn one_that_was_not_fetched_is_told_with_its_cure() {
    let (folder, photo) = (folder(), fetched("astronaut"));
    let mut command = bare(&folder, &photo);
    check_error(command.args(["--detector", "centerface"]), 1, "the face detector is missing");
    let mut command = bare(&folder, &photo);
    check_error(command.args(["--detector", "centerface"]), 1, "cargo xtask setup");
    // A word that is no detector is a file.
    check_error(bare(&folder, &photo).args(["--detector", "yunett"]), 1, "detector is missing: yunett");
}

#[test]
fn another_network_is_no_detector() {
    let (folder, photo) = (folder(), fetched("astronaut"));
    let classifier = folder.path().join("corner.onnx");
    let mut command = bare(&folder, &photo);
    check_error(command.arg("--detector").arg(classifier), 1, "with the outputs logits, cam");
    let mut cut = std::fs::read(YUNET).expect("it is here");
    cut.truncate(100_000);
    let path = folder.path().join("cut.onnx");
    std::fs::write(&path, cut).expect("it can be written");
    check_error(bare(&folder, &photo).arg("--detector").arg(path), 1, "centerface or yunet");
}
