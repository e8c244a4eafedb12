//! Execution providers: what was asked for, what was got, and why.

use std::fmt;
use std::str::FromStr;

use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};

/// A back end of ONNX Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The processor. Always there.
    Cpu,
    /// NVIDIA's CUDA.
    Cuda,
    /// NVIDIA's TensorRT, with CUDA for what it can't do.
    TensorRt,
}

impl Provider {
    /// All of them, the one to be preferred first.
    pub const ALL: [Self; 3] = [Self::TensorRt, Self::Cuda, Self::Cpu];

    /// Whether the loaded library was built with it. It may still not start, for want of a driver or a device.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        match self {
            Self::Cpu => true,
            Self::Cuda => ep::CUDA::is_available().unwrap_or(false),
            Self::TensorRt => ep::TensorRT::is_available().unwrap_or(false),
        }
    }

    /// The registrations for a session. Each fails loudly: ONNX Runtime's own default is to go on in silence.
    pub(super) fn registrations(self) -> Vec<ExecutionProviderDispatch> {
        match self {
            Self::Cpu => Vec::new(),
            Self::Cuda => vec![ep::CUDA::default().build().error_on_failure()],
            Self::TensorRt => {
                vec![ep::TensorRT::default().build().error_on_failure(), ep::CUDA::default().build().error_on_failure()]
            }
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
        })
    }
}

/// Which provider a user asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The best that starts.
    Auto,
    /// This one or an error.
    Named(Provider),
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => Provider::ALL
                .into_iter()
                .find(|provider| provider.to_string() == text)
                .map(Self::Named)
                .ok_or_else(|| "expected auto, cpu, cuda or tensorrt".to_owned()),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(provider) => provider.fmt(f),
        }
    }
}

/// A provider that did not start, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which one.
    pub provider: Provider,
    /// What it said.
    pub reason: String,
}

/// What was asked for, what was got, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    /// The user's wish.
    pub asked: Asked,
    /// What the session runs on.
    pub got: Provider,
    /// The preferred ones that did not start.
    pub refusals: Vec<Refusal>,
}

impl fmt::Display for ProviderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked {}, got {}", self.asked, self.got)?;
        for (index, refusal) in self.refusals.iter().enumerate() {
            let lead = if index == 0 { " (" } else { "; " };
            write!(f, "{lead}{}: {}", refusal.provider, refusal.reason)?;
        }
        if self.refusals.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_one_line_with_all_reasons() {
        let report = ProviderReport {
            asked: Asked::Auto,
            got: Provider::Cpu,
            refusals: vec![
                Refusal { provider: Provider::TensorRt, reason: "not built in".into() },
                Refusal { provider: Provider::Cuda, reason: "no device".into() },
            ],
        };
        assert_eq!(report.to_string(), "asked auto, got cpu (tensorrt: not built in; cuda: no device)");
    }

    #[test]
    fn an_unknown_provider_is_an_error() {
        assert!("gpu".parse::<Asked>().is_err());
        assert_eq!("tensorrt".parse(), Ok(Asked::Named(Provider::TensorRt)));
    }
}
