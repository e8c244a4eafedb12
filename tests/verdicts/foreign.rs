//! Classifiers of somebody else's, described by a TOML: their own normalisation, order and meaning are obeyed.

use std::fs;
use std::path::Path;
use std::process::Command;

use cyborg_models::foreign::{Foreign, ForeignModel};
use cyborg_models::onnx::ModelProto;
use image::{Rgb, RgbImage};
use prost::Message;

use crate::support::foreign::{TOML, network};
use crate::support::{check_error, cyborg, fetched, model, run};

/// The example with parts replaced.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(TOML.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in the example");
        text.replacen(from, to, 1)
    })
}

/// A photo in one colour, judged whole by a network and its TOML, which lies beside it.
fn judging(folder: &Path, network: &ModelProto, toml: &str) -> Command {
    let photo = folder.join("photo.png");
    RgbImage::from_pixel(40, 50, Rgb([51, 102, 204])).save(&photo).expect("it can be written");
    let path = model::write(folder, "theirs.onnx", network);
    fs::write(folder.join("theirs.toml"), toml).expect("it can be written");
    let mut command = cyborg();
    command.args(["image", "--crop", "whole", "--model"]).arg(path).arg(&photo).arg(&photo);
    command
}

/// The logit of synthetic less that of authentic that comes out for that photo.
fn check(network: &ModelProto, changes: &[(&str, &str)], expected: f32) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let table = folder.path().join("table.csv");
    let mut command = judging(folder.path(), network, &changed(changes));
    let (code, _, stderr) = run(command.arg("--csv").arg(&table));
    assert_eq!(code, 0, "{stderr}");
    let mut reader = csv::Reader::from_path(table).expect("it was written");
    let rows: Vec<_> = reader.records().map(|row| row.expect("each row is whole")).collect();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let p: f32 = row[5].parse().expect("a number");
        let wanted = 1.0 / (1.0 + (-expected).exp());
        assert!((p - wanted).abs() < 1e-5, "{changes:?}: {p}, expected {wanted}");
    }
}

#[test]
fn normalisation_and_order_are_the_tomls() {
    // The photo is (0.2, 0.4, 0.8). (0.2 - 0.1) / 0.5 = 0.2, times ten less 5.
    check(&network(2, None), &[], -3.0);
    check(&network(2, None), &[("\"rgb\"", "\"bgr\"")], 9.0);
    let bytes = [("\"unit\"", "\"byte\""), ("[0.1,", "[51.0,"), ("[0.5,", "[102.0,")];
    check(&network(2, None), &bytes, -5.0);
    check(&network(2, None), &[("[\"authentic\", \"synthetic\"]", "[\"synthetic\", \"authentic\"]")], 3.0);
    check(&network(1, None), &[("[\"authentic\", \"synthetic\"]", "[\"synthetic\"]")], -3.0);
    check(&network(1, None), &[("[\"authentic\", \"synthetic\"]", "[\"authentic\"]")], 3.0);
    check(&network(2, None), &[("[thresholds]", "[calibration]\ntemperature = 2.0\nbias = 0.5\n[thresholds]")], -1.0);
}

#[test]
fn a_fixed_batch_of_one_is_run_one_by_one() {
    check(&network(2, Some(1)), &[], -3.0);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let three = network(2, Some(3));
    check_error(&mut judging(folder.path(), &three, TOML), 1, "in the file it is float32 [3, 3, 32, 32]");
}

#[test]
fn probabilities_are_read_as_such() {
    let mut halves = network(1, None);
    // ten times 0.2 less 1.25 is 0.75, whose logit is ln 3.
    let graph = halves.graph.as_mut().expect("it has one");
    graph.initializer[1] = cyborg_models::onnx::TensorProto::floats("shift", &[1], &[-1.25]);
    let one = ("[\"authentic\", \"synthetic\"]", "[\"synthetic\"]");
    check(&halves, &[("\"logits\"", "\"probabilities\""), one], 3_f32.ln());
    let folder = tempfile::tempdir().expect("a folder for the test");
    let toml = changed(&[("\"logits\"", "\"probabilities\""), one]);
    check_error(&mut judging(folder.path(), &network(1, None), &toml), 1, "which is not a probability");
}

