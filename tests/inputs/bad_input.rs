//! Bad input gets an error that names the thing, the reason and the cure, with the exit code of the contract; nothing
//! that was computed is lost.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use cyborg_models::onnx::{Dimension, ModelProto, ValueInfoProto, element};
use prost::Message;
use tempfile::TempDir;

use crate::support::{check_error, cyborg, face_clip, make_clip, model, probe, run};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// `cyborg video` with the small model.
fn video(folder: &TempDir) -> Command {
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("video").arg("--model").arg(model);
    command
}

fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("it can be written");
    path
}

#[test]
fn a_missing_file() {
    let folder = folder();
    check_error(video(&folder).arg("no/such/clip.mp4"), 1, "no/such/clip.mp4: No such file");
}

#[test]
fn a_directory_without_videos() {
    let folder = folder();
    check_error(video(&folder).arg(folder.path()), 1, "contains no videos");
}

#[test]
fn not_a_video() {
    let folder = folder();
    let text = file(&folder, "text.mp4", b"this is a text and no video\n");
    check_error(video(&folder).arg(text), 1, "is it a video file, and complete?");
    let empty = file(&folder, "empty.mp4", b"");
    check_error(video(&folder).arg(empty), 1, "is it a video file, and complete?");
}

#[test]
fn audio_only() {
    let folder = folder();
    let clip = folder.path().join("sound.mp4");
    make_clip(&clip, "-f lavfi -i sine=d=0.2");
    check_error(video(&folder).arg(clip), 1, "has no video stream");
}

#[test]
fn a_video_whose_index_is_cut_off() {
    let folder = folder();
    let bytes = fs::read(face_clip()).expect("set-up fetched it");
    let clip = file(&folder, "cut.mp4", &bytes[..bytes.len() / 2]);
    check_error(video(&folder).arg(clip), 1, "cut.mp4");
}

#[test]
fn a_truncated_video_gives_the_frames_that_it_has() {
    let folder = folder();
    let whole = folder.path().join("whole.mp4");
    make_clip(&whole, &format!("-i {} -c:v libx264 -movflags faststart", face_clip().display()));
    let bytes = fs::read(&whole).expect("it was made");
    let clip = file(&folder, "cut.mp4", &bytes[..bytes.len() * 2 / 3]);
    let table = folder.path().join("table.csv");
    let (code, stdout, stderr) = run(video(&folder).arg(clip).arg("--csv").arg(&table));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("its header claims 120 frames"), "{stderr}");
    assert!(stdout.contains("frames ("), "{stdout}");
    let rows = fs::read_to_string(table).expect("it was written").lines().count();
    assert!((20..120).contains(&rows), "{rows} rows");
}

#[test]
fn a_video_without_frames() {
    let folder = folder();
    let clip = folder.path().join("none.avi");
    make_clip(&clip, &format!("-i {} -frames:v 0 -c:v mpeg4", face_clip().display()));
    check_error(video(&folder).arg(clip), 1, "none.avi");
}

#[test]
fn damaged_frames_are_counted_and_told() {
    let folder = folder();
    let whole = folder.path().join("whole.mkv");
    make_clip(&whole, &format!("-i {} -c:v png", face_clip().display()));
    let mut bytes = fs::read(&whole).expect("it was made");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xa5);
    let clip = file(&folder, "damaged.mkv", &bytes);
    let (code, stdout, stderr) = run(video(&folder).arg(clip));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("could not be decoded"), "{stderr}");
    assert!(stdout.contains("frames ("), "{stdout}");
}

#[test]
fn frames_that_the_decoder_patched_up_are_told() {
    let folder = folder();
    let whole = folder.path().join("whole.mkv");
    make_clip(&whole, &format!("-i {} -c:v libx264", face_clip().display()));
    let mut bytes = fs::read(&whole).expect("it was made");
    for at in (8000..bytes.len() - 2000).step_by(3000) {
        bytes[at] ^= 0xff;
    }
    let clip = file(&folder, "patched.mkv", &bytes);
    let (code, _, stderr) = run(video(&folder).arg(clip));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("frames are damaged and were patched up"), "{stderr}");
    let (_, _, stderr) = run(video(&folder).arg(whole));
    assert!(!stderr.contains("patched up"), "a whole clip has none: {stderr}");
}

#[test]
fn one_bad_clip_does_not_stop_the_others() {
    let folder = folder();
    let text = file(&folder, "text.mp4", b"no video");
    let (code, stdout, stderr) = run(video(&folder).arg(&text).arg(face_clip()));
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("text.mp4") && stdout.contains("120 frames"), "{stdout}{stderr}");
}

