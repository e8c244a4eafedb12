//! A run over the two clips of set-up as it was on 2026-11-28, row by row: what a change of the inside must not change.

use std::fs;
use std::path::Path;

use crate::support::{cyborg, fetched};

/// How far p and boxes may be off: CPUs with other instructions add up in another order.
const CLOSE: f64 = 2e-3;
const CLOSE_PIXELS: f64 = 0.3;

/// The columns of a row by their names.
fn rows(text: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().expect("it has names").clone();
    let row = |record: csv::StringRecord| {
        names.iter().zip(record.iter()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

#[test]
fn the_small_model_says_of_both_clips_what_it_said() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let table = folder.path().join("faces.csv");
    let output = cyborg()
        .args(["video", "--model", "small-float32", "--detector", "centerface", "--csv"])
        .arg(&table)
        .args([fetched("selfie"), fetched("carphone")])
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{output:?}");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden_small.csv");
    let expected = rows(&fs::read_to_string(fixture).expect("it is in the repository"));
    let found = rows(&fs::read_to_string(table).expect("it was written"));
    assert_eq!((found.len(), expected.len()), (192, 192));
    for (number, (found, expected)) in (2..).zip(found.iter().zip(&expected)) {
        for (name, expected) in expected {
            let value = |name: &str| found.iter().find(|(column, _)| column == name).map(|(_, value)| value.as_str());
            let close = match name.as_str() {
                "clip" => {
                    let source = value("source").expect("each row has one");
                    assert!(source.ends_with(expected), "line {number}: {source}, not {expected}");
                    continue;
                }
                "p_synthetic" | "p_track" => CLOSE,
                "left" | "top" | "width" | "height" => CLOSE_PIXELS,
                _ => 0.0,
            };
            let found = value(name).expect("the table has this column");
            let same = match (found.parse::<f64>(), expected.parse::<f64>()) {
                (Ok(found), Ok(expected)) => (found - expected).abs() <= close,
                _ => found == expected,
            };
            assert!(same, "line {number}: {name} is {found}, not {expected}");
        }
    }
}
