//! Running networks on the faces of a list and measuring the results: scores, reports, robustness, plots.

pub mod against;
mod beside;
pub mod compared;
pub mod content;
pub mod disturb;
pub mod listed;
pub mod looked;
pub mod matched;
pub mod measuring;
pub mod people;
mod people_page;
pub mod pictures;
pub mod probe;
pub mod probed;
pub mod report;
pub mod table;
pub mod verdicts;

pub use beside::beside;
use std::sync::atomic::{AtomicBool, Ordering};

use cyborg_edge::verdict::Logits;
pub use cyborg_edge::verdict::score_kind::ScoreKind;
use cyborg_models::contract::{Calibration, Thresholds};
use cyborg_models::name;

use crate::data::list::{Label, Row};
use crate::data::loader::Batches;
use crate::metrics::Scored;
use crate::torch::Model;

/// What is known of a face that was scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScoredFace {
    /// The photo.
    pub path: String,
    /// What it is.
    pub label: Label,
    /// Where it comes from.
    pub source: String,
    /// The video that it is a frame of.
    pub video: Option<String>,
    /// The clip, person or original that it is of, shared with fakes made from it.
    pub group: Option<String>,
    /// The photo of the other half, where it is a fake or its real face.
    pub pair: Option<String>,
}

impl From<&Row> for ScoredFace {
    fn from(row: &Row) -> Self {
        Self {
            path: name::of(&row.path),
            label: row.label,
            source: row.source.clone(),
            video: row.video.clone(),
            group: row.group.clone(),
            pair: row.pair.as_ref().map(name::of),
        }
    }
}

/// What one network says of all faces.
#[derive(Clone, Debug, PartialEq)]
pub struct RunScores {
    /// Its name, `seed-1` for example.
    pub name: String,
    /// From its logits to a probability.
    pub calibration: Calibration,
    /// From a probability to a verdict.
    pub thresholds: Thresholds,
    /// Its logits of each face.
    pub logits: Vec<Logits>,
}

/// The score of a face in the reports, in 0 to 1: what the runtime shows, but with 64 bits, which part confident scores that
/// 32 round to one.
#[must_use]
pub fn score_of(kind: ScoreKind, logits: Logits, calibration: &Calibration) -> f64 {
    match kind {
        ScoreKind::Softmax => {
            let difference = f64::from(logits.synthetic) - f64::from(logits.authentic);
            sigmoid(difference / f64::from(calibration.temperature) + f64::from(calibration.bias))
        }
        ScoreKind::Reference => sigmoid(f64::from(logits.synthetic)),
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl RunScores {
    /// Scores with labels, of the faces that `wanted` takes.
    #[must_use]
    pub fn scored(&self, faces: &[ScoredFace], kind: ScoreKind, wanted: impl Fn(&ScoredFace) -> bool) -> Vec<Scored> {
        let pairs = faces.iter().zip(&self.logits).filter(|(face, _)| wanted(face));
        pairs
            .map(|(face, &logits)| Scored { score: score_of(kind, logits, &self.calibration), label: face.label })
            .collect()
    }
}

/// What a network says of the faces of some batches, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Logits of each face.
    pub logits: Vec<Logits>,
    /// Activation map of the synthetic class of each face, not scaled, `h * w` values each.
    pub maps: Vec<Vec<f32>>,
    /// The same of the class that each face is of.
    pub true_maps: Vec<Vec<f32>>,
    /// Saliency map of each face, in 0 to 1, where it has one.
    pub saliency: Vec<Option<Vec<f32>>>,
}

/// Scores the faces of some batches; nothing when `stop` becomes true on the way.
///
/// # Errors
///
/// When a batch can't be made, or the network gives no numbers.
pub fn score(model: &Model, batches: Batches, stop: &AtomicBool) -> anyhow::Result<Option<Said>> {
    let (height, width) = model.network().cam_size();
    let mut said = Said::default();
    for batch in batches {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let batch = batch?;
        let scores = model.score(&batch.pixels);
        for pair in scores.logits.chunks_exact(2) {
            anyhow::ensure!(
                pair.iter().all(|value| value.is_finite()),
                "the network's logits are {pair:?}: its training has diverged, or its weights are damaged"
            );
            said.logits.push(Logits { authentic: pair[0], synthetic: pair[1] });
        }
        let of_both = scores.maps.chunks_exact(height * width).zip(scores.authentic_maps.chunks_exact(height * width));
        for ((synthetic, authentic), &label) in of_both.zip(&batch.labels) {
            said.maps.push(synthetic.to_vec());
            said.true_maps.push(if label == Label::Synthetic.class() { synthetic } else { authentic }.to_vec());
        }
        let maps = batch.maps.chunks_exact(height * width).zip(&batch.has_map);
        said.saliency.extend(maps.map(|(map, has_map)| has_map.then(|| map.to_vec())));
    }
    Ok(Some(said))
}

/// Mean of maps, each min-max scaled first; nothing without one.
#[must_use]
pub fn mean_map<'a>(maps: impl IntoIterator<Item = &'a [f32]>) -> Option<Vec<f32>> {
    let mut sum: Vec<f64> = Vec::new();
    let mut count = 0.0;
    for map in maps {
        let mut scaled = map.to_vec();
        crate::data::prior::min_max(&mut scaled);
        sum.resize(scaled.len(), 0.0);
        sum.iter_mut().zip(&scaled).for_each(|(sum, &value)| *sum += f64::from(value));
        count += 1.0;
    }
    (count > 0.0).then(|| sum.into_iter().map(|value| (value / count) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_runtime_and_of_the_published_script() {
        let logits = Logits { authentic: 1.0, synthetic: 3.0 };
        let plain = Calibration { temperature: 1.0, bias: 0.0 };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}");
        close(score_of(ScoreKind::Softmax, logits, &plain), 3.0_f64.exp() / (1.0_f64.exp() + 3.0_f64.exp()));
        let soft = Calibration { temperature: 2.0, bias: -1.0 };
        close(score_of(ScoreKind::Softmax, logits, &soft), 0.5);
        close(score_of(ScoreKind::Reference, logits, &soft), 1.0 / (1.0 + (-3.0_f64).exp()));
        let sure = |synthetic| score_of(ScoreKind::Softmax, Logits { authentic: -10.0, synthetic }, &plain);
        assert!(sure(11.0) > sure(10.0), "32 bits would make ties of them");
    }

    #[test]
    fn a_mean_map_counts_each_map_alike() {
        let mean = mean_map([[0.0, 1.0].as_slice(), &[300.0, 100.0], &[5.0, 5.0]]);
        assert_eq!(mean, Some(vec![1.0 / 3.0, 1.0 / 3.0]));
        assert_eq!(mean_map([]), None);
    }
}
