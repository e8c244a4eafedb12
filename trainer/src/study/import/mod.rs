//! Maps from elsewhere: fixations of eye trackers, exports of annotation tools, folders of grey pictures. All become a folder
//! like that of a study, with its list, which `--maps` and `--data` read as it is.
//!
//! A format is a file and a row of [`FORMATS`].

mod brush;
mod coco;
mod cvat;
mod draw;
mod fixations;
mod folder;
mod label_studio;
mod mark;
mod matched;

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use cyborg_edge::capture::stills;
use cyborg_edge::frame::Frame;
use cyborg_models::name;
use rayon::prelude::*;

use self::draw::draw;
use self::mark::{Mark, Take};
use self::matched::Names;
use super::faces::{self, Face};
use super::maps::{self, save};
use super::{ANSWERS, FACES};
use crate::data::list::Row;

/// How a source is read.
#[derive(Clone, Copy, Debug)]
enum Reads {
    /// A file of marks, which are drawn.
    Marks(fn(&Path, &mut Take<'_>) -> anyhow::Result<()>),
    /// A folder of maps, which are copied.
    Folder,
}

/// A format that is read.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    reads: Reads,
}

/// All formats.
pub const FORMATS: [Format; 5] = [
    Format {
        name: "fixations",
        about: "CSV with the columns image, x, y and, if there is one, duration",
        reads: Reads::Marks(fixations::read),
    },
    Format { name: "coco", about: "COCO's JSON: polygons and masks", reads: Reads::Marks(coco::read) },
    Format {
        name: "label-studio",
        about: "Label Studio's JSON export: polygons and brush strokes",
        reads: Reads::Marks(label_studio::read),
    },
    Format { name: "cvat", about: "CVAT for images 1.1, XML: polygons and masks", reads: Reads::Marks(cvat::read) },
    Format {
        name: "folder",
        about: "folder of grey pictures, each under the file name of its photo",
        reads: Reads::Folder,
    },
];

/// What is to be read.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The file or folder.
    pub source: &'a Path,
    /// How it is written.
    pub format: Format,
    /// Standard deviation of the blur of fixations, in pixels of the photo.
    pub sigma: Option<f64>,
    /// Labels whose marks count; all where none is named.
    pub labels: &'a [String],
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Faces with a map.
    pub maps: usize,
    /// Marks whose image isn't in the list.
    pub unlisted: usize,
    /// Fixations that lie beside their photo.
    pub beside: usize,
    /// Marks of other labels.
    pub other_labels: usize,
}

/// Reads maps from elsewhere for the faces of a list, whose photos' names start from `root`, into a folder of maps.
///
/// # Errors
///
/// When the source can't be read, nothing in it is of the list's photos, a mark doesn't fit its photo, the folder holds the
/// answers of a study, or a file can't be written.
pub fn import(wanted: &Wanted<'_>, rows: &[Row], root: &Path, out: &Path) -> anyhow::Result<Imported> {
    ensure!(
        !out.join(ANSWERS).exists(),
        "{} is the folder of a study, whose maps are made of its answers: name another one",
        name::of(out)
    );
    let mut listed: Vec<Face> = rows.iter().map(|row| Face::new(row, root)).collect();
    std::fs::create_dir_all(out).with_context(|| format!("can't make {}", name::of(out)))?;
    faces::check(out, &listed)?;
    let before = if out.join(FACES).exists() { faces::read(out)? } else { Vec::new() };
    let mut imported = Imported::default();
    let written = match wanted.format.reads {
        Reads::Folder => folder::copy(wanted.source, root, &listed, out)?,
        Reads::Marks(read) => {
            let marks = gather(wanted, read, &listed, &mut imported)?;
            drawn(wanted, &listed, &marks, out, &mut imported)?
        }
    };
    for (face, people) in listed.iter_mut().zip(written) {
        if people > 0 {
            face.row.map = Some(out.join(face.map_name()));
            face.annotators = people;
            imported.maps += 1;
        }
    }
    ensure!(
        imported.maps > 0,
        "no map comes of {}: {} of its fixations lie beside their photos",
        name::of(wanted.source),
        imported.beside
    );
    // Those of an earlier import, which would be found by their names.
    let made: HashSet<&Path> = listed.iter().filter_map(|face| face.row.map.as_deref()).collect();
    for old in before.iter().filter_map(|face| face.row.map.as_deref()).filter(|old| !made.contains(old)) {
        maps::remove(out, old)?;
    }
    faces::rewrite(out, &listed)?;
    Ok(imported)
}

