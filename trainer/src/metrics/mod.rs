//! How well scores separate synthetic from authentic faces: pure functions of numbers and true labels.
//!
//! - [`auc()`], [`weighted_auc`], [`auc_interval`], [`auc_difference`]: the area under the ROC curve and how sure it is.
//! - [`roc()`]: the curve itself, the equal error rate, detection at few false detections, the best threshold.
//! - [`at_threshold`], [`error_rates`]: errors of verdicts, by the names of ISO/IEC 30107-3.
//! - [`reliability()`], [`ece`], [`brier`], [`log_loss`]: whether a probability means what it says.
//! - [`fit_calibration`], [`verdict_thresholds`]: from logits to probabilities, and from those to verdicts.
//! - [`Proportion`]: a share of faces with its interval.
//! - [`by_video`], [`by_clip`], [`in_order`]: one score a video, clips of groups, fakes beside their own real faces.
//! - [`spread()`], [`compare`]: several runs, two settings.
//! - [`likeness()`], [`FaceMean`], [`MeanDifference`]: how far activation maps lie where people looked.
//! - [`report`]: all that one set of probabilities has to say.
//!
//! The positive class is synthetic throughout. Where a threshold is alone, a score at or above it is taken for synthetic,
//! as in scikit-learn. What isn't defined, say an AUC of one class alone, is `None` and never a number that looks like one.

mod auc;
mod calibration;
mod classes;
mod clips;
mod comparison;
mod confusion;
mod delong;
mod errors;
mod hoeffding;
mod likeness;
mod normal;
mod pairing;
mod pairs;
mod proportion;
mod reliability;
pub mod report;
mod roc;
mod spread;
mod verdict;
mod video;

pub use auc::{auc, weighted_auc};
pub use calibration::{CalibrationError, CalibrationFit, ClassWeights, fit_calibration};
pub use clips::{ClipAuc, ClipFrame, QUANTILE, by_clip};
pub use comparison::{Bootstrap, Comparison, compare};
pub use confusion::{AtThreshold, Confusion, at_threshold};
pub use delong::{AucDifference, AucInterval, IntervalRule, auc_difference, auc_interval};
pub use errors::{ErrorRates, error_rates};
pub use likeness::{FaceMean, Likeness, MeanDifference, likeness, region};
pub use normal::quantile;
pub use pairing::PairingError;
pub use pairs::{InOrder, PairScores, in_order};
pub use proportion::Proportion;
pub use reliability::{ECE_BINS, ReliabilityBin, brier, ece, log_loss, reliability};
pub use roc::{Eer, Roc, RocPoint, TdrAt, roc};
pub use spread::{Spread, spread};
pub use verdict::{VerdictError, VerdictThresholds, verdict_thresholds};
pub use video::{VideoError, VideoFace, VideoScore, by_video};

use crate::data::list::Label;

/// A score with the label it should have met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// The higher, the more synthetic: p(synthetic) in 0 to 1, or, where only the order counts or a function says so, any
    /// real number such as the difference of the two logits.
    pub score: f64,
    /// What the face is.
    pub label: Label,
}
