//! `cyborg-train measure`: what the scores in a table of `cyborg image --list` are worth, of any model or set that `cyborg` runs.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use cyborg_models::contract::{Calibration, Thresholds};
use cyborg_models::digest;
use cyborg_models::name;

use super::outcome::Outcome;
use super::session::share_of_one;
use crate::data::list::{Label, Split};
use crate::data::part::both_classes;
use crate::evaluation::content::{Content, by_content};
use crate::evaluation::listed::{self, Listed};
use crate::evaluation::probed::Probed;
use crate::evaluation::report::{Report, measure};
use crate::evaluation::{RunScores, ScoreKind};
use crate::run_folder::TOOL;

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
    /// Table that `cyborg-train content` wrote of the same faces: adds what the scores are worth where content doesn't help
    #[arg(long, value_name = "TABLE")]
    content: Option<PathBuf>,
    /// Table that `cyborg-train probe` wrote of the same faces: adds how far the scores are ahead of a model that can't see
    /// a face
    #[arg(long, value_name = "TABLE")]
    probe: Option<PathBuf>,
    /// Folder to write report.md and report.json to
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

pub(super) fn run(args: &MeasureArgs) -> anyhow::Result<Outcome> {
    let Listed { mut faces, logits, without } = listed::read(&args.table, args.split, &args.only)?;
    if let Some(list) = &args.data {
        listed::belong(&mut faces, list)?;
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
    let mut measured = measure(&faces, &run, ScoreKind::Softmax, &args.apart)?;
    if let Some(table) = &args.content {
        let content = Content::read(table, args.split, &faces)?;
        measured.content = by_content(&faces, &run, &content, &args.apart);
        if measured.content.is_none() {
            log::warn!("{} knows too few faces of a class: nothing can be said beyond content", name::of(table));
        }
    }
    let probe = match &args.probe {
        Some(table) => Some(Probed::read(table, args.split, &faces, &args.apart)?),
        None => None,
    };
    let report = Report {
        tool: TOOL.to_owned(),
        target: args.table.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        data: format!("{}, split {}", args.table.file_name().unwrap_or_default().to_string_lossy(), args.split),
        data_sha256: digest::of_file(&args.table)
            .with_context(|| format!("can't read the scores in {}", name::of(&args.table)))?,
        score: ScoreKind::Softmax.to_string(),
        apart: args.apart.clone(),
        probe,
        runs: vec![measured],
    };
    report.write(&args.out)?;
    // A reader that has gone is no failure: the report is in its file.
    let _ = writeln!(std::io::stdout().lock(), "{}", report.to_markdown());
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Tables of scores and of content, of ten faces a class: scores go by content alone, which is wrong about one face in five.
    fn args(folder: &Path) -> MeasureArgs {
        let head = "path,label,split,source,p_synthetic,model\n";
        let (mut scores, mut content) = (head.to_owned(), head.to_owned());
        for at in 0..20 {
            let label = if at < 10 { "real" } else { "synthetic" };
            let shows = (at >= 10) != (at % 5 == 0);
            let (score, p) = if shows { (0.95, 0.8) } else { (0.05, 0.2) };
            scores += &format!("{at}.png,{label},validation,one,{score},m\n");
            content += &format!("{at}.png,{label},validation,one,{p},by content\n");
        }
        // What isn't known by both counts in neither.
        scores += "new.png,real,validation,one,0.99,m\n";
        content += "gone.png,real,validation,one,0.99,by content\n";
        let (table, of_content) = (folder.join("scores.csv"), folder.join("content.csv"));
        fs::write(&table, scores).expect("it can be written");
        fs::write(&of_content, content).expect("it can be written");
        MeasureArgs {
            table,
            data: None,
            split: Split::Validation,
            only: Vec::new(),
            apart: Vec::new(),
            authentic_below: 0.3,
            synthetic_above: 0.7,
            content: Some(of_content),
            probe: None,
            out: folder.join("out"),
        }
    }

    #[test]
    fn scores_by_content_alone_are_told_from_others() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let args = args(folder.path());
        assert_eq!(run(&args).expect("all is there"), Outcome::Done);
        let page = fs::read_to_string(args.out.join("report.md")).expect("it was written");
        for line in [
            "with an AUC of 0.800",
            "| AUC, faces matched by content (worth 6 real, 6 synthetic) | 0.500 |",
            "| called synthetic of the tenth of the real faces that show most what synthetic ones show | 100.0 %",
        ] {
            assert!(page.contains(line), "{line} isn't in {page}");
        }
    }

    #[test]
    fn content_of_other_faces_is_refused() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let args = MeasureArgs { split: Split::Test, ..args(folder.path()) };
        let both = "path,label,split,source,p_synthetic,model\na,real,test,one,0.5,m\nb,synthetic,test,one,0.5,m\n";
        fs::write(&args.table, both).expect("it can be written");
        let error = run(&args).expect_err("content is of another split");
        assert!(error.to_string().contains("none of the faces that are measured"), "{error:#}");
    }
}
