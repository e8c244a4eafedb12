//! Execution providers: the back ends of ONNX Runtime, one file each, and what they are called.
//!
//! `choice` has the policy: which ones are tried, and what is said of those that were not taken.

mod choice;
#[cfg(feature = "coreml")]
mod coreml;
mod cpu;
mod cuda;
#[cfg(feature = "directml")]
mod directml;
mod nvidia;
#[cfg(feature = "openvino")]
mod openvino;
mod tensorrt;
#[cfg(feature = "xnnpack")]
mod xnnpack;

use std::fmt;
use std::num::NonZeroUsize;

use ort::ep::ExecutionProviderDispatch;

pub use choice::{Asked, ProviderReport, Refusal, Refused, choose};

use super::workload::Workload;

/// A back end of ONNX Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// The processor. Always there.
    Cpu,
    /// NVIDIA's CUDA.
    Cuda,
    /// NVIDIA's TensorRT, with CUDA for what it can't do.
    TensorRt,
    /// The same in float16: faster, and less exact.
    TensorRtHalf,
    /// Intel's OpenVINO, on the processor.
    OpenVino,
    /// Apple's CoreML.
    CoreMl,
    /// DirectX 12 on Windows.
    DirectMl,
    /// XNNPACK: other kernels for the processor, made for small ARM machines.
    Xnnpack,
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
pub(super) struct Job<'a> {
    /// The ONNX file.
    pub(super) network: &'a [u8],
    /// What it is fed.
    pub(super) workload: &'a Workload,
    /// Version of ONNX Runtime.
    pub(super) version: &'a str,
    /// Threads of the processor.
    #[allow(dead_code, reason = "only providers behind a cargo feature have threads of their own")]
    pub(super) threads: NonZeroUsize,
}

/// How this project sets up a provider.
pub(super) trait Backend {
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

impl Provider {
    /// All of them, the one to be preferred first.
    pub const ALL: [Self; 8] = [
        Self::TensorRt,
        Self::TensorRtHalf,
        Self::Cuda,
        Self::DirectMl,
        Self::CoreMl,
        Self::OpenVino,
        Self::Xnnpack,
        Self::Cpu,
    ];

    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::TensorRtHalf => "tensorrt-fp16",
            Self::OpenVino => "openvino",
            Self::CoreMl => "coreml",
            Self::DirectMl => "directml",
            Self::Xnnpack => "xnnpack",
        }
    }

    /// How exactly it computes.
    #[must_use]
    pub fn precision(self) -> Precision {
        match self {
            Self::Cpu | Self::Cuda | Self::OpenVino | Self::DirectMl | Self::Xnnpack => Precision::Single,
            Self::TensorRt => Precision::Tf32,
            Self::TensorRtHalf | Self::CoreMl => Precision::Half,
        }
    }

    /// Whether it is another thing than the processor's own kernels: then it is warmed up and tested before use.
    #[must_use]
    pub fn is_accelerated(self) -> bool {
        self != Self::Cpu
    }

    /// Whether it wants the GPU build of ONNX Runtime, which `cargo xtask setup --gpu` fetches.
    #[must_use]
    pub fn wants_gpu_build(self) -> bool {
        matches!(self, Self::Cuda | Self::TensorRt | Self::TensorRtHalf)
    }

    /// Whether this program was compiled with it.
    #[must_use]
    pub fn is_compiled_in(self) -> bool {
        self.backend().is_some()
    }

    /// Whether `auto` tries it. Float16 gives other numbers, and XNNPACK is seldom the fastest: both want to be named.
    #[must_use]
    pub fn is_in_auto(self) -> bool {
        self.is_compiled_in() && !matches!(self, Self::TensorRtHalf | Self::Xnnpack)
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

    /// What is missing on this machine for it to start, as far as files tell, with the cure.
    pub(super) fn lacks(self) -> Option<String> {
        // What the locked build, 1.27.0, is linked with. Another build may want others; this is asked only after it failed.
        const CUDA: [&str; 4] = ["libcudart.so.13", "libcublas.so.13", "libcufft.so.12", "libcudnn.so.9"];
        const TENSORRT: [&str; 2] = ["libnvinfer.so.10", "libnvonnxparser.so.10"];
        let libraries: Vec<&str> = match self {
            Self::Cuda => CUDA.to_vec(),
            Self::TensorRt | Self::TensorRtHalf => [CUDA.as_slice(), &TENSORRT].concat(),
            _ => return None,
        };
        nvidia::Machine::found().lacks(&libraries, nvidia::has_library)
    }

    /// How it is set up; none where its cargo feature is off.
    pub(super) fn backend(self) -> Option<&'static dyn Backend> {
        match self {
            Self::Cpu => Some(&cpu::Cpu),
            Self::Cuda => Some(&cuda::Cuda),
            Self::TensorRt => Some(&tensorrt::TensorRt { precision: Precision::Tf32 }),
            Self::TensorRtHalf => Some(&tensorrt::TensorRt { precision: Precision::Half }),
            #[cfg(feature = "openvino")]
            Self::OpenVino => Some(&openvino::OpenVino),
            #[cfg(feature = "coreml")]
            Self::CoreMl => Some(&coreml::CoreMl),
            #[cfg(feature = "directml")]
            Self::DirectMl => Some(&directml::DirectMl),
            #[cfg(feature = "xnnpack")]
            Self::Xnnpack => Some(&xnnpack::Xnnpack),
            #[allow(unreachable_patterns, reason = "with all features on nothing is left for it")]
            _ => None,
        }
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
        for provider in Provider::ALL.into_iter().filter(|provider| !provider.is_compiled_in()) {
            assert!(!provider.is_in_auto());
            let reason = provider.built_in().expect_err("it is not compiled in");
            assert!(reason.contains(&format!("--features {provider}")), "{reason}");
        }
    }

    #[test]
    fn auto_ends_at_the_processor() {
        let tried: Vec<Provider> = Provider::ALL.into_iter().filter(|provider| provider.is_in_auto()).collect();
        assert_eq!((tried.first(), tried.last()), (Some(&Provider::TensorRt), Some(&Provider::Cpu)));
        assert!(!tried.contains(&Provider::TensorRtHalf));
    }
}
