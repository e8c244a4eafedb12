//! Writes a list with a header, row by row, so that an interrupted run leaves a list of what is there.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use cyborg_edge::photo_list::{BOX, LANDMARKS};

use super::{Label, ListedFace, Split};
use cyborg_models::name;

/// Columns before those of the face.
const COLUMNS: [&str; 8] = ["file", "label", "split", "source", "video", "group", PAIR, "map"];
/// The column of the other half of a pair.
const PAIR: &str = "pair";

/// A row to be written. Paths are relative to the folder that the list's paths start from.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRow {
    /// The photo.
    pub file: String,
    /// What it is.
    pub label: Label,
    /// What it is for.
    pub split: Split,
    /// Where it comes from.
    pub source: String,
    /// The video that it is a frame of.
    pub video: Option<String>,
    /// What it must not be parted from.
    pub group: Option<String>,
    /// The photo of the other half of a pair.
    pub pair: Option<String>,
    /// Its saliency map.
    pub map: Option<String>,
    /// Where the face is in it.
    pub face: ListedFace,
}

/// A list that can't be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteListError {
    /// It is there, and has other columns.
    #[error("{} has different columns", name::of(path))]
    Foreign {
        /// The list.
        path: PathBuf,
    },
    /// A file is in it with another label or split.
    #[error("{} already lists {file} as {before}, not {now}: remove its line", name::of(path))]
    Differs {
        /// The list.
        path: PathBuf,
        /// The file.
        file: String,
        /// What the list says.
        before: String,
        /// What it was to say.
        now: String,
    },
    /// It can't be read or written.
    #[error("can't write the list {}: {source}", name::of(path))]
    Write {
        /// The list.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A list, open for more rows.
#[derive(Debug)]
pub struct ListWriter {
    path: PathBuf,
    writer: csv::Writer<File>,
    /// Whether there is a column for pairs; lists of before had none.
    has_pairs: bool,
    /// Label and split of each file.
    there: HashMap<String, (String, String)>,
}

impl ListWriter {
    /// Opens the list at `path`; one that is there already is gone on with.
    ///
    /// # Errors
    ///
    /// When it can't be written, or has other columns.
    pub fn open(path: &Path) -> Result<Self, WriteListError> {
        let fail = |source| WriteListError::Write { path: path.to_owned(), source };
        let header: Vec<&str> = COLUMNS.into_iter().chain(BOX).chain(LANDMARKS).collect();
        let before: Vec<&str> = header.iter().copied().filter(|&column| column != PAIR).collect();
        let (mut there, mut has_pairs) = (HashMap::new(), true);
        let is_new = !path.exists();
        if !is_new {
            let mut reader = csv::Reader::from_path(path).map_err(|error| fail(error.into()))?;
            has_pairs = reader.headers().is_ok_and(|found| *found == header);
            if !has_pairs && !reader.headers().is_ok_and(|found| *found == before) {
                return Err(WriteListError::Foreign { path: path.to_owned() });
            }
            let field = |record: &csv::StringRecord, at| record.get(at).unwrap_or_default().to_owned();
            let rows = reader.records().flatten();
            there.extend(rows.map(|record| (field(&record, 0), (field(&record, 1), field(&record, 2)))));
            cut_to_whole_lines(path).map_err(fail)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
        let mut writer = csv::Writer::from_writer(file);
        if is_new {
            writer.write_record(&header).map_err(|error| fail(error.into()))?;
            writer.flush().map_err(fail)?;
        }
        Ok(Self { path: path.to_owned(), writer, has_pairs, there })
    }

    /// Whether a file is in the list already.
    ///
    /// # Errors
    ///
    /// When it is there with another label or for another split: one of them is wrong.
    pub fn has(&self, file: &str, label: Label, split: Split) -> Result<bool, WriteListError> {
        match self.there.get(file) {
            None => Ok(false),
            Some((old_label, old_split)) if old_label == label.name() && *old_split == split.to_string() => Ok(true),
            Some((old_label, old_split)) => Err(WriteListError::Differs {
                path: self.path.clone(),
                file: file.to_owned(),
                before: format!("{old_label}, {old_split}"),
                now: format!("{}, {split}", label.name()),
            }),
        }
    }

    /// Adds a row, and brings it to the file.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn add(&mut self, row: &NewRow) -> Result<(), WriteListError> {
        let ListedFace { bounds, landmarks } = row.face;
        let mut record = vec![
            row.file.clone(),
            row.label.name().to_owned(),
            row.split.to_string(),
            row.source.clone(),
            row.video.clone().unwrap_or_default(),
            row.group.clone().unwrap_or_default(),
        ];
        if self.has_pairs {
            record.push(row.pair.clone().unwrap_or_default());
        }
        record.push(row.map.clone().unwrap_or_default());
        record.extend([bounds.left, bounds.top, bounds.width, bounds.height].map(|number| number.to_string()));
        match landmarks {
            Some(points) => record.extend(points.iter().flat_map(|point| [point.x.to_string(), point.y.to_string()])),
            None => record.extend(LANDMARKS.map(|_| String::new())),
        }
        let fail = |source| WriteListError::Write { path: self.path.clone(), source };
        self.writer.write_record(&record).map_err(|error| fail(error.into()))?;
        self.writer.flush().map_err(fail)?;
        self.there.insert(row.file.clone(), (row.label.name().to_owned(), row.split.to_string()));
        Ok(())
    }
}

/// Removes a last line that a full disk or a kill left unfinished: the next row would be glued to it.
fn cut_to_whole_lines(path: &Path) -> io::Result<()> {
    let bytes = std::fs::read(path)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    if whole < bytes.len() {
        OpenOptions::new().write(true).open(path)?.set_len(whole as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cyborg_edge::frame::{PixelBox, PixelPoint};

    use super::*;
    use crate::data::list::{Place, read};

    fn row(file: &str, landmarks: Option<[PixelPoint; 5]>) -> NewRow {
        let bounds = PixelBox { left: 1.5, top: 0.1, width: 10.0, height: 12.25 };
        NewRow {
            file: file.to_owned(),
            label: Label::Synthetic,
            split: Split::Validation,
            source: "a \"quoted\", name".to_owned(),
            video: Some("clip".to_owned()),
            group: None,
            pair: Some("other.png".to_owned()),
            map: None,
            face: ListedFace { bounds, landmarks },
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("faces.csv");
        let points: [PixelPoint; 5] = std::array::from_fn(|at| PixelPoint { x: at as f32 / 3.0, y: 7.0 });
        let (first, second) = (row("a.png", Some(points)), row("b.png", None));
        ListWriter::open(&path).and_then(|mut list| list.add(&first)).expect("it can be written");
        let mut list = ListWriter::open(&path).expect("it can be gone on with");
        let has =
            |list: &ListWriter, file| list.has(file, Label::Synthetic, Split::Validation).expect("the same label");
        assert!(has(&list, "a.png") && !has(&list, "b.png"));
        let error = list.has("a.png", Label::Authentic, Split::Validation).expect_err("another label").to_string();
        assert!(error.contains("synthetic, validation") && error.contains("real, validation"), "{error}");
        list.add(&second).expect("it can be written");
        // A row that was cut short is begun again.
        let mut text = std::fs::read_to_string(&path).expect("it is there");
        text += "c.png,real";
        std::fs::write(&path, text).expect("it can be written");
        ListWriter::open(&path).expect("it can be gone on with");
        let (found, problems) = read(&Place { list: path.clone(), root: None, maps: None }).expect("it is a list");
        assert!(problems.is_empty(), "{problems:?}");
        for (found, written) in found.rows.iter().zip([&first, &second]) {
            assert_eq!(found.face, Some(written.face));
            assert_eq!((found.label, found.split, &found.source), (written.label, written.split, &written.source));
            assert_eq!((found.video.as_deref(), found.map.as_deref()), (Some("clip"), None));
            assert_eq!(found.pair, Some(folder.path().join("other.png")));
        }
        assert_eq!(found.rows.len(), 2);
    }

    #[test]
    fn a_list_of_other_columns_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("faces.csv");
        std::fs::write(&path, "file,label\n").expect("it can be written");
        assert!(ListWriter::open(&path).expect_err("different columns").to_string().contains("different columns"));
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "file,label\n");
    }
}
