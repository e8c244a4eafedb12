//! Flags of `train` that say how the weights are moved, and for how long.

use clap::{Args, ValueEnum};

use crate::cli::session::positive;
use crate::fit::{Descent, Precision};

#[derive(Args, Debug)]
pub(super) struct ScheduleArgs {
    /// Optimiser and schedule: the paper's SGD with steps, or AdamW with a cosine
    #[arg(long, value_name = "NAME", default_value = "paper")]
    preset: FitPreset,
    /// Number of epochs
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) epochs: u64,
    /// Batch size in faces
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(2..))]
    pub(super) batch: u16,
    /// Learning rate at the start [default: 0.005 for paper, 0.0003 for adamw]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    rate: Option<f64>,
    /// Preset paper: divide the learning rate by ten every this many epochs
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..))]
    step_epochs: u64,
    /// Judge and keep a moving average of the weights with this decay: 0.998 averages about 500 steps
    #[arg(long, value_name = "SHARE", value_parser = decay)]
    pub(super) average: Option<f64>,
    /// Numeric precision: full (32 bits) or mixed (16 where that is safe; CUDA only)
    #[arg(long, value_name = "PRECISION", default_value = "full", value_enum)]
    precision: PrecisionName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FitPreset {
    Paper,
    Adamw,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PrecisionName {
    Full,
    Mixed,
}

fn decay(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to less than 1".to_owned())
}

impl ScheduleArgs {
    /// How the weights are moved.
    pub(super) fn descent(&self) -> Descent {
        let preset = match self.preset {
            FitPreset::Paper => Descent::paper(self.step_epochs),
            FitPreset::Adamw => Descent::adamw(),
        };
        Descent { rate: self.rate.unwrap_or(preset.rate), ..preset }
    }

    /// Numbers that the network computes with.
    pub(super) fn precision(&self) -> Precision {
        match self.precision {
            PrecisionName::Full => Precision::Full,
            PrecisionName::Mixed => Precision::Mixed,
        }
    }
}
