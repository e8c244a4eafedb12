//! The training loop and the evaluation: one visible function each.

mod learner;
mod report;
pub(crate) mod settings;
mod trunk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::bail;
use cyborg_edge::BoxError;
use cyborg_models::contract::CamClass;
use tch::{Kind, Tensor, no_grad};

pub use learner::Learner;
pub use report::{Best, Diverged, EpochReport, Evaluation, Progress, TrainingReport};
pub use settings::{Descent, FitSettings, Measure, MixedOnCpu, Precision, Schedule};
pub use trunk::{Keeping, TrunkFaces, trunk_digest};

use crate::data::faces::Faces;
use crate::data::forge::swap::donor::Donors;
use crate::data::list::Label;
use crate::data::loader::{self, Batch, Plan};
use crate::loss::{Loss, LossSettings, Targets, cyborg};
use crate::metrics::{Scored, at_threshold, auc};
use crate::torch::{Mode, Model, Step, seed};

/// Fakes over real faces of an epoch, at most: beyond it nearly all that a network sees is forged.
pub const MOST_FORGED: f64 = 10.0;

/// The faces of a run: all of them, and which are trained on and which validated on.
#[derive(Clone, Debug)]
pub struct FitData {
    /// All faces.
    pub faces: Arc<Faces>,
    /// Trained on.
    pub train: Vec<usize>,
    /// Validated on.
    pub validation: Vec<usize>,
    /// What the trunk gave for all of them, where it doesn't run in each epoch.
    pub trunk: Option<Arc<TrunkFaces>>,
}

/// Batches as they come.
type Batches = Box<dyn Iterator<Item = anyhow::Result<Batch>>>;

impl FitData {
    fn training(&self, plan: &Plan, epoch: u64) -> Batches {
        match &self.trunk {
            Some(trunk) => Box::new(trunk.training(self, plan, epoch)),
            None => Box::new(loader::training(&self.faces, plan, epoch)),
        }
    }

    fn judged(&self, batch: usize) -> Batches {
        match &self.trunk {
            Some(trunk) => Box::new(trunk.evaluation(&self.validation, batch)),
            None => Box::new(loader::evaluation(&self.faces, &self.validation, batch)),
        }
    }
}

/// Who follows a run.
pub trait Watch {
    /// A batch is done: `faces` of the `of` faces of epoch `epoch`.
    fn batch(&mut self, _epoch: u64, _faces: usize, _of: usize) {}

    /// An epoch is done. When this fails, the run ends.
    ///
    /// # Errors
    ///
    /// When what is known of the epoch can't be kept.
    fn epoch(&mut self, report: &EpochReport, progress: &Progress, learner: &Learner) -> Result<(), BoxError>;
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// After its last epoch.
    Whole,
    /// By the user's wish; the epoch under way is lost, those before it are not.
    Interrupted,
}

