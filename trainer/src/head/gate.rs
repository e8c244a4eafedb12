//! Gates: what says which of two layers judges a face. What opens a gate tells nothing of the class.

use anyhow::Context;

use super::features::Described;
use crate::torch::{Logistic, logistic};

const UNLEARNT: &str = "the gate can't be learnt";

/// Opens for faces that have the content of one group of collections, and not the other's: it learns from both classes of both groups
/// alike, so that it says nothing of the class. `seen` are the same faces as they are and as variants; `groups` says of each whether it
/// is of that group, or of both; it looks at the `last` of each face's `width` values.
///
/// # Errors
///
/// When a group is empty, or the numbers don't settle.
pub fn content(
    seen: &[&Described],
    groups: &[Option<bool>],
    (width, last): (usize, usize),
    ridge: f64,
) -> anyhow::Result<Logistic> {
    let (mut features, mut is_within, mut cells) = (Vec::new(), Vec::new(), Vec::new());
    for seen in seen {
        for (at, within) in groups.iter().enumerate().filter_map(|(at, &group)| Some((at, group?))) {
            features.extend_from_slice(&seen.features[(at + 1) * width - last..(at + 1) * width]);
            is_within.push(within);
            cells.push(usize::from(within) * 2 + usize::from(seen.labels[at]));
        }
    }
    let mut sizes = [0.0; 4];
    cells.iter().for_each(|&cell| sizes[cell] += 1.0);
    let weights: Vec<f64> = cells.iter().map(|&cell| 1.0 / sizes[cell]).collect();
    let found = logistic::fit(&features, &is_within, &weights, ridge).context(UNLEARNT)?;
    let mut weight = vec![0.0; width - last];
    weight.extend(found.weight);
    Ok(Logistic { weight, bias: found.bias })
}

/// Opens for faces that were coded as video: it learns from the same faces as photos (as they are, and shrunk and compressed) and
/// coded, so that content and class tell it nothing.
///
/// # Errors
///
/// When there are no faces, or the numbers don't settle.
pub fn video(photos: &[&Described], coded: &Described, ridge: f64) -> anyhow::Result<Logistic> {
    let (mut features, mut is_coded, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for (seen, video) in photos.iter().map(|&seen| (seen, false)).chain([(coded, true)]) {
        features.extend_from_slice(&seen.features);
        is_coded.resize(is_coded.len() + seen.labels.len(), video);
        let sets = if video { 1 } else { photos.len() };
        weights.resize(is_coded.len(), 1.0 / (sets * seen.labels.len().max(1)) as f64);
    }
    logistic::fit(&features, &is_coded, &weights, ridge).context(UNLEARNT)
}
