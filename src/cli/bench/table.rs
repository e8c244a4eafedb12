//! What `cyborg bench` found, as a table for people and as JSON, and which setting is best.

use std::fmt::Write;

use serde::Serialize;

use super::timing::Figures;

/// What a row measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Part {
    /// The face detector alone; an item is a frame.
    Detector,
    /// Crop and classifier alone; an item is a face.
    Classifier,
    /// One after the other on each frame; an item is a frame of one face.
    InTurn,
    /// As many teams of both as the processors have room for, each in turn on frames of its own, as `cyborg video` runs
    /// them; an item is a frame of one face.
    Teams,
}

impl Part {
    fn label(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::Classifier => "classifier",
            Self::InTurn => "in turn",
            Self::Teams => "teams",
        }
    }

    fn is_together(self) -> bool {
        matches!(self, Self::InTurn | Self::Teams)
    }
}

/// One setting, measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) part: Part,
    pub(super) model: String,
    pub(super) provider: String,
    /// Faces or frames in one run.
    pub(super) batch: usize,
    /// Threads of each session within an operation.
    pub(super) threads: usize,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Results {
    /// Version of this form.
    pub(super) version: u32,
    pub(super) tool: String,
    pub(super) system: String,
    pub(super) processors: usize,
    pub(super) onnx_runtime: String,
    pub(super) model_sha256: String,
    pub(super) rows: Vec<Row>,
    /// Providers that could not be measured, and why.
    pub(super) refused: Vec<String>,
    /// The best settings, in words.
    pub(super) best: Vec<String>,
}

/// The table, one line a row.
pub(super) fn table(rows: &[Row]) -> String {
    let widest = |of: &dyn Fn(&Row) -> usize, least: usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let (model, provider) = (widest(&|row| row.model.chars().count(), 5), widest(&|row| row.provider.len(), 8));
    let mut text = format!(
        "{:<12}  {:<model$}  {:<provider$}  batch  threads  faces/s   p50 ms   p95 ms   p99 ms",
        "part", "model", "provider"
    );
    for Row { part, model: name, provider: on, batch, threads, figures } in rows {
        let Figures { per_second, p50_ms, p95_ms, p99_ms, .. } = figures;
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "\n{:<12}  {name:<model$}  {on:<provider$}  {batch:>5}  {threads:>7}  {per_second:>7.1}  {p50_ms:>7.2}  {p95_ms:>7.2}  {p99_ms:>7.2}",
            part.label(),
        );
    }
    text
}

/// Which settings were fastest: of the classifier alone, and of both together, with the flags for them.
pub(super) fn best(rows: &[Row]) -> Vec<String> {
    let fastest = |wanted: &dyn Fn(Part) -> bool| {
        let rows = rows.iter().filter(|row| wanted(row.part));
        rows.max_by(|a, b| a.figures.per_second.total_cmp(&b.figures.per_second))
    };
    let mut lines = Vec::new();
    if let Some(row) = fastest(&|part| part == Part::Classifier) {
        let Row { provider, batch, threads, figures, .. } = row;
        lines.push(format!(
            "best for the classifier alone: --provider {provider}, batches of {batch}, {threads} threads: {:.1} faces/s",
            figures.per_second
        ));
    }
    if let Some(row) = fastest(&Part::is_together) {
        let Row { part, provider, threads, figures, .. } = row;
        lines.push(format!(
            "best for both: --provider {provider}, {}, {threads} threads each: {:.1} frames/s",
            part.label(),
            figures.per_second
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(part: Part, provider: &str, batch: usize, per_second: f64) -> Row {
        let figures = Figures { per_second, p50_ms: 1.0, p95_ms: 2.0, p99_ms: 3.0, runs: 9 };
        Row { part, model: "m".into(), provider: provider.into(), batch, threads: 2, figures }
    }

    #[test]
    fn the_fastest_of_each_kind_is_told() {
        let rows = [
            row(Part::Classifier, "cpu", 1, 50.0),
            row(Part::Classifier, "cpu", 4, 70.0),
            row(Part::Detector, "cpu", 1, 900.0),
            row(Part::InTurn, "cpu", 1, 20.0),
            row(Part::Teams, "cuda", 1, 30.0),
        ];
        let lines = best(&rows);
        assert!(lines[0].contains("--provider cpu, batches of 4") && lines[0].contains("70.0"), "{lines:?}");
        assert!(lines[1].contains("--provider cuda, teams") && lines[1].contains("30.0"), "{lines:?}");
        assert!(best(&[]).is_empty());
    }

    #[test]
    fn columns_stand_below_each_other() {
        let text = table(&[row(Part::Classifier, "tensorrt-fp16", 1, 5.0), row(Part::Teams, "cpu", 16, 12345.6)]);
        let lengths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(lengths.len(), 3);
        assert!(lengths.iter().all(|&length| length == lengths[0]), "{text}");
    }
}
