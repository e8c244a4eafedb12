//! `cyborg-train annotate`: serves a page on which people say which faces are synthetic, and where they see it.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use cyborg_edge::web::{self, WebFlags, WebSettings};
use cyborg_models::name;
use rayon::prelude::*;

use super::outcome::{Outcome, wrong_usage};
use super::session::{DataArgs, bytes, listen, share_of_one};
use crate::annotate::{Desk, Face, MOST_SIDE, Study, site, size_of};
use crate::data::config::absolute;
use crate::data::list::{self, Place, Row, Split};
use crate::runs::trained::Target;
use crate::study::annotators::{self, Annotator};
use crate::study::faces;
use crate::study::maps::{self, Which};
use crate::study::order::Question;
use crate::study::settings::{self, ListFound, Settings, Wanted};
use crate::study::suggest::{self, Means};
use crate::study::suggested::{self, Ranked};
use crate::torch::ComputeDevice;

/// The cookie that holds an annotator's code. Not that of the live page, which may be open in the same browser.
const COOKIE: &str = "cyborg_annotator";
/// Memory for the crops of faces that a model ranks, in MiB.
const CROPS: usize = 1024;
/// How often a wish to stop is looked for.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Args, Debug)]
pub(super) struct AnnotateArgs {
    /// List of faces; a folder stands for its `faces.csv`
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Folder that the paths of the list start from [default: `faces` beside the list, or the list's folder]
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Folder of the study: answers, and what comes of them; one that is there is gone on with
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Show the faces of one split [default: all]
    #[arg(long, value_name = "SPLIT")]
    split: Option<Split>,
    /// Address to serve the page on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Somebody who answers, with a link of their own; may be repeated [default: those of the study, or `me`]
    #[arg(long, value_name = "NAME")]
    annotator: Vec<String>,
    /// Seed of the orders in which faces are shown [default: 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Share of the faces that are shown twice [default: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one)]
    repeats: Option<f64>,
    /// Attention checks, as a share of the faces [default: 0.02]
    #[arg(long, value_name = "SHARE", value_parser = share_of_one)]
    checks: Option<f64>,
    /// Most faces in a sitting, 0 for no end; then the page asks for ten minutes of rest [default: 100]
    #[arg(long, value_name = "N")]
    sitting: Option<u32>,
    /// Show a real and a synthetic face at a time, and ask which is which
    #[arg(long)]
    pairs: bool,
    /// Show the faces first that the model of a run would learn most from
    #[arg(long, value_name = "RUN")]
    suggest: Option<PathBuf>,
    #[command(flatten)]
    web: WebFlags,
}

pub(super) fn run(args: &AnnotateArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    for name in &args.annotator {
        if let Err(error) = annotators::check_name(name) {
            return wrong_usage(&error.to_string());
        }
    }
    let (study, left_out) = open(args)?;
    let web = web_settings(args, &study.annotators);
    let (people, folder) = (study.annotators.clone(), study.folder.clone());
    let desk = Arc::new(Desk::open(study)?);
    let served = web::serve(&web, site(Arc::clone(&desk)))?;
    let base = args.web.origin().map_or_else(|| served.url(), |origin| format!("{}/", origin.trim_end_matches('/')));
    let mut out = std::io::stdout().lock();
    writeln!(out, "Each link is for one person; whoever has it answers in that name.")?;
    for (Annotator { name, code }, (done, all)) in people.iter().zip(desk.progress()) {
        writeln!(out, "{name} ({done} of {all} done): {base}?token={}", code.text())?;
    }
    writeln!(out, "Ctrl-C ends it. Answers are kept in {}", name::of(&folder))?;
    out.flush()?;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK);
    }
    drop(served);
    write_maps(&folder);
    for (Annotator { name, .. }, (done, all)) in people.iter().zip(desk.progress()) {
        log::info!("{name}: {done} of {all} answered");
    }
    Ok(if left_out { Outcome::SomeFailed } else { Outcome::Done })
}