#[test]
fn wrong_usage() {
    let folder = folder();
    check_error(&mut cyborg(), 2, "Usage");
    check_error(video(&folder).arg(face_clip()).args(["--provider", "gpu"]), 2, "expected auto, cpu, xnnpack");
    check_error(video(&folder).arg(face_clip()).args(["--threads", "0"]), 2, "--threads");
    check_error(video(&folder).arg(face_clip()).args(["--threads", "100000"]), 2, "1 to 256");
    check_error(
        video(&folder).arg(face_clip()).arg(face_clip()).args(["--annotate", "a.mp4"]),
        2,
        "names one file, but there are several clips: name a folder",
    );
    let clip = file(&folder, "clip.mp4", &fs::read(face_clip()).expect("set-up fetched it"));
    check_error(video(&folder).arg(&clip).arg("--csv").arg(&clip), 2, "is both an input and an output");
    check_error(video(&folder).arg(&clip).args(["--csv", "a.csv", "--jsonl", "a.csv"]), 2, "is named for two outputs");
    check_error(video(&folder).arg(&clip).args(["--csv", "a.csv", "--jsonl", "src/../a.csv"]), 2, "for two outputs");
}

#[test]
fn no_output_destroys_an_input() {
    let folder = folder();
    let bytes = fs::read(face_clip()).expect("set-up fetched it");
    let first = file(&folder, "a.mp4", &bytes);
    let second = file(&folder, "a.annotated.mp4", &bytes);
    let mut command = video(&folder);
    command.args([&first, &second]).arg("--annotate").arg(folder.path());
    check_error(&mut command, 2, "a.annotated.mp4 is both an input and an output");
    let other_name = folder.path().join("hard_link.mp4");
    fs::hard_link(&first, &other_name).expect("it can be made");
    check_error(video(&folder).arg(&first).arg("--annotate").arg(&other_name), 2, "is both an input and an output");
    let model = folder.path().join("corner.onnx");
    check_error(video(&folder).arg(&first).arg("--csv").arg(&model), 2, "is both an input and an output");
    assert_eq!(fs::read(&first).expect("it is there"), bytes);
    assert_eq!(fs::read(&second).expect("it is there"), bytes);
}

#[test]
fn a_provider_that_is_named_and_not_there() {
    let folder = folder();
    let message = "provider cuda is not available";
    check_error(video(&folder).arg(face_clip()).args(["--provider", "cuda"]), 1, message);
}

#[test]
fn outputs_that_cannot_be_written() {
    let folder = folder();
    for flag in ["--csv", "--jsonl", "--annotate"] {
        check_error(
            video(&folder).arg(face_clip()).args([flag, "/proc/no/such/file.mp4"]),
            1,
            "/proc/no/such/file.mp4",
        );
    }
}

/// Runs `cyborg video` with a model that is broken in some way.
fn check_model(bytes: &[u8], message: &str) {
    let folder = folder();
    let model = file(&folder, "broken.onnx", bytes);
    let mut command = cyborg();
    command.arg("video").arg(face_clip()).arg("--model").arg(&model);
    check_error(&mut command, 1, message);
    let (_, _, stderr) = run(&mut command);
    assert!(stderr.contains("broken.onnx"), "it does not name the file: {stderr}");
}

fn changed(change: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = model::corner();
    change(&mut model);
    model.encode_to_vec()
}

fn set(model: &mut ModelProto, key: &str, value: &str) {
    let pair = model.metadata_props.iter_mut().find(|pair| pair.key == key).expect("the contract has it");
    pair.value = value.to_owned();
}

#[test]
fn models_that_do_not_hold_the_contract() {
    check_model(b"not a model", "is not an ONNX file");
    check_model(&changed(|model| model.metadata_props.clear()), "not one of this project's models");
    check_model(&changed(|m| set(m, "cyborg.contract_version", "7")), "contract version 7 is not known");
    check_model(&changed(|m| set(m, "cyborg.crop.margin", "wide")), "cyborg.crop.margin");
    check_model(&changed(|model| model.opset_import[0].version = 11), "operator set is 11");
    let shape = [Dimension::Param("n".into()), Dimension::Value(3)];
    let logits = ValueInfoProto::tensor("logits", element::FLOAT, &shape);
    check_model(
        &changed(|model| model.graph.as_mut().expect("it has one").output[0] = logits),
        "`logits` is float32 [n, 3], expected float32 [N, 2]",
    );
    check_model(&changed(|m| drop(m.graph.as_mut().expect("it has one").output.pop())), "`cam` is missing");
    // The contract holds on paper, and ONNX Runtime finds that the graph doesn't.
    check_model(
        &changed(|m| m.graph.as_mut().expect("it has one").node[0].op_type = "Nonsense".into()),
        "can't be opened",
    );
}

