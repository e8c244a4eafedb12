//! What is read back of tables, and what is left of them.

use std::fs;

use super::*;
use crate::sink::jsonl::{RunRecord, first_line};

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder for the test") }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("it can be written");
        path
    }

    fn jsonl(&self, lines: &str) -> Table {
        let path = self.file("t.jsonl", &format!("{}{lines}", head()));
        Table::read_jsonl(&path).expect("it can be read").expect("it is there")
    }

    fn csv(&self, rows: &str) -> Table {
        let path = self.file("t.csv", &format!("{HEADER}{rows}"));
        Table::read_csv(&path).expect("it can be read").expect("it is there")
    }
}

fn run() -> RunRecord {
    let model_sha256 = "ab".repeat(32);
    RunRecord { tool: "cyborg 1".into(), model: "m".into(), model_sha256, ..RunRecord::default() }
}

fn head() -> String {
    serde_json::to_string(&first_line(&run())).expect("to memory") + "\n"
}

/// The lines of a clip with so many faces.
fn clip(name: &str, faces: usize, ended: &str) -> String {
    let face = format!("{{\"type\":\"face\",\"source\":\"{name}\",\"frame\":0}}\n").repeat(faces);
    format!(
        "{face}{{\"type\":\"summary\",\"source\":\"{name}\",\"frames\":9,\"faces\":{faces},\"ended\":\"{ended}\"}}\n"
    )
}

fn row(name: &str) -> String {
    format!("{name}{}\n", ",0".repeat(HEADER.split(',').count() - 1))
}

fn names(finished: &BTreeSet<String>) -> Vec<&str> {
    finished.iter().map(String::as_str).collect()
}

/// Which clips of a JSONL table are finished, and what is left of it.
fn check(lines: &str, expected: &[&str], left: &str) {
    let bench = Bench::new();
    let table = bench.jsonl(lines);
    let finished = finished(&table, &[&table], 1);
    assert_eq!(names(&finished), expected, "{lines}");
    table.keep(|source| finished.contains(source)).expect("it can be changed");
    let text = fs::read_to_string(&table.path).expect("it is there");
    assert_eq!(text, format!("{}{left}", head()));
    assert_eq!(fs::read_dir(bench.folder.path()).expect("it is there").count(), 1, "no copy is left");
}

#[test]
fn a_clip_is_finished_by_its_summary() {
    let (a, b) = (clip("a", 2, "whole"), clip("b", 1, "whole"));
    check("", &[], "");
    check(&format!("{a}{b}"), &["a", "b"], &format!("{a}{b}"));
    // The last clip was cut before its summary, within a line, and within the summary.
    check(&format!("{a}{}", &b[..b.find("{\"type\":\"summary").expect("it has one")]), &["a"], &a);
    check(&format!("{a}{}", &b[..20]), &["a"], &a);
    check(&format!("{a}{}", &b[..b.len() - 1]), &["a"], &a);
    // What a disk leaves behind where the power went off.
    check(&format!("{a}\0\0\0\0"), &["a"], &a);
}

#[test]
fn a_clip_without_a_face_is_finished_too() {
    let (empty, cut) = (clip("empty", 0, "whole"), clip("b", 3, "interrupted"));
    check(&format!("{empty}{cut}"), &["empty"], &empty);
}

#[test]
fn failed_clips_amid_others_are_taken_out() {
    let (a, failed, c) = (clip("a", 1, "whole"), clip("b", 2, "failed"), clip("c", 1, "whole"));
    check(&format!("{a}{failed}{c}"), &["a", "c"], &format!("{a}{c}"));
}

#[test]
fn rows_and_summaries_must_agree() {
    let lost = clip("a", 2, "whole").replacen("face", "track", 1);
    check(&lost, &[], "");
    // Two summaries of one model: a clip that was done twice.
    let a = clip("a", 1, "whole");
    check(&format!("{a}{a}"), &[], "");
}

