//! `summary.csv` of a setting: a row a run at its best epoch, then mean and standard deviation over the runs.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::table::MetricsRow;
use crate::checkpoint;
use crate::metrics::spread;
use cyborg_models::name;

/// What a run came to on the validation faces, at its best epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunSummary {
    /// Its seed.
    pub seed: u64,
    /// The best epoch.
    pub best: MetricsRow,
}

#[derive(Serialize)]
struct Row {
    run: String,
    best_epoch: Option<u64>,
    validation_accuracy: Option<f64>,
    validation_auc: Option<f64>,
    validation_class_loss: Option<f64>,
    validation_cam_error: Option<f64>,
}

/// Writes the summary of the runs that have ended so far.
///
/// # Errors
///
/// When it can't be written.
pub fn write_summary(path: &Path, runs: &[RunSummary]) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for run in runs {
        writer.serialize(Row {
            run: format!("seed-{}", run.seed),
            best_epoch: Some(run.best.epoch),
            validation_accuracy: Some(run.best.validation_accuracy),
            validation_auc: Some(run.best.validation_auc),
            validation_class_loss: Some(run.best.validation_class_loss),
            validation_cam_error: run.best.validation_cam_error,
        })?;
    }
    let numbers: [fn(&MetricsRow) -> Option<f64>; 4] = [
        |row| Some(row.validation_accuracy),
        |row| Some(row.validation_auc),
        |row| Some(row.validation_class_loss),
        |row| row.validation_cam_error,
    ];
    let spreads = numbers.map(|number| {
        let values: Option<Vec<f64>> = runs.iter().map(|run| number(&run.best)).collect();
        spread(&values?)
    });
    let means = spreads.map(|spread| spread.map(|spread| spread.mean));
    let deviations = spreads.map(|spread| spread.and_then(|spread| spread.deviation));
    for (name, figures) in [("mean", means), ("standard deviation", deviations)] {
        let [validation_accuracy, validation_auc, validation_class_loss, validation_cam_error] = figures;
        writer.serialize(Row {
            run: name.to_owned(),
            best_epoch: None,
            validation_accuracy,
            validation_auc,
            validation_class_loss,
            validation_cam_error,
        })?;
    }
    checkpoint::replace(path, &writer.into_inner()?).with_context(|| format!("can't write {}", name::of(path)))
}
