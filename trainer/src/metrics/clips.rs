//! Clips by their group and label: one score for all frames of a clip that are of one label.
//!
//! Unlike a video, a group may have both labels: the real clip and the fakes made from it.

use std::collections::HashMap;

use serde::Serialize;

use super::{AucInterval, Scored, auc_interval};
use crate::data::list::Label;

/// Which quantile of a clip's frames is its second score: a swap flickers, so its worst frames say more than the mean.
pub const QUANTILE: f64 = 0.8;

/// A frame of a clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipFrame<'a> {
    /// What stands for its clip, with the label.
    pub group: &'a str,
    /// Logit of synthetic minus logit of authentic.
    pub difference: f64,
    /// What the frame is.
    pub label: Label,
}

/// How well clips are told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClipAuc {
    /// Authentic clips.
    pub authentic: usize,
    /// Synthetic clips.
    pub synthetic: usize,
    /// The AUC where a clip's score is the mean of the differences of its frames' logits.
    pub mean: Option<AucInterval>,
    /// The AUC where it is their 80th percentile ([`QUANTILE`]), between the two nearest ones.
    pub quantile: Option<AucInterval>,
}

/// How well clips are told; nothing without a frame.
#[must_use]
pub fn by_clip(frames: &[ClipFrame<'_>]) -> Option<ClipAuc> {
    let mut places = HashMap::new();
    let mut clips: Vec<(Label, Vec<f64>)> = Vec::new();
    for frame in frames {
        let place = *places.entry((frame.group, frame.label.name())).or_insert(clips.len());
        if place == clips.len() {
            clips.push((frame.label, Vec::new()));
        }
        clips[place].1.push(frame.difference);
    }
    if clips.is_empty() {
        return None;
    }
    let count = |label| clips.iter().filter(|clip| clip.0 == label).count();
    let auc = |score: &dyn Fn(&[f64]) -> f64| {
        let scored = clips.iter().map(|(label, frames)| Scored { score: score(frames), label: *label });
        auc_interval(&scored.collect::<Vec<_>>())
    };
    Some(ClipAuc {
        authentic: count(Label::Authentic),
        synthetic: count(Label::Synthetic),
        mean: auc(&|frames| frames.iter().sum::<f64>() / frames.len() as f64),
        quantile: auc(&|frames| quantile(frames, QUANTILE)),
    })
}

/// The value that a share of the values lies below, between the two nearest ones; there is one at least.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        assert_eq!(quantile(&[3.0], QUANTILE), 3.0);
        assert!((quantile(&[5.0, 1.0, 2.0], QUANTILE) - 3.8).abs() < 1e-12);
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], QUANTILE) - 5.0).abs() < 1e-12);
    }

    #[test]
    fn a_group_has_a_clip_for_each_label() {
        let (real, synthetic) = (Label::Authentic, Label::Synthetic);
        let frame = |group, difference, label| ClipFrame { group, difference, label };
        // Means: a real 1, a fake 0.8, b real 0, b fake 2; 80th percentiles: 1, 1.92, 0, 2.
        let found = by_clip(&[
            frame("a", 1.0, real),
            frame("a", 1.0, real),
            frame("a", -0.8, synthetic),
            frame("a", 3.2, synthetic),
            frame("a", 0.0, synthetic),
            frame("b", 0.0, real),
            frame("b", 2.0, synthetic),
        ]);
        let found = found.expect("there are frames");
        assert_eq!((found.authentic, found.synthetic), (2, 2));
        let auc = |interval: Option<AucInterval>| interval.expect("both labels are there").value;
        assert_eq!((auc(found.mean), auc(found.quantile)), (0.75, 1.0));
        assert_eq!(by_clip(&[]), None);
        assert_eq!(by_clip(&[frame("a", 1.0, real)]).expect("a frame").mean, None);
    }
}
