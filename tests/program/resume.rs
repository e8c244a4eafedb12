//! A run that was killed is continued: its tables come to those of a run that wasn't.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clip_bench::Bench;
use crate::support::{check_error, cyborg, make_clip, model, run};

/// Clips: a short one, one without a face, a long one in which the run is killed, and a short one.
const CLIPS: [&str; 4] = ["first.mp4", "empty.mp4", "long.mp4", "last.mp4"];

impl Bench {
    fn with_clips() -> Self {
        let bench = Self::new();
        for (name, frames) in [("first.mp4", 6), ("long.mp4", 300), ("last.mp4", 5)] {
            bench.face_clip(name, &format!("-frames:v {frames} -c:v libx264"));
        }
        make_clip(&bench.path("empty.mp4"), "-f lavfi -i color=gray:s=160x120:r=25:d=0.2 -c:v libx264");
        bench
    }

    /// The command over all clips, with these tables.
    fn videos(&self, tables: &[&str]) -> Command {
        let mut command = cyborg();
        command.current_dir(self.folder()).arg("video").args(CLIPS).arg("--model").arg(&self.model);
        for table in tables {
            command.arg(if table.ends_with("csv") { "--csv" } else { "--jsonl" }).arg(table);
        }
        command
    }

    /// Starts a run, and kills it when the long clip has some rows in each table.
    fn kill(&self, tables: &[&str], further: &[&str]) {
        let mut command = self.videos(tables);
        let mut child =
            command.args(further).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let rows =
            |table: &&str| fs::read_to_string(self.path(table)).map_or(0, |text| text.matches("long.mp4").count());
        let start = Instant::now();
        while tables.iter().any(|table| rows(table) < 10) {
            assert!(start.elapsed() < Duration::from_secs(120), "no rows in two minutes");
            thread::sleep(Duration::from_millis(2));
        }
        // SIGKILL, by the child's own number.
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert!(tables.iter().all(|table| rows(table) < 300), "it was killed too late");
    }

    fn rows(&self, table: &str) -> Vec<csv::StringRecord> {
        let text = fs::read_to_string(self.path(table)).expect("it was written");
        assert!(text.ends_with('\n'), "the last row is whole");
        csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.expect("each row is whole")).collect()
    }

    /// The table without what the clock says.
    fn timeless(&self, table: &str) -> Vec<String> {
        if table.ends_with("csv") {
            let rows = self.rows(table);
            return rows
                .iter()
                .map(|row| row.iter().take(13).chain(row.get(14)).collect::<Vec<_>>().join(","))
                .collect();
        }
        let mut lines = self.lines(table);
        for line in &mut lines {
            line.as_object_mut().expect("an object").remove("age_ms");
        }
        lines.iter().map(Value::to_string).collect()
    }

    /// Holds the tables against those of a run that nothing stopped.
    fn check_same(&self, tables: &[&str]) {
        let names: Vec<String> = tables.iter().map(|table| format!("whole.{table}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if !self.path(names[0]).exists() {
            let (code, _, stderr) = run(&mut self.videos(&names));
            assert_eq!(code, 0, "{stderr}");
        }
        for (table, whole) in tables.iter().zip(names) {
            let (got, expected) = (self.timeless(table), self.timeless(whole));
            assert_eq!(got.len(), expected.len(), "{table}");
            assert!(got == expected, "{table} differs from that of an uninterrupted run");
        }
    }

    fn resume(&self, tables: &[&str]) -> (String, String) {
        let (code, stdout, stderr) = run(self.videos(tables).arg("--resume"));
        assert_eq!(code, 0, "{stderr}");
        (stdout, stderr)
    }
}

/// Kills a run with these tables, and continues it.
fn check_kill(tables: &[&str]) {
    let bench = Bench::with_clips();
    bench.kill(tables, &[]);
    for table in tables {
        // All lines are read here, and the last one is whole.
        assert!(bench.timeless(table).len() >= 10);
    }
    let (stdout, stderr) = bench.resume(tables);
    assert!(stderr.contains("resuming: 2 of 4 clips are finished and skipped"), "{stderr}");
    assert!(stderr.contains("resuming: long.mp4 was not finished"), "{stderr}");
    assert!(!stdout.contains("first.mp4") && stdout.contains("long.mp4:"), "{stdout}");
    bench.check_same(tables);
    // All is done: nothing is left to do, and nothing is changed.
    let before: Vec<_> = tables.iter().map(|table| fs::read(bench.path(table)).expect("it is there")).collect();
    let (stdout, stderr) = bench.resume(tables);
    assert!(stderr.contains("resuming: 4 of 4 clips are finished and skipped"), "{stderr}");
    assert!(!stdout.contains(".mp4"), "{stdout}");
    let after: Vec<_> = tables.iter().map(|table| fs::read(bench.path(table)).expect("it is there")).collect();
    assert!(before == after);
}

#[test]
fn a_killed_run_with_both_tables() {
    check_kill(&["t.csv", "t.jsonl"]);
}

#[test]
fn a_killed_run_with_a_csv_alone() {
    check_kill(&["t.csv"]);
}

#[test]
fn a_killed_run_with_a_jsonl_alone() {
    check_kill(&["t.jsonl"]);
}

