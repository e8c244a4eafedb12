//! The corpus of trouble from the field: each folder in `tests/field/` is a case that came up in use, with its input and
//! what is right. CONTRIBUTING.md says how a report becomes one.
//!
//! The folder is copied, `make` adds what can't be committed, and the program runs in it.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::support::{cyborg, face_clip, fetched, model, packet_times, probe, run};

/// How far a probability may be from the one that is right: processors round differently.
const CLOSE: f64 = 0.03;

/// `expected.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What came up, in a line or two.
    about: String,
    /// A shell script that makes what is no committed file. `$CLIP` is a face clip of 120 frames, `$PHOTO` a photo of a face,
    /// `$FIELD` the folder of all cases.
    make: Option<String>,
    /// The program's runs, in this order.
    run: Vec<Expected>,
}

/// A run of the program, and what is right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// What stands after `cyborg`, as a shell takes it. A run of `image` or `video` writes `table.jsonl` besides.
    command: String,
    /// `shipped` for the model of the program; else a small one, which judges in no time.
    #[serde(default)]
    model: String,
    /// The exit code.
    exit: i32,
    /// Parts of what it says, on either stream.
    #[serde(default)]
    says: Vec<String>,
    /// What must not be a part of it.
    #[serde(default)]
    never: Vec<String>,
    /// Of each clip that has a summary, its frames.
    frames: Option<BTreeMap<String, u64>>,
    /// Of each photo in the table, its faces.
    faces: Option<BTreeMap<String, u64>>,
    /// Of some photos, p of synthetic of the first face.
    #[serde(default)]
    p: BTreeMap<String, f64>,
    /// Annotated videos that it must have made.
    #[serde(default)]
    annotated: BTreeMap<String, Annotated>,
    /// Files that it must have made.
    #[serde(default)]
    files: Vec<String>,
}

/// What an annotated video is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotated {
    frames: Option<usize>,
    /// When its first and its last picture are shown, in seconds.
    first: Option<f64>,
    last: Option<f64>,
    /// Width and height of its pictures.
    size: Option<String>,
    /// When its sound ends, in seconds; 0 where it has none.
    sound: Option<f64>,
}

