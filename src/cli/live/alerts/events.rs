//! `--events`: one JSON line an event, in a file or on standard output.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output_args::OutputArgs;
use crate::live::alerts::Output;
use crate::live::alerts::lines::{Lines, Rotation};

/// Bytes in a MiB.
const MEBI: u64 = 1 << 20;

#[derive(Args, Debug)]
pub(super) struct EventsArgs {
    /// Write one JSON line per event to this file; `-` is standard output, which then holds nothing else
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Rotate the events file before it grows larger than this many MiB
    #[arg(long, value_name = "MIB", default_value = "16", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    events_size: u64,
    /// Keep this many older events files, ending in .1 (the newest), .2 and so on
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u32).range(0..=1000))]
    events_keep: u32,
}

impl EventsArgs {
    /// Whether standard output is for events alone.
    pub(super) fn takes_stdout(&self) -> bool {
        self.events.as_deref() == Some(Path::new("-"))
    }
}

impl OutputArgs for EventsArgs {
    fn open(&self) -> anyhow::Result<Option<Box<dyn Output>>> {
        let Some(path) = &self.events else {
            return Ok(None);
        };
        if self.takes_stdout() {
            return Ok(Some(Box::new(Lines::stream(Box::new(std::io::stdout())))));
        }
        let size = NonZeroU64::new(self.events_size * MEBI).unwrap_or(NonZeroU64::MIN);
        Ok(Some(Box::new(Lines::file(path, Rotation { size, keep: self.events_keep })?)))
    }
}
