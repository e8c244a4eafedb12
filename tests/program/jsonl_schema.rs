//! `docs/jsonl.schema.json` describes each line that the program writes, and no other.

#[path = "../../fuzz/src/schema.rs"]
mod schema;

use std::fs;
use std::path::Path;

use cyborg_edge::sink::record;
use schema::{SCHEMA, check};
use serde_json::{Value, json};

use crate::support::{cyborg, face_clip, fetched, model, run};

/// The lines of a table, each held against the schema.
fn lines(table: &Path) -> Vec<Value> {
    let text = fs::read_to_string(table).expect("the table was written");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    for line in &lines {
        assert_eq!(check(line), Ok(()), "{line}");
    }
    lines
}

/// The kinds of the lines, each once, in the order in which they come.
fn kinds(lines: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().expect("it has a kind")).collect();
    kinds.dedup();
    kinds
}

/// Runs the program on inputs, with the small model, and gives its lines.
fn table(command: &str, inputs: &[&Path]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let table = folder.path().join("table.jsonl");
    let (code, _, stderr) =
        run(cyborg().arg(command).args(inputs).arg("--jsonl").arg(&table).arg("--model").arg(model));
    assert_eq!(code, 0, "{stderr}");
    lines(&table)
}

#[test]
fn a_video_is_described() {
    let lines = table("video", &[&face_clip()]);
    assert_eq!(kinds(&lines), ["run", "face", "track", "summary"]);
    assert_eq!(lines[0]["schema"], record::SCHEMA);
}

#[test]
fn photos_are_described() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let empty = folder.path().join("grey.png");
    image::GrayImage::from_pixel(64, 48, image::Luma([128])).save(&empty).expect("it can be written");
    let lines = table("image", &[&fetched("astronaut"), &empty]);
    assert_eq!(kinds(&lines), ["run", "photo"]);
    assert!(lines.iter().any(|line| line["type"] == "photo" && line["face"].is_null()), "one has no face");
}

#[test]
fn the_file_and_the_program_speak_of_one_version() {
    assert_eq!(SCHEMA["$defs"]["run"]["properties"]["schema"]["const"], record::SCHEMA);
    assert_eq!(SCHEMA["$id"], format!("urn:cyborg-edge:jsonl:{}", record::SCHEMA));
}

/// Every field is always written, and no other: who adds one to `properties` adds it to `required`.
#[test]
fn each_object_wants_all_its_fields_and_no_other() {
    let definitions = SCHEMA["$defs"].as_object().expect("it has definitions");
    let mut objects = 0;
    for (name, definition) in definitions {
        let Some(properties) = definition["properties"].as_object() else { continue };
        let mut properties: Vec<_> = properties.keys().map(String::as_str).collect();
        let required = definition["required"].as_array().expect("it says what is required");
        let mut required: Vec<_> = required.iter().map(|name| name.as_str().expect("a name")).collect();
        properties.sort_unstable();
        required.sort_unstable();
        assert_eq!(properties, required, "{name}");
        assert_eq!(definition["additionalProperties"], false, "{name}");
        objects += 1;
    }
    assert_eq!(objects, 9, "six kinds of lines, the interval, the further model and the expert");
}

/// A right line of this kind.
fn right(kind: &str) -> Value {
    match kind {
        "run" => json!({"type": "run", "schema": record::SCHEMA, "tool": "cyborg 0", "model": "m",
            "model_sha256": "0".repeat(64), "provider": "cpu", "detector_provider": "cpu",
            "experts": [], "others": [], "settings": {}}),
        "face" => {
            json!({"type": "face", "source": "a.mp4", "frame": 0, "time_s": -0.04, "running_s": 0, "track": 1, "left": -3.5,
            "top": 0, "width": 10.1, "height": 12, "p_synthetic": 0.5, "p_track": 1, "verdict": "unsure",
            "track_verdict": "unsure", "reason": "too_few_frames", "age_ms": 3.2,
            "source_escaped": false, "model": "m"})
        }
        "photo" => json!({"type": "photo", "path": "a.png", "score": null, "label": "real", "split": "test",
            "source": null, "p_synthetic": null, "verdict": null, "face": null, "left": null, "top": null,
            "width": null, "height": null, "reason": null, "path_escaped": true, "model": null}),
        "source" => json!({"type": "source", "source": "camera 0", "time_s": 3.25, "state": "lost",
            "reason": "it was unplugged", "source_escaped": false}),
        "track" => json!({"type": "track", "source": "a.mp4", "track": 1, "first_s": 0, "last_s": 2.5, "frames": 60,
            "usable_frames": 60, "p_track": 0.1, "track_verdict": "unsure", "reason": "synthetic_in_parts",
            "intervals": [{"start_s": 1, "end_s": 1.5}], "source_escaped": false, "model": "m"}),
        _ => json!({"type": "summary", "source": "a.mp4", "frames": 60, "all_frames": null,
            "repeated_frames": 0, "frames_without_face": 0, "patched_frames": 0, "damaged_frames": 0, "faces": 60, "authentic": 60, "unsure": 0, "synthetic": 0,
            "mean_p_synthetic": 0.1, "ended": "whole", "source_escaped": false, "model": "m"}),
    }
}

/// A right line in which `field` (a pointer) is `value`, or missing, is refused.
fn check_wrong(kind: &str, field: &str, value: Option<Value>) {
    let mut line = right(kind);
    assert_eq!(check(&line), Ok(()), "{line}");
    let (parent, name) = field.rsplit_once('/').expect("a pointer");
    let object = line.pointer_mut(parent).and_then(Value::as_object_mut).expect("it is there");
    match value {
        Some(value) => drop(object.insert(name.to_owned(), value)),
        None => assert!(object.remove(name).is_some(), "{name} was there"),
    }
    assert!(check(&line).is_err(), "{line} should be refused");
}

#[test]
fn wrong_lines_are_refused() {
    check_wrong("face", "/p_synthetic", Some(json!(1.5)));
    check_wrong("face", "/p_track", Some(json!(-0.1)));
    check_wrong("face", "/p_synthetic", Some(json!(null)));
    check_wrong("face", "/left", Some(json!(null)));
    check_wrong("face", "/width", Some(json!(-1)));
    check_wrong("face", "/frame", Some(json!(1.5)));
    check_wrong("face", "/track", Some(json!(0)));
    check_wrong("face", "/verdict", Some(json!("fake")));
    check_wrong("face", "/reason", Some(json!("tired")));
    check_wrong("face", "/mood", Some(json!("good")));
    check_wrong("face", "/type", Some(json!("photo")));
    check_wrong("face", "/age_ms", Some(json!("3")));
    check_wrong("photo", "/score", Some(json!(1.01)));
    check_wrong("photo", "/label", Some(json!("fake")));
    check_wrong("source", "/state", Some(json!("gone")));
    check_wrong("track", "/intervals/0/end_s", None);
    check_wrong("summary", "/frames", Some(json!(-1)));
    check_wrong("summary", "/ended", Some(json!("well")));
    check_wrong("run", "/schema", Some(json!(record::SCHEMA + 1)));
    check_wrong("run", "/model_sha256", Some(json!("ff")));
    for kind in ["run", "face", "photo", "track", "summary"] {
        for field in right(kind).as_object().expect("an object").keys() {
            check_wrong(kind, &format!("/{field}"), None);
        }
    }
}
