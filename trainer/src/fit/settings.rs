//! How a network is trained: settings, the schedule of the rate, and by what an epoch is the best.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::augment::{Preset, video};
use crate::data::balance::Balance;
use crate::loss::LossSettings;
use crate::torch::{AdamWSettings, ComputeDevice, OptimiserSettings, SgdSettings, Tune};

/// How a network is trained. The paper's values are the defaults of the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitSettings {
    /// What is made smaller.
    pub loss: LossSettings,
    /// Number of epochs.
    pub epochs: u64,
    /// Batch size in faces.
    pub batch: usize,
    /// What moves the weights.
    pub optimiser: OptimiserSettings,
    /// Learning rate at the start.
    pub rate: f64,
    /// What becomes of the rate.
    pub schedule: Schedule,
    /// What is done to the faces.
    pub augment: Preset,
    /// Fakes forged in each epoch, over the number of real faces.
    pub forge: f64,
    /// Fakes with another person's face made in each epoch, over the number of real faces.
    #[serde(default)]
    pub swap: f64,
    /// Share of the faces that are coded as video.
    #[serde(default)]
    pub video_coding: f64,
    /// How often the faces of a source are shown.
    #[serde(default)]
    pub balance: Balance,
    /// Layers before the first whose map is this many times smaller than the picture stay as they started; 1 for none.
    #[serde(default = "nothing_frozen")]
    pub freeze: usize,
    /// Which layers learn.
    #[serde(default)]
    pub tune: Tune,
    /// Whether a transformer's patches are shuffled in training.
    #[serde(default)]
    pub shuffle_patches: bool,
    /// Share of the weights' mean that stays in each step, where the mean is what is judged and kept.
    #[serde(default)]
    pub average: Option<f64>,
    /// By what an epoch is the best.
    pub best_by: Measure,
    /// The run ends after so many epochs without a better one.
    pub patience: Option<u64>,
    /// Numbers that the network computes with in training.
    pub precision: Precision,
    /// Seed of the split, the order, the augmentation and the fresh weights.
    pub seed: u64,
}

fn nothing_frozen() -> usize {
    1
}

/// What becomes of the learning rate from epoch to epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Schedule {
    /// Multiplied by `factor` every `epochs` epochs.
    Step {
        /// Epochs of one rate.
        epochs: u64,
        /// What it is multiplied by.
        factor: f64,
    },
    /// Half a wave of the cosine down towards zero over the whole run (I. Loshchilov, F. Hutter, ICLR 2017).
    Cosine,
}

/// Numbers that a network computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    Full,
    /// 16-bit floats where they do no harm; on CUDA alone.
    Mixed,
}

/// Mixed precision was asked for where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mixed precision is for CUDA")]
pub struct MixedOnCpu;

/// How the weights are moved: a known way, of which parts may be replaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// What moves the weights.
    pub optimiser: OptimiserSettings,
    /// Learning rate at the start.
    pub rate: f64,
    /// What becomes of the rate.
    pub schedule: Schedule,
}

impl Descent {
    /// The paper's, with a tenth of the rate after every so many epochs.
    #[must_use]
    pub fn paper(step_epochs: u64) -> Self {
        Self {
            optimiser: OptimiserSettings::Sgd(SgdSettings { momentum: 0.9, weight_decay: 1e-6 }),
            rate: 0.005,
            schedule: Schedule::Step { epochs: step_epochs, factor: 0.1 },
        }
    }

    /// AdamW, with its usual settings.
    #[must_use]
    pub fn adamw() -> Self {
        let settings = AdamWSettings { mean_decay: 0.9, square_decay: 0.999, eps: 1e-8, weight_decay: 0.05 };
        Self { optimiser: OptimiserSettings::AdamW(settings), rate: 0.0003, schedule: Schedule::Cosine }
    }
}

impl FitSettings {
    /// Whether this machine, and the device on it, can do what the settings ask.
    ///
    /// # Errors
    ///
    /// When the device isn't there or doesn't have the precision, or faces are to be coded as video and can't be.
    pub fn check(&self, device: ComputeDevice) -> anyhow::Result<()> {
        device.check()?;
        if self.precision == Precision::Mixed && device == ComputeDevice::Cpu {
            return Err(MixedOnCpu.into());
        }
        if self.video_coding > 0.0 {
            video::check()?;
        }
        Ok(())
    }

    /// Whether fakes are made in training, which needs landmarks.
    #[must_use]
    pub fn makes_fakes(&self) -> bool {
        self.forge > 0.0 || self.swap > 0.0
    }