/// A face, drawn on with the map or without.
fn drawn(changes: &[(&str, &str)]) -> RgbImage {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = model::write(folder.path(), "theirs.onnx", &network(2, None));
    let toml = folder.path().join("elsewhere.toml");
    fs::write(&toml, changed(changes)).expect("it can be written");
    let mut command = cyborg();
    command.arg("image").arg(fetched("astronaut")).arg("--model").arg(path).arg("--model-toml").arg(toml);
    let (code, stdout, stderr) = run(command.arg("--annotate").arg(folder.path().join("out")));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("p(synthetic)"), "{stdout}");
    image::open(folder.path().join("out/astronaut.annotated.png")).expect("it was written").into_rgb8()
}

#[test]
fn without_a_map_nothing_is_drawn_in_its_place() {
    let photo = image::open(fetched("astronaut")).expect("set-up fetched it").into_rgb8();
    // Inside the face, away from the frame of the box.
    let inside = |picture: &RgbImage| image::imageops::crop_imm(picture, 195, 90, 55, 70).to_image();
    assert!(inside(&drawn(&[])) == inside(&photo), "no map, no heat");
    let with = drawn(&[("[thresholds]", "[cam]\nname = \"map\"\ntap = \"pixels\"\n[thresholds]")]);
    assert!(inside(&with) != inside(&photo), "the network's own map is drawn");
}

/// A TOML that is wrong is refused with a word on what is.
fn refused(changes: &[(&str, &str)], part: &str) {
    let error = Foreign::parse(&changed(changes)).expect_err("it is wrong").to_string();
    assert!(error.contains(part), "no `{part}` in {error}");
}

#[test]
fn what_the_toml_must_not_say_is_named() {
    assert!(Foreign::parse(TOML).is_ok());
    refused(&[("side = 32", "side = 32\ncolour = 1")], "colour");
    refused(&[("version = 1", "version = 2")], "version 2");
    refused(&[("version = 1", "version = 1\nextra = 1")], "extra");
    refused(&[("side = 32", "")], "missing field `side`");
    refused(&[("side = 32", "side = 9000")], "`input.side`");
    refused(&[("\"rgb\"", "\"hsv\"")], "unknown variant `hsv`");
    refused(&[("[0.5,", "[0.0,")], "`input.std`");
    refused(&[("[0.1,", "[nan,")], "`input.mean`");
    refused(&[("margin = 1.0", "margin = 0.4")], "`crop.margin`");
    refused(&[("\"bilinear-antialias\"", "\"nearest\"")], "unknown variant `nearest`");
    refused(&[("\"synthetic\"]", "\"authentic\"]")], "`output.classes`");
    refused(&[("authentic_below = 0.3", "authentic_below = 0.8")], "at most `thresholds.synthetic_above`");
    refused(
        &[("[thresholds]", "[calibration]\ntemperature = 0.0\nbias = 0.0\n[thresholds]")],
        "`calibration.temperature`",
    );
}

/// A TOML that doesn't fit the file is refused with what the file has.
fn misfit(changes: &[(&str, &str)], part: &str) {
    let bytes = network(2, None).encode_to_vec();
    let error = ForeignModel::parse(&changed(changes), &bytes).expect_err("they don't fit").to_string();
    assert!(error.contains(part), "no `{part}` in {error}");
}

#[test]
fn what_does_not_fit_the_file_is_named() {
    misfit(&[("\"image\"", "\"picture\"")], "extra input `image`");
    misfit(
        &[("side = 32", "side = 64")],
        "`image` is float32 [N or 1, 3, 64, 64], but in the file it is float32 [N, 3, 32, 32]",
    );
    misfit(&[("\"out\"", "\"logits\"")], "`logits` is float32, but in the file it is missing");
    misfit(&[("[thresholds]", "[cam]\nname = \"out\"\ntap = \"?\"\n[thresholds]")], "`out` is float32 [N, h, w]");
    let folder = tempfile::tempdir().expect("a folder for the test");
    check_error(&mut judging(folder.path(), &network(1, None), TOML), 1, "`out` came out as");
    let lone = model::write(folder.path(), "lone.onnx", &network(2, None));
    check_error(cyborg().args(["image", "x.png", "--model"]).arg(lone), 1, "in a TOML next to it");
}
