//! DirectX 12 on Windows.

#[cfg(feature = "directml")]
use self::compiled_in::DirectMl;
use super::backend::{Backend, Precision, Row};

#[cfg(feature = "directml")]
const BACKEND: Option<&dyn Backend> = Some(&DirectMl);
#[cfg(not(feature = "directml"))]
const BACKEND: Option<&dyn Backend> = None;

/// The row of the registry.
pub(super) static ROW: Row = Row {
    name: "directml",
    precision: Precision::Single,
    in_auto: true,
    gpu_build: false,
    libraries: &[],
    backend: BACKEND,
};

#[cfg(feature = "directml")]
mod compiled_in {
    use ort::ep::directml::PerformancePreference;
    use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

    use super::Backend;
    use crate::inference::provider::backend::Job;

    /// DirectML on the fastest graphics card.
    pub(super) struct DirectMl;

    impl Backend for DirectMl {
        fn is_built_in(&self) -> bool {
            ep::DirectML::is_available().unwrap_or(false)
        }

        fn registrations(&self, _: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String> {
            let provider = ep::DirectML::default().with_performance_preference(PerformancePreference::HighPerformance);
            Ok(vec![provider.build().error_on_failure()])
        }
    }
}
