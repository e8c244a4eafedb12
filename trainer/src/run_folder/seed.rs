//! The folder of one run: its epochs, its weights, its model file.
//!
//! Whatever moment the program is killed at, the run goes on from its last whole epoch: `last.safetensors` is replaced in
//! one step and says how far the run has come; all else is brought to that state when the folder is opened.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use cyborg_models::contract::Contract;
use cyborg_models::digest;
use cyborg_models::model_file::ModelFile;
use cyborg_models::name;
use serde::{Deserialize, Serialize};

use super::build::{Build, unsmooth};
use super::table::{MetricsRow, MetricsTable};
use crate::checkpoint::{self, Checkpoint, State};
use crate::data::faces::Faces;
use crate::data::list::Label;
use crate::events::EventWriter;
use crate::fit::{EpochReport, Progress};
use crate::metrics::Scored;

/// Metadata key of how far the run has come, as JSON.
const PROGRESS: &str = "run.progress";
/// What the optimiser's arrays begin with, beside the network's.
const OPTIMISER: &str = "optimiser.";

/// Weights of the last whole epoch, with the state of the optimiser.
pub const LAST: &str = "last.safetensors";
/// Weights of the best epoch.
pub const BEST: &str = "best.safetensors";
/// The model file.
pub const MODEL: &str = "model.onnx";
/// The table of epochs.
pub const METRICS: &str = "metrics.csv";

/// The folder of a run, open for writing.
#[derive(Debug)]
pub struct SeedFolder {
    folder: PathBuf,
    build: Build,
    metrics: MetricsTable,
    /// Made with the first epoch of this session.
    events: Option<EventWriter>,
}

/// What a run goes on from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resumed {
    /// How far it has come.
    pub progress: Progress,
    /// Weights and running statistics; empty when no epoch is done.
    pub state: State,
    /// State of the optimiser.
    pub optimiser: State,
}

/// A row of `validation.csv`. No file names: the list may be private.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// Where the face comes from.
    pub source: String,
    /// What it is.
    pub label: Label,
    /// p(synthetic), not calibrated.
    pub score: f64,
}

/// Reads the scores that [`SeedFolder::validation`] wrote.
///
/// # Errors
///
/// When the file can't be read, or holds something else.
pub fn read_validation(path: &Path) -> anyhow::Result<Vec<ScoreRow>> {
    let fail = || format!("can't read the scores in {}", name::of(path));
    let mut reader = csv::Reader::from_path(path).with_context(fail)?;
    let rows: Vec<ScoreRow> = reader.deserialize().collect::<Result<_, _>>().with_context(fail)?;
    ensure!(rows.iter().all(|row| (0.0..=1.0).contains(&row.score)), "{}: a score is no probability", name::of(path));
    Ok(rows)
}

impl SeedFolder {
    /// Opens the folder of a run of networks of some build. It is made if it
    /// isn't there; how far the run has come is read.
    ///
    /// # Errors
    ///
    /// When it can't be made or written, or its last checkpoint can't be read.
    pub fn open(folder: &Path, build: Build) -> anyhow::Result<(Self, Resumed)> {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", name::of(folder)))?;
        checkpoint::tidy_up(folder);
        let resumed = resume(folder)?;
        let metrics = MetricsTable::open(&folder.join(METRICS), resumed.progress.epoch)?;
        Ok((Self { folder: folder.to_owned(), build, metrics, events: None }, resumed))
    }

    /// Adds an epoch, and writes its weights.
    ///
    /// # Errors
    ///
    /// When something can't be written; the weights of the epoch before are then still whole.
    pub fn epoch(
        &mut self,
        report: &EpochReport,
        progress: &Progress,
        (state, optimiser): (State, State),
        contract: &Contract,
    ) -> anyhow::Result<()> {
        let row = MetricsRow::from(report);
        self.metrics.add(row)?;
        self.tell_events(&row)?;
        let mut metadata = contract.to_metadata();
        metadata.insert(PROGRESS.to_owned(), serde_json::to_string(progress)?);
        metadata.extend(self.build.to_metadata());
        let mut all = state;
        all.extend(optimiser.into_iter().map(|(name, array)| (format!("{OPTIMISER}{name}"), array)));
        let mut last = Checkpoint { metadata, state: all };
        // First the one that says how far the run has come: should the program be killed now, the best one is taken from it.
        checkpoint::write(&self.folder.join(LAST), &last)?;
        if report.is_best {
            last.state.retain(|name, _| !name.starts_with(OPTIMISER));
            checkpoint::write(&self.folder.join(BEST), &last)?;
        }
        Ok(())
    }

