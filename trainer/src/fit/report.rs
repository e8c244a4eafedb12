//! What an epoch came to, and how far a run has come.

use serde::{Deserialize, Serialize};

use super::settings::{FitSettings, Measure};
use crate::metrics::Scored;

/// What an epoch of training came to; losses are means over its faces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingReport {
    /// The loss that was made smaller.
    pub loss: f64,
    /// Its class part.
    pub class: f64,
    /// Its saliency part: mean squared distance of the activation map from the saliency map, over the faces that have one;
    /// nothing when none has.
    pub saliency: Option<f64>,
    /// Training faces a second, loading included and validation left out.
    pub rate: f64,
}

/// What an evaluation came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean class loss.
    pub class: f64,
    /// Mean squared distance of the true class's activation map from the saliency map, over the faces that have one; nothing
    /// when none has.
    pub saliency: Option<f64>,
    /// Share of faces on the right side of one half.
    pub accuracy: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// p(synthetic) of each face, in the order of the indices.
    pub scored: Vec<Scored>,
}

impl Evaluation {
    /// One of its numbers; the CAM error is nothing when no face has a saliency map.
    #[must_use]
    pub fn measure(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Accuracy => Some(self.accuracy),
            Measure::Auc => Some(self.auc),
            Measure::ClassLoss => Some(self.class),
            Measure::CamError => self.saliency,
            // What the epoch came to; the later one is taken whatever it is.
            Measure::Last => Some(self.auc),
        }
    }
}

/// An epoch, for whoever follows the run.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Counts from 1.
    pub epoch: u64,
    /// Its learning rate.
    pub learning_rate: f64,
    /// The training.
    pub training: TrainingReport,
    /// The validation faces after it.
    pub validation: Evaluation,
    /// Whether it is the best so far.
    pub is_best: bool,
}

/// How far a run has come: kept with its weights, and all that is needed to go on beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs that are done.
    pub epoch: u64,
    /// The best of them.
    pub best: Option<Best>,
    /// The last one that was better than all before it, ties not counted: patience counts from here.
    pub improved: u64,
}

/// The best epoch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Which one.
    pub epoch: u64,
    /// What it came to, by the measure of the settings.
    pub value: f64,
}

impl Progress {
    /// Counts an epoch; tells whether it is the best so far.
    pub fn count(&mut self, epoch: u64, value: f64, measure: Measure) -> bool {
        let is_best = self.best.is_none_or(|best| measure.is_as_good(value, best.value));
        if self.best.is_none_or(|best| is_best && value != best.value) {
            self.improved = epoch;
        }
        if is_best {
            self.best = Some(Best { epoch, value });
        }
        self.epoch = epoch;
        is_best
    }

    /// Whether a run of these settings has come to its end: all epochs, or too many without a better one.
    #[must_use]
    pub fn is_whole(&self, settings: &FitSettings) -> bool {
        let stale = self.epoch.saturating_sub(self.improved);
        self.epoch >= settings.epochs || settings.patience.is_some_and(|patience| self.epoch > 0 && stale >= patience)
    }
}

/// A training that can't go on, as its numbers are none any more. The whole epochs before it are kept.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "{what} is {value} in epoch {epoch}: the training has diverged at a learning rate of {rate}. The whole epochs before it are \
     kept; a smaller rate may help"
)]
pub struct Diverged {
    /// Which number.
    pub what: &'static str,
    /// What it is.
    pub value: f64,
    /// In which epoch.
    pub epoch: u64,
    /// Its learning rate.
    pub rate: f64,
}

#[cfg(test)]
mod tests {
    use super::super::settings::tests::paper;
    use super::*;

    #[test]
    fn a_run_ends_after_its_epochs_or_its_patience() {
        let settings = FitSettings { epochs: 5, patience: Some(2), ..paper() };
        let mut progress = Progress::default();
        assert!(!progress.is_whole(&settings));
        assert!(progress.count(1, 0.8, Measure::Accuracy));
        assert!(!progress.count(2, 0.7, Measure::Accuracy));
        assert!(!progress.is_whole(&settings));
        assert!(!progress.count(3, 0.7, Measure::Accuracy));
        assert!(progress.is_whole(&settings), "two epochs without a better one");
        assert_eq!(progress.best, Some(Best { epoch: 1, value: 0.8 }));
        let patient = FitSettings { patience: None, ..settings };
        assert!(!progress.is_whole(&patient));
        // A tie goes to the later epoch, and patience isn't renewed by it.
        assert!(progress.count(4, 0.8, Measure::Accuracy));
        assert!(progress.best.is_some_and(|best| best.epoch == 4) && progress.is_whole(&settings));
        assert!(progress.count(5, 0.9, Measure::Accuracy));
        assert_eq!((progress.improved, progress.is_whole(&patient)), (5, true));
    }
}
