//! `metrics.csv` of a run: a row an epoch.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::checkpoint;
use crate::fit::EpochReport;
use cyborg_models::name;

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsRow {
    /// Counts from 1.
    pub epoch: u64,
    /// Its learning rate.
    pub learning_rate: f64,
    /// Mean loss of the training faces.
    pub train_loss: f64,
    /// Its class part.
    pub train_class_loss: f64,
    /// Its saliency part, over the faces that have a map; empty when none has.
    pub train_cam_error: Option<f64>,
    /// Mean class loss of the validation faces.
    pub validation_class_loss: f64,
    /// Their mean squared distance of activation map and saliency map, over those that have one; empty when none has.
    pub validation_cam_error: Option<f64>,
    /// Share of them on the right side of one half.
    pub validation_accuracy: f64,
    /// Their area under the ROC curve.
    pub validation_auc: f64,
    /// Whether the epoch was the best so far.
    pub best: bool,
    /// Training faces a second.
    pub faces_per_s: f64,
}

impl From<&EpochReport> for MetricsRow {
    fn from(report: &EpochReport) -> Self {
        let EpochReport { training, validation, .. } = report;
        Self {
            epoch: report.epoch,
            learning_rate: report.learning_rate,
            train_loss: training.loss,
            train_class_loss: training.class,
            train_cam_error: training.saliency,
            validation_class_loss: validation.class,
            validation_cam_error: validation.saliency,
            validation_accuracy: validation.accuracy,
            validation_auc: validation.auc,
            best: report.is_best,
            faces_per_s: training.rate,
        }
    }
}

/// The table, open for more rows.
#[derive(Debug)]
pub(super) struct MetricsTable {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl MetricsTable {
    /// Opens the table at `path` with the rows up to `epoch`: later ones, and a line that a killed run left unfinished, are
    /// of epochs that will be done again.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(super) fn open(path: &Path, epoch: u64) -> anyhow::Result<Self> {
        let fail = || format!("can't write {}", name::of(path));
        let mut kept = csv::Writer::from_writer(Vec::new());
        let rows = if path.exists() { read(path)? } else { Vec::new() };
        let rows: Vec<_> = rows.into_iter().filter(|row| row.epoch <= epoch).collect();
        for row in &rows {
            kept.serialize(row)?;
        }
        checkpoint::replace(path, &kept.into_inner()?).with_context(fail)?;
        let file = OpenOptions::new().append(true).open(path).with_context(fail)?;
        let writer = csv::WriterBuilder::new().has_headers(rows.is_empty()).from_writer(file);
        Ok(Self { path: path.to_owned(), writer })
    }

    /// Adds a row, and brings it to the disk.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(super) fn add(&mut self, row: MetricsRow) -> anyhow::Result<()> {
        let written = self.writer.serialize(row).map_err(anyhow::Error::from);
        written.and_then(|()| Ok(self.writer.flush()?)).with_context(|| format!("can't write {}", name::of(&self.path)))
    }
}

/// The rows of a table. A line that isn't whole is left out.
///
/// # Errors
///
/// When the file can't be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<MetricsRow>> {
    let reader = csv::ReaderBuilder::new().flexible(true).from_path(path);
    let mut reader = reader.with_context(|| format!("can't read {}", name::of(path)))?;
    Ok(reader.deserialize().filter_map(Result::ok).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn row(epoch: u64) -> MetricsRow {
        MetricsRow {
            epoch,
            learning_rate: 0.005,
            train_loss: 0.1 + 0.2,
            train_class_loss: 1.0,
            train_cam_error: None,
            validation_class_loss: 1.0,
            validation_cam_error: Some(0.5),
            validation_accuracy: 0.75,
            validation_auc: 1.0 / 3.0,
            best: true,
            faces_per_s: 12.5,
        }
    }

    #[test]
    fn a_table_goes_on_after_the_epoch_that_is_kept() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("metrics.csv");
        let mut table = MetricsTable::open(&path, 0).expect("it can be written");
        (1..=3).for_each(|epoch| table.add(row(epoch)).expect("it can be written"));
        drop(table);
        // As if the program was killed while it wrote.
        let text = fs::read_to_string(&path).expect("it is there");
        fs::write(&path, format!("{text}4,0.005,0.3")).expect("it can be written");
        let mut table = MetricsTable::open(&path, 2).expect("it can be written");
        assert_eq!(read(&path).expect("it is there"), [row(1), row(2)]);
        table.add(row(3)).expect("it can be written");
        assert_eq!(read(&path).expect("it is there"), [row(1), row(2), row(3)]);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
    }
}
