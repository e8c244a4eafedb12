//! Apple's CoreML.

#[cfg(feature = "coreml")]
use self::compiled_in::CoreMl;
use super::backend::{Backend, Precision, Row};

#[cfg(feature = "coreml")]
const BACKEND: Option<&dyn Backend> = Some(&CoreMl);
#[cfg(not(feature = "coreml"))]
const BACKEND: Option<&dyn Backend> = None;

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "coreml",
    precision: Precision::Half,
    in_auto: true,
    gpu_build: false,
    libraries: &[],
    backend: BACKEND,
};

#[cfg(feature = "coreml")]
mod compiled_in {
    use crate::name;
    use cyborg_models::{cache, digest};
    use ort::ep::coreml::{ComputeUnits, ModelFormat};
    use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

    use super::Backend;
    use crate::inference::provider::backend::Job;

    /// CoreML on what the machine has; its neural engine computes in float16.
    pub(super) struct CoreMl;

    impl Backend for CoreMl {
        fn is_built_in(&self) -> bool {
            ep::CoreML::is_available().unwrap_or(false)
        }

        fn registrations(&self, job: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String> {
            let mut provider = ep::CoreML::default()
                .with_model_format(ModelFormat::MLProgram)
                .with_compute_units(ComputeUnits::All)
                .with_subgraphs(false);
            // Compiling takes seconds at each start without it.
            if let Some(cache) = cache::folder() {
                let folder = cache.join("coreml").join(digest::of_bytes(job.network));
                std::fs::create_dir_all(&folder)
                    .map_err(|error| format!("can't make {}: {error}", name::of(&folder)))?;
                provider = provider.with_model_cache_dir(folder.display());
            }
            Ok(vec![provider.build().error_on_failure()])
        }
    }
}
