//! What the shortcut probe comes to on the faces that a model is measured on, and how far the model is ahead of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use anyhow::ensure;
use cyborg_models::name;
use serde::Serialize;

use super::ScoredFace;
use super::against::{Against, against};
use super::beside::beside;
use super::listed;
use crate::data::list::Split;
use crate::metrics::{AucInterval, Scored, Spread, auc_interval};

/// How far a model is to be ahead of the probe: where it isn't, its figure may be due to a shortcut.
const AHEAD: f64 = 0.1;

/// What the probe comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probed {
    /// All sources but those apart.
    pub pooled: Option<AucInterval>,
    /// Each source against the other class.
    pub sources: BTreeMap<String, Option<AucInterval>>,
    /// Each synthetic source against each real one.
    pub against: Vec<Against>,
}

impl Probed {
    /// Measures scores of the probe, one for each face.
    #[must_use]
    pub fn new(faces: &[ScoredFace], scores: &[f64], apart: &[String]) -> Self {
        let of = |wanted: &dyn Fn(&ScoredFace) -> bool| {
            let pairs = faces.iter().zip(scores).filter(|(face, _)| wanted(face));
            auc_interval(&pairs.map(|(face, &score)| Scored { score, label: face.label }).collect::<Vec<_>>())
        };
        let sources = faces.iter().map(|face| face.source.clone()).collect::<BTreeSet<_>>();
        let measured = sources.into_iter().map(|source| {
            let auc = of(&beside(faces, &source, apart));
            (source, auc)
        });
        Self {
            sources: measured.collect(),
            pooled: of(&|face| !apart.contains(&face.source)),
            against: against(faces, scores, apart),
        }
    }

    /// Reads what `cyborg-train probe` wrote of these faces. Faces that it doesn't know are ignored.
    ///
    /// # Errors
    ///
    /// When the table can't be read, or knows none of `faces`.
    pub fn read(table: &Path, split: Split, faces: &[ScoredFace], apart: &[String]) -> anyhow::Result<Self> {
        let known = listed::scores(table, split)?;
        let (found, scores): (Vec<ScoredFace>, Vec<f64>) =
            faces.iter().filter_map(|face| Some((face.clone(), *known.get(&face.path)?))).unzip();
        ensure!(
            !found.is_empty(),
            "{} has none of the faces that are measured: give what `cyborg-train probe` wrote of the same list and split",
            name::of(table)
        );
        if found.len() < faces.len() {
            log::warn!("{} faces are not in {} and not compared with it", faces.len() - found.len(), name::of(table));
        }
        Ok(Self::new(&found, &scores, apart))
    }
}

/// Writes the probe's figures, and how far a model is ahead by source, over all, and against each collection.
pub(super) fn write_probed(
    page: &mut String,
    probe: Option<&Probed>,
    of_source: impl Fn(&str) -> Option<Spread>,
    pooled: Option<Spread>,
    model: &[Against],
) -> std::fmt::Result {
    let Some(probe) = probe else { return Ok(()) };
    writeln!(
        page,
        "\nA probe that knows colours, contrast, sharpness and JPEG blocks of a crop alone (logistic regression, learnt from\n\
         the training faces):\n"
    )?;
    writeln!(page, "| source | AUC of the probe | 95 % interval | AUC of the model less it |\n|---|---|---|---|")?;
    let mut line = |name: &str, auc: Option<AucInterval>, model: Option<Spread>| match (auc, model) {
        (Some(AucInterval { value, low, high, .. }), Some(model)) => {
            let more = model.mean - value;
            writeln!(page, "| {name} | {value:.3} | {low:.3} to {high:.3} | {more:+.3} |")
        }
        _ => Ok(()),
    };
    for (source, &auc) in &probe.sources {
        line(source, auc, of_source(source))?;
    }
    line("**pooled**", probe.pooled, pooled)?;
    write_behind(page, &probe.against, model)
}

/// Writes on which pairs of collections a model is less ahead than it is to be.
fn write_behind(page: &mut String, probe: &[Against], model: &[Against]) -> std::fmt::Result {
    let of_model: BTreeMap<(&str, &str), f64> =
        model.iter().map(|pair| ((pair.synthetic.as_str(), pair.real.as_str()), pair.auc)).collect();
    let both: Vec<(&Against, f64)> = (probe.iter())
        .filter_map(|pair| Some((pair, *of_model.get(&(pair.synthetic.as_str(), pair.real.as_str()))?)))
        .collect();
    let mut behind: Vec<(&Against, f64)> =
        both.iter().copied().filter(|(pair, model)| model - pair.auc < AHEAD).collect();
    if both.is_empty() {
        return Ok(());
    }
    let (ahead, all) = (both.len() - behind.len(), both.len());
    writeln!(page, "\nThe model is ahead of it by {AHEAD:.2} or more on {ahead} of {all} pairs of collections.")?;
    if behind.is_empty() {
        return Ok(());
    }
    behind.sort_by(|(one, a), (other, b)| (a - one.auc).total_cmp(&(b - other.auc)));
    writeln!(
        page,
        "On these it isn't:\n\n| synthetic | real | the model | the probe | ahead by |\n|---|---|---|---|---|"
    )?;
    for (Against { real, synthetic, auc }, model) in behind {
        writeln!(page, "| {synthetic} | {real} | {model:.3} | {auc:.3} | {:+.3} |", model - auc)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_on_which_the_model_is_hardly_ahead_are_listed_worst_first() {
        let pair = |synthetic: &str, real: &str, auc| Against { real: real.into(), synthetic: synthetic.into(), auc };
        let probe = [pair("gan", "web", 0.7), pair("gan", "stock", 0.95), pair("flux", "web", 0.6)];
        let model = [pair("gan", "web", 0.9), pair("gan", "stock", 0.85), pair("flux", "web", 0.65)];
        let mut page = String::new();
        write_behind(&mut page, &probe, &model).expect("a text can be written to");
        assert!(page.contains("on 1 of 3 pairs"), "{page}");
        let lines: Vec<&str> = page.lines().filter(|line| line.contains("| gan") || line.contains("| flux")).collect();
        assert_eq!(lines, ["| gan | stock | 0.850 | 0.950 | -0.100 |", "| flux | web | 0.650 | 0.600 | +0.050 |"]);
    }
}
