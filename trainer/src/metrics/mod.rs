//! How well scores tell synthetic faces from authentic ones. All functions take p(synthetic) and the true labels.

mod auc;
mod errors;

pub use auc::auc;
pub use errors::{ErrorRates, accuracy, error_rates};

use crate::data::list::Label;

/// A score in 0 to 1 with the label it should have met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// p(synthetic).
    pub score: f64,
    /// What the face is.
    pub label: Label,
}
