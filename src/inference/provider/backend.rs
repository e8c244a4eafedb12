//! What there is to say of a back end of ONNX Runtime: its row, and how this project sets it up.

use std::num::NonZeroUsize;

use ort::ep::ExecutionProviderDispatch;

use crate::inference::workload::Workload;

/// All that differs between back ends. Each has its row in its own file.
pub(super) struct Row {
    /// Its name on the command line and in reports; of one behind a cargo feature also the feature's.
    pub(super) name: &'static str,
    /// How exactly it computes.
    pub(super) precision: Precision,
    /// Whether `auto` tries it, where it is compiled in.
    pub(super) in_auto: bool,
    /// Whether it wants the GPU build of ONNX Runtime, which `cargo xtask setup --gpu` fetches.
    pub(super) gpu_build: bool,
    /// NVIDIA's libraries that it can't start without, in the versions that the locked ONNX Runtime is linked with.
    pub(super) libraries: &'static [&'static str],
    /// How it is set up; none where its cargo feature is off.
    pub(super) backend: Option<&'static dyn Backend>,
}

/// How exactly an accelerator computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats throughout.
    Single,
    /// 32-bit floats whose products keep 10 bits of the mantissa.
    Tf32,
    /// 16-bit floats, in parts at least.
    Half,
}

impl Precision {
    /// How far its outputs may lie from the processor's, as a share of their spread.
    #[must_use]
    pub fn tolerance(self) -> f32 {
        match self {
            Self::Single => 1e-3,
            Self::Tf32 => 1e-2,
            Self::Half => 2e-2,
        }
    }
}

/// What a provider is set up for.
pub(in crate::inference) struct Job<'a> {
    /// The ONNX file.
    pub(in crate::inference) network: &'a [u8],
    /// What it is fed.
    pub(in crate::inference) workload: &'a Workload,
    /// Version of ONNX Runtime.
    pub(in crate::inference) version: &'a str,
    /// Threads of the processor.
    #[allow(dead_code, reason = "only providers behind a cargo feature have threads of their own")]
    pub(in crate::inference) threads: NonZeroUsize,
}

/// How this project sets up a provider.
pub(in crate::inference) trait Backend: Sync {
    /// Whether the loaded library was built with it. It may still not start, for want of a driver or a device.
    fn is_built_in(&self) -> bool;

    /// The registrations for a session. Each fails loudly: ONNX Runtime's own default is to go on in silence.
    ///
    /// # Errors
    ///
    /// What it lacks, with the cure.
    fn registrations(&self, job: &Job<'_>) -> Result<Vec<ExecutionProviderDispatch>, String>;

    /// What is left to do when it was registered, before the network is loaded.
    ///
    /// # Errors
    ///
    /// What it lacks, with the cure.
    fn prepare(&self, _: &Job<'_>) -> Result<(), String> {
        Ok(())
    }
}
