//! `cyborg-train measure`: what the scores in a table of `cyborg image --list` are worth, of any model or set that `cyborg` runs.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use cyborg_edge::verdict::Logits;
use cyborg_models::contract::{Calibration, Thresholds};
use cyborg_models::digest;
use cyborg_models::name;
use serde::Deserialize;

use super::outcome::Outcome;
use super::session::{TOOL, both_classes, share_of_one};
use crate::checkpoint;
use crate::data::list::{self, Label, Place, Split};
use crate::evaluation::report::{Report, measure};
use crate::evaluation::{RunScores, ScoreKind, ScoredFace};

#[derive(Args, Debug)]
pub(super) struct MeasureArgs {
    /// Table that `cyborg image --list LIST --csv FILE` wrote, by one model
    table: PathBuf,
    /// The list: by its columns `video`, `group` and `pair` faces are measured as clips and pairs too
    #[arg(long, value_name = "LIST")]
    data: Option<PathBuf>,
    /// Part of the list to measure on
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    split: Split,
    /// Sources to measure alone, with commas between them [default: all]
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    only: Vec<String>,
    /// Sources to report apart, with commas between them: they are in no pooled number
    #[arg(long, value_name = "SOURCES", value_delimiter = ',')]
    apart: Vec<String>,
    /// A probability below this is authentic, as the model has it
    #[arg(long, value_name = "P", default_value_t = 0.3, value_parser = share_of_one)]
    authentic_below: f64,
    /// A probability above this is synthetic, as the model has it
    #[arg(long, value_name = "P", default_value_t = 0.7, value_parser = share_of_one)]
    synthetic_above: f64,
    /// Folder to write report.md and report.json to
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// What is read of a row.
#[derive(Debug, Deserialize)]
struct TableRow {
    path: String,
    label: Option<Label>,
    split: Option<Split>,
    source: Option<String>,
    p_synthetic: Option<f64>,
    model: String,
}

pub(super) fn run(args: &MeasureArgs) -> anyhow::Result<Outcome> {
    let (mut faces, logits, without) = read(args)?;
    if let Some(list) = &args.data {
        belong(&mut faces, list)?;
    }
    let count = |label| faces.iter().filter(|face| face.label == label).count();
    both_classes(
        (count(Label::Authentic), count(Label::Synthetic)),
        &format!("{} of {}", args.split, name::of(&args.table)),
    )?;
    if without > 0 {
        log::warn!("{without} photos have no score because no face was found in them; they are not measured");
    }
    let run = RunScores {
        name: "scores".to_owned(),
        calibration: Calibration::NONE,
        thresholds: Thresholds {
            authentic_below: args.authentic_below as f32,
            synthetic_above: args.synthetic_above as f32,
            error_rates: None,
        },
        logits,
    };
    let report = Report {
        tool: TOOL.to_owned(),
        target: args.table.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        data: format!("{}, split {}", args.table.file_name().unwrap_or_default().to_string_lossy(), args.split),
        data_sha256: digest::of_file(&args.table).with_context(|| fail(&args.table))?,
        score: ScoreKind::Softmax.to_string(),
        apart: args.apart.clone(),
        probe: None,
        runs: vec![measure(&faces, &run, ScoreKind::Softmax, &args.apart)?],
    };
    fs::create_dir_all(&args.out).with_context(|| format!("can't make {}", name::of(&args.out)))?;
    for (name, text) in
        [("report.json", serde_json::to_string_pretty(&report)? + "\n"), ("report.md", report.to_markdown())]
    {
        let path = args.out.join(name);
        checkpoint::replace(&path, text.as_bytes()).with_context(|| format!("can't write {}", name::of(path)))?;
    }
    // A reader that has gone is no failure: the report is in its file.
    let _ = writeln!(std::io::stdout().lock(), "{}", report.to_markdown());
    Ok(Outcome::Done)
}

/// The faces that are wanted, their scores as logits, and how many of them have none.
fn read(args: &MeasureArgs) -> anyhow::Result<(Vec<ScoredFace>, Vec<Logits>, usize)> {
    let mut reader = csv::Reader::from_path(&args.table).with_context(|| fail(&args.table))?;
    let (mut faces, mut logits, mut without) = (Vec::new(), Vec::new(), 0);
    let mut model: Option<String> = None;
    for row in reader.deserialize() {
        let row: TableRow = row.with_context(|| fail(&args.table))?;
        let (Some(label), Some(source)) = (row.label, row.source) else { continue };
        let wanted = args.only.is_empty() || args.only.contains(&source);
        if row.split.is_some_and(|split| split != args.split) || !wanted {
            continue;
        }
        let Some(p) = row.p_synthetic else {
            without += 1;
            continue;
        };
        ensure!(
            *model.get_or_insert_with(|| row.model.clone()) == row.model,
            "{} has rows of several models: write a table of one model",
            name::of(&args.table)
        );
        ensure!((0.0..=1.0).contains(&p), "{}: {} has {p} as p_synthetic", name::of(&args.table), row.path);
        // A probability of 32 bits may be 0 or 1 itself.
        let p = p.clamp(1e-7, 1.0 - 1e-7);
        logits.push(Logits { authentic: 0.0, synthetic: (p / (1.0 - p)).ln() as f32 });
        faces.push(ScoredFace { path: row.path, label, source, video: None, group: None, pair: None });
    }
    Ok((faces, logits, without))
}

/// Tells the faces what they belong to, by the rows of the list.
fn belong(faces: &mut [ScoredFace], list: &Path) -> anyhow::Result<()> {
    let place = Place { list: list.to_owned(), root: None, maps: None };
    let rows = list::read(&place)?.0.rows;
    let by_path: HashMap<String, ScoredFace> =
        rows.iter().map(ScoredFace::from).map(|known| (known.path.clone(), known)).collect();
    let mut known = 0;
    for face in faces.iter_mut() {
        if let Some(ScoredFace { video, group, pair, .. }) = by_path.get(&face.path).cloned() {
            known += 1;
            (face.video, face.group, face.pair) = (video, group, pair);
        }
    }
    ensure!(known > 0, "{} has none of the table's photos: give the list that the table was made of", name::of(list));
    if known < faces.len() {
        log::warn!("{} photos of the table are not in {} and are ignored", faces.len() - known, name::of(list));
    }
    Ok(())
}

fn fail(table: &Path) -> String {
    format!("can't read the scores in {}", name::of(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_told_what_they_belong_to() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let list = folder.path().join("list.csv");
        fs::write(&list, "file,label,group,pair\na.png,real,g,b.png\nb.png,synthetic,g,a.png\n")
            .expect("it can be written");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let face = |name: &str| ScoredFace {
            path: path(name),
            label: Label::Authentic,
            source: String::new(),
            video: None,
            group: None,
            pair: None,
        };
        let mut faces = [face("a.png"), face("c.png")];
        belong(&mut faces, &list).expect("one of them is in the list");
        assert_eq!((faces[0].group.as_deref(), faces[0].pair.as_ref()), (Some("g"), Some(&path("b.png"))));
        assert_eq!((&faces[1].group, &faces[1].pair), (&None, &None));
        let error = belong(&mut faces[1..], &list).expect_err("none is in the list");
        assert!(error.to_string().contains("none of the table's photos"), "{error}");
    }
}
