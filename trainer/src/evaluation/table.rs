//! A table of scores: a CSV that begins with path and score, as the published test script writes it, and goes on with what
//! else is known.

use std::path::Path;

use anyhow::{Context, ensure};
use cyborg_edge::verdict::Logits;
use serde::{Deserialize, Serialize};

use super::{RunScores, ScoreKind, ScoredFace, score_of};
use crate::checkpoint;
use crate::data::list::Label;
use cyborg_models::name;

#[derive(Debug, Serialize, Deserialize)]
struct TableRow {
    path: String,
    score: f64,
    label: Label,
    source: String,
    video: Option<String>,
    logit_authentic: f32,
    logit_synthetic: f32,
}

/// The scores of a run, read back.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadScores {
    /// The faces.
    pub faces: Vec<ScoredFace>,
    /// Their scores, as they were written.
    pub scores: Vec<f64>,
}

/// Writes the scores of a run.
///
/// # Errors
///
/// When the file can't be written.
pub fn write(path: &Path, faces: &[ScoredFace], run: &RunScores, kind: ScoreKind) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (face, &Logits { authentic, synthetic }) in faces.iter().zip(&run.logits) {
        writer.serialize(TableRow {
            path: face.path.clone(),
            score: score_of(kind, Logits { authentic, synthetic }, &run.calibration),
            label: face.label,
            source: face.source.clone(),
            video: face.video.clone(),
            logit_authentic: authentic,
            logit_synthetic: synthetic,
        })?;
    }
    checkpoint::replace(path, &writer.into_inner()?).with_context(|| format!("can't write {}", name::of(path)))
}

/// Reads the scores of a run.
///
/// # Errors
///
/// When the file can't be read, or holds something else.
pub fn read(path: &Path) -> anyhow::Result<ReadScores> {
    let fail = || format!("can't read the scores in {}", name::of(path));
    let mut reader = csv::Reader::from_path(path).with_context(fail)?;
    let mut read = ReadScores { faces: Vec::new(), scores: Vec::new() };
    for row in reader.deserialize() {
        let TableRow { path: photo, score, label, source, video, .. } = row.with_context(fail)?;
        ensure!(score.is_finite(), "{}: the score of {photo} is {score}", name::of(path));
        // Neither is in the table: both are the list's to say.
        read.faces.push(ScoredFace { path: photo, label, source, video, group: None, pair: None });
        read.scores.push(score);
    }
    ensure!(!read.faces.is_empty(), "{} holds no scores", name::of(path));
    Ok(read)
}

#[cfg(test)]
mod tests {
    use cyborg_models::contract::{Calibration, Thresholds};

    use super::*;

    #[test]
    fn a_table_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("scores.csv");
        let face = |name: &str, label, video: Option<&str>| ScoredFace {
            path: name.to_owned(),
            label,
            source: "a, b".to_owned(),
            video: video.map(str::to_owned),
            group: None,
            pair: None,
        };
        let faces = vec![face("x.png", Label::Authentic, None), face("y.png", Label::Synthetic, Some("v"))];
        let run = RunScores {
            name: "seed-1".to_owned(),
            calibration: Calibration::NONE,
            thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
            logits: vec![Logits { authentic: 0.5, synthetic: 0.5 }, Logits { authentic: -1.0, synthetic: 2.0 }],
        };
        write(&path, &faces, &run, ScoreKind::Softmax).expect("it can be written");
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with("path,score,"), "{text}");
        let found = read(&path).expect("just written");
        assert_eq!((found.faces, found.scores[0]), (faces, 0.5));
        std::fs::write(&path, "path,score\nx.png,0.5\n").expect("it can be written");
        assert!(read(&path).expect_err("columns are missing").to_string().contains("scores.csv"));
    }
}
