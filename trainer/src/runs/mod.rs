//! The runs of a setting, one seed after the other, each up to its model file.

mod again;
pub mod calibrated;
mod contract;
mod crops;
mod curves;
pub mod faces;
mod follow;
mod one;
mod setting;
pub mod start;
pub mod trained;

use std::sync::atomic::Ordering;

pub use again::again;
pub use crops::check_crops;
pub use curves::curves_of;
pub use follow::{FollowRuns, RunError};
pub use setting::Runs;

use crate::run_folder::{RunSummary, write_summary};

/// What became of the runs of a setting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunsEnded {
    /// Those that are at their end.
    pub ended: Vec<RunSummary>,
    /// How many failed.
    pub failed: usize,
    /// Whether `stop` became true before all of them were tried.
    pub interrupted: bool,
}

/// Trains all runs that have not ended yet, and writes what they come to. A run that fails doesn't stop those after it.
///
/// # Errors
///
/// When another program is at work in the folder, or what the runs come to can't be written.
pub fn train_all(runs: &Runs<'_>, follow: &mut impl FollowRuns) -> anyhow::Result<RunsEnded> {
    let _lock = runs.folder.lock()?;
    let mut all = RunsEnded::default();
    let mut trunk = None;
    for seed in runs.folder.seeds().take(runs.most as usize) {
        let run = if runs.stop.load(Ordering::Relaxed) { Ok(None) } else { one::run(runs, seed, &mut trunk, follow) };
        match run {
            Ok(None) => {
                all.interrupted = true;
                return Ok(all);
            }
            Ok(Some(run)) => {
                follow.ended(&run);
                all.ended.push(run);
            }
            Err(error) => {
                follow.failed(seed, &RunError(error));
                all.failed += 1;
                continue;
            }
        }
        write_summary(&runs.folder.path().join("summary.csv"), &all.ended)?;
        curves::draw(&runs.folder, &all.ended)?;
    }
    Ok(all)
}
