//! What scores are worth where content doesn't help: faces matched by what their pictures show.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::ensure;
use cyborg_models::name;
use serde::Serialize;

use super::listed;
use super::{RunScores, ScoreKind, ScoredFace, score_of};
use crate::data::list::{Label, Split};
use crate::metrics::{Proportion, Scored, auc, weighted_auc};

/// The share of the real faces that look most like synthetic ones by content.
const MOST_ALIKE: f64 = 0.1;

/// What scores are worth beyond content.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ByContent {
    /// AUC of content alone.
    pub alone: f64,
    /// AUC of the scores, each face counting as much as its content speaks against its class: a real one by p(synthetic) of its
    /// content, a synthetic one by the rest to 1. Content then tells nothing (overlap weights; F. Li, K. Morgan and A. Zaslavsky,
    /// JASA 2018).
    pub matched: f64,
    /// How many real faces these weights come to, by Kish's effective size.
    pub authentic: f64,
    /// How many synthetic ones.
    pub synthetic: f64,
    /// Called synthetic of the tenth of the real faces whose content is most like that of synthetic ones.
    pub called_alike: Proportion,
    /// Called synthetic of the other real faces.
    pub called_others: Proportion,
}

/// p(synthetic) of the content of some faces, by their paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Content(HashMap<String, f64>);

impl Content {
    /// Reads what `cyborg-train content` wrote.
    ///
    /// # Errors
    ///
    /// When the table can't be read, or knows none of `faces`.
    pub fn read(table: &Path, split: Split, faces: &[ScoredFace]) -> anyhow::Result<Self> {
        let content = Self(listed::scores(table, split)?);
        let found = faces.iter().filter(|face| content.0.contains_key(&face.path)).count();
        ensure!(
            found > 0,
            "{} has none of the faces that are measured: give what `cyborg-train content` wrote of the same list and split",
            name::of(table)
        );
        Ok(content)
    }
}

/// What a run comes to beyond content, over the faces whose content is known and that are not `apart`; nothing without some of each
/// class.
#[must_use]
pub fn by_content(faces: &[ScoredFace], run: &RunScores, content: &Content, apart: &[String]) -> Option<ByContent> {
    let known: Vec<(Scored, f64)> = (faces.iter().zip(&run.logits))
        .filter(|(face, _)| !apart.contains(&face.source))
        .filter_map(|(face, &logits)| {
            let score = score_of(ScoreKind::Softmax, logits, &run.calibration);
            Some((Scored { score, label: face.label }, *content.0.get(&face.path)?))
        })
        .collect();
    let scored: Vec<Scored> = known.iter().map(|&(each, _)| each).collect();
    let alone: Vec<Scored> = known.iter().map(|&(each, p)| Scored { score: p, ..each }).collect();
    let weight = |&(each, p): &(Scored, f64)| if each.label == Label::Authentic { p } else { 1.0 - p };
    let weights: Vec<f64> = known.iter().map(weight).collect();
    let effective = |label| {
        let of = || known.iter().filter(|(each, _)| each.label == label).map(weight);
        of().sum::<f64>().powi(2) / of().map(|weight| weight * weight).sum::<f64>()
    };
    let mut real: Vec<(f64, f64)> =
        known.iter().filter(|(each, _)| each.label == Label::Authentic).map(|&(each, p)| (p, each.score)).collect();
    real.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let (alike, others) = real.split_at((real.len() as f64 * MOST_ALIKE).round() as usize);
    let called = |of: &[(f64, f64)]| {
        let above = f64::from(run.thresholds.synthetic_above);
        Proportion::new(of.iter().filter(|&&(_, score)| score > above).count(), of.len())
    };
    Some(ByContent {
        alone: auc(&alone)?,
        matched: weighted_auc(&scored, &weights)?,
        authentic: effective(Label::Authentic),
        synthetic: effective(Label::Synthetic),
        called_alike: called(alike)?,
        called_others: called(others)?,
    })
}