    fn tell_events(&mut self, row: &MetricsRow) -> anyhow::Result<()> {
        let scalars = [
            ("train/loss", Some(row.train_loss)),
            ("train/class_loss", Some(row.train_class_loss)),
            ("train/cam_error", row.train_cam_error),
            ("train/faces_per_s", Some(row.faces_per_s)),
            ("train/learning_rate", Some(row.learning_rate)),
            ("validation/class_loss", Some(row.validation_class_loss)),
            ("validation/cam_error", row.validation_cam_error),
            ("validation/accuracy", Some(row.validation_accuracy)),
            ("validation/auc", Some(row.validation_auc)),
        ];
        let scalars = scalars.into_iter().filter_map(|(tag, value)| Some((tag, value?)));
        let now = now();
        let events = match &mut self.events {
            Some(events) => events,
            none => none.insert(EventWriter::create(&self.folder, now)?),
        };
        for (tag, value) in scalars {
            events.scalar(tag, row.epoch as i64, value as f32, now)?;
        }
        Ok(events.flush()?)
    }

    /// Weights of the best epoch, with what is known of them.
    ///
    /// # Errors
    ///
    /// When they can't be read.
    pub fn best(&self) -> anyhow::Result<Checkpoint> {
        Ok(checkpoint::read(&self.folder.join(BEST))?)
    }

    /// Whether all was written that comes after the last epoch: the best checkpoint was measured, and its model file is whole. A
    /// finished run stays as it is, as it may have been calibrated since.
    ///
    /// # Errors
    ///
    /// When the best checkpoint can't be read.
    pub fn is_finished(&self) -> anyhow::Result<bool> {
        let path = self.folder.join(MODEL);
        let (Ok(bytes), Ok(line)) = (fs::read(&path), fs::read_to_string(digest_path(&path))) else { return Ok(false) };
        let contract = Contract::from_metadata(&self.best()?.metadata)?;
        let of_file = ModelFile::parse(&bytes).map(|file| file.contract);
        let is_same = of_file.is_ok_and(|of_file| of_file == contract);
        Ok(is_same && !contract.auc.is_empty() && line.starts_with(&digest::of_bytes(&bytes)))
    }

    /// Writes the best checkpoint again, with another contract, which is that of the network as it was trained.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn rewrite_best(&self, mut best: Checkpoint, contract: &Contract) -> anyhow::Result<()> {
        best.metadata.extend(contract.to_metadata());
        if !self.build.smooth {
            // Calibration may have added it since, and is gone with the old contract.
            unsmooth(&mut best.metadata);
        }
        Ok(checkpoint::write(&self.folder.join(BEST), &best)?)
    }

    /// Writes the scores of the validation faces.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn validation(&self, faces: &Faces, indices: &[usize], scored: &[Scored]) -> anyhow::Result<()> {
        let path = self.folder.join("validation.csv");
        let mut writer = csv::Writer::from_writer(Vec::new());
        for (&index, each) in indices.iter().zip(scored) {
            let source = faces.rows[index].source.clone();
            writer.serialize(ScoreRow { source, label: each.label, score: each.score })?;
        }
        checkpoint::replace(&path, &writer.into_inner()?).with_context(|| format!("can't write {}", name::of(path)))
    }

    /// Writes the model file and its digest, and says where it is.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn model(&self, bytes: &[u8]) -> anyhow::Result<PathBuf> {
        write_model(&self.folder.join(MODEL), bytes)
    }
}

/// Seconds since 1970; 0 on a machine whose clock is before that.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// Where the digest of a model file is.
fn digest_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sha256");
    path.with_file_name(name)
}