fn sh(script: &str, folder: &Path) -> Command {
    let mut command = Command::new("bash");
    command.args(["-euc", script]).current_dir(folder);
    command.env("FIELD", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field"));
    command.env("CLIP", face_clip()).env("PHOTO", fetched("astronaut")).env("CYBORG", cyborg().get_program());
    // No set that happens to be installed judges instead.
    command.envs(cyborg().get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The lines of the table that a run wrote; none where it failed before.
fn table(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("table.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn check(expected: &Expected, folder: &Path, small: &Path, name: &str) {
    let Expected { command, exit, .. } = expected;
    let _ = fs::remove_file(folder.join("table.jsonl"));
    let mut flags = String::new();
    if command.starts_with("image ") || command.starts_with("video ") {
        flags += " --jsonl table.jsonl";
        if expected.model != "shipped" {
            flags += &format!(" --model {}", small.display());
        }
    }
    // The flags come first: a pipe or a redirection may follow.
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let (code, stdout, stderr) = run(&mut sh(&format!("\"$CYBORG\" {verb}{flags} {rest}"), folder));
    let told = format!("{stdout}{stderr}");
    let place = format!("{name}: `cyborg {command}` said:\n{told}");
    assert_eq!(code, *exit, "{place}");
    expected.says.iter().for_each(|part| assert!(told.contains(part.as_str()), "no `{part}` in {place}"));
    let never = expected.never.iter().map(String::as_str).chain(["panicked"]);
    never.for_each(|part| assert!(!told.contains(part), "`{part}` in {place}"));
    let lines = table(folder);
    if let Some(frames) = &expected.frames {
        let summaries = lines.iter().filter(|line| line["type"] == "summary");
        let found: BTreeMap<String, u64> =
            summaries.map(|line| (text(&line["source"]), number(&line["frames"]))).collect();
        assert_eq!(found, *frames, "{place}");
    }
    if let Some(faces) = &expected.faces {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for line in lines.iter().filter(|line| line["type"] == "photo") {
            *found.entry(text(&line["path"])).or_default() += u64::from(!line["p_synthetic"].is_null());
        }
        assert_eq!(found, *faces, "{place}");
    }
    for (photo, p) in &expected.p {
        let line = lines.iter().find(|line| line["path"] == photo.as_str());
        let found = line.and_then(|line| line["p_synthetic"].as_f64());
        assert!(found.is_some_and(|found| (found - p).abs() < CLOSE), "{photo} has p {found:?}, not {p}: {place}");
    }
    expected.annotated.iter().for_each(|(video, expected)| check_video(&folder.join(video), expected, &place));
    for file in &expected.files {
        assert!(fs::metadata(folder.join(file)).is_ok_and(|found| found.len() > 0), "no {file}: {place}");
    }
}

fn check_video(video: &Path, expected: &Annotated, place: &str) {
    let of = |what: &str| format!("{what} of {}: {place}", video.display());
    let pictures = packet_times(video, "v:0");
    let sound = packet_times(video, "a:0").last().copied().unwrap_or_default();
    if let Some(frames) = expected.frames {
        assert_eq!(pictures.len(), frames, "{}", of("frames"));
    }
    let ends = [(expected.first, pictures.first()), (expected.last, pictures.last())];
    for (expected, found) in ends.into_iter().filter_map(|(expected, found)| Some((expected?, found?))) {
        assert!((found - expected).abs() < 0.002, "{}", of(&format!("{found} s, not {expected} s,")));
    }
    if let Some(size) = &expected.size {
        assert_eq!(&probe(video, "stream=width,height").replace(',', "x"), size, "{}", of("size"));
    }
    if let Some(expected) = expected.sound {
        assert!((sound - expected).abs() < 0.1, "{}", of(&format!("sound up to {sound} s")));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn walk(case: &Path) {
    let name = case.file_name().unwrap_or_default().to_string_lossy();
    let described = fs::read_to_string(case.join("expected.toml"))
        .map_err(|error| format!("{name}: {error}"))
        .expect("each case says what is right");
    let expected: Case = toml::from_str(&described)
        .map_err(|error| format!("{name}/expected.toml: {error}"))
        .expect("each case is described in known keys");
    assert!(expected.about.len() > 20, "{name} doesn't say what came up");
    let folder = tempfile::tempdir().expect("a folder for the test");
    let beside = tempfile::tempdir().expect("a folder for the model");
    let small = model::write(beside.path(), "corner.onnx", &model::corner());
    for file in fs::read_dir(case).expect("it is a part of the repository") {
        let file = file.expect("it can be read");
        if file.file_name() != "expected.toml" {
            fs::copy(file.path(), folder.path().join(file.file_name())).expect("it can be copied");
        }
    }
    if let Some(make) = &expected.make {
        let (code, stdout, stderr) = run(&mut sh(make, folder.path()));
        assert_eq!(code, 0, "{name}: what makes its input says: {stdout}{stderr}");
    }
    expected.run.iter().for_each(|expected| check(expected, folder.path(), &small, &name));
}

#[test]
fn all_that_came_up_is_judged_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .expect("it is a part of the repository")
        .map(|case| case.expect("it can be read").path())
        .collect();
    cases.sort();
    // One case alone, while it is being mended.
    let wanted = std::env::var("CYBORG_FIELD_CASE").ok();
    cases.retain(|case| wanted.as_ref().is_none_or(|wanted| case.ends_with(wanted)));
    assert!(!cases.is_empty(), "there is no such case");
    let failed: Vec<&PathBuf> = cases.iter().filter(|case| std::panic::catch_unwind(|| walk(case)).is_err()).collect();
    assert!(failed.is_empty(), "{failed:?}");
}
