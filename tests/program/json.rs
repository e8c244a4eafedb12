//! `--json`: standard output holds JSON objects, one a line, and nothing else.

use std::fs;
use std::process::{Command, Stdio};

use cyborg_edge::sink::record;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{cyborg, fetched, make_clip, model, run};

/// A folder with two models that disagree.
fn bench() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    model::write(folder.path(), "corner.onnx", &model::corner());
    model::write(folder.path(), "inverted.onnx", &model::inverted());
    folder
}

/// Runs a command in the folder; each line of its standard output is an object.
fn objects(folder: &TempDir, arguments: &str, code: i32) -> Vec<Value> {
    let mut command = cyborg();
    command.current_dir(folder.path()).args(arguments.split_whitespace());
    objects_of(&mut command, code)
}

fn objects_of(command: &mut Command, code: i32) -> Vec<Value> {
    let (found, stdout, stderr) = run(command);
    assert_eq!(found, code, "{command:?}: {stderr}");
    let parsed = stdout.lines().map(|line| serde_json::from_str(line).expect("each line is JSON"));
    let objects: Vec<Value> = parsed.collect();
    assert!(objects.iter().all(Value::is_object), "{stdout}");
    objects
}

#[test]
fn clips_are_told_with_their_tracks() {
    let folder = bench();
    let clip = folder.path().join("clip.mp4");
    make_clip(&clip, &format!("-i {} -frames:v 10 -c:v libx264", fetched("selfie").display()));
    make_clip(&folder.path().join("grey.mp4"), "-f lavfi -i color=gray:s=160x120:r=25:d=0.2 -c:v libx264");
    let clips = "video clip.mp4 no.mp4 grey.mp4 --json --model corner.onnx";
    let found = objects(&folder, clips, 3);
    assert_eq!(found.len(), 3);
    let [clip, missing, grey] = [&found[0], &found[1], &found[2]];
    assert_eq!(
        (&clip["schema"], &clip["source"], &clip["ended"]),
        (&record::SCHEMA.into(), &"clip.mp4".into(), &"whole".into())
    );
    assert_eq!((&clip["frames"], &clip["faces"], &clip["agree"]), (&10.into(), &10.into(), &Value::Null));
    let said = &clip["models"][0];
    assert_eq!((&said["model"], &said["tracks"][0]["frames"]), (&"corner.onnx".into(), &10.into()));
    assert_eq!(said["verdict"], said["tracks"][0]["track_verdict"], "there is one person");
    assert_eq!((&missing["source"], &missing["ended"]), (&"no.mp4".into(), &"failed".into()));
    assert!(missing["error"].as_str().is_some_and(|error| error.contains("no.mp4")), "{missing}");
    assert_eq!((&grey["models"][0]["verdict"], &grey["faces"]), (&Value::Null, &0.into()));

    let found = objects(&folder, "video clip.mp4 --json --model corner.onnx --model inverted.onnx", 0);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["models"][1]["model"], "inverted.onnx");
    let verdict = |model: usize| &found[0]["models"][model]["tracks"][0]["track_verdict"];
    assert_eq!(found[0]["agree"], verdict(0) == verdict(1), "{}", found[0]);
}

#[test]
fn photos_are_told_with_their_faces() {
    let folder = bench();
    fs::copy(fetched("astronaut"), folder.path().join("face.png")).expect("it can be copied");
    let grey = image::GrayImage::from_pixel(80, 60, image::Luma([90]));
    grey.save(folder.path().join("grey.png")).expect("it can be written");
    let photos = "image face.png no.png grey.png --json --csv t.csv --model corner.onnx --model inverted.onnx";
    let mut found = objects(&folder, photos, 3);
    found.sort_by_key(|photo| photo["source"].to_string());
    assert_eq!(found.len(), 3);
    let faces = |photo: &Value| photo["faces"].as_array().map(Vec::len);
    assert_eq!((&found[0]["source"], faces(&found[0])), (&"face.png".into(), Some(2)), "a row a model");
    assert_eq!(found[0]["faces"][1]["model"], "inverted.onnx");
    assert_eq!((&found[1]["source"], faces(&found[1])), (&"grey.png".into(), Some(0)));
    assert_eq!((&found[2]["source"], &found[2]["ended"]), (&"no.png".into(), &"failed".into()));
}

#[test]
fn the_other_commands_speak_json_too() {
    let folder = bench();
    let doctor = objects(&folder, "doctor --json --model corner.onnx", 0);
    assert_eq!((doctor.len(), &doctor[0]["missing"]), (1, &0.into()));
    let facts = doctor[0]["facts"].as_array().expect("facts");
    assert!(facts.iter().all(|fact| fact["name"] != "" && fact["missing"] == false), "{doctor:?}");
    assert!(facts.iter().any(|fact| fact["name"] == "decoder"), "{doctor:?}");
    let doctor = objects(&folder, "doctor --json --model no.onnx", 1);
    assert_eq!(doctor[0]["missing"], 1);

    fs::write(folder.path().join("broken.onnx"), "no model").expect("it can be written");
    let list = objects(&folder, "models list --folder . --json", 0);
    let kinds: Vec<_> = list.iter().map(|model| model["kind"].as_str().expect("a word")).collect();
    // Two of them are the forms of the model that is part of the program.
    assert_eq!(kinds, ["contract", "contract", "unusable", "contract", "contract"]);
    let verify = objects(&folder, "models verify corner.onnx broken.onnx --json", 3);
    assert_eq!((&verify[0]["whole"], &verify[1]["whole"]), (&true.into(), &false.into()));
    assert!(verify[1]["error"].as_str().is_some_and(|error| error.contains("broken.onnx")), "{verify:?}");

    let mut bench = cyborg();
    bench.current_dir(folder.path()).env("ORT_DYLIB_PATH", fetched("onnxruntime"));
    bench.args(["bench", "--provider", "cpu", "--batch", "1", "--threads", "1", "--seconds", "0.05"]);
    let figures = objects_of(bench.args(["--model", "corner.onnx", "--json"]), 0);
    assert_eq!((figures.len(), &figures[0]["version"]), (1, &1.into()));
    assert!(figures[0]["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let folder = bench();
    make_clip(&folder.path().join("clip.mp4"), &format!("-i {} -frames:v 6 -c:v libx264", fetched("selfie").display()));
    let mut command = cyborg();
    command.current_dir(folder.path()).args(["video", "clip.mp4", "--json", "--model", "corner.onnx"]);
    let mut child = command
        .args(["--csv", "t.csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(folder.path().join("t.csv")).expect("it was written").lines().count(), 7);
}