/// The marks by the photos that they are on.
fn gather(
    wanted: &Wanted<'_>,
    read: fn(&Path, &mut Take<'_>) -> anyhow::Result<()>,
    faces: &[Face],
    imported: &mut Imported,
) -> anyhow::Result<Vec<Vec<Mark>>> {
    let names = Names::new(faces);
    let mut marks: Vec<Vec<Mark>> = vec![Vec::new(); faces.len()];
    let (mut unlisted, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let mut take = |mark: Mark| {
        if !wanted.labels.is_empty() && !wanted.labels.contains(&mark.label) {
            imported.other_labels += 1;
            labels.insert(mark.label);
            return Ok(());
        }
        match names.find(&mark.image).with_context(|| format!("{}: {}", mark.at, mark.image))? {
            Some(face) => marks[face].push(mark),
            None => {
                imported.unlisted += 1;
                unlisted.insert(mark.image);
            }
        }
        Ok(())
    };
    read(wanted.source, &mut take).with_context(|| name::of(wanted.source))?;
    let first = |names: &BTreeSet<String>| names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if marks.iter().all(Vec::is_empty) {
        let file = name::of(wanted.source);
        match (unlisted.is_empty(), labels.is_empty()) {
            (false, _) => {
                bail!("no image of {file} is in the list ({}): does its `file` name the same photos?", first(&unlisted))
            }
            (true, false) => bail!("no mark of {file} has a label that is wanted; there are: {}", first(&labels)),
            (true, true) => bail!("there are no marks in {file} that can be drawn"),
        }
    }
    if !unlisted.is_empty() {
        log::warn!("left out: marks on {} images that aren't in the list ({})", unlisted.len(), first(&unlisted));
    }
    Ok(marks)
}

/// Draws the maps; gives the number of people that each is of, 0 where there is none.
fn drawn(
    wanted: &Wanted<'_>,
    faces: &[Face],
    marks: &[Vec<Mark>],
    out: &Path,
    imported: &mut Imported,
) -> anyhow::Result<Vec<usize>> {
    let each = |frame: &mut Frame, (face, marks): (&Face, &Vec<Mark>)| {
        if marks.is_empty() {
            return Ok((0, 0));
        }
        stills::read(&face.row.path, frame)?;
        let size = (frame.width as u32, frame.height as u32);
        let drawn = draw(marks, size, wanted.sigma).with_context(|| name::of(wanted.source));
        let drawn = drawn.with_context(|| face.photo.clone())?;
        if drawn.people == 0 {
            return Ok((0, drawn.beside));
        }
        save(&out.join(face.map_name()), &drawn.grey, size)?;
        Ok((drawn.people, drawn.beside))
    };
    let done: Vec<(usize, usize)> =
        faces.par_iter().zip(marks).map_init(Frame::empty, each).collect::<anyhow::Result<_>>()?;
    imported.beside = done.iter().map(|(_, beside)| beside).sum();
    Ok(done.into_iter().map(|(people, _)| people).collect())
}

/// A format by its name.
///
/// # Errors
///
/// When there is none, with the names of those that are.
pub fn format(name: &str) -> Result<Format, String> {
    let names = || FORMATS.map(|format| format.name).join(", ");
    FORMATS.into_iter().find(|format| format.name == name).ok_or_else(|| format!("expected one of {}", names()))
}

#[cfg(test)]
mod tests;
