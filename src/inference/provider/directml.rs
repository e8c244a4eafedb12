//! DirectX 12 on Windows.

use ort::ep::directml::PerformancePreference;
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

use super::{Backend, Job};

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
