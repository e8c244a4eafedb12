//! Figures as page and text write them: the rows of their tables.

use super::super::figures::{Annotator, Confidence, Figures, Performance};
use super::super::interval::Estimate;
use super::data::Report;
use crate::metrics::Proportion;

/// A table: the names of its columns, and its rows. The first column holds words, the others figures.
pub(super) struct Table {
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// What stands where there is no figure.
const NONE: &str = "-";

pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn estimate(found: Option<Estimate>) -> String {
    match found {
        None => NONE.to_owned(),
        Some(Estimate { value, low: Some(low), high: Some(high), .. }) => format!("{value:.3} ({low:.3} to {high:.3})"),
        Some(Estimate { value, .. }) => format!("{value:.3}"),
    }
}

fn proportion(found: Option<Proportion>) -> String {
    found.map_or(NONE.to_owned(), |found| format!("{:.3} ({:.3} to {:.3})", found.share, found.low, found.high))
}

fn of(found: Option<Proportion>) -> String {
    found.map_or(NONE.to_owned(), |found| format!("{} of {}", found.count, found.of))
}

fn seconds(found: Option<[f64; 3]>) -> String {
    found.map_or(NONE.to_owned(), |[low, median, high]| format!("{median:.1} ({low:.1} to {high:.1})"))
}

/// The figures of all annotators together, a row each.
pub(super) fn overall(figures: &Figures) -> Table {
    let all = &figures.overall;
    let pairs = all.pairs;
    let itself = all.with_self;
    let number = |found: Option<f64>| found.map_or(NONE.to_owned(), |number| format!("{number:.3}"));
    let confidence = |of: fn(&Confidence) -> f64| number(all.confidence.as_ref().map(of));
    let rows = [
        ("right answers", estimate(all.accuracy)),
        ("d'", estimate(all.d_prime)),
        ("criterion c (above 0: rather real)", estimate(all.criterion)),
        ("confidence: Brier score", confidence(|found| found.brier)),
        ("confidence: expected calibration error", confidence(|found| found.ece)),
        ("confidence above the share of right answers by", confidence(|found| found.over)),
        ("pairs: right choices", proportion(pairs.map(|pairs| pairs.right))),
        ("pairs: d'", estimate(pairs.and_then(|pairs| pairs.d_prime))),
        ("answers: Krippendorff's alpha", estimate(figures.alpha)),
        ("paintings of two people: IoU", estimate(all.likeness.map(|found| found.iou))),
        ("paintings of two people: correlation", estimate(all.likeness.map(|found| found.correlation))),
        ("paintings of two people: divergence, nats", estimate(all.likeness.map(|found| found.divergence))),
        ("repeats answered as before", proportion(itself.map(|found| found.same))),
        ("repeats: Cohen's kappa", estimate(itself.and_then(|found| found.kappa))),
        ("paintings of one person twice: IoU", estimate(itself.and_then(|found| Some(found.likeness?.iou)))),
        (
            "paintings of one person twice: correlation",
            estimate(itself.and_then(|found| Some(found.likeness?.correlation))),
        ),
        (
            "paintings of one person twice: divergence, nats",
            estimate(itself.and_then(|found| Some(found.likeness?.divergence))),
        ),
        ("seconds an answer: median (quartiles)", seconds(all.seconds)),
    ];
    let rows = rows.into_iter().map(|(what, figure)| vec![what.to_owned(), figure]).collect();
    Table { columns: vec!["figure", "value (95 % interval)"], rows }
}

/// How right each annotator is.
pub(super) fn annotators(figures: &Figures) -> Table {
    let row = |annotator: &Annotator| {
        let Performance { answers, d_prime, criterion, pairs, seconds: time, .. } = &annotator.performance;
        vec![
            named(annotator),
            answers.all().to_string(),
            proportion(annotator.right),
            estimate(*d_prime),
            estimate(*criterion),
            proportion(pairs.map(|pairs| pairs.right)),
            of(annotator.checks),
            seconds(*time),
        ]
    };
    Table {
        columns: vec!["annotator", "answers", "right", "d'", "c", "pairs right", "checks passed", "seconds"],
        rows: figures.annotators.iter().map(row).collect(),
    }
}

/// How each annotator's confidence is, and how far they agree.
pub(super) fn agreement(figures: &Figures) -> Table {
    let row = |annotator: &Annotator| {
        let Performance { confidence, with_self, likeness, .. } = &annotator.performance;
        let number = |of: fn(&Confidence) -> f64| {
            confidence.as_ref().map_or(NONE.to_owned(), |confidence| format!("{:.3}", of(confidence)))
        };
        vec![
            named(annotator),
            number(|confidence| confidence.brier),
            number(|confidence| confidence.ece),
            number(|confidence| confidence.over),
            of(with_self.map(|found| found.same)),
            estimate(with_self.and_then(|found| found.kappa)),
            estimate(with_self.and_then(|found| Some(found.likeness?.iou))),
            estimate(likeness.map(|found| found.iou)),
            estimate(likeness.map(|found| found.correlation)),
            estimate(likeness.map(|found| found.divergence)),
        ]
    };
    Table {
        columns: vec![
            "annotator",
            "Brier",
            "ECE",
            "too sure by",
            "repeats as before",
            "kappa with themself",
            "IoU with themself",
            "IoU with others",
            "correlation",
            "divergence",
        ],
        rows: figures.annotators.iter().map(row).collect(),
    }
}

fn named(annotator: &Annotator) -> String {
    if annotator.is_left_out { format!("{} (left out)", annotator.name) } else { annotator.name.clone() }
}

/// Who should be left out, and why.
pub(super) fn left_out(figures: &Figures) -> Table {
    let why = |annotator: &Annotator| {
        let reasons: Vec<&str> = annotator.reasons.iter().map(|reason| reason.what.as_str()).collect();
        reasons.join("; ")
    };
    let found = figures.annotators.iter().filter(|annotator| !annotator.reasons.is_empty() || annotator.is_left_out);
    let row = |annotator: &Annotator| {
        let said = if annotator.is_left_out { "yes" } else { "no: `--leave-out` does" };
        vec![annotator.name.clone(), why(annotator), said.to_owned()]
    };
    Table { columns: vec!["annotator", "why", "is left out"], rows: found.map(row).collect() }
}

/// The bins of the confidence.
pub(super) fn bins(figures: &Figures) -> Table {
    let bins = figures.overall.confidence.iter().flat_map(|confidence| &confidence.bins);
    let row = |bin: &super::super::figures::ConfidenceBin| {
        let range = format!("above {:.1} up to {:.1}", bin.above, bin.up_to);
        vec![range, bin.answers.to_string(), format!("{:.3}", bin.confidence), format!("{:.3}", bin.right)]
    };
    Table { columns: vec!["confidence", "answers", "mean confidence", "right"], rows: bins.map(row).collect() }
}

/// Right answers by where the faces come from.
pub(super) fn sources(figures: &Figures) -> Table {
    let row = |(source, (label, accuracy)): (&String, &(crate::data::list::Label, Option<Estimate>))| {
        let faces = accuracy.map_or(0, |accuracy| accuracy.faces);
        vec![source.clone(), label.name().to_owned(), faces.to_string(), estimate(*accuracy)]
    };
    Table {
        columns: vec!["source", "class", "faces answered", "right answers"],
        rows: figures.by_source.iter().map(row).collect(),
    }
}

/// What the study is, in a line.
pub(super) fn summary(report: &Report<'_>) -> String {
    let figures = report.figures;
    let answers = figures.overall.answers.all();
    let left_out = figures.annotators.iter().filter(|annotator| annotator.is_left_out).count();
    let people = counted(figures.annotators.len() - left_out, "annotator");
    let pairs = figures.overall.pairs.map_or(0, |pairs| pairs.right.of);
    let without = if left_out > 0 { format!(" ({left_out} more left out)") } else { String::new() };
    format!(
        "{people}{without}, {} to {} of {} faces shown alone, {}; {} a map, made of {} answers.",
        counted(answers, "answer"),
        figures.answered,
        figures.faces,
        counted(pairs, "pair"),
        if report.maps == 1 { "1 face has".to_owned() } else { format!("{} faces have", report.maps) },
        match report.which {
            crate::study::maps::Which::Correct => "right",
            crate::study::maps::Which::All => "all",
        }
    )
}

/// How the figures are made, a sentence each.
pub(super) const METHODS: [&str; 6] = [
    "Intervals of 95 % are bootstraps that draw whole faces, because answers to one face aren't independent; shares of one \
     person's answers, of pairs and of repeats have Wilson's.",
    "d' and the criterion are corrected log-linearly (Hautus 1995). For pairs d' is the square root of 2 times z of the share of \
     right choices (Macmillan and Creelman 2005).",
    "Confidence is that of being right, from 0.5 to 1. The Brier score is the mean square of its distance from 1 where right and \
     from 0 where wrong; the calibration error goes over ten bins.",
    "Paintings are compared as masks at the photo's own size: intersection over union, Pearson's correlation of the pixels, and \
     the mean of both Kullback-Leibler divergences with a hundredth of the even distribution mixed in. Only people who painted \
     something are compared, each face counts once.",
    "Krippendorff's alpha is that of nominal data, whoever saw which face.",
    "Mean maps count every painting once, right or wrong, in a frame that each face's five landmarks place; hair and ears of the \
     outlines are approximate. Each is scaled on its own: it says where, not how much.",
];
