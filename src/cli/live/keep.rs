//! The flags that say when a stream or camera counts as lost, and who decodes it; and how a lost one is tried again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;

use crate::capture::Open;
use crate::capture::address::Address;
use crate::capture::stream::Stream;
use crate::capture::video::Decode;
use crate::live::backoff::BackOff;
use crate::live::watch::KeepSettings;

/// A source that was lost is tried again after so long, and twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Between two tries at most.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A source that played for so long is one that works.
const STEADY: Duration = Duration::from_secs(5);

#[derive(Args, Debug)]
pub(in crate::cli) struct KeepArgs {
    /// Reopen a camera or stream when no frame has come from it for this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds)]
    stall: f64,
    /// Decoder of addresses: cpu, cuda or vaapi (in hardware; naming one that isn't available is an error), or auto, the first of
    /// these that takes the stream
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    decode: Decode,
    /// Give up on an address that is silent, or on a camera without a first frame, after this many seconds; then it is
    /// tried again
    #[arg(long, value_name = "SECONDS", default_value_t = 15.0, value_parser = seconds)]
    patience: f64,
}

impl KeepArgs {
    /// When a source counts as lost, and when it is tried again.
    pub(in crate::cli) fn settings(&self) -> KeepSettings {
        KeepSettings {
            stall: Duration::from_secs_f64(self.stall),
            opening: self.patience(),
            backoff: BackOff { first: FIRST_WAIT, most: LONGEST_WAIT },
            steady: STEADY,
        }
    }

    /// Who opens a stream; one that is `confined` leads to no other address. `stop` ends a wait for the network.
    pub(in crate::cli) fn stream(&self, address: Address, confined: bool, stop: &'static AtomicBool) -> Arc<dyn Open> {
        Arc::new(Stream { address, patience: self.patience(), decode: self.decode, stop: Some(stop), confined })
    }

    fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.1..=86_400.0).contains(number));
    number.ok_or_else(|| "expected seconds, 0.1 to 86400".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_seconds() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "nan", "inf", "3s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