/// Trains a network from where `progress` says to the end of the run. What happens in an epoch depends on the settings' seed,
/// the number of the epoch and the weights and optimiser at its start alone, so a run that goes on after a stop comes to the
/// same numbers as one that never stopped.
///
/// # Errors
///
/// When a batch can't be made, the loss is no longer a finite number, or `watch` fails.
pub fn fit(
    learner: &mut Learner,
    data: &FitData,
    settings: &FitSettings,
    mut progress: Progress,
    stop: &AtomicBool,
    watch: &mut impl Watch,
) -> anyhow::Result<Ended> {
    let real = data.train.iter().filter(|&&index| data.faces.rows[index].label == Label::Authentic).count();
    let fakes = |share: f64| (real as f64 * share.min(MOST_FORGED)).round() as usize;
    let plan = Plan {
        indices: data.train.clone(),
        forged: fakes(settings.forge),
        swapped: fakes(settings.swap),
        donors: Arc::new(Donors::among(&data.faces, &data.train)),
        video_coding: settings.video_coding,
        augment: settings.augment,
        balance: settings.balance,
        batch: settings.batch,
        seed: settings.seed,
    };
    while !progress.is_whole(settings) {
        let epoch = progress.epoch + 1;
        let rate = settings.rate_of(epoch);
        // What dropout drops.
        seed(settings.seed.wrapping_mul(1_000_003).wrapping_add(epoch));
        let mut sums = Sums::new();
        for batch in data.training(&plan, epoch) {
            if stop.load(Ordering::Relaxed) {
                return Ok(Ended::Interrupted);
            }
            let batch = batch?;
            let losses = train_step(learner, &batch, settings, epoch)?;
            sums.add(losses, &batch);
            watch.batch(epoch, sums.faces, plan.faces());
        }
        let training = sums.means();
        let Some(validation) = evaluate(learner.judged(), data, settings, stop)? else {
            return Ok(Ended::Interrupted);
        };
        if !validation.class.is_finite() {
            return Err(Diverged {
                what: "the class loss of the validation faces",
                value: validation.class,
                epoch,
                rate,
            }
            .into());
        }
        let Some(value) = validation.measure(settings.best_by) else {
            bail!("no validation face has a saliency map, so no epoch is the best by CAM error");
        };
        let is_best = progress.count(epoch, value, settings.best_by);
        let report = EpochReport { epoch, learning_rate: rate, training, validation, is_best };
        watch.epoch(&report, &progress, learner).map_err(anyhow::Error::from_boxed)?;
    }
    Ok(Ended::Whole)
}

/// One step on a batch in an epoch: loss, gradients, weights. Gives the loss with its class part and its saliency part.
///
/// # Errors
///
/// When the loss is no longer a finite number; the weights are then as they were.
pub fn train_step(
    learner: &mut Learner,
    batch: &Batch,
    settings: &FitSettings,
    epoch: u64,
) -> Result<[f64; 3], Diverged> {
    let rate = settings.rate_of(epoch);
    let (_, loss) = loss_of(learner.model(), batch, Mode::Training, settings.precision, &settings.loss);
    let losses = finite(&loss, epoch, rate)?;
    if learner.step(&loss.total, rate) == Step::Skipped {
        log::debug!("a step was skipped: half precision could not hold its gradients");
    }
    Ok(losses)
}

