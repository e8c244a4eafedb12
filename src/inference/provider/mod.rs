//! Execution providers: the back ends of ONNX Runtime, one file and one row of a list each.
//!
//! `choice` has the policy: which ones are tried, and what is said of those that were not taken.

mod backend;
mod choice;
mod coreml;
mod cpu;
mod cuda;
mod directml;
mod nvidia;
mod openvino;
mod tensorrt;
mod xnnpack;

use std::fmt;
use std::hash::{Hash, Hasher};

pub use backend::Precision;
pub(in crate::inference) use backend::{Backend, Job};
pub use choice::{Asked, ProviderReport, Refusal, Refused, choose};

use backend::Row;

/// All of them, the one to be preferred first.
static ROWS: [&Row; 8] = [
    &tensorrt::ROW,
    &tensorrt::HALF,
    &cuda::ROW,
    &directml::ROW,
    &coreml::ROW,
    &openvino::ROW,
    &xnnpack::ROW,
    &cpu::ROW,
];

/// A back end of ONNX Runtime.
#[derive(Clone, Copy)]
pub struct Provider(&'static Row);

impl Provider {
    /// The processor. Always there.
    pub const CPU: Self = Self(&cpu::ROW);

    /// All of them, the one to be preferred first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        ROWS.iter().map(|row| Self(row))
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|provider| provider.name() == name)
    }

    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// How exactly it computes.
    #[must_use]
    pub fn precision(self) -> Precision {
        self.0.precision
    }

    /// Whether it is another thing than the processor's own kernels: then it is warmed up and tested before use.
    #[must_use]
    pub fn is_accelerated(self) -> bool {
        self != Self::CPU
    }

    /// Whether it wants the GPU build of ONNX Runtime, which `cargo xtask setup --gpu` fetches.
    #[must_use]
    pub fn wants_gpu_build(self) -> bool {
        self.0.gpu_build
    }

    /// Whether this program was compiled with it.
    #[must_use]
    pub fn is_compiled_in(self) -> bool {
        self.backend().is_some()
    }

    /// Whether `auto` tries it.
    #[must_use]
    pub fn is_in_auto(self) -> bool {
        self.is_compiled_in() && self.0.in_auto
    }

    /// Whether program and loaded library have it.
    ///
    /// # Errors
    ///
    /// Which of the two lacks it, with the cure.
    pub fn built_in(self) -> Result<(), String> {
        let Some(backend) = self.backend() else {
            return Err(format!("not compiled into this program: build it with `--features {self}`"));
        };
        if backend.is_built_in() {
            return Ok(());
        }
        let cure = if self.wants_gpu_build() { ": `cargo xtask setup --gpu` fetches one that has it" } else { "" };
        Err(format!("not built into this ONNX Runtime{cure}"))
    }

    /// What is missing on this machine for it to start, as far as files tell, with the cure. Another build of ONNX Runtime than
    /// the locked one may want other libraries; this is asked only after it failed.
    pub(super) fn lacks(self) -> Option<String> {
        let libraries = self.0.libraries;
        if libraries.is_empty() {
            return None;
        }
        nvidia::Machine::found().lacks(libraries, nvidia::has_library)
    }

    /// How it is set up; none where its cargo feature is off.
    pub(super) fn backend(self) -> Option<&'static dyn Backend> {
        self.0.backend
    }
}

impl PartialEq for Provider {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Provider {}

impl Hash for Provider {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_without_its_feature_says_so() {
        for provider in Provider::all().filter(|provider| !provider.is_compiled_in()) {
            assert!(!provider.is_in_auto());
            let reason = provider.built_in().expect_err("it is not compiled in");
            assert!(reason.contains(&format!("--features {provider}")), "{reason}");
        }
    }

    #[test]
    fn auto_ends_at_the_processor() {
        let tried: Vec<Provider> = Provider::all().filter(|provider| provider.is_in_auto()).collect();
        assert_eq!((tried.first(), tried.last()), (Provider::named("tensorrt").as_ref(), Some(&Provider::CPU)));
        assert!(tried.iter().all(|provider| provider.name() != "tensorrt-fp16"));
    }
}
