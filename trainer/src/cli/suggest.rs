//! `cyborg-train suggest`: which faces of a list people should be asked about next.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use cyborg_models::name;
use serde::Serialize;

use super::outcome::Outcome;
use super::session::{DataArgs, MachineArgs, bytes, listen};
use crate::checkpoint;
use crate::data::config::absolute;
use crate::data::list::{self, Row, Split};
use crate::runs::trained::Target;
use crate::study::answer::Kind;
use crate::study::journal::read_all;
use crate::study::suggest::{Means, Suggested, rank};

/// Faces that are told on the screen.
const TOLD: usize = 10;

#[derive(Args, Debug)]
pub(super) struct SuggestArgs {
    /// Folder of runs, one run of it, or a checkpoint
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Parts of the list to ask about, with commas between them. What people paint on faces of `train` goes into the next round; on
    /// others it is measured by
    #[arg(long, value_name = "SPLITS", value_delimiter = ',', default_value = "train,validation")]
    split: Vec<Split>,
    /// Folder of a study: faces that its annotators have answered for come last
    #[arg(long, value_name = "MAPS")]
    study: Option<PathBuf>,
    /// Table to write, which is a list too: the faces in the order in which people should be asked, with the reason of each.
    /// It gives labels away, so no annotator may see it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    machine: MachineArgs,
}

/// A row of the table.
#[derive(Serialize)]
struct TableRow<'a> {
    file: String,
    label: &'static str,
    split: String,
    source: &'a str,
    video: Option<&'a str>,
    group: Option<&'a str>,
    map: Option<String>,
    p_synthetic: f64,
    correlation: Option<f64>,
    answers: usize,
    worth: f64,
    why: &'a str,
}

pub(super) fn run(args: &SuggestArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let means = Means { device: args.machine.device, memory: bytes(args.machine.memory), stop };
    let target = Target::open(&args.run)?;
    let read = args.data.read(&target.known())?;
    let root = list::root_of(&read.config.place());
    let answered = args.study.as_deref().map(answered).transpose()?.unwrap_or_default();
    // A study names photos by their paths below the root of its list.
    let count = |row: &Row| answered.get(&row.path).or_else(|| answered.get(row.path.strip_prefix(&root).ok()?));
    let Some(found) = rank(&target, read, &args.split, |row| count(row).copied().unwrap_or(0), &means)? else {
        return Ok(Outcome::Interrupted);
    };
    write(&args.out, &found)?;
    for Suggested { row, worth, why, .. } in found.iter().take(TOLD) {
        log::info!("{worth:.2} {}: {why}", name::of(&row.path));
    }
    log::info!("{} faces in the order in which people should be asked: {}", found.len(), name::of(&args.out));
    Ok(Outcome::Done)
}

/// How many answers each photo of a study has, by the study's names. What shows whether an annotator reads is none.
fn answered(study: &Path) -> anyhow::Result<HashMap<PathBuf, usize>> {
    let mut counts = HashMap::new();
    for answer in read_all(study)?.into_iter().flatten().filter(|answer| answer.kind != Kind::Check) {
        *counts.entry(PathBuf::from(answer.photo)).or_insert(0) += 1;
    }
    Ok(counts)
}

fn write(out: &Path, found: &[Suggested]) -> anyhow::Result<()> {
    let text = |path: &PathBuf| {
        let path = absolute(path)?;
        let text = path.to_str().map(str::to_owned);
        text.with_context(|| format!("{} is not valid UTF-8, but the table must be: rename it", name::of(&path)))
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for Suggested { row, worth, p_synthetic, correlation, answers, why } in found {
        writer.serialize(TableRow {
            file: text(&row.path)?,
            label: row.label.name(),
            split: row.split.to_string(),
            source: &row.source,
            video: row.video.as_deref(),
            group: row.group.as_deref(),
            map: row.map.as_ref().map(text).transpose()?,
            p_synthetic: *p_synthetic,
            correlation: *correlation,
            answers: *answers,
            worth: *worth,
            why,
        })?;
    }
    checkpoint::replace(out, &writer.into_inner()?).with_context(|| format!("can't write {}", name::of(out)))
}
