//! XNNPACK: other kernels for the processor, made for small ARM machines.

#[cfg(feature = "xnnpack")]
use self::compiled_in::Xnnpack;
use super::backend::{Backend, Precision, Row};

#[cfg(feature = "xnnpack")]
const BACKEND: Option<&dyn Backend> = Some(&Xnnpack);
#[cfg(not(feature = "xnnpack"))]
const BACKEND: Option<&dyn Backend> = None;

/// It is seldom the fastest, so it wants to be named.
pub(super) static ROW: Row = Row {
    name: "xnnpack",
    precision: Precision::Single,
    in_auto: false,
    gpu_build: false,
    libraries: &[],
    backend: BACKEND,
};

#[cfg(feature = "xnnpack")]
mod compiled_in {
    use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

    use super::Backend;
    use crate::inference::provider::backend::Job;

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
}
