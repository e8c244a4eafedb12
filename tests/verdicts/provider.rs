//! Execution providers on a machine without an accelerator: what can't be had is told with its cure, and batches that are
//! put together or cut apart give the same numbers.

use std::fs;
use std::num::NonZeroUsize;

use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use prost::Message;
use serde_json::Value;

use crate::support::{check_error, cyborg, fetched, model, run};

/// Judges a photo with the small model on a provider.
fn judge(provider: &str, folder: &std::path::Path) -> std::process::Command {
    let model = model::write(folder, "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("image").arg(fetched("astronaut")).arg("--model").arg(model).args(["--provider", provider]);
    // The test is of the build without GPU, whatever else is fetched.
    command.env("ORT_DYLIB_PATH", fetched("onnxruntime"));
    command
}

#[test]
fn a_named_provider_that_is_absent_is_an_error_with_cause_and_cure() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for provider in ["cuda", "tensorrt", "tensorrt-fp16"] {
        let mut command = judge(provider, folder.path());
        check_error(&mut command, 1, &format!("provider {provider} is not available"));
        check_error(&mut command, 1, "not built into this ONNX Runtime");
        check_error(&mut command, 1, "cargo xtask setup --gpu");
        check_error(&mut command, 1, "--provider auto");
    }
    for provider in Provider::all().filter(|provider| !provider.is_compiled_in()) {
        let cure = format!("build it with `--features {provider}`");
        check_error(&mut judge(provider.name(), folder.path()), 1, &cure);
    }
}

#[test]
fn auto_falls_back_and_the_tables_say_why() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let table = folder.path().join("faces.jsonl");
    let (code, _, stderr) = run(judge("auto", folder.path()).arg("--jsonl").arg(&table));
    assert_eq!(code, 0, "{stderr}");
    let text = fs::read_to_string(table).expect("it was written");
    let first: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("it is JSON");
    for field in ["provider", "detector_provider"] {
        let said = first[field].as_str().expect("a text");
        assert!(said.starts_with("asked auto, got cpu (tensorrt: not built into"), "{said}");
        assert!(said.contains("; cuda: not built into"), "{said}");
    }
}

#[test]
fn batches_of_any_size_give_the_same_numbers() {
    let runtime = Runtime::load().expect("ONNX Runtime is there after set-up");
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    let bytes = model::corner().encode_to_vec();
    let mut classifier = Classifier::from_bytes(&runtime, "corner", &bytes, settings).expect("it holds the contract");
    let size = (model::SIDE * model::SIDE * 3) as usize;
    // More than go through the network in one run; picture `n` is of brightness `9 n`.
    let pixels: Vec<u8> = (0..21_u8).flat_map(|number| vec![number * 9; size]).collect();
    let (mut logits, mut maps) = (Vec::new(), Vec::new());
    classifier.run(&pixels, &mut logits, &mut maps).expect("the model runs");
    assert_eq!((logits.len(), maps.len()), (21, 21 * (model::MAP * model::MAP) as usize));
    for (number, logits) in logits.iter().enumerate() {
        let expected = number as f32 * 9.0 / 255.0 * 10.0 - 5.0;
        assert!((logits.synthetic - expected).abs() < 1e-4, "{number}: {logits:?}, expected {expected}");
    }
}