    /// The learning rate of an epoch, which counts from 1.
    #[must_use]
    pub fn rate_of(&self, epoch: u64) -> f64 {
        let before = epoch.saturating_sub(1);
        match self.schedule {
            Schedule::Step { epochs, factor } => {
                self.rate * factor.powi(i32::try_from(before / epochs.max(1)).unwrap_or(i32::MAX))
            }
            Schedule::Cosine => {
                let done = before as f64 / self.epochs.max(1) as f64;
                self.rate * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
            }
        }
    }
}

/// A number that tells how good an epoch is on the validation faces. It knows its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Share of faces on the right side of one half; more is better.
    Accuracy,
    /// Area under the ROC curve; more is better.
    Auc,
    /// Mean cross-entropy; less is better.
    ClassLoss,
    /// Mean squared distance of the activation maps from the saliency maps; less is better.
    CamError,
    /// The number of the epoch: the last one is the best, and nothing is chosen by the validation faces.
    Last,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Accuracy, Self::Auc, Self::ClassLoss, Self::CamError, Self::Last];

    /// Its name in flags and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Auc => "auc",
            Self::ClassLoss => "class-loss",
            Self::CamError => "cam-error",
            Self::Last => "last",
        }
    }

    /// Whether `new` is better than `old`, or as good: a tie goes to the later epoch, as in the paper.
    #[must_use]
    pub fn is_as_good(self, new: f64, old: f64) -> bool {
        match self {
            Self::Accuracy | Self::Auc => new >= old,
            Self::ClassLoss | Self::CamError => new <= old,
            Self::Last => true,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Measure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|known| known.name() == text)
            .ok_or_else(|| format!("unknown measure `{text}`: expected one of {names}"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use cyborg_models::contract::CamClass;

    use super::*;
    use crate::torch::SgdSettings;

    /// The paper's settings.
    pub(crate) fn paper() -> FitSettings {
        FitSettings {
            loss: LossSettings {
                alpha: 0.5,
                cam_class: CamClass::True,
                cam_entropy: 0.0,
                map_power: 1.0,
                taught_share: 0.0,
            },
            epochs: 50,
            batch: 20,
            optimiser: OptimiserSettings::Sgd(SgdSettings { momentum: 0.9, weight_decay: 1e-6 }),
            rate: 0.005,
            schedule: Schedule::Step { epochs: 12, factor: 0.1 },
            augment: Preset::None,
            forge: 0.0,
            swap: 0.0,
            video_coding: 0.0,
            balance: Balance::Listed,
            freeze: 1,
            tune: Tune::All,
            shuffle_patches: false,
            average: None,
            best_by: Measure::Accuracy,
            patience: None,
            precision: Precision::Full,
            seed: 1,
        }
    }

    fn check(settings: &FitSettings, expected: &[(u64, f64)]) {
        for &(epoch, rate) in expected {
            let found = settings.rate_of(epoch);
            assert!((found / rate - 1.0).abs() < 1e-9, "epoch {epoch}: {found} is not {rate}");
        }
    }

    #[test]
    fn the_rate_steps_down_as_in_the_paper() {
        check(&paper(), &[(1, 0.005), (12, 0.005), (13, 0.0005), (24, 0.0005), (25, 0.00005)]);
    }

    #[test]
    fn the_cosine_begins_at_the_rate_and_is_half_of_it_in_the_middle() {
        let settings = FitSettings { schedule: Schedule::Cosine, ..paper() };
        check(&settings, &[(1, 0.005), (26, 0.0025)]);
        assert!(settings.rate_of(50) > 0.0 && settings.rate_of(50) < 1e-5);
    }

    #[test]
    fn settings_go_through_their_file() {
        let settings = paper();
        let text = serde_json::to_string(&settings).expect("plain data");
        assert_eq!(serde_json::from_str::<FitSettings>(&text).expect("just written"), settings);
    }

    #[test]
    fn a_measure_knows_its_direction() {
        assert!(Measure::Auc.is_as_good(0.8, 0.8) && Measure::Auc.is_as_good(0.9, 0.8));
        assert!(!Measure::Accuracy.is_as_good(0.7, 0.8));
        assert!(Measure::CamError.is_as_good(0.1, 0.2) && !Measure::ClassLoss.is_as_good(0.3, 0.2));
        assert!(!Measure::Auc.is_as_good(f64::NAN, 0.5) && !Measure::ClassLoss.is_as_good(f64::NAN, 0.5));
        assert!(Measure::Last.is_as_good(0.1, 0.9), "whatever came before");
        for measure in Measure::ALL {
            assert_eq!(measure.name().parse(), Ok(measure));
        }
    }
}
