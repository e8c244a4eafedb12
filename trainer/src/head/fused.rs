//! Bias and thresholds of a set of experts, by what each of them says of the validation faces.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, ensure};
use cyborg_models::contract::Thresholds;
use cyborg_models::name;
use serde::Deserialize;

use super::judged::{self, Judged, share_beyond};
use crate::data::list::{Label, Split};
use crate::metrics::{Scored, auc};

/// What is wanted of the experts together.
#[derive(Clone, Copy, Debug)]
pub struct Fusion<'a> {
    /// Validation sources that decide nothing.
    pub apart: &'a [String],
    /// Real faces of a collection that may lie above `at`, at most.
    pub bpcer: f64,
    /// The probability that this share is fitted for.
    pub at: f64,
    /// A probability above this is synthetic.
    pub synthetic_above: f64,
    /// Synthetic faces that may be called authentic, at most.
    pub apcer: f64,
}

/// What is read of a row.
#[derive(Debug, Deserialize)]
struct ExpertRow {
    path: String,
    label: Option<Label>,
    split: Option<Split>,
    source: Option<String>,
    p_synthetic: Option<f64>,
}

/// A face of the validation split, with the weighted evidence of all experts.
#[derive(Clone, Debug, PartialEq)]
pub struct Fused {
    /// What it is.
    pub label: Label,
    /// Where it comes from.
    pub source: String,
    /// For the face being synthetic; above 0 is more than even.
    pub evidence: f64,
}

impl Fused {
    fn judged(&self) -> Judged<'_> {
        Judged { source: &self.source, label: self.label, evidence: self.evidence }
    }
}

/// The validation faces of a table, by their paths: class, source and evidence.
///
/// # Errors
///
/// When it can't be read, is not of one model and one face a photo, or has no validation faces.
pub fn read(table: &Path) -> anyhow::Result<HashMap<String, Fused>> {
    let fail = || format!("can't read the scores in {}", name::of(table));
    let mut faces = HashMap::new();
    for row in csv::Reader::from_path(table).with_context(fail)?.deserialize() {
        let row: ExpertRow = row.with_context(fail)?;
        let (Some(label), Some(source), Some(p)) = (row.label, row.source, row.p_synthetic) else { continue };
        if row.split != Some(Split::Validation) {
            continue;
        }
        ensure!((0.0..=1.0).contains(&p), "{}: {} has {p} as p_synthetic", name::of(table), row.path);
        // A probability of 32 bits may be 0 or 1 itself.
        let p = p.clamp(1e-7, 1.0 - 1e-7);
        let before = faces.insert(row.path.clone(), Fused { label, source, evidence: (p / (1.0 - p)).ln() });
        ensure!(
            before.is_none(),
            "{} has {} twice: write a table of one model, of one face a photo",
            name::of(table),
            row.path
        );
    }
    ensure!(!faces.is_empty(), "{} has no scores of the split `validation`", name::of(table));
    Ok(faces)
}

/// The faces that all tables know, in the order of their names.
#[must_use]
pub fn fuse(tables: &[HashMap<String, Fused>], weights: &[f64]) -> Vec<Fused> {
    let Some((first, _)) = tables.split_first() else { return Vec::new() };
    let mut paths: Vec<&String> = first.keys().filter(|path| tables.iter().all(|t| t.contains_key(*path))).collect();
    paths.sort_unstable();
    let evidence =
        |path: &String| tables.iter().zip(weights).map(|(table, weight)| table[path].evidence * weight).sum();
    paths.into_iter().map(|path| Fused { evidence: evidence(path), ..first[path].clone() }).collect()
}

/// Bias and thresholds by the faces, told source by source.
///
/// # Errors
///
/// When there are too few faces of a class.
pub fn fit(faces: &[Fused], wanted: &Fusion<'_>) -> anyhow::Result<(f64, Thresholds)> {
    let all: Vec<Judged<'_>> = faces.iter().map(Fused::judged).collect();
    let mut counted = all.clone();
    counted.retain(|face| !wanted.apart.iter().any(|source| source == face.source));
    let highest = judged::above(&counted, wanted.bpcer).with_context(|| {
        format!("no validation collection has {} real faces, which the bias is set by", judged::LEAST_FACES)
    })?;
    ensure!(
        counted.iter().any(|face| face.label == Label::Synthetic),
        "there are no synthetic validation faces, which the threshold of authentic is set by"
    );
    let bias = (wanted.at / (1.0 - wanted.at)).ln() - highest;
    let thresholds = judged::thresholds(&counted, &all, bias, wanted.apcer, wanted.synthetic_above);
    let (below, above) = (f64::from(thresholds.authentic_below), f64::from(thresholds.synthetic_above));
    counted.sort_by_key(|face| face.source);
    for source in counted.chunk_by(|one, next| one.source == next.source) {
        for (label, class) in [(Label::Authentic, "real"), (Label::Synthetic, "synthetic")] {
            let count = source.iter().filter(|face| face.label == label).count();
            if count > 0 {
                log::info!(
                    "{} ({class}, {count}): {:.1} % called synthetic, {:.1} % called authentic",
                    source[0].source,
                    100.0 * share_beyond(source, label, bias, |p| p > above),
                    100.0 * share_beyond(source, label, bias, |p| p < below)
                );
            }
        }
    }
    let scored: Vec<Scored> = counted.iter().map(|face| Scored { score: face.evidence, label: face.label }).collect();
    if let Some(auc) = auc(&scored) {
        log::info!("all of them: AUC {auc:.3}; bias {bias:.4}, authentic below {below:.4}");
    }
    Ok((bias, thresholds))
}
