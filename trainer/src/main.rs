//! The program `cyborg-train`: parse, run.

use std::process::ExitCode;

#[expect(unsafe_code, reason = "ONNX Runtime's reports are turned off by variables of the environment")]
fn main() -> ExitCode {
    // SAFETY: no other thread runs yet.
    unsafe { cyborg_edge::inference::runtime::silence_telemetry() };
    cyborg_trainer::cli::run()
}
