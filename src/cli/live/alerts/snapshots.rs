//! `--snapshots`: the picture of each event in a folder.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::output_args::OutputArgs;
use crate::live::alerts::Output;
use crate::live::alerts::snapshots::Snapshots;

#[derive(Args, Debug)]
pub(super) struct SnapshotArgs {
    /// Keep a picture of each event as a JPEG file in this folder, of a screen its faces alone; without it no pictures are kept
    #[arg(long, value_name = "FOLDER")]
    snapshots: Option<PathBuf>,
    /// Keep the newest N of these pictures
    #[arg(long, value_name = "N", default_value = "100")]
    snapshots_keep: NonZeroUsize,
}

impl OutputArgs for SnapshotArgs {
    fn open(&self) -> anyhow::Result<Option<Box<dyn Output>>> {
        let Some(folder) = &self.snapshots else {
            return Ok(None);
        };
        Ok(Some(Box::new(Snapshots::new(folder, self.snapshots_keep)?)))
    }
}