#[test]
fn both_tables_must_say_so() {
    let bench = Bench::new();
    let says = bench.jsonl(&[clip("a", 1, "whole"), clip("b", 2, "whole"), clip("none", 0, "whole")].concat());
    for (rows, expected) in [
        ([row("a"), row("b"), row("b")].concat(), &["a", "b", "none"][..]),
        ([row("a"), row("b")].concat(), &["a", "none"]),
        ([row("a"), row("b"), row("b").trim_end().to_owned()].concat(), &["a", "none"]),
        (String::new(), &["none"]),
    ] {
        let csv = bench.csv(&rows);
        let finished = finished(&says, &[&csv, &says], 1);
        assert_eq!(names(&finished), expected, "{rows}");
        csv.keep(|source| finished.contains(source)).expect("it can be changed");
        let text = fs::read_to_string(&csv.path).expect("it is there");
        let kept: String = rows.split_inclusive('\n').filter(|row| finished.contains(&row[..1])).collect();
        assert_eq!(text, format!("{HEADER}{kept}"));
    }
}

#[test]
fn a_second_model_must_have_said_it_too() {
    let bench = Bench::new();
    let one = bench.jsonl(&clip("a", 2, "whole"));
    assert_eq!(names(&finished(&one, &[], 2)), [""; 0]);
    let (first, second) = (clip("a", 2, "whole"), clip("a", 2, "whole"));
    let both = bench.jsonl(&format!("{first}{second}"));
    assert_eq!(names(&finished(&both, &[&both], 2)), ["a"]);
}

#[test]
fn names_with_commas_quotes_and_line_ends_are_read() {
    let bench = Bench::new();
    let odd = "\"a, \"\"b\"\"\nc\"";
    let csv = bench.csv(&[row("x"), row(odd), row(odd), row(odd).trim_end().to_owned()].concat());
    assert_eq!(csv.counts().get("a, \"b\"\nc").map(|counts| counts.rows), Some(2));
    csv.keep(|source| source != "x").expect("it can be changed");
    let text = fs::read_to_string(&csv.path).expect("it is there");
    assert_eq!(text, format!("{HEADER}{}", row(odd).repeat(2)));
}

#[test]
fn damage_before_the_last_row_is_left_to_a_person() {
    let bench = Bench::new();
    let path = bench.file("t.csv", &format!("{HEADER}{}a,b\n{}", row("a"), row("a")));
    let error = Table::read_csv(&path).expect_err("the third line is no row").to_string();
    assert!(error.contains("line 3 of "), "{error}");
    let path = bench.file("t.jsonl", &format!("{}{{}}\n{}", head(), clip("a", 0, "whole")));
    let error = Table::read_jsonl(&path).expect_err("the second line is no row").to_string();
    assert!(error.contains("line 2 of "), "{error}");
}

#[test]
fn other_files_are_refused() {
    let bench = Bench::new();
    let older = head().replace(&format!("\"schema\":{SCHEMA}"), "\"schema\":2");
    for (text, message) in [(older.as_str(), "version 2"), ("{}\n", "first line"), ("\u{1}\n", "first line")] {
        let error = Table::read_jsonl(&bench.file("t.jsonl", text)).expect_err(text).to_string();
        assert!(error.contains(message), "{error}");
    }
    let error = Table::read_csv(&bench.file("t.csv", "a,b\n1,2\n")).expect_err("not ours").to_string();
    assert!(error.contains("its columns are a,b"), "{error}");
    for empty in ["", "sour"] {
        assert!(Table::read_csv(&bench.file("t.csv", empty)).is_ok_and(|table| table.is_none()));
        assert!(Table::read_jsonl(&bench.file("t.jsonl", empty)).is_ok_and(|table| table.is_none()));
    }
}

#[test]
fn another_model_or_setting_is_named() {
    let bench = Bench::new();
    let table = bench.jsonl("");
    // Why a provider was taken may be said otherwise.
    let same = RunRecord { provider: "asked auto, got cpu".into(), ..run() };
    assert!(table.check_run(&first_line(&same)).is_ok());
    let check = |run: RunRecord, message: &str| {
        let error = table.check_run(&first_line(&run)).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    };
    check(RunRecord { model_sha256: "cd".into(), ..run() }, "model_sha256 was \"abab");
    let settings = [("every".to_owned(), 5.into())].into_iter().collect();
    check(RunRecord { settings, ..run() }, "every was null, is 5");
    let others = vec![super::super::jsonl::ModelRecord::default()];
    check(RunRecord { others, ..run() }, "others was []");
}
