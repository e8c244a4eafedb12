//! Several models in one run: each face is found once, each model says what it would say alone, and they stand side by
//! side.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{check_error, cyborg, fetched, make_clip, model, run};

/// A folder with two models that disagree, and a clip.
struct Bench {
    folder: TempDir,
    models: [PathBuf; 2],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let models = [
            model::write(folder.path(), "corner.onnx", &model::corner()),
            model::write(folder.path(), "inverted.onnx", &model::inverted()),
        ];
        Self { folder, models }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn clip(&self) -> PathBuf {
        let path = self.path("clip.mp4");
        make_clip(&path, &format!("-i {} -frames:v 12 -c:v libx264 -preset ultrafast", fetched("selfie").display()));
        path
    }

    /// Runs `video` with some of the models; gives the lines of the JSONL table and what was said.
    fn video(&self, clip: &Path, models: &[&PathBuf], further: &[&str]) -> (Vec<Value>, String) {
        let table = self.path("table.jsonl");
        let mut command = cyborg();
        command.arg("video").arg(clip).arg("--jsonl").arg(&table).args(further);
        for model in models {
            command.arg("--model").arg(model);
        }
        let (code, stdout, stderr) = run(&mut command);
        assert_eq!(code, 0, "{stderr}");
        (lines(&table), stdout)
    }
}

fn lines(table: &Path) -> Vec<Value> {
    let text = fs::read_to_string(table).expect("the table was written");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// All lines but the first that speak for a model, without what the clock says.
fn of_model(lines: &[Value], model: &Path) -> Vec<Value> {
    let name = model.display().to_string();
    let mut found: Vec<Value> = lines[1..].iter().filter(|line| line["model"] == name.as_str()).cloned().collect();
    for line in &mut found {
        line.as_object_mut().expect("an object").remove("age_ms");
    }
    found
}

#[test]
fn each_model_says_what_it_says_alone() {
    let bench = Bench::new();
    let clip = bench.clip();
    let [corner, inverted] = &bench.models;
    let csv = bench.path("table.csv");
    let report = bench.path("report.html");
    let video = bench.path("annotated.mp4");
    let further = [&csv, &report, &video].map(|path| path.display().to_string());
    let further = ["--csv", &further[0], "--report", &further[1], "--annotate", &further[2]];
    let (both, stdout) = bench.video(&clip, &[corner, inverted], &further);
    for model in [corner, inverted] {
        let (alone, _) = bench.video(&clip, &[model], &[]);
        let (beside, alone) = (of_model(&both, model), of_model(&alone, model));
        let faces = |lines: &[Value]| lines.iter().filter(|line| line["type"] == "face").count();
        assert_eq!((faces(&alone), alone.len()), (12, 14), "12 faces, a track and a summary");
        assert_eq!(beside, alone, "{}", model.display());
    }
    assert_eq!(both[0]["others"][0]["model"], inverted.display().to_string());
    // Of each face a row a model, one after the other.
    let models: Vec<_> = both[1..5].iter().map(|line| line["model"].as_str().expect("a name")).collect();
    let [a, b] = [corner, inverted].map(|model| model.display().to_string());
    assert_eq!(models, [&*a, &*b, &*a, &*b]);

    let rows = fs::read_to_string(&csv).expect("it was written");
    assert_eq!(rows.lines().count(), 1 + 2 * 12);
    assert!(rows.lines().nth(2).is_some_and(|row| row.ends_with(&format!(",{b}"))), "{rows:.400}");
    let p = |line: &Value| line["p_track"].as_f64().expect("a number");
    let tracks: Vec<_> = both.iter().filter(|line| line["type"] == "track").collect();
    assert!((p(tracks[0]) - p(tracks[1])).abs() > 0.1, "the models are to disagree: {tracks:?}");
    assert!(stdout.contains("clip.mp4: the models disagree: "), "{stdout}");
    for part in [": the models disagree\n".to_owned(), format!("    {a}: "), format!("    {b}: ")] {
        assert!(stdout.contains(&part), "`{part}` is not in {stdout}");
    }
    let page = fs::read_to_string(&report).expect("it was written");
    assert!(page.contains("<h2>Person 1</h2>") && page.contains("inverted.onnx says <strong>"), "{page:.3000}");
    assert!(page.contains("another model"), "its digest stands with the others");
    assert!(fs::metadata(&video).expect("it was written").len() > 1000);
}

#[test]
fn models_that_agree_say_so() {
    let bench = Bench::new();
    let twin = model::write(bench.folder.path(), "twin.onnx", &model::corner());
    let (_, stdout) = bench.video(&bench.clip(), &[&bench.models[0], &twin], &[]);
    assert!(stdout.contains("clip.mp4: all models agree: "), "{stdout}");
    assert!(stdout.contains(" (12 frames): the models agree\n"), "{stdout}");
}

#[test]
fn photos_have_a_row_a_face_and_model() {
    let bench = Bench::new();
    let csv = bench.path("photos.csv");
    for (crop, face) in [("face", "0"), ("whole", "")] {
        let mut command = cyborg();
        command.arg("image").arg(fetched("astronaut")).args(["--crop", crop]).arg("--csv").arg(&csv);
        command.arg("--model").arg(&bench.models[0]).arg("--model").arg(&bench.models[1]);
        let (code, stdout, stderr) = run(&mut command);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains(": the models ") && stdout.contains("inverted.onnx: "), "{stdout}");
        let text = fs::read_to_string(&csv).expect("it was written");
        assert!(text.starts_with("path,score,"), "{text}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let model = reader.headers().expect("it has one").iter().position(|name| name == "model").expect("a column");
        let rows: Vec<_> = reader.records().map(|row| row.expect("each row is whole")).collect();
        assert_eq!(rows.len(), 2, "{text}");
        for (row, name) in rows.iter().zip(&bench.models) {
            assert_eq!((&row[7], &row[model]), (face, &*name.display().to_string()), "{text}");
        }
        assert_ne!(rows[0][1], rows[1][1], "{text}");
    }
}

#[test]
fn wrong_usage_is_told() {
    let bench = Bench::new();
    let video = || {
        let mut command = cyborg();
        command.arg("video").arg(fetched("selfie")).arg("--model").arg(&bench.models[0]);
        command
    };
    check_error(video().arg("--model").arg(&bench.models[0]), 2, "is named twice");
    let toml = bench.path("a.toml");
    fs::write(&toml, "").expect("it can be written");
    let mut command = video();
    check_error(
        command.arg("--model").arg(&bench.models[1]).arg("--model-toml").arg(&toml),
        2,
        "is for a single model",
    );
    let table = &bench.models[1];
    check_error(video().arg("--model").arg(table).arg("--csv").arg(table), 2, "is both an input and an output");
}
