//! What the thresholds of a model come to: shares of faces by verdict.

use std::fmt::Write;

use serde::Serialize;

use super::{RunScores, ScoreKind, ScoredFace};
use crate::data::list::Label;
use crate::metrics::Proportion;

/// What the thresholds of the model come to, in shares of a class; `None` without a face of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Verdicts {
    /// Share of synthetic faces called authentic.
    pub apcer: Option<f64>,
    /// Share of real faces called synthetic.
    pub bpcer: Option<f64>,
    /// Share of real faces that are left unsure.
    pub unsure_real: Option<f64>,
    /// Share of synthetic faces that are left unsure.
    pub unsure_synthetic: Option<f64>,
}

/// Verdicts on the faces of one source and class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Called {
    /// The source.
    pub source: String,
    /// What its faces are.
    pub label: Label,
    /// Faces called authentic.
    pub authentic: Proportion,
    /// Faces left unsure.
    pub unsure: Proportion,
    /// Faces called synthetic.
    pub synthetic: Proportion,
}

/// Verdicts by source and class, in the order of their names.
#[must_use]
pub fn called(faces: &[ScoredFace], run: &RunScores) -> Vec<Called> {
    let (below, above) = (f64::from(run.thresholds.authentic_below), f64::from(run.thresholds.synthetic_above));
    let mut kinds: Vec<(&str, &'static str, Label)> =
        faces.iter().map(|face| (face.source.as_str(), face.label.name(), face.label)).collect();
    kinds.sort_unstable_by_key(|&(source, name, _)| (source, name));
    kinds.dedup();
    let of_kind = |(source, _, label): (&str, &str, Label)| {
        let scored = run.scored(faces, ScoreKind::Softmax, |face| face.source == source && face.label == label);
        let share = |takes: &dyn Fn(f64) -> bool| {
            Proportion::new(scored.iter().filter(|each| takes(each.score)).count(), scored.len())
        };
        Some(Called {
            source: source.to_owned(),
            label,
            authentic: share(&|score| score < below)?,
            unsure: share(&|score| score >= below && score <= above)?,
            synthetic: share(&|score| score > above)?,
        })
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

/// Writes the verdicts of a run as a table.
pub(super) fn write_called(page: &mut String, name: &str, called: &[Called]) -> std::fmt::Result {
    writeln!(page, "\nVerdicts at the thresholds of {name}, in percent of the faces, with 95 % intervals:\n")?;
    writeln!(
        page,
        "| source | class | faces | called authentic | unsure | called synthetic |\n|---|---|---|---|---|---|"
    )?;
    for Called { source, label, authentic, unsure, synthetic } in called {
        let words = |share: &Proportion| {
            format!("{:.1} ({:.1} to {:.1})", share.share * 100.0, share.low * 100.0, share.high * 100.0)
        };
        let cells = [authentic, unsure, synthetic].map(words).join(" | ");
        writeln!(page, "| {source} | {} | {} | {cells} |", label.name(), authentic.of)?;
    }
    Ok(())
}

/// What the thresholds of a run come to on the faces that `wanted` takes.
pub(super) fn verdicts(faces: &[ScoredFace], run: &RunScores, wanted: impl Fn(&ScoredFace) -> bool) -> Verdicts {
    let (below, above) = (f64::from(run.thresholds.authentic_below), f64::from(run.thresholds.synthetic_above));
    let scored = run.scored(faces, ScoreKind::Softmax, wanted);
    let share = |label, takes: &dyn Fn(f64) -> bool| {
        let all = scored.iter().filter(|each| each.label == label);
        let (count, taken) =
            all.fold((0_usize, 0_usize), |(count, taken), each| (count + 1, taken + usize::from(takes(each.score))));
        (count > 0).then(|| taken as f64 / count as f64)
    };
    let unsure = |score: f64| score >= below && score <= above;
    Verdicts {
        apcer: share(Label::Synthetic, &|score| score < below),
        bpcer: share(Label::Authentic, &|score| score > above),
        unsure_real: share(Label::Authentic, &unsure),
        unsure_synthetic: share(Label::Synthetic, &unsure),
    }
}
