//! The maps of a study: for each face the mean over annotators of what they painted, as grey PNG; and its tables, which go with
//! them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cyborg_models::name;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;

use super::faces::{self, Face, put};
use super::heard::{Reader, Study};
use super::{landmarks, table};

/// Which answers a map is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// Those that were right, as in the paper: people who were wrong looked at the wrong places.
    Correct,
    /// All.
    All,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Faces with a map.
    pub maps: usize,
    /// Maps that are new or changed.
    pub changed: usize,
    /// Maps of before whose faces have none any more.
    pub removed: usize,
    /// Answers in the table.
    pub answers: usize,
    /// Faces with answers whose landmarks nobody knows, so that the regions are left empty.
    pub without_landmarks: usize,
}

/// Brings maps, list and table of a study up to date with its answers.
///
/// A map is the mean over the annotators who painted something on the face when they first saw it, 255 where all of them did,
/// at the photo's own size. A face that nobody painted has none; one of before is removed, if the list says that it was ours.
///
/// # Errors
///
/// When the study can't be read, two photos would share a map, or a file can't be written. What was written before stays.
pub fn write(study: &Path, which: Which) -> anyhow::Result<Written> {
    write_without(study, which, &[])
}

/// The same without what some annotators painted. The table has their answers all the same.
///
/// # Errors
///
/// As [`write()`], and when there is no annotator of such a name.
pub fn write_without(study: &Path, which: Which, left_out: &[String]) -> anyhow::Result<Written> {
    let mut faces = faces::read(study)?;
    let found = Study::read(study, &faces)?;
    for name in left_out {
        let known = found.annotators.join(", ");
        ensure!(found.annotators.contains(name), "no annotator is called {name}; there are: {known}");
    }
    let mut has_answers = vec![false; faces.len()];
    for heard in &found.heard {
        has_answers[heard.face] = true;
    }
    landmarks::fill(&mut faces, |index| has_answers[index]);
    let is_in = |index: &usize, face: &Face| {
        let heard = &found.heard[*index];
        heard.is_painted
            && (which == Which::All || heard.answer == face.row.label)
            && !left_out.contains(&found.annotators[heard.annotator])
    };
    let paintings = found.first_paintings(faces.len());
    let drawn: Vec<Drawn> = faces
        .par_iter()
        .zip(&paintings)
        .map_init(
            || (found.reader(), Vec::new()),
            |(reader, counts), (face, paintings)| {
                let chosen: Vec<usize> = paintings.iter().copied().filter(|index| is_in(index, face)).collect();
                let lines = chosen.iter().map(|&index| found.heard[index].line);
                draw(study, face, &lines.collect::<Vec<_>>(), reader, counts)
            },
        )
        .collect::<anyhow::Result<_>>()?;
    let mut written = Written { answers: found.heard.len(), ..Written::default() };
    let mut stale = Vec::new();
    for ((face, drawn), has_answers) in faces.iter_mut().zip(drawn).zip(has_answers) {
        let before = face.row.map.take();
        face.annotators = drawn.annotators;
        if drawn.annotators > 0 {
            face.row.map = Some(study.join(face.map_name()));
            written.maps += 1;
            written.changed += usize::from(drawn.is_new);
        } else {
            stale.extend(before);
        }
        let has_landmarks = face.row.face.is_some_and(|face| face.landmarks.is_some());
        written.without_landmarks += usize::from(has_answers && !has_landmarks);
    }
    table::write(study, &faces, &found)?;
    // The list last: until a map is gone, it says that it was ours.
    for map in stale {
        written.removed += usize::from(remove(study, &map)?);
    }
    faces::rewrite(study, &faces)?;
    Ok(written)
}

/// A map on the disk.
struct Drawn {
    /// 0 where there is none.
    annotators: usize,
    is_new: bool,
}

fn draw(
    study: &Path,
    face: &Face,
    lines: &[super::heard::LineAt],
    reader: &mut Reader<'_>,
    counts: &mut Vec<u32>,
) -> anyhow::Result<Drawn> {
    let mut size = None;
    for &line in lines {
        let painted = reader.answer(line)?.check()?;
        let first = *size.get_or_insert(painted.size());
        ensure!(
            first == painted.size(),
            "{} was painted at {} x {} pixels and at {} x {}: the photo has changed since",
            face.photo,
            first.0,
            first.1,
            painted.size().0,
            painted.size().1
        );
        if counts.is_empty() {
            counts.resize(first.0 as usize * first.1 as usize, 0);
        }
        for (start, length) in painted.spans() {
            counts[start..start + length].iter_mut().for_each(|count| *count += 1);
        }
    }
    let Some((width, height)) = size else { return Ok(Drawn { annotators: 0, is_new: false }) };
    let all = lines.len() as u32;
    let grey: Vec<u8> = counts.drain(..).map(|count| ((2 * 255 * count + all) / (2 * all)) as u8).collect();
    let is_new = save(&study.join(face.map_name()), &grey, (width, height))?;
    Ok(Drawn { annotators: lines.len(), is_new })
}

