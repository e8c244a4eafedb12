//! `cyborg bench` measures what it is asked to, in the time that it is given, and says what is best.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{check_error, cyborg, fetched, model, run};

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
    command.args(["--provider", "cpu", "--batch", "1,2", "--threads", "1", "--seconds", "0.05"]);
    let start = Instant::now();
    let (code, stdout, stderr) = run(command.arg("--model").arg(&model).arg("--json").arg(&json));
    assert_eq!(code, 0, "{stderr}");
    assert!(start.elapsed() < Duration::from_secs(60), "six settings of 0.05 s took {:?}", start.elapsed());
    for part in ["faces/s", "p50 ms", "p95 ms", "p99 ms", "classifier", "detector", "in turn"] {
        assert!(stdout.contains(part), "`{part}` is not in {stdout}");
    }
    assert!(stdout.contains("best for the classifier alone: --provider cpu, batches of "), "{stdout}");
    assert!(stdout.contains("best for both: --provider cpu, "), "{stdout}");

    let results: Value = serde_json::from_str(&fs::read_to_string(json).expect("it was written")).expect("it is JSON");
    assert_eq!(results["version"], 1);
    let rows = results["rows"].as_array().expect("rows");
    let batches: Vec<_> = rows.iter().filter(|row| row["part"] == "classifier").map(|row| &row["batch"]).collect();
    assert_eq!(batches, [1, 2]);
    for row in rows {
        let figure = |name: &str| row[name].as_f64().expect("a number");
        assert!(figure("per_second") > 0.0 && figure("p50_ms") > 0.0, "{row}");
        assert!(figure("p50_ms") <= figure("p95_ms") && figure("p95_ms") <= figure("p99_ms"), "{row}");
        assert_eq!((&row["provider"], &row["threads"]), (&"cpu".into(), &1.into()));
    }
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
        assert!(refused.contains(&format!("provider {provider} was asked for")), "{provider} is not in {refused}");
    }
    assert!(results["rows"].as_array().is_some_and(|rows| rows.iter().all(|row| row["provider"] == "cpu")));
}

#[test]
fn wrong_usage_and_absent_providers_are_errors() {
    check_error(bench().args(["--provider", "gpu"]), 2, "or all");
    check_error(bench().args(["--batch", "0"]), 2, "--batch");
    check_error(bench().args(["--seconds", "0"]), 2, "expected a number in 0.05 to 60");
    check_error(bench().args(["--provider", "cuda"]), 1, "provider cuda was asked for and can't be had");
    check_error(bench().args(["--provider", "cpu", "--model", "no.onnx"]), 1, "no.onnx");
}
