//! The training loop and the evaluation: one visible function each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::bail;
use tch::{Kind, Tensor, no_grad};

use crate::checkpoint::State;
use crate::data::crops::CropSet;
use crate::data::list::Label;
use crate::data::loader::{self, Batch, BatchShape};
use crate::loss::{Loss, Targets, activation_maps, cyborg};
use crate::metrics::{Scored, accuracy, auc};
use crate::torch::{Mode, Model, Sgd, SgdSettings};

/// How a network is trained. The paper's values are the defaults of the command line.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct FitSettings {
    /// Share of the class loss, in 0 to 1; 1 is training without saliency.
    pub alpha: f64,
    /// Times that each face is seen.
    pub epochs: u64,
    /// Faces in a step.
    pub batch: usize,
    /// Learning rate at the start.
    pub rate: f64,
    /// The rate is multiplied by `step_factor` every so many epochs.
    pub step_epochs: u64,
    /// See `step_epochs`.
    pub step_factor: f64,
    /// Share of the last step's direction that is kept.
    pub momentum: f64,
    /// Pull of all weights towards zero.
    pub weight_decay: f64,
    /// Seed of the split, the order, the augmentation and the fresh weights.
    pub seed: u64,
}

/// The faces of a run: all crops, and which of them are trained on and which are kept out.
#[derive(Clone, Debug)]
pub struct FitData {
    /// All crops.
    pub set: Arc<CropSet>,
    /// Trained on.
    pub train: Vec<usize>,
    /// Kept out.
    pub kept_out: Vec<usize>,
}

/// What an epoch of training came to; losses are means over its faces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingReport {
    /// The loss that was made smaller.
    pub loss: f64,
    /// Its class part.
    pub class: f64,
    /// Its saliency part: mean squared distance of the activation map from the saliency map.
    pub saliency: f64,
    /// Faces a second, loading included.
    pub rate: f64,
}

/// What an evaluation came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean class loss.
    pub class: f64,
    /// Mean squared distance of the true class's activation map from the saliency map, over the faces that have one.
    pub saliency: f64,
    /// Share of faces on the right side of one half.
    pub accuracy: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// p(synthetic) of each face, in the order of the indices.
    pub scored: Vec<Scored>,
}

/// An epoch, for whoever follows the run.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Counts from 1.
    pub epoch: u64,
    /// The training.
    pub training: TrainingReport,
    /// The kept-out faces after it.
    pub kept_out: Evaluation,
    /// Whether it is the best so far, by accuracy; ties go to the later epoch, as in the paper.
    pub is_best: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// After all epochs; the weights and the evaluation of the best one.
    Whole {
        /// Weights and running statistics.
        best: State,
        /// Which epoch it was.
        epoch: u64,
        /// What it came to on the kept-out faces.
        evaluation: Evaluation,
    },
    /// By the user's wish, in the middle of an epoch.
    Interrupted,
}

/// Trains `model`. `follow` is told of each epoch and gets the weights after it; when it fails, the run ends.
///
/// # Errors
///
/// When a batch can't be made, the loss is no longer a finite number, or `follow` fails.
pub fn fit(
    model: &Model,
    data: &FitData,
    settings: &FitSettings,
    stop: &AtomicBool,
    mut follow: impl FnMut(&EpochReport, &Model) -> anyhow::Result<()>,
) -> anyhow::Result<Ended> {
    let shape = BatchShape { batch: settings.batch, map: model.network().cam_size() };
    let mut optimiser =
        Sgd::new(model, SgdSettings { momentum: settings.momentum, weight_decay: settings.weight_decay });
    let mut best: Option<(State, u64, Evaluation)> = None;
    for epoch in 1..=settings.epochs {
        let rate = rate_of(settings, epoch);
        let mut sums = Sums::new(settings.epochs, epoch, data.train.len());
        for batch in loader::training(&data.set, &data.train, shape, settings.seed, epoch) {
            if stop.load(Ordering::Relaxed) {
                return Ok(Ended::Interrupted);
            }
            let batch = batch?;
            let loss = loss_of(model, &batch, Mode::Training, settings.alpha).1;
            if !loss.total.double_value(&[]).is_finite() {
                bail!(
                    "the loss is {} in epoch {epoch}: try a smaller `--rate` (it is {rate}); the checkpoint of the \
                     epoch before is kept",
                    loss.total.double_value(&[])
                );
            }
            optimiser.step(model, &loss.total, rate);
            sums.add(&loss, batch.len());
        }
        let kept_out = evaluate(model, data, settings.batch)?;
        let is_best = best.as_ref().is_none_or(|(_, _, best)| kept_out.accuracy >= best.accuracy);
        let report = EpochReport { epoch, training: sums.means(), kept_out, is_best };
        follow(&report, model)?;
        if is_best {
            best = Some((model.state(), epoch, report.kept_out));
        }
    }
    match best {
        Some((best, epoch, evaluation)) => Ok(Ended::Whole { best, epoch, evaluation }),
        None => bail!("there are no epochs to train: give `--epochs` 1 or more"),
    }
}

