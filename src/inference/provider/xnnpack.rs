//! XNNPACK: other kernels for the processor, made for small ARM machines.

use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

use super::{Backend, Job};

/// XNNPACK in float32.
pub(super) struct Xnnpack;

impl Backend for Xnnpack {
    fn is_built_in(&self) -> bool {
        ep::XNNPACK::is_available().unwrap_or(false)
    }

    fn registrations(&self, job: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String> {
        // It has threads of its own; those of the session then wait without spinning.
        Ok(vec![ep::XNNPACK::default().with_intra_op_num_threads(job.threads).build().error_on_failure()])
    }
}
