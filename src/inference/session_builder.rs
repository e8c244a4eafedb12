//! The settings that all sessions have, and what ONNX Runtime says when one can't be made.

use std::num::NonZeroUsize;

use ort::ep::ExecutionProviderDispatch;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};

use super::runtime::Runtime;

/// The settings that all sessions have.
pub(super) fn builder(
    runtime: &Runtime,
    threads: NonZeroUsize,
    registrations: Vec<ExecutionProviderDispatch>,
) -> ort::Result<SessionBuilder> {
    Ok(Session::builder(&runtime.environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads.get())?
        // Two sessions' idle threads would burn the processors that the other one needs.
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        // A plan of all memory of a run in one piece costs a tenth more memory, and saved no time that could be measured.
        .with_memory_pattern(false)?
        .with_execution_providers(registrations)?)
}

/// ONNX Runtime's messages span lines and carry source positions; the first line holds what a user can act on, behind
/// `[ONNXRuntimeError] : 1 : FAIL : `.
pub(super) fn one_line(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    let Some((_, coded)) = line.rsplit_once("[ONNXRuntimeError] : ") else {
        return line.to_owned();
    };
    coded.splitn(3, " : ").nth(2).unwrap_or(coded).to_owned()
}
