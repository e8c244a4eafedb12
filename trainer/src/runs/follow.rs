//! Who follows the runs of a setting.

use std::path::Path;

use crate::fit::{EpochReport, FitSettings, Progress};
use crate::run_folder::RunSummary;

/// Why a run failed, in one line with its causes.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct RunError(pub(crate) anyhow::Error);

/// Who follows the runs of a setting. Each run begins, and then ends or fails, unless the user ends it.
pub trait FollowRuns {
    /// A run trains from `progress` on. One whose training was over before is only brought to its end.
    fn begins(&mut self, _seed: u64, _settings: &FitSettings, _progress: &Progress) {}

    /// A batch is done: `faces` of the `of` faces of epoch `epoch`.
    fn batch(&mut self, _epoch: u64, _faces: usize, _of: usize) {}

    /// An epoch is done.
    fn epoch(&mut self, _report: &EpochReport) {}

    /// The last epoch of a run is done, or the user ended it.
    fn trained(&mut self) {}

    /// The model file of a run was written.
    fn model(&mut self, _path: &Path) {}

    /// A run is at its end, now or from before.
    fn ended(&mut self, _run: &RunSummary) {}

    /// A run failed; those after it are tried all the same.
    fn failed(&mut self, _seed: u64, _error: &RunError) {}
}
