//! Where a network runs.

use std::fmt;
use std::str::FromStr;

use tch::Device;

/// The processor, or a CUDA device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeDevice {
    /// The processor.
    Cpu,
    /// A CUDA device by its number.
    Cuda(usize),
}

/// A device that can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// libtorch has no CUDA in it, or finds no device.
    #[error(
        "libtorch finds no CUDA device: set LIBTORCH to a CUDA build of libtorch 2.11 when building, or check the driver \
         with nvidia-smi"
    )]
    NoCuda,
    /// There is no device of that number.
    #[error("no CUDA device {asked}; the last one is cuda:{last}")]
    NoSuchDevice {
        /// The number.
        asked: usize,
        /// The largest number there is.
        last: usize,
    },
}

impl ComputeDevice {
    /// Whether it is there.
    ///
    /// # Errors
    ///
    /// When it isn't: nothing falls back to the processor in silence.
    pub fn check(self) -> Result<(), DeviceError> {
        self.open().map(|_| ())
    }

    /// libtorch's device.
    ///
    /// # Errors
    ///
    /// When it isn't there.
    pub(super) fn open(self) -> Result<Device, DeviceError> {
        let Self::Cuda(asked) = self else { return Ok(Device::Cpu) };
        if !tch::Cuda::is_available() {
            return Err(DeviceError::NoCuda);
        }
        let count = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
        if asked >= count {
            return Err(DeviceError::NoSuchDevice { asked, last: count.saturating_sub(1) });
        }
        Ok(Device::Cuda(asked))
    }
}

impl fmt::Display for ComputeDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for ComputeDevice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || format!("unknown device `{text}`: expected cpu, cuda or cuda:N");
        match text {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text.strip_prefix("cuda:").and_then(|number| number.parse().ok()).map(Self::Cuda).ok_or_else(unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_strict() {
        for (text, device) in
            [("cpu", ComputeDevice::Cpu), ("cuda", ComputeDevice::Cuda(0)), ("cuda:2", ComputeDevice::Cuda(2))]
        {
            assert_eq!(text.parse(), Ok(device));
        }
        for text in ["", "gpu", "cuda:", "cuda:x", "CPU"] {
            assert!(text.parse::<ComputeDevice>().is_err(), "{text}");
        }
    }
}
