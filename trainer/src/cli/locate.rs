//! `cyborg-train locate`: finds the faces of a list once, so that other commands on it needn't look for them each time.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use clap::Args;
use cyborg_edge::capture::stills;
use cyborg_edge::face::Locate;
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::runtime::Runtime;
use rayon::prelude::*;

use super::outcome::Outcome;
use super::session::listen;
use crate::data::config::absolute;
use crate::data::inspect::choose;
use crate::data::list::{self, ListWriter, ListedFace, NewRow, Place, Row};
use crate::data::look::open_detector;
use cyborg_models::name;

#[derive(Args, Debug)]
pub(super) struct LocateArgs {
    /// List of faces; a folder stands for its `faces.csv`
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Folder that the paths of the list start from [default: `faces` beside the list, or the list's folder]
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// List to write: the same rows with whole paths, the detector's boxes, and landmarks where it found the face
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &LocateArgs) -> anyhow::Result<Outcome> {
    let stop = listen();
    let (found, problems) = list::read(&Place { list: args.data.clone(), root: args.root.clone(), maps: None })?;
    for problem in &problems {
        log::warn!("skipped: {problem}");
    }
    let runtime = Runtime::load()?;
    let open = || open_detector(&runtime);
    let (done, all) = (AtomicUsize::new(0), found.rows.len());
    let located: Vec<anyhow::Result<Option<NewRow>>> = found
        .rows
        .par_iter()
        .map_init(
            || (open(), Frame::empty()),
            |(detector, frame), row| {
                if stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                let detector = detector.as_mut().map_err(|error| anyhow::anyhow!("{error}"))?;
                let made = locate(row, detector, frame);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(1000) || done == all {
                    log::info!("{done} of {all} photos looked at");
                }
                made.with_context(|| format!("line {}", row.line))
            },
        )
        .collect();
    if stop.load(Ordering::Relaxed) {
        return Ok(Outcome::Interrupted);
    }
    let mut writer = ListWriter::open(&args.out)?;
    let (mut listed, mut without) = (0, 0);
    for row in located {
        match row? {
            Some(row) if !writer.has(&row.file, row.label, row.split)? => {
                without += usize::from(row.face.landmarks.is_none());
                listed += 1;
                writer.add(&row)?;
            }
            _ => {}
        }
    }
    log::info!("{listed} faces of {all} lines, {without} of them without landmarks: {}", name::of(&args.out));
    Ok(if problems.is_empty() { Outcome::Done } else { Outcome::SomeFailed })
}

/// A row with its face; nothing where neither the detector nor the list knows one.
fn locate(row: &Row, detector: &mut dyn Locate, frame: &mut Frame) -> anyhow::Result<Option<NewRow>> {
    stills::read(&row.path, frame)?;
    let mut faces = Vec::new();
    detector.locate(frame, &mut faces).map_err(anyhow::Error::from_boxed)?;
    let seen = choose(&faces, row.face.map(|face| face.bounds).as_ref());
    let face = seen.map(|face| ListedFace { bounds: face.bounds, landmarks: Some(face.landmarks) });
    let Some(face) = face.or(row.face) else {
        log::warn!("left out: line {}: no face was found in {}", row.line, name::of(&row.path));
        return Ok(None);
    };
    let text = |path: &PathBuf| {
        let path = absolute(path)?;
        let text = path.to_str().map(str::to_owned);
        text.with_context(|| format!("{} is not valid UTF-8, but the new list must be: rename it", name::of(&path)))
    };
    Ok(Some(NewRow {
        file: text(&row.path)?,
        label: row.label,
        split: row.split,
        source: row.source.clone(),
        video: row.video.clone(),
        group: row.group.clone(),
        pair: row.pair.as_ref().map(text).transpose()?,
        map: row.map.as_ref().map(text).transpose()?,
        face,
    }))
}