/// Writes a grey picture, rows from the top; one that is there already is left alone. Tells whether it was written.
pub(super) fn save(path: &Path, grey: &[u8], (width, height): (u32, u32)) -> anyhow::Result<bool> {
    let fail = || format!("can't write {}", name::of(path));
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(grey, width, height, ExtendedColorType::L8).with_context(fail)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(fail)?;
    }
    put(path, &bytes)
}

/// Removes a map of before, and the folders that are empty then. Tells whether there was one.
pub(super) fn remove(study: &Path, map: &Path) -> anyhow::Result<bool> {
    match fs::remove_file(map) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| format!("can't remove {}", name::of(map))),
    }
    let mut folder: Option<PathBuf> = map.parent().map(Path::to_owned);
    while let Some(path) = folder.filter(|path| path != study && path.starts_with(study)) {
        // Of a folder that isn't empty the system says so, which is what is wanted.
        if fs::remove_dir(&path).is_err() {
            break;
        }
        folder = path.parent().map(Path::to_owned);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::{PixelBox, PixelPoint};

    use super::super::answer::{Answer, Kind, VERSION};
    use super::super::journal::Journal;
    use super::super::painted::Painted;
    use super::super::{regions, table};
    use super::*;
    use crate::data::list::{self, Label, ListedFace, Place, Row};

    const SIDE: u32 = 40;

    /// A study of a synthetic face with landmarks, `gan/1.jpg`, and a real one without, `real/2.png`, both 40 x 40; nothing
    /// looks at the photos.
    fn study() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let points = regions::LANDMARKS.map(|[x, y]| PixelPoint { x: 20.0 + 8.0 * x as f32, y: 18.0 + 8.0 * y as f32 });
        let bounds = PixelBox { left: 8.0, top: 5.0, width: 24.0, height: 30.0 };
        let known = Some(ListedFace { bounds, landmarks: Some(points) });
        let root = folder.path().join("photos");
        let rows = [
            Row { face: known, ..Row::bare(root.join("gan/1.jpg"), Label::Synthetic, "gan") },
            Row { face: known, ..Row::bare(root.join("real/2.png"), Label::Authentic, "camera") },
        ];
        faces::write(folder.path(), &rows, &root).expect("it can be written");
        folder
    }

    /// An answer that painted the first `painted` rows.
    fn answer(name: &str, item: u32, photo: &str, answer: Label, painted: u32) -> Answer {
        let mask: Vec<bool> = (0..SIDE * SIDE).map(|pixel| pixel / SIDE < painted).collect();
        Answer {
            version: VERSION,
            annotator: name.to_owned(),
            item,
            kind: Kind::Face,
            photo: photo.to_owned(),
            other: None,
            answer,
            confidence: 0.75,
            asked: None,
            seconds: 2.5,
            width: SIDE,
            height: SIDE,
            painted: Painted::of_mask(SIDE, SIDE, &mask).runs().to_vec(),
            words: vec!["odd teeth".to_owned(), "hair".to_owned()],
            text: "a \"word\", more".to_owned(),
            at: "2026-11-30T01:02:03Z".to_owned(),
        }
    }

    fn say(study: &Path, answers: &[Answer]) {
        for answer in answers {
            let (mut journal, _) = Journal::open(study, &answer.annotator).expect("it can be opened");
            journal.add(answer).expect("it can be written");
        }
    }

    /// The first pixel of each of three rows of a face's map, found as `--maps` finds it.
    fn map(study: &Path, photo: &str) -> Option<[u8; 3]> {
        let list = study.join("others.csv");
        fs::write(&list, format!("file,label\n{photo},real\n")).expect("it can be written");
        let place = Place { list, root: Some("photos".into()), maps: Some(study.to_owned()) };
        let map = list::read(&place).expect("it is a list").0.rows.remove(0).map?;
        let grey = image::open(map).expect("it is a picture").into_luma8();
        assert_eq!(grey.dimensions(), (SIDE, SIDE));
        Some([0, 1, 2].map(|row| grey.get_pixel(5, row).0[0]))
    }

    #[test]
    fn a_map_is_the_mean_over_those_who_painted_and_were_right() {
        let folder = study();
        let study = folder.path();
        let (gan, real) = ("gan/1.jpg", "real/2.png");
        let mut again = answer("a", 2, gan, Label::Synthetic, 40);
        again.kind = Kind::Repeat;
        say(
            study,
            &[
                answer("a", 0, gan, Label::Synthetic, 1),
                answer("a", 1, real, Label::Synthetic, 2),
                again,
                answer("b", 0, gan, Label::Synthetic, 2),
                answer("c", 0, gan, Label::Synthetic, 1),
                answer("d", 0, gan, Label::Synthetic, 0),
                answer("e", 0, gan, Label::Authentic, 3),
            ],
        );
        let written = write(study, Which::Correct).expect("it can be written");
        assert_eq!(written, Written { maps: 1, changed: 1, answers: 7, ..Written::default() });
        // Three of three, one of three, none.
        assert_eq!((map(study, gan), map(study, real)), (Some([255, 85, 0]), None));
        let place = Place { list: study.to_owned(), root: None, maps: None };
        let (list, problems) = list::read(&place).expect("it is a list");
        assert_eq!((list.rows[0].map.clone(), list.rows[1].map.clone()), (Some(study.join("gan/1.png")), None));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(faces::read(study).expect("it is a study")[0].annotators, 3);

        let before = fs::metadata(study.join("gan/1.png")).and_then(|found| found.modified()).expect("it is there");
        let written = write(study, Which::Correct).expect("it can be written");
        assert_eq!((written.changed, written.maps), (0, 1));
        let after = fs::metadata(study.join("gan/1.png")).and_then(|found| found.modified()).expect("it is there");
        assert_eq!(before, after, "a map that stays as it is isn't written again");

        let written = write(study, Which::All).expect("it can be written");
        assert_eq!((written.changed, written.maps), (2, 2));
        assert_eq!((map(study, gan), map(study, real)), (Some([255, 128, 64]), Some([255, 255, 0])));

        // Somebody else's picture stays, ours goes when nobody stands for it any more.
        fs::write(study.join("real/mine.png"), "mine").expect("it can be written");
        let left_out = ["a", "b", "c", "e"].map(str::to_owned);
        let written = write_without(study, Which::All, &left_out).expect("it can be written");
        assert_eq!((written.maps, written.removed), (0, 2));
        assert!(!study.join("gan").exists() && study.join("real/mine.png").is_file());
        let error = write_without(study, Which::All, &["z".to_owned()]).expect_err("nobody is called so").to_string();
        assert!(error.contains("no annotator is called z; there are: a, b, c, d, e"), "{error}");
    }

    #[test]
    fn the_table_has_a_row_an_answer() {
        let folder = study();
        let mut check = answer("a", 1, "real/2.png", Label::Synthetic, 0);
        (check.kind, check.asked) = (Kind::Check, Some(Label::Synthetic));
        say(folder.path(), &[answer("a", 0, "gan/1.jpg", Label::Synthetic, 10), check]);
        write(folder.path(), Which::Correct).expect("it can be written");
        let mut reader = csv::Reader::from_path(folder.path().join(table::TABLE)).expect("it is there");
        let header = reader.headers().expect("it has one").clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("it is whole")).collect();
        let field = |row: usize, column: &str| {
            let at = header.iter().position(|name| name == column).expect("it has the column");
            rows[row][at].to_owned()
        };
        let number = |column: &str| field(0, column).parse::<f64>().expect("a number");
        assert_eq!(rows.len(), 2);
        let texts = ["kind", "label", "correct", "words", "text"].map(|column| field(0, column));
        assert_eq!(texts, ["face", "synthetic", "true", "odd teeth; hair", "a \"word\", more"]);
        assert_eq!((number("confidence"), number("seconds"), number("painted")), (0.75, 2.5, 0.25));
        let all: f64 = regions::Region::ALL.iter().map(|region| number(region.name())).sum();
        assert!((all - 1.0).abs() < 1e-5 && number("hair") > 0.1 && number("mouth") == 0.0, "{rows:?}");
        let texts = ["kind", "label", "asked", "correct", "painted", "eyes"].map(|column| field(1, column));
        assert_eq!(texts, ["check", "real", "synthetic", "true", "", ""]);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let folder = study();
        let mut other = answer("b", 0, "gan/1.jpg", Label::Synthetic, 0);
        (other.width, other.height, other.painted) = (2, 1, vec![0, 2]);
        say(folder.path(), &[answer("a", 0, "gan/1.jpg", Label::Synthetic, 1), other]);
        let error = write(folder.path(), Which::Correct).expect_err("two sizes").to_string();
        assert!(error.contains("gan/1.jpg was painted at 40 x 40 pixels and at 2 x 1"), "{error}");
        say(folder.path(), &[answer("c", 0, "gan/9.jpg", Label::Synthetic, 1)]);
        let error = write(folder.path(), Which::Correct).expect_err("no such face").to_string();
        assert!(error.contains("c.jsonl, line 1: gan/9.jpg is not in the study's list"), "{error}");
    }
}
