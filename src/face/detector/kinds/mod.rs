//! The detectors that the program knows: a folder and a row each.

mod centerface;
mod yunet;

use super::kind::Kind;

/// All of them. A file is tried as each of them in this order.
pub static KINDS: [Kind; 2] = [centerface::KIND, yunet::KIND];
/// The one that looks for faces where nothing speaks for another: it is part of the program, and several times as fast as the other.
pub const DEFAULT: &str = yunet::NAME;
/// The one on whose boxes models are trained and calibrated. docs/detectors.md says what it is worth to each model.
pub const TRAINED_WITH: &str = centerface::NAME;

/// The one of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The names of all of them, as a sentence has them.
pub(in crate::face::detector) fn names() -> String {
    KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(" or ")
}
