//! Intel's OpenVINO, on the processor: its graphics chips and NPUs compute in float16 unless told, and are not tried.

#[cfg(feature = "openvino")]
use self::compiled_in::OpenVino;
use super::backend::{Backend, Precision, Row};

#[cfg(feature = "openvino")]
const BACKEND: Option<&dyn Backend> = Some(&OpenVino);
#[cfg(not(feature = "openvino"))]
const BACKEND: Option<&dyn Backend> = None;

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "openvino",
    precision: Precision::Single,
    in_auto: true,
    gpu_build: false,
    libraries: &[],
    backend: BACKEND,
};

#[cfg(feature = "openvino")]
mod compiled_in {
    use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

    use super::Backend;
    use crate::inference::provider::backend::Job;

    /// OpenVINO in float32.
    pub(super) struct OpenVino;

    impl Backend for OpenVino {
        fn is_built_in(&self) -> bool {
            ep::OpenVINO::is_available().unwrap_or(false)
        }

        fn registrations(&self, job: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String> {
            let provider = ep::OpenVINO::default()
                .with_device_type("CPU")
                .with_precision("FP32")
                .with_num_threads(job.threads.get())
                // One stream: two sessions share the processors already.
                .with_num_streams(1)
                // Frames come in any size, batches in four.
                .with_dynamic_shapes(true);
            Ok(vec![provider.build().error_on_failure()])
        }
    }
}
