//! The flags of the thresholds, in place of the model's own.

use clap::Args;

use crate::cli::outcome::UsageError;
use crate::live::limits::Limits;

#[derive(Args, Debug)]
pub(in crate::cli) struct ThresholdArgs {
    /// Call a person authentic if their p(synthetic) is below this, 0 to 1 [default: the model's own]
    #[arg(long, value_name = "P", value_parser = share)]
    authentic_below: Option<f32>,
    /// Call a person synthetic if their p(synthetic) is above this, 0 to 1 [default: the model's own]
    #[arg(long, value_name = "P", value_parser = share)]
    synthetic_above: Option<f32>,
}

impl ThresholdArgs {
    /// The thresholds that are asked for, those of the model where only the other one is named; nothing where none is.
    pub(super) fn limits(&self, own: Limits) -> Result<Option<Limits>, UsageError> {
        if self.authentic_below.is_none() && self.synthetic_above.is_none() {
            return Ok(None);
        }
        let limits = Limits {
            authentic_below: self.authentic_below.unwrap_or(own.authentic_below),
            synthetic_above: self.synthetic_above.unwrap_or(own.synthetic_above),
        };
        let checked = limits.checked();
        checked
            .map(Some)
            .map_err(|error| UsageError(format!("{error}; --authentic-below and --synthetic-above set them")))
    }
}

fn share(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "expected a number in 0 to 1".to_owned())
}