#[test]
fn torn_lines_failed_clips_and_folders() {
    let bench = Bench::with_clips();
    let tables = ["t.csv", "t.jsonl"];
    for folder in ["drawn", "pages"] {
        fs::create_dir(bench.path(folder)).expect("it can be made");
    }
    let folders = ["--annotate", "drawn", "--report", "pages"];
    // The second clip can't be read at first: it isn't finished, though clips after it are.
    let whole = fs::read(bench.path("empty.mp4")).expect("it is there");
    fs::write(bench.path("empty.mp4"), "no clip").expect("it can be written");
    let (code, _, stderr) = run(bench.videos(&tables).args(folders));
    assert_eq!(code, 3, "{stderr}");
    fs::write(bench.path("empty.mp4"), whole).expect("it can be written");
    // The power went off within the last line of each.
    for table in tables {
        let bytes = fs::read(bench.path(table)).expect("it is there");
        fs::write(bench.path(table), &bytes[..bytes.len() - 9]).expect("it can be written");
    }
    let written = |name: &str| fs::metadata(bench.path(name)).and_then(|found| found.modified()).expect("it is there");
    let files = ["drawn/first.annotated.mp4", "pages/first.report.html", "pages/last.report.html"];
    let before = files.map(written);
    let (code, _, stderr) = run(bench.videos(&tables).args(folders).arg("--resume"));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("resuming: 2 of 4 clips") && stderr.contains("last.mp4 was not finished"), "{stderr}");
    let after = files.map(written);
    assert_eq!(before[..2], after[..2], "the files of a clip that is skipped stay");
    assert!(before[2] < after[2], "those of a clip that is done anew are written anew");
    assert!(bench.path("drawn/empty.annotated.mp4").is_file());
    let sorted = |table: &str| {
        let mut lines = bench.timeless(table);
        lines.sort();
        lines
    };
    let got = tables.map(sorted);
    let (code, _, stderr) = run(&mut bench.videos(&tables));
    assert_eq!(code, 0, "{stderr}");
    // The clip that was done later stands later.
    assert!(got == tables.map(sorted));
}

#[test]
fn what_was_made_otherwise_is_refused() {
    let bench = Bench::with_clips();
    let first = |command: &mut Command| {
        let (code, _, stderr) = run(command);
        assert_eq!(code, 0, "{stderr}");
    };
    let video = |clips: &[&str], further: &[&str]| {
        let mut command = cyborg();
        command.current_dir(bench.folder()).arg("video").args(clips).args(further);
        command
    };
    let other = model::write(bench.folder(), "inverted.onnx", &model::inverted());
    let clips = ["first.mp4", "last.mp4"];
    let model = ["--model", "corner.onnx"];
    first(video(&clips, &["--csv", "a.csv"]).args(model));
    assert!(bench.path("a.csv.progress").is_file());
    let before = fs::read(bench.path("a.csv")).expect("it is there");
    let resume = ["--csv", "a.csv", "--resume"];
    check_error(video(&clips, &resume).arg("--model").arg(&other), 1, "model_sha256 was");
    check_error(video(&clips, &resume).args(model).args(["--every", "2"]), 1, "every was 1, is 2");
    check_error(video(&clips, &resume).args(model).args(["--detect-size", "160"]), 1, "detect-size was 320");
    check_error(video(&clips, &resume).args(model).arg("--model").arg(&other), 1, "others was []");
    assert_eq!(fs::read(bench.path("a.csv")).expect("it is there"), before, "a refusal changes nothing");

    // Wrong usage, told before anything is opened.
    check_error(video(&clips, &["--resume"]).args(model), 2, "name them with --jsonl or --csv");
    check_error(video(&["first.mp4", "first.mp4"], &resume).args(model), 2, "name it only once");
    check_error(video(&["-"], &resume).args(model), 2, "run it separately");
    // A CSV without what says which clips are finished; then one whose JSONL is not there.
    check_error(
        video(&clips, &["--csv", "a.csv", "--jsonl", "b.jsonl", "--resume"]).args(model),
        2,
        "b.jsonl is not there",
    );
    fs::rename(bench.path("a.csv.progress"), bench.path("away")).expect("it is there");
    check_error(video(&clips, &resume).args(model), 2, "a.csv.progress is not there");
    fs::rename(bench.path("away"), bench.path("a.csv.progress")).expect("it is there");
    // A run that begins anew leaves no progress of an earlier one behind.
    first(video(&clips, &["--csv", "a.csv", "--jsonl", "b.jsonl"]).args(model));
    assert!(!bench.path("a.csv.progress").exists());
    // A single clip needs none.
    first(video(&clips[..1], &["--csv", "c.csv"]).args(model));
    assert!(!bench.path("c.csv.progress").exists());
}

#[test]
fn without_tables_there_is_nothing_to_resume() {
    let bench = Bench::with_clips();
    let mut command = cyborg();
    command.current_dir(bench.folder()).args(["video", "first.mp4", "last.mp4", "--model", "corner.onnx"]);
    let (code, _, stderr) = run(command.args(["--jsonl", "new.jsonl", "--resume"]));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("nothing to resume"), "{stderr}");
    let is_summary = |line: &&Value| line["type"] == "summary";
    assert_eq!(bench.lines("new.jsonl").iter().filter(is_summary).count(), 2);
    assert!(Path::new(&bench.path("new.jsonl")).is_file());
}
