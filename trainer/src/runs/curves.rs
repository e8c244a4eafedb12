//! The training curves of a setting.

use std::path::Path;

use crate::plot::curves::{Band, EpochPoint, Setting, TrainingCurves};
use crate::run_folder::{METRICS, MetricsRow, RunFolder, RunSummary, read_metrics};

/// Mean and band of the runs that have ended.
pub(super) fn draw(folder: &RunFolder, ended: &[RunSummary]) -> anyhow::Result<()> {
    let mut runs = Vec::new();
    for run in ended {
        let rows = read_metrics(&folder.of_seed(run.seed).join(METRICS))?;
        runs.push(rows.iter().map(point).collect());
    }
    let alpha = folder.config.fit.loss.alpha;
    let name = format!("{} alpha {alpha}", folder.config.network);
    let curves = TrainingCurves {
        title: format!("Training of {name}, {} runs", ended.len()),
        settings: vec![Setting { name, runs }],
        band: Band::Deviation,
    };
    let plots = folder.path().join("plots");
    std::fs::create_dir_all(&plots)?;
    Ok(curves.save(&plots.join("training"))?)
}

/// The training curves of a setting, as far as its runs are there.
///
/// # Errors
///
/// When it is no folder of runs, or a table of epochs can't be read.
pub fn curves_of(folder: &Path, name: &str) -> anyhow::Result<Setting> {
    let runs = RunFolder::open(folder)?;
    let mut curves = Vec::new();
    for seed in runs.seeds() {
        let path = runs.of_seed(seed).join(METRICS);
        if path.is_file() {
            curves.push(read_metrics(&path)?.iter().map(point).collect());
        }
    }
    Ok(Setting { name: name.to_owned(), runs: curves })
}

/// An epoch as the plot wants it.
fn point(row: &MetricsRow) -> EpochPoint {
    EpochPoint {
        epoch: row.epoch as usize,
        loss: row.train_loss,
        accuracy: row.validation_accuracy,
        auc: row.validation_auc,
        cam_error: row.validation_cam_error.unwrap_or(f64::NAN),
    }
}