/// Scores the validation faces as the runtime would crop them; nothing when `stop` becomes true on the way. The CAM error is
/// that of the true class's maps as they are, whatever training takes, so that it means the same for all settings.
///
/// # Errors
///
/// When a photo can't be read, or there is no face of one of the classes.
pub fn evaluate(
    model: &Model,
    data: &FitData,
    settings: &FitSettings,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Evaluation>> {
    let loss_settings = LossSettings { cam_class: CamClass::True, map_power: 1.0, ..settings.loss };
    let (mut class, mut saliency, mut with_map) = (0.0, 0.0, 0.0);
    let mut probabilities = Vec::new();
    for batch in data.judged(settings.batch) {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let batch = batch?;
        let (scores, loss) = no_grad(|| loss_of(model, &batch, Mode::Inference, Precision::Full, &loss_settings));
        let maps = batch.has_map.iter().filter(|has_map| **has_map).count() as f64;
        class += loss.class.double_value(&[]) * batch.len() as f64;
        saliency += loss.saliency.double_value(&[]) * maps;
        with_map += maps;
        probabilities.extend(scores);
    }
    let labels = data.validation.iter().map(|&index| data.faces.rows[index].label);
    let scored: Vec<Scored> =
        probabilities.into_iter().zip(labels).map(|(score, label)| Scored { score: f64::from(score), label }).collect();
    // Scores that are no numbers have no AUC; the loss then says what happened.
    let auc = auc(&scored).or_else(|| scored.iter().any(|each| each.score.is_nan()).then_some(f64::NAN));
    let accuracy = at_threshold(&scored, 0.5).and_then(|at| at.accuracy).or(auc.filter(|auc| auc.is_nan()));
    let (Some(accuracy), Some(auc)) = (accuracy, auc) else {
        bail!("the validation faces must include both classes");
    };
    let saliency = (with_map > 0.0).then(|| saliency / with_map);
    Ok(Some(Evaluation { class: class / scored.len() as f64, saliency, accuracy, auc, scored }))
}

/// p(synthetic) and the loss of a batch.
fn loss_of(
    model: &Model,
    batch: &Batch,
    mode: Mode,
    precision: Precision,
    settings: &LossSettings,
) -> (Vec<f32>, Loss) {
    let side = model.network().input_side as i64;
    let (height, width) = model.network().cam_size();
    let device = model.device();
    let targets = Targets {
        labels: Tensor::from_slice(&batch.labels).to_device(device),
        maps: Tensor::from_slice(&batch.maps).view([-1, height as i64, width as i64]).to_device(device),
        has_map: Tensor::from_slice(&batch.has_map).to_kind(Kind::Float).to_device(device),
        taught: (!batch.taught.is_empty()).then(|| Tensor::from_slice(&batch.taught).to_device(device)),
    };
    let mut features = tch::autocast(precision == Precision::Mixed, || {
        if batch.trunk.is_empty() {
            let pixels = Tensor::from_slice(&batch.pixels).view([-1, side, side, 3]).to_device(device);
            model.forward(&pixels, mode)
        } else {
            let shape = model.network().node(model.network().trunk).shape;
            let [channels, height, width] = [shape.channels, shape.height, shape.width].map(|size| size as i64);
            let trunk = Tensor::from_slice(&batch.trunk).view([-1, channels, height, width]).to_device(device);
            model.forward_head(&trunk.to_kind(Kind::Float), mode)
        }
    });
    // The loss itself is computed with 32 bits: the squares of a map's small differences vanish in 16.
    features.logits = features.logits.to_kind(Kind::Float);
    features.tap = features.tap.to_kind(Kind::Float);
    let loss = cyborg(&features.logits, &features.tap, model.last_weight(), &targets, settings);
    let scores = match mode {
        Mode::Training => Vec::new(),
        Mode::Inference => features.probabilities(),
    };
    (scores, loss)
}

/// The three numbers of a loss, if they are some.
fn finite(loss: &Loss, epoch: u64, rate: f64) -> Result<[f64; 3], Diverged> {
    // In one go: each question to a GPU waits for all that it has to do.
    let all = Tensor::stack(&[&loss.total, &loss.class, &loss.saliency], 0).detach();
    let losses = [0_i64, 1, 2].map(|at| all.double_value(&[at]));
    for (what, value) in ["the loss", "the class loss", "the CAM error"].into_iter().zip(losses) {
        if !value.is_finite() {
            return Err(Diverged { what, value, epoch, rate });
        }
    }
    Ok(losses)
}

/// Sums of an epoch so far.
struct Sums {
    loss: f64,
    class: f64,
    saliency: f64,
    faces: usize,
    with_map: usize,
    start: Instant,
}

impl Sums {
    fn new() -> Self {
        Self { loss: 0.0, class: 0.0, saliency: 0.0, faces: 0, with_map: 0, start: Instant::now() }
    }

    fn add(&mut self, [loss, class, saliency]: [f64; 3], batch: &Batch) {
        let maps = batch.has_map.iter().filter(|has_map| **has_map).count();
        self.loss += loss * batch.len() as f64;
        self.class += class * batch.len() as f64;
        // Faces without a map must not dilute the mean here either.
        self.saliency += saliency * maps as f64;
        self.faces += batch.len();
        self.with_map += maps;
    }

    fn means(&self) -> TrainingReport {
        let faces = self.faces.max(1) as f64;
        TrainingReport {
            loss: self.loss / faces,
            class: self.class / faces,
            saliency: (self.with_map > 0).then(|| self.saliency / self.with_map as f64),
            rate: self.faces as f64 / self.start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE),
        }
    }
}
