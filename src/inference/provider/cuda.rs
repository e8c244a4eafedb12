//! NVIDIA's CUDA with cuDNN.

use ort::ep::cuda::ConvAlgorithmSearch;
use ort::ep::{self, ArenaExtendStrategy, ExecutionProvider, ExecutionProviderDispatch};

use super::backend::{Backend, Job, Precision, Row};

/// What ONNX Runtime's CUDA is linked with.
pub(super) const LIBRARIES: [&str; 4] = ["libcudart.so.13", "libcublas.so.13", "libcufft.so.12", "libcudnn.so.9"];

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "cuda",
    precision: Precision::Single,
    in_auto: true,
    gpu_build: true,
    libraries: &LIBRARIES,
    backend: Some(&Cuda),
};

/// CUDA in float32.
pub(super) struct Cuda;

impl Backend for Cuda {
    fn is_built_in(&self) -> bool {
        ep::CUDA::is_available().unwrap_or(false)
    }

    fn registrations(&self, _: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String> {
        Ok(vec![dispatch()])
    }
}

/// Also what TensorRT hands on what it can't do.
pub(super) fn dispatch() -> ExecutionProviderDispatch {
    ep::CUDA::default()
        // The exhaustive search, which is the default, tries every algorithm anew for every shape of input: seconds
        // for each size of batch and of frame.
        .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic)
        // TF32 keeps 10 bits of a product's mantissa, too few for the self-test's float32 tolerance and for logits
        // that were calibrated on a processor.
        .with_tf32(false)
        // Doubling steps would take memory from the other session, which runs at the same time.
        .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
        .build()
        .error_on_failure()
}
