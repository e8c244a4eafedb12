//! The published procedure on photos from disk, all the way: a torchvision network's checkpoint goes through `import` and
//! `export`, and `cyborg image --list` then gives the scores of the Python script.
//!
//! The scores to meet were written by `fixtures/photo_scores.py`, with weights by the formula of `support/made_up.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cyborg_models::lock;
use cyborg_trainer::checkpoint::{self, Checkpoint};
use cyborg_trainer::network::Architecture;
use tempfile::TempDir;

use crate::made_up::Strength;
use crate::support::{cyborg, done, rows, run, text};

/// What a score may differ by from that of the Python script. The goal is 1e-3, and 2e-6 was measured; with less than the
/// goal the test sees a resizer that is not Pillow's (2e-4 to 1e-3) as well as another decoder of JPEG (2e-3).
const TOLERANCE: f64 = 1e-4;
/// Scores that differ less over the photos would say little; many times what is tolerated.
const LEAST_SPREAD: f64 = 0.3;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/photos")
}

/// The list of the photos, which lie beside it: the JPEG files of the fixture, and PNG files cut out of the same picture.
fn list(folder: &TempDir) -> PathBuf {
    let path = lock::cached("astronaut").expect("it is locked");
    let picture = image::open(path).expect("`cargo xtask setup --media` fetched it");
    let mut lines = String::new();
    for row in rows(&fixtures().join("scores.csv")) {
        let name = &row[0];
        if name.ends_with(".png") {
            let [left, top, width, height] = [1, 2, 3, 4].map(|column| row[column].parse().expect("a number"));
            let part = picture.crop_imm(left, top, width, height);
            part.save(folder.path().join(name)).expect("it can be written");
        } else {
            fs::copy(fixtures().join(name), folder.path().join(name)).expect("it is in the repository");
        }
        lines += &format!("test,Real,{name}\n");
    }
    let list = folder.path().join("list.csv");
    fs::write(&list, lines).expect("it can be written");
    list
}

/// A checkpoint without metadata, as somebody else would write it, made a model file by the program.
fn model(folder: &TempDir, architecture: Architecture, strength: Strength) -> PathBuf {
    let [foreign, imported, exported] =
        ["foreign.safetensors", "imported.safetensors", "model.onnx"].map(|name| folder.path().join(name));
    let state = crate::made_up::checkpoint(architecture, 2, strength);
    checkpoint::write(&foreign, &Checkpoint { metadata: [].into(), state }).expect("it can be written");
    done(&["import", text(&foreign), "--network", architecture.name(), "--out", text(&imported)]);
    done(&["export", text(&imported), "--out", text(&exported)]);
    exported
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

fn check(architecture: Architecture, strength: Strength) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (list, model) = (list(&folder), model(&folder, architecture, strength));
    let table = folder.path().join("scores.csv");
    let mut command = Command::new(cyborg());
    command.args(["image", "--crop", "whole", "--score", "reference", "--provider", "cpu", "--list", text(&list)]);
    command.args(["--root", text(folder.path()), "--model", text(&model), "--csv", text(&table)]);
    let (code, _, said) = run(&mut command);
    assert_eq!(code, 0, "{said}");

    let expected = fixtures().join("scores.csv");
    let header = fs::read_to_string(&expected).expect("it is in the repository");
    let names: Vec<&str> = header.lines().next().unwrap_or_default().split(',').collect();
    let column = names.iter().position(|&name| name == architecture.name()).expect("it has a column");
    let expected: Vec<f64> = rows(&expected).iter().map(|row| number(&row[column])).collect();
    let (least, most) = expected.iter().fold((1.0_f64, 0.0_f64), |(a, b), &score| (a.min(score), b.max(score)));
    assert!(expected.len() == 8 && most - least > LEAST_SPREAD, "{expected:?}");
    let found: Vec<f64> = rows(&table).iter().map(|row| number(&row[1])).collect();
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < TOLERANCE, "{architecture}: off by {off}: {found:?} for {expected:?}");
}

#[test]
fn resnet50_scores_photos_as_in_python() {
    check(Architecture::known("resnet50"), Strength { gain: 0.65, linear: 2e4 });
}

#[test]
fn densenet121_scores_photos_as_in_python() {
    check(Architecture::known("densenet121"), Strength { gain: 1.1, linear: 600.0 });
}
