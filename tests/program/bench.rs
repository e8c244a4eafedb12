//! `cyborg bench` measures what it is asked to, for as long as it is asked to, and says what is best.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::{check_error, cyborg, fetched, model, run};

/// How long each setting is measured.
const SECONDS: f64 = 0.05;

/// The command, on the build of ONNX Runtime without GPU, whatever else is fetched.
fn bench() -> Command {
    let mut command = cyborg();
    command.arg("bench").env("ORT_DYLIB_PATH", fetched("onnxruntime"));
    command
}

#[test]
fn the_figures_come_as_a_table_and_as_json() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let json = folder.path().join("bench.json");
    let mut command = bench();
    command.args(["--provider", "cpu", "--batch", "1,2", "--threads", "1", "--seconds", &SECONDS.to_string()]);
    let (code, stdout, stderr) = run(command.arg("--model").arg(&model).arg("--json").arg(&json));
    assert_eq!(code, 0, "{stderr}");
    let results: Value = serde_json::from_str(&fs::read_to_string(json).expect("it was written")).expect("it is JSON");
    assert_eq!(results["version"], 1);
    let rows = results["rows"].as_array().expect("rows");
    let measured: Vec<_> = rows.iter().map(|row| (row["part"].as_str().expect("a name"), &row["batch"])).collect();
    assert_eq!(
        measured[..4],
        [("classifier", &1.into()), ("classifier", &2.into()), ("detector", &1.into()), ("in-turn", &1.into())]
    );
    // Where there is more than one processor, several of both work at once too.
    let several = results["processors"].as_u64() > Some(1);
    assert_eq!(measured[4..], [("teams", &1.into())][..usize::from(several)]);
    let name = model.display().to_string();
    for row in rows {
        assert_eq!(
            (&row["model"], &row["provider"], &row["threads"]),
            (&name.clone().into(), &"cpu".into(), &1.into())
        );
        check_figures(row);
    }

    // The table has the same, in the same order.
    let mut lines = stdout.lines();
    let heads: Vec<_> = lines.next().expect("a line of heads").split("  ").map(str::trim).collect();
    let heads: Vec<_> = heads.into_iter().filter(|head| !head.is_empty()).collect();
    let columns = ["part", "model", "provider", "batch", "threads", "faces/s", "p50 ms", "p95 ms", "p99 ms"];
    assert_eq!(heads, columns, "{stdout}");
    for row in rows {
        let part = row["part"].as_str().expect("a name").replace('-', " ");
        let [per_second, p50, p95, p99] = ["per_second", "p50_ms", "p95_ms", "p99_ms"].map(|name| figure(row, name));
        let expected = format!("{part} {name} cpu {} 1 {per_second:.1} {p50:.2} {p95:.2} {p99:.2}", row["batch"]);
        let line: Vec<_> = lines.next().expect("a line a row").split_whitespace().collect();
        assert_eq!(line.join(" "), expected, "{stdout}");
    }

    // What is called best is the fastest of its kind.
    let fastest = |parts: &[&str]| {
        let of_kind = rows.iter().filter(|row| parts.iter().any(|part| row["part"] == *part));
        of_kind.max_by(|a, b| figure(a, "per_second").total_cmp(&figure(b, "per_second"))).expect("there are some")
    };
    let (alone, both) = (fastest(&["classifier"]), fastest(&["in-turn", "teams"]));
    let best = [
        format!(
            "best for the classifier alone: --provider cpu, batches of {}, 1 threads: {:.1} faces/s",
            alone["batch"],
            figure(alone, "per_second")
        ),
        format!(
            "best for both: --provider cpu, {}, 1 threads each: {:.1} frames/s",
            both["part"].as_str().expect("a name").replace('-', " "),
            figure(both, "per_second")
        ),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), best);
    assert_eq!(results["best"], Value::from(best.to_vec()));
}

fn figure(row: &Value, name: &str) -> f64 {
    row[name].as_f64().expect("a number")
}

/// The figures of a row belong together, however fast the machine is.
fn check_figures(row: &Value) {
    let [per_second, p50, p95, p99] = ["per_second", "p50_ms", "p95_ms", "p99_ms"].map(|name| figure(row, name));
    assert!(0.0 < p50 && p50 <= p95 && p95 <= p99, "{row}");
    let (runs, batch) = (figure(row, "runs"), figure(row, "batch"));
    assert!(runs >= 3.0, "fewer say nothing: {row}");
    // Teams share the time: each has its own.
    if row["part"] == "teams" {
        return;
    }
    let seconds = runs * batch / per_second;
    assert!(seconds >= SECONDS * 0.999, "measured for {seconds} s only: {row}");
    // Half of the runs took at least the median.
    assert!(seconds >= runs / 2.0 * p50 / 1e3 * 0.999, "more than the runs have time for: {row}");
}

#[test]
fn all_providers_are_tried_and_the_absent_ones_told() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let json = folder.path().join("bench.json");
    let mut command = bench();
    command.args(["--provider", "all", "--batch", "1", "--threads", "1", "--seconds", "0.05"]);
    let (code, _, stderr) = run(command.arg("--model").arg(&model).arg("--json").arg(&json));
    assert_eq!(code, 0, "{stderr}");
    let results: Value = serde_json::from_str(&fs::read_to_string(json).expect("it was written")).expect("it is JSON");
    let refused = results["refused"].to_string();
    for provider in ["tensorrt", "tensorrt-fp16", "cuda", "openvino", "coreml", "directml", "xnnpack"] {
        assert!(refused.contains(&format!("provider {provider} is not available")), "{provider} is not in {refused}");
    }
    assert!(results["rows"].as_array().is_some_and(|rows| rows.iter().all(|row| row["provider"] == "cpu")));
}

#[test]
fn wrong_usage_and_absent_providers_are_errors() {
    check_error(bench().args(["--provider", "gpu"]), 2, "or all");
    check_error(bench().args(["--batch", "0"]), 2, "--batch");
    check_error(bench().args(["--seconds", "0"]), 2, "expected a number in 0.05 to 60");
    check_error(bench().args(["--provider", "cuda"]), 1, "provider cuda is not available");
    check_error(bench().args(["--provider", "cpu", "--model", "no.onnx"]), 1, "no.onnx");
}
