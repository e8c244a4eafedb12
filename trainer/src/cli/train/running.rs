//! Flags of `train` that say how many runs there are, and where they are kept.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct RunningArgs {
    /// Folder for the runs; it is created
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Runs, which differ in their seed
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(super) runs: u64,
    /// Seed of the first run: of the order, the augmentation and the fresh weights, and of the faces kept out [default: 1, with
    /// `--from` that of the runs before]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}
