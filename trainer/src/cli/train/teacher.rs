//! Flags of `train` by which a network learns from what another says of the same faces.

use std::path::PathBuf;

use clap::Args;

use crate::cli::session::share_of_one;
use crate::data::config::absolute;

/// How much of what is wanted is the teacher's unless told otherwise.
const SHARE: f64 = 0.5;

#[derive(Args, Debug)]
pub(super) struct TeacherArgs {
    /// Learn from what a model or set says of the training faces too: the table of `cyborg image --list LIST --model MODEL --csv
    /// TABLE`. Each variant of a face is to be judged as the face itself is; forged fakes have no teacher
    #[arg(long, value_name = "TABLE")]
    taught_by: Option<PathBuf>,
    /// With --taught-by: how far what is wanted goes from the label to the teacher's p(synthetic), 0 to 1 [default: 0.5]
    #[arg(long, value_name = "SHARE", requires = "taught_by", value_parser = share_of_one)]
    taught_share: Option<f64>,
}

impl TeacherArgs {
    /// How far what is wanted goes from the label to the teacher.
    pub(super) fn share(&self) -> f64 {
        match self.taught_by {
            Some(_) => self.taught_share.unwrap_or(SHARE),
            None => 0.0,
        }
    }

    /// Where the table is, from whatever folder the runs are gone on with.
    pub(super) fn table(&self) -> anyhow::Result<Option<PathBuf>> {
        self.taught_by.as_deref().map(absolute).transpose()
    }
}
