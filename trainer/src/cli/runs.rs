//! Runs on the command line: a bar or lines while they train, and what they come to.

use std::path::Path;

use cyborg_models::name;

use super::cure::in_words;
use super::outcome::Outcome;
use super::progress::Display;
use crate::fit::{EpochReport, Evaluation, FitSettings, Progress};
use crate::metrics::spread;
use crate::run_folder::{MetricsRow, RunSummary};
use crate::runs::{FollowRuns, RunError, Runs, RunsEnded, train_all};

/// Trains all runs that have not ended yet. A run that fails doesn't stop those after it.
pub(super) fn run_all(runs: &Runs<'_>) -> anyhow::Result<Outcome> {
    let RunsEnded { ended, failed, interrupted } = train_all(runs, &mut Shown { display: None })?;
    if interrupted {
        let path = name::of(runs.folder.path());
        log::warn!("interrupted; `cyborg-train train --resume {path}` continues from the last whole epoch");
        return Ok(Outcome::Interrupted);
    }
    if ended.is_empty() {
        return Ok(Outcome::AllFailed);
    }
    tell_of_all(&ended);
    Ok(if failed > 0 { Outcome::SomeFailed } else { Outcome::Done })
}

/// Shows how far the runs are.
struct Shown {
    /// While one trains.
    display: Option<Display>,
}

impl FollowRuns for Shown {
    fn begins(&mut self, seed: u64, settings: &FitSettings, progress: &Progress) {
        log::info!("seed {seed}: epoch {} of {}", progress.epoch + 1, settings.epochs);
        self.display = Some(Display::new(settings, progress.epoch));
    }

    fn batch(&mut self, epoch: u64, faces: usize, of: usize) {
        if let Some(display) = &mut self.display {
            display.batch(epoch, faces, of);
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        let Evaluation { accuracy, auc, saliency, .. } = report.validation;
        if let Some(display) = &mut self.display {
            display.epoch(report, &words(accuracy, auc, saliency));
        }
    }

    fn trained(&mut self) {
        self.display = None;
    }

    fn model(&mut self, path: &Path) {
        log::info!("model file: {}", name::of(path));
    }

    fn ended(&mut self, run: &RunSummary) {
        let MetricsRow { epoch, validation_accuracy, validation_auc, validation_cam_error, .. } = run.best;
        let words = words(validation_accuracy, validation_auc, validation_cam_error);
        log::info!("seed {}: best epoch {epoch}: {words}", run.seed);
    }

    fn failed(&mut self, seed: u64, RunError(error): &RunError) {
        self.display = None;
        log::error!("seed {seed}: {}", in_words(error));
    }
}

fn tell_of_all(ended: &[RunSummary]) {
    let of = |number: fn(&MetricsRow) -> Option<f64>| {
        let values: Option<Vec<f64>> = ended.iter().map(|run| number(&run.best)).collect();
        values.and_then(|values| spread(&values)).map_or_else(
            || "none".to_owned(),
            |spread| match spread.deviation {
                Some(deviation) => format!("{:.4} +- {deviation:.4}", spread.mean),
                None => format!("{:.4}", spread.mean),
            },
        )
    };
    log::info!(
        "{} runs: accuracy {}, AUC {}, CAM error {} (mean and standard deviation over the runs' best epochs)",
        ended.len(),
        of(|row| Some(row.validation_accuracy)),
        of(|row| Some(row.validation_auc)),
        of(|row| row.validation_cam_error)
    );
}

fn words(accuracy: f64, auc: f64, cam_error: Option<f64>) -> String {
    let cam_error = cam_error.map_or_else(|| "none".to_owned(), |error| format!("{error:.4}"));
    format!("accuracy {accuracy:.4}, AUC {auc:.4}, CAM error {cam_error}")
}