#[test]
fn a_missing_model_detector_or_runtime() {
    let folder = folder();
    let mut command = cyborg();
    check_error(command.arg("video").arg(face_clip()).args(["--model", "no/model.onnx"]), 1, "no/model.onnx");
    check_error(video(&folder).arg(face_clip()).args(["--detector", "no/detector.onnx"]), 1, "cargo xtask setup");
    let text = file(&folder, "text.onnx", b"text");
    check_error(
        video(&folder).arg(face_clip()).arg("--detector").arg(text),
        1,
        "can't be used as a face detector: it is not an ONNX file",
    );
    let corner = folder.path().join("corner.onnx");
    check_error(video(&folder).arg(face_clip()).arg("--detector").arg(corner), 1, "it is a network of another kind");
    check_error(video(&folder).arg(face_clip()).env("ORT_DYLIB_PATH", "no/lib.so"), 1, "can't load ONNX Runtime from");
    let empty = folder.path().join("empty");
    let mut command = video(&folder);
    command.arg(face_clip()).env("CYBORG_CACHE", &empty).env_remove("ORT_DYLIB_PATH");
    check_error(&mut command, 1, "cargo xtask setup");
}

#[test]
fn a_full_disk_leaves_whole_rows_and_a_video_that_plays() {
    let folder = folder();
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let at = |name: &str| folder.path().join(name);
    // The shell limits the size of files, and turns the signal for it off, so that writing fails as on a full disk.
    let limited = |kilobytes: u32, arguments: &[&str]| {
        let script = format!(r#"trap '' XFSZ; ulimit -f {kilobytes}; exec "$@""#);
        let mut command = Command::new("bash");
        command.args(["-c", &script, "bash"]).arg(cyborg().get_program()).arg("video").arg(face_clip());
        command.arg("--model").arg(&model).args(arguments);
        run(&mut command)
    };
    let (code, _, stderr) = limited(8, &["--csv", &at("a.csv").display().to_string()]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("a.csv") && stderr.contains("File too large"), "{stderr}");
    let rows: Vec<_> = csv::Reader::from_path(at("a.csv"))
        .expect("it was written")
        .into_records()
        .map(|row| row.expect("each row is whole").len())
        .collect();
    assert!((10..120).contains(&rows.len()), "{} rows", rows.len());

    let (code, _, stderr) = limited(8, &["--jsonl", &at("a.jsonl").display().to_string()]);
    assert_eq!(code, 1, "{stderr}");
    let text = fs::read_to_string(at("a.jsonl")).expect("it was written");
    assert!(text.ends_with('\n'), "the last line is whole");
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
    }

    // The disk is full before the muxer hands its first piece over: it tells only when asked.
    let small = at("small.mp4");
    let (code, _, stderr) = limited(8, &["--annotate", &small.display().to_string()]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("small.mp4") && stderr.contains("File too large"), "{stderr}");

    let annotated = at("a.mp4");
    let (code, _, stderr) = limited(40, &["--annotate", &annotated.display().to_string()]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("a.mp4") && stderr.contains("File too large"), "{stderr}");
    let frames: u32 = probe(&annotated, "stream=nb_read_frames").parse().expect("a count");
    assert!((50..120).contains(&frames), "{frames} frames can be played");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = folder();
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let script = r#""$@" | true; exit "${PIPESTATUS[0]}""#;
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash"]).arg(cyborg().get_program()).arg("video").arg(face_clip());
    let (code, _, stderr) = run(command.arg("--model").arg(model));
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("error"), "{stderr}");
}

#[test]
fn a_reader_that_leaves_one_table_does_not_harm_the_other() {
    let folder = folder();
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let [pipe, table] = ["pipe", "table.jsonl"].map(|name| folder.path().join(name));
    let script = r#"mkfifo "$1" && { head -c 200 "$1" >/dev/null & }; shift; exec "$@""#;
    let mut command = Command::new("bash");
    command.args(["-c", script, "bash"]).arg(&pipe).arg(cyborg().get_program()).args(["video", "no/such.mp4"]);
    command.arg(face_clip()).arg("--model").arg(model).arg("--csv").arg(&pipe).arg("--jsonl").arg(&table);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, 3, "the missing clip still counts: {stderr}");
    let text = fs::read_to_string(table).expect("it was written");
    assert!(text.lines().last().is_some_and(|line| line.contains("\"frames\":120")), "{text}");
}