/// Writes a model file, and its digest beside it.
///
/// # Errors
///
/// When one of them can't be written.
pub fn write_model(path: &Path, bytes: &[u8]) -> anyhow::Result<PathBuf> {
    let fail = |path: &Path| format!("can't write {}", name::of(path));
    checkpoint::replace(path, bytes).with_context(|| fail(path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let digest = digest_path(path);
    checkpoint::replace(&digest, format!("{}  {name}\n", digest::of_bytes(bytes)).as_bytes())
        .with_context(|| fail(&digest))?;
    Ok(path.to_owned())
}

/// How far a checkpoint's run had come; nothing for checkpoints of other origin.
fn progress_of(checkpoint: &Checkpoint) -> anyhow::Result<Option<Progress>> {
    let text = checkpoint.metadata.get(PROGRESS);
    text.map(|text| serde_json::from_str(text).context("its metadata `run.progress` can't be read")).transpose()
}

fn resume(folder: &Path) -> anyhow::Result<Resumed> {
    let path = folder.join(LAST);
    if !path.exists() {
        return Ok(Resumed::default());
    }
    let last = checkpoint::read(&path)?;
    let cure = || format!("can't go on from {}", name::of(&path));
    let progress = progress_of(&last).with_context(cure)?;
    let progress = progress.context("it doesn't say how far its run had come").with_context(cure)?;
    let (optimiser, state): (State, State) = last.state.into_iter().partition(|(name, _)| name.starts_with(OPTIMISER));
    let optimiser = optimiser.into_iter().map(|(name, array)| (name[OPTIMISER.len()..].to_owned(), array)).collect();
    mend_best(folder, &progress, &last.metadata, &state)?;
    Ok(Resumed { progress, state, optimiser })
}

/// Brings the best checkpoint to what the last one says, where the program was killed between the two.
fn mend_best(
    folder: &Path,
    progress: &Progress,
    metadata: &BTreeMap<String, String>,
    state: &State,
) -> anyhow::Result<()> {
    let Some(best) = progress.best else { return Ok(()) };
    let path = folder.join(BEST);
    let there = if path.exists() { progress_of(&checkpoint::read(&path)?)? } else { None };
    if there.is_some_and(|there| there.epoch == best.epoch) {
        return Ok(());
    }
    ensure!(
        best.epoch == progress.epoch,
        "{} is not of epoch {}, which was the best one: put it back, or begin again in another folder",
        name::of(path),
        best.epoch
    );
    checkpoint::write(&path, &Checkpoint { metadata: metadata.clone(), state: state.clone() })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Array;
    use crate::fit::Best;

    fn checkpoint(epoch: u64, best: u64) -> Checkpoint {
        let progress = Progress { epoch, best: Some(Best { epoch: best, value: 0.5 }), improved: best };
        let metadata = [(PROGRESS.to_owned(), serde_json::to_string(&progress).expect("plain data"))].into();
        let array = |value: f32| Array { shape: vec![1], values: vec![value] };
        let state = State::from([("w".to_owned(), array(epoch as f32)), (format!("{OPTIMISER}v.w"), array(0.0))]);
        Checkpoint { metadata, state }
    }

    fn resumed(last: &Checkpoint, best: Option<&Checkpoint>) -> (tempfile::TempDir, anyhow::Result<Resumed>) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        for (name, checkpoint) in [(LAST, Some(last)), (BEST, best)] {
            if let Some(checkpoint) = checkpoint {
                checkpoint::write(&folder.path().join(name), checkpoint).expect("it can be written");
            }
        }
        let resumed = resume(folder.path());
        (folder, resumed)
    }

    #[test]
    fn a_kill_between_last_and_best_is_mended() {
        for old in [None, Some(checkpoint(1, 1))] {
            let (folder, resumed) = resumed(&checkpoint(2, 2), old.as_ref());
            let resumed = resumed.expect("all is there");
            assert_eq!(resumed.progress.epoch, 2);
            assert_eq!(resumed.optimiser.keys().collect::<Vec<_>>(), ["v.w"]);
            let best = checkpoint::read(&folder.path().join(BEST)).expect("it was made");
            assert_eq!(
                best.state, resumed.state,
                "the best weights are those of the last epoch, without the optimiser"
            );
        }
    }

    #[test]
    fn a_best_epoch_that_is_lost_is_an_error() {
        let (_folder, resumed) = resumed(&checkpoint(3, 2), Some(&checkpoint(1, 1)));
        let error = resumed.expect_err("epoch 2 is nowhere").to_string();
        assert!(error.contains("is not of epoch 2"), "{error}");
        let mut foreign = checkpoint(1, 1);
        foreign.metadata.clear();
        let (_folder, resumed) = self::resumed(&foreign, None);
        assert!(resumed.is_err(), "a foreign checkpoint can't be gone on from");
    }
}
