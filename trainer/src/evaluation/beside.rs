//! Which faces a source is measured beside, where it has but one class.

use super::ScoredFace;
use crate::data::list::Label;

/// Which faces a source is measured on: its own, and where it has but one class all of the other one, but for sources that
/// are kept apart.
pub fn beside<'a>(
    faces: &[ScoredFace],
    source: &'a str,
    apart: &'a [String],
) -> impl Fn(&ScoredFace) -> bool + use<'a> {
    let has = |label| faces.iter().any(|face| face.source == source && face.label == label);
    let (real, synthetic) = (has(Label::Authentic), has(Label::Synthetic));
    move |face| {
        let missing = match face.label {
            Label::Authentic => !real,
            Label::Synthetic => !synthetic,
        };
        face.source == source || (missing && !apart.contains(&face.source))
    }
}
