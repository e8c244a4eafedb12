//! The CPU: always available, and the reference for all others.

use ort::ep::ExecutionProviderDispatch;

use super::backend::{Backend, Job, Precision, Row};

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "cpu",
    precision: Precision::Single,
    in_auto: true,
    gpu_build: false,
    libraries: &[],
    backend: Some(&Cpu),
};

/// ONNX Runtime's own kernels.
pub(super) struct Cpu;

impl Backend for Cpu {
    fn is_built_in(&self) -> bool {
        true
    }

    fn registrations(&self, _: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String> {
        Ok(Vec::new())
    }
}