/// Begins the study, or goes on with it; says also whether faces were left out.
fn open(args: &AnnotateArgs) -> anyhow::Result<(Study, bool)> {
    let place = Place { list: args.data.clone(), root: args.root.clone(), maps: None };
    let root = absolute(&list::root_of(&place))?;
    let (found, problems) = list::read(&place)?;
    problems.iter().for_each(|problem| log::warn!("left out: {problem}"));
    let rows: Vec<Row> =
        found.rows.into_iter().filter(|row| args.split.is_none_or(|split| row.split == split)).collect();
    let fit: Vec<bool> = rows.par_iter().map(can_be_shown).collect();
    let left_out = !problems.is_empty() || fit.contains(&false);
    let rows: Vec<Row> = rows.into_iter().zip(fit).filter_map(|(row, fit)| fit.then_some(row)).collect();
    ensure!(!rows.is_empty(), "{} has no faces that can be shown", name::of(&found.path));
    let faces: Vec<Face> = rows
        .iter()
        .map(|row| Face {
            path: row.path.clone(),
            photo: faces::name_in(&root, &row.path),
            label: row.label,
            source: row.source.clone(),
        })
        .collect();
    let told = faces.iter().map(|face| (face.photo.as_str(), face.label, face.source.as_str()));
    let found = ListFound { list: absolute(&found.path)?, root, digest: settings::digest_of(told) };
    let folder = absolute(&args.out)?;
    let settings = begin(args, &folder, &found, &rows)?;
    let ranked = match &settings.suggest {
        None => None,
        Some(_) => {
            let photos: Vec<String> = faces.iter().map(|face| face.photo.clone()).collect();
            Some(suggested::read(&folder, &photos)?)
        }
    };
    let annotators = annotators::open(&folder, &args.annotator)?;
    Ok((Study { folder, settings, faces, ranked, annotators }, left_out))
}

/// The settings of the study, written where they are new. A new study gets its list too, and its ranking.
fn begin(args: &AnnotateArgs, folder: &Path, found: &ListFound, rows: &[Row]) -> anyhow::Result<Settings> {
    let wanted = Wanted {
        split: args.split,
        seed: args.seed,
        question: args.pairs.then_some(Question::Pairs),
        repeats: args.repeats,
        checks: args.checks,
        suggest: args.suggest.as_deref().map(absolute).transpose()?,
        sitting: args.sitting,
    };
    let before = settings::read(folder)?;
    let settings = settings::settled(folder, before.as_ref(), &wanted, found)?;
    if before.is_none() {
        fs::create_dir_all(folder).with_context(|| format!("can't make the folder {}", name::of(folder)))?;
        faces::write(folder, rows, &found.root)?;
        if let Some(run) = &settings.suggest {
            suggested::write(folder, &rank(args, run, rows, &found.root)?)?;
        }
    }
    // Last, because a study is there when its settings are.
    if before.as_ref() != Some(&settings) {
        settings::write(folder, &settings)?;
    }
    Ok(settings)
}

/// The faces in the order in which their answers would help the model of a run most; those of `test` are left out, unless they are
/// asked for: they are to be measured on.
fn rank(args: &AnnotateArgs, run: &Path, rows: &[Row], root: &Path) -> anyhow::Result<Vec<Ranked>> {
    let target = Target::open(run)?;
    let data = DataArgs { data: Some(args.data.clone()), root: args.root.clone(), ..DataArgs::default() };
    let splits = args.split.map_or_else(|| vec![Split::Train, Split::Validation], |split| vec![split]);
    let means = Means { device: ComputeDevice::Cpu, memory: bytes(CROPS), stop: listen() };
    let found = suggest::rank(&target, data.read(&target.known())?, &splits, |_| 0, &means)?;
    let found = found.context("the ranking was interrupted, and nothing is served")?;
    let shown: HashSet<&Path> = rows.iter().map(|row| row.path.as_path()).collect();
    let ranked = found.into_iter().filter(|face| shown.contains(face.row.path.as_path()));
    Ok(ranked.map(|face| Ranked { photo: faces::name_in(root, &face.row.path), why: face.why }).collect())
}

/// Brings the maps up to date. Answers are safe without them, so that a fault is told and no more.
fn write_maps(study: &Path) {
    match maps::write(study, Which::Correct) {
        Ok(written) => log::info!("{} faces have a map of what people painted", written.maps),
        Err(error) => log::warn!("the maps aren't up to date: {error:#}; `cyborg-train agreement` makes them too"),
    }
}

/// Whether a photo is there and not too large; if not, says why.
fn can_be_shown(row: &Row) -> bool {
    let why = match fs::metadata(&row.path) {
        Err(error) => error.to_string(),
        Ok(file) if !file.is_file() => "it is no file".to_owned(),
        Ok(_) => match size_of(&row.path) {
            Some((width, height)) if width.max(height) > MOST_SIDE => {
                format!(
                    "it is {width} x {height} pixels, and {MOST_SIDE} a side are shown at most; list a smaller copy"
                )
            }
            _ => return true,
        },
    };
    log::warn!("left out: line {}: {}: {why}", row.line, name::of(&row.path));
    false
}

fn web_settings(args: &AnnotateArgs, annotators: &[Annotator]) -> WebSettings {
    WebSettings {
        listen: args.listen,
        secrets: annotators.iter().map(|annotator| annotator.code.clone()).collect(),
        cookie: COOKIE,
        tls: args.web.tls(),
        names: args.web.names(),
    }
}
