//! The processor: always there, and the measure that all others are held against.

use ort::ep::ExecutionProviderDispatch;

use super::{Backend, Job};

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
