//! What the flags of an output of events are for.

use crate::cli::outcome::UsageError;
use crate::live::alerts::{Output, Place};

/// The flags of an output of events.
pub(super) trait OutputArgs {
    /// The output, opened before the run begins; `None` where it isn't asked for.
    fn open(&self) -> anyhow::Result<Option<Box<dyn Output>>>;
}

/// The address that was given after `flag`.
pub(super) fn place(url: &str, flag: &'static str, schemes: &[&str]) -> Result<Place, UsageError> {
    Place::read(url, flag, schemes).map_err(|error| UsageError(error.to_string()))
}
