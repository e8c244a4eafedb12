//! `answers.csv`: a row an answer, with what the face is and which regions were painted.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read};
use std::path::Path;

use anyhow::Context;
use cyborg_models::name;

use super::answer::{Answer, Kind};
use super::faces::Face;
use super::heard::Study;
use super::regions::{Placed, Region, shares};
use crate::checkpoint::UNFINISHED;
use crate::data::list::Label;

/// The table in the folder of a study.
pub const TABLE: &str = "answers.csv";

/// The columns before the shares of the regions.
const BEFORE: [&str; 12] = [
    "annotator",
    "item",
    "kind",
    "photo",
    "other",
    "label",
    "answer",
    "asked",
    "correct",
    "confidence",
    "seconds",
    "painted",
];
/// The columns behind them.
const BEHIND: [&str; 3] = ["words", "text", "at"];

/// Writes the table of a study anew, row by row; one that says the same already is left alone. Tells whether it was written.
///
/// `painted` is the share of the photo that was painted, and a region's column the share of that which lies in it. They are
/// empty where nothing was painted, and the regions' also where no landmarks are known.
///
/// # Errors
///
/// When an answer can't be read any more, or the table can't be written.
pub fn write(folder: &Path, faces: &[Face], study: &Study) -> anyhow::Result<bool> {
    let path = folder.join(TABLE);
    let fail = || format!("can't write {}", name::of(&path));
    let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).with_context(fail)?;
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    let regions = Region::ALL.map(Region::name);
    writer.write_record(BEFORE.into_iter().chain(regions).chain(BEHIND)).with_context(fail)?;
    let mut reader = study.reader();
    for heard in &study.heard {
        let answer = reader.answer(heard.line)?;
        writer.write_record(record(&answer, &faces[heard.face])?).with_context(fail)?;
    }
    let buffer = writer.into_inner().map_err(|error| error.into_error()).with_context(fail)?;
    let file = buffer.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(fail)?;
    if same(file.path(), &path) {
        return Ok(false);
    }
    file.as_file().sync_all().with_context(fail)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private; a table is for others too.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).with_context(fail)?;
    }
    file.persist(&path).with_context(fail)?;
    Ok(true)
}

fn record(answer: &Answer, face: &Face) -> anyhow::Result<Vec<String>> {
    let painted = answer.check()?;
    let landmarks = face.row.face.and_then(|face| face.landmarks);
    let placed = landmarks.as_ref().and_then(Placed::new);
    let shares = placed.and_then(|placed| shares(&painted, &placed));
    let area = f64::from(answer.width) * f64::from(answer.height);
    let share = (painted.area() > 0).then(|| painted.area() as f64 / area);
    let number = |number: f64| format!("{number:.6}");
    let mut record = vec![
        answer.annotator.clone(),
        answer.item.to_string(),
        kind(answer.kind).to_owned(),
        answer.photo.clone(),
        answer.other.clone().unwrap_or_default(),
        face.row.label.name().to_owned(),
        answer.answer.name().to_owned(),
        answer.asked.map(Label::name).unwrap_or_default().to_owned(),
        is_correct(answer, face).to_string(),
        answer.confidence.to_string(),
        answer.seconds.to_string(),
        share.map(number).unwrap_or_default(),
    ];
    match shares {
        Some(shares) => record.extend(shares.map(number)),
        None => record.extend(Region::ALL.map(|_| String::new())),
    }
    record.extend([answer.words.join("; "), answer.text.clone(), answer.at.clone()]);
    Ok(record)
}

/// Whether the answer is the right one: what the face is, or what a check asked for.
fn is_correct(answer: &Answer, face: &Face) -> bool {
    answer.answer == answer.asked.unwrap_or(face.row.label)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Face => "face",
        Kind::Repeat => "repeat",
        Kind::Check => "check",
    }
}

/// Whether two files hold the same.
fn same(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).map(|found| found.len()).ok();
    let open = |path: &Path| File::open(path).map(BufReader::new);
    let (Ok(one_file), Ok(other_file)) = (open(one), open(other)) else { return false };
    length(one) == length(other) && one_file.bytes().flatten().eq(other_file.bytes().flatten())
}