/// Scores the kept-out faces as the runtime would crop them.
///
/// # Errors
///
/// When there is no kept-out face of one of the classes.
pub fn evaluate(model: &Model, data: &FitData, batch: usize) -> anyhow::Result<Evaluation> {
    let shape = BatchShape { batch, map: model.network().cam_size() };
    let (mut class, mut saliency, mut with_map) = (0.0, 0.0, 0.0);
    let mut probabilities = Vec::new();
    for batch in loader::evaluation(&data.set, &data.kept_out, shape) {
        let batch = batch?;
        let (scores, loss) = no_grad(|| loss_of(model, &batch, Mode::Inference, 1.0));
        let maps = batch.has_map.iter().filter(|has_map| **has_map).count() as f64;
        class += loss.class.double_value(&[]) * batch.len() as f64;
        saliency += loss.saliency.double_value(&[]) * maps;
        with_map += maps;
        probabilities.extend(scores);
    }
    let labels = data.kept_out.iter().map(|&index| data.set.faces[index].label);
    let scored: Vec<Scored> =
        probabilities.into_iter().zip(labels).map(|(score, label)| Scored { score: f64::from(score), label }).collect();
    let (Some(accuracy), Some(auc)) = (accuracy(&scored), auc(&scored)) else {
        bail!("the kept-out faces are not of both classes: the list needs at least 5 faces of a source in each");
    };
    let saliency = if with_map > 0.0 { saliency / with_map } else { 0.0 };
    Ok(Evaluation { class: class / scored.len() as f64, saliency, accuracy, auc, scored })
}

/// p(synthetic) and the loss of a batch.
fn loss_of(model: &Model, batch: &Batch, mode: Mode, alpha: f64) -> (Vec<f32>, Loss) {
    let side = model.network().input_side as i64;
    let (height, width) = model.network().cam_size();
    let targets = Targets {
        labels: Tensor::from_slice(&batch.labels),
        maps: Tensor::from_slice(&batch.maps).view([-1, height as i64, width as i64]),
        has_map: Tensor::from_slice(&batch.has_map).to_kind(Kind::Float),
    };
    let pixels = Tensor::from_slice(&batch.pixels).view([-1, side, side, 3]);
    let features = model.forward(&pixels, mode);
    // The map of the true class, as the paper's formula has it.
    let maps = activation_maps(&features.tap, model.last_weight(), &targets.labels);
    (features.probabilities(), cyborg(&features.logits, &maps, &targets, alpha))
}

/// The learning rate of an epoch, which counts from 1.
fn rate_of(settings: &FitSettings, epoch: u64) -> f64 {
    let steps = (epoch - 1) / settings.step_epochs.max(1);
    settings.rate * settings.step_factor.powi(i32::try_from(steps).unwrap_or(i32::MAX))
}

/// Sums of an epoch so far, and the line that is written now and then.
struct Sums {
    loss: f64,
    class: f64,
    saliency: f64,
    faces: usize,
    of: usize,
    epoch: u64,
    epochs: u64,
    start: Instant,
    said: Instant,
}

impl Sums {
    fn new(epochs: u64, epoch: u64, of: usize) -> Self {
        let now = Instant::now();
        Self { loss: 0.0, class: 0.0, saliency: 0.0, faces: 0, of, epoch, epochs, start: now, said: now }
    }

    fn add(&mut self, loss: &Loss, faces: usize) {
        let weight = faces as f64;
        self.loss += loss.total.double_value(&[]) * weight;
        self.class += loss.class.double_value(&[]) * weight;
        self.saliency += loss.saliency.double_value(&[]) * weight;
        self.faces += faces;
        if self.said.elapsed().as_secs() >= 20 {
            self.said = Instant::now();
            let left = (self.of - self.faces.min(self.of)) as f64 / self.rate();
            log::info!(
                "epoch {}/{}: {}/{} faces, {:.1} faces/s, {left:.0} s left in this epoch",
                self.epoch,
                self.epochs,
                self.faces,
                self.of,
                self.rate()
            );
        }
    }

    fn rate(&self) -> f64 {
        self.faces as f64 / self.start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn means(&self) -> TrainingReport {
        let faces = self.faces.max(1) as f64;
        TrainingReport {
            loss: self.loss / faces,
            class: self.class / faces,
            saliency: self.saliency / faces,
            rate: self.rate(),
        }
    }
}

/// Counts of both classes among some faces: (authentic, synthetic).
#[must_use]
pub fn class_counts(set: &CropSet, indices: &[usize]) -> (usize, usize) {
    let synthetic = indices.iter().filter(|&&index| set.faces[index].label == Label::Synthetic).count();
    (indices.len() - synthetic, synthetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_steps_down_as_in_the_paper() {
        let settings = FitSettings {
            alpha: 0.5,
            epochs: 50,
            batch: 20,
            rate: 0.005,
            step_epochs: 12,
            step_factor: 0.1,
            momentum: 0.9,
            weight_decay: 1e-6,
            seed: 1,
        };
        for (epoch, expected) in [(1, 0.005), (12, 0.005), (13, 0.0005), (24, 0.0005), (25, 0.00005)] {
            let rate = rate_of(&settings, epoch);
            assert!((rate / expected - 1.0).abs() < 1e-9, "epoch {epoch}: {rate}");
        }
    }
}
