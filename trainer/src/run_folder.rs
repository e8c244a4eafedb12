//! The folder of a run: how it was made, what it came to, and its weights.
//!
//! | file | what |
//! |---|---|
//! | `config.json` | all settings, the data's digest, the program's version |
//! | `metrics.csv` | a row an epoch |
//! | `last.safetensors`, `best.safetensors` | weights, with the contract in their metadata |
//! | `kept_out.csv` | the scores of the kept-out faces at the best epoch |
//! | `model.onnx`, `model.onnx.sha256` | the model file of the best epoch, and its digest |

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use cyborg_models::contract::Contract;
use cyborg_models::digest;
use serde::Serialize;

use crate::checkpoint::{self, Checkpoint, State};
use crate::data::crops::CropSet;
use crate::data::list::Label;
use crate::fit::EpochReport;
use crate::metrics::Scored;

/// A run folder, open for writing.
#[derive(Debug)]
pub struct RunFolder {
    folder: PathBuf,
    metrics: csv::Writer<File>,
}

/// A row of `metrics.csv`.
#[derive(Serialize)]
struct MetricsRow {
    epoch: u64,
    train_loss: f64,
    train_class_loss: f64,
    train_cam_error: f64,
    kept_out_class_loss: f64,
    kept_out_cam_error: f64,
    kept_out_accuracy: f64,
    kept_out_auc: f64,
    best: bool,
    faces_per_s: f64,
}

/// A row of `kept_out.csv`. No file names: the list may be private.
#[derive(Serialize)]
struct ScoreRow<'a> {
    source: &'a str,
    label: &'static str,
    score: f64,
}

impl RunFolder {
    /// Makes the folder, and writes how the run is made. A folder that holds a run already is left alone.
    ///
    /// # Errors
    ///
    /// When it can't be made, or holds a run.
    pub fn create(folder: &Path, config: &impl Serialize) -> anyhow::Result<Self> {
        let metrics = folder.join("metrics.csv");
        if metrics.exists() {
            bail!("{} holds a run already: name another folder with `--out`", folder.display());
        }
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        let fail = |path: &Path| format!("can't write {}", path.display());
        let path = folder.join("config.json");
        fs::write(&path, serde_json::to_string_pretty(config)? + "\n").with_context(|| fail(&path))?;
        let file = File::create(&metrics).with_context(|| fail(&metrics))?;
        Ok(Self { folder: folder.to_owned(), metrics: csv::Writer::from_writer(file) })
    }

    /// Adds an epoch, and writes its weights.
    ///
    /// # Errors
    ///
    /// When something can't be written; weights of an epoch before it are then still whole.
    pub fn epoch(&mut self, report: &EpochReport, state: State, contract: &Contract) -> anyhow::Result<()> {
        let checkpoint = Checkpoint { metadata: contract.to_metadata(), state };
        checkpoint::write(&self.folder.join("last.safetensors"), &checkpoint)?;
        if report.is_best {
            checkpoint::write(&self.folder.join("best.safetensors"), &checkpoint)?;
        }
        let EpochReport { training, kept_out, .. } = report;
        self.metrics.serialize(MetricsRow {
            epoch: report.epoch,
            train_loss: training.loss,
            train_class_loss: training.class,
            train_cam_error: training.saliency,
            kept_out_class_loss: kept_out.class,
            kept_out_cam_error: kept_out.saliency,
            kept_out_accuracy: kept_out.accuracy,
            kept_out_auc: kept_out.auc,
            best: report.is_best,
            faces_per_s: training.rate,
        })?;
        Ok(self.metrics.flush()?)
    }

    /// Writes the scores of the kept-out faces.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn kept_out(&self, set: &CropSet, indices: &[usize], scored: &[Scored]) -> anyhow::Result<()> {
        let path = self.folder.join("kept_out.csv");
        let mut writer = csv::Writer::from_path(&path).with_context(|| format!("can't write {}", path.display()))?;
        for (&index, each) in indices.iter().zip(scored) {
            let label = match each.label {
                Label::Authentic => "real",
                Label::Synthetic => "synthetic",
            };
            writer.serialize(ScoreRow { source: &set.faces[index].source, label, score: each.score })?;
        }
        Ok(writer.flush()?)
    }

    /// Writes the model file and its digest, and says where it is.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn model(&self, bytes: &[u8]) -> anyhow::Result<PathBuf> {
        let path = self.folder.join("model.onnx");
        checkpoint::replace(&path, bytes).with_context(|| format!("can't write {}", path.display()))?;
        let line = format!("{}  model.onnx\n", digest::of_bytes(bytes));
        let digest = self.folder.join("model.onnx.sha256");
        fs::write(&digest, line).with_context(|| format!("can't write {}", digest.display()))?;
        Ok(path)
    }
}