/// Writes what a run comes to beyond content.
pub(super) fn write_by_content(page: &mut String, name: &str, found: Option<&ByContent>) -> std::fmt::Result {
    let Some(ByContent { alone, matched, authentic, synthetic, called_alike, called_others }) = found else {
        return Ok(());
    };
    let percent = |share: &Proportion| {
        format!("{:.1} % ({:.1} to {:.1} of {})", share.share * 100.0, share.low * 100.0, share.high * 100.0, share.of)
    };
    writeln!(
        page,
        "\nBeyond content, of {name}. What a picture shows tells the classes of these faces with an AUC of {alone:.3}.\n"
    )?;
    writeln!(page, "| | |\n|---|---|")?;
    writeln!(
        page,
        "| AUC, faces matched by content (worth {authentic:.0} real, {synthetic:.0} synthetic) | {matched:.3} |"
    )?;
    writeln!(
        page,
        "| called synthetic of the tenth of the real faces that show most what synthetic ones show | {} |",
        percent(called_alike)
    )?;
    writeln!(page, "| called synthetic of the other real faces | {} |", percent(called_others))
}

#[cfg(test)]
mod tests {
    use cyborg_edge::verdict::Logits;
    use cyborg_models::contract::{Calibration, Thresholds};

    use super::*;

    /// Twenty real faces and twenty synthetic ones. Content is right about all but one in five, and `score` is given content
    /// and class.
    fn found(score: impl Fn(f64, Label) -> f32) -> ByContent {
        let (mut faces, mut logits, mut content) = (Vec::new(), Vec::new(), HashMap::new());
        for at in 0..40 {
            let label = if at < 20 { Label::Authentic } else { Label::Synthetic };
            let shows = (label == Label::Synthetic) != (at % 5 == 0);
            let p = if shows { 0.8 } else { 0.2 };
            let path = format!("{at}.png");
            content.insert(path.clone(), p);
            faces.push(ScoredFace { path, label, source: "one".into(), video: None, group: None, pair: None });
            logits.push(Logits { authentic: 0.0, synthetic: score(p, label) });
        }
        let run = RunScores {
            name: "scores".into(),
            calibration: Calibration::NONE,
            thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
            logits,
        };
        by_content(&faces, &run, &Content(content), &[]).expect("both classes overlap")
    }

    #[test]
    fn scores_that_know_content_alone_are_worth_nothing() {
        let content = found(|p, _| (p * 10.0 - 5.0) as f32);
        // 16 of 20 are right: 0.64 of the pairs are in order, and 0.32 are tied.
        assert!((content.alone - 0.8).abs() < 1e-12, "{content:?}");
        // Four real faces of weight 0.8 and 16 of 0.2 are as much as each other, and so in the other class: half of all.
        assert!((content.matched - 0.5).abs() < 1e-12, "{content:?}");
        assert!((content.authentic - 6.4 * 6.4 / (4.0 * 0.64 + 16.0 * 0.04)).abs() < 1e-9, "{content:?}");
        // The two real faces that are looked at show what synthetic ones show, as two of the other 18 do.
        assert_eq!((content.called_alike.count, content.called_alike.of), (2, 2));
        assert_eq!((content.called_others.count, content.called_others.of), (2, 18));
        let mut page = String::new();
        write_by_content(&mut page, "scores", Some(&content)).expect("a string takes all");
        assert!(page.contains("AUC of 0.800") && page.contains("| 0.500 |") && page.contains("100.0 % ("), "{page}");
    }

    #[test]
    fn scores_that_know_the_class_keep_what_they_are_worth() {
        let class = found(|_, label| if label == Label::Synthetic { 2.0 } else { -2.0 });
        assert!((class.matched - 1.0).abs() < 1e-12 && class.called_alike.count == 0, "{class:?}");
    }
}
