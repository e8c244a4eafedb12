//! Lists of photos: which there are, and what is known of each.
//!
//! Two formats are read, the same that `cyborg-train` takes: the CYBORG data's `split,label,path` without a header, and a
//! CSV with a header whose columns are found by name (`file` and `label`; `split` or `role`, `source`, the face's box
//! `face_x,face_y,face_w,face_h` and its five landmarks may be left out; further columns are left alone).

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use crate::frame::{PixelBox, PixelPoint};
use crate::name;

/// Columns of the face box, in pixels of the photo.
pub const BOX: [&str; 4] = ["face_x", "face_y", "face_w", "face_h"];
/// Columns of the landmarks, in pixels of the photo; left and right as seen in the picture.
pub const LANDMARKS: [&str; 10] = [
    "left_eye_x",
    "left_eye_y",
    "right_eye_x",
    "right_eye_y",
    "nose_x",
    "nose_y",
    "mouth_left_x",
    "mouth_left_y",
    "mouth_right_x",
    "mouth_right_y",
];

/// What a list says that a photo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Label {
    /// A photo of a person, bona fide; class 0.
    #[serde(rename = "real")]
    Authentic,
    /// Generated or swapped; class 1.
    #[serde(rename = "synthetic")]
    Synthetic,
}

/// What a list says that a photo is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To learn from.
    Train,
    /// To choose the best epoch by, and to calibrate on.
    Validation,
    /// To measure on, and for nothing else.
    Test,
}

/// Where a list says that the face is, in pixels of the photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedFace {
    /// Its box.
    pub bounds: PixelBox,
    /// Eyes, tip of the nose and corners of the mouth; with them no detector needs to look.
    pub landmarks: Option<[PixelPoint; 5]>,
}

/// A photo of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedPhoto {
    /// Where the file is.
    pub path: PathBuf,
    /// What it is.
    pub label: Label,
    /// What it is used for; nothing where the list doesn't say.
    pub split: Option<Split>,
    /// Where it comes from: the list's own word, else the folder it lies in or its label.
    pub source: String,
    /// Where the face is, when the list says so.
    pub face: Option<ListedFace>,
}

/// A line that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}: {reason}", name::of(list))]
pub struct LineError {
    /// The list.
    pub list: PathBuf,
    /// Line in the file, from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

/// A list that was read, in its own order; the photos were not. A line that can't be used doesn't spoil the others.
pub type PhotoList = Vec<Result<ListedPhoto, LineError>>;

/// A list that can't be used at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// The file can't be opened.
    #[error("can't read the list {}: {source}", name::of(path))]
    Open {
        /// The list.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file can't be read to its end.
    #[error("can't read the list {}: {source}", name::of(path))]
    Read {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
    /// A column that every list needs is not in the header.
    #[error(
        "{} has no column `{column}` (columns are file, label, split, source; see trainer/README.md)",
        name::of(path)
    )]
    Column {
        /// The list.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// There is no line in it.
    #[error("the list {} is empty", name::of(path))]
    Empty {
        /// The list.
        path: PathBuf,
    },
}

/// Reads the list at `path`. Paths in it start from `root`; else from the folder `faces` beside the list where there is
/// one, else from the list's folder.
///
/// # Errors
///
/// When the file can't be read, has no line, or a header without `file`.
pub fn read(path: &Path, root: Option<&Path>) -> Result<PhotoList, ListError> {
    let text = fs::read(path).map_err(|source| ListError::Open { path: path.to_owned(), source })?;
    let beside = || {
        let folder = path.parent().unwrap_or(Path::new(""));
        let faces = folder.join("faces");
        if faces.is_dir() { faces } else { folder.to_owned() }
    };
    parse(&text, path, &root.map_or_else(beside, Path::to_owned))
}

/// Reads the text of a list; `path` stands for it in messages.
///
/// # Errors
///
/// As [`read`] has them.
pub fn parse(text: &[u8], path: &Path, root: &Path) -> Result<PhotoList, ListError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut header: Option<StringRecord> = None;
    let (mut photos, mut lines) = (PhotoList::new(), Lines::of(text));
    for (index, record) in reader.byte_records().enumerate() {
        let record = record.map_err(|source| ListError::Read { path: path.to_owned(), source })?;
        let line = lines.at(record.position());
        // Where a name of a file is no UTF-8, all of the line stands as names do, and the path is had back from its own.
        let (record, named) = match StringRecord::from_byte_record(record) {
            Ok(record) => (record, false),
            Err(error) => (error.into_byte_record().iter().map(name::of_bytes).collect(), true),
        };
        if index == 0 && record.iter().any(|name| plain(name) == "label") {
            if !record.iter().any(|name| plain(name) == "file") {
                return Err(ListError::Column { path: path.to_owned(), column: "file" });
            }
            header = Some(record);
            continue;
        }
        let photo = match &header {
            Some(header) => by_name(&Line { header, record: &record }, root),
            None => by_place(&record, root),
        };
        let photo = if named { photo.and_then(|photo| unnamed(photo, root)) } else { photo };
        photos.push(photo.map_err(|reason| LineError { list: path.to_owned(), line, reason }));
    }
    if photos.is_empty() { Err(ListError::Empty { path: path.to_owned() }) } else { Ok(photos) }
}

/// The photo of a line that was made of names: its path is the one that its name stands for.
fn unnamed(photo: ListedPhoto, root: &Path) -> Result<ListedPhoto, String> {
    let below = photo.path.strip_prefix(root).unwrap_or(&photo.path);
    let path = below.to_str().and_then(name::path).ok_or("it is not UTF-8 text: save the list as UTF-8")?;
    Ok(ListedPhoto { path: root.join(path), ..photo })
}

/// Counts the lines of a text, which end by a line feed, a carriage return, or both together. The reader's own count knows
/// line feeds alone, and stands at the empty lines before a record, which it skips.
struct Lines<'a> {
    text: &'a [u8],
    /// Up to where the ends were counted.
    counted: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        // The reader leaves a byte order mark out, and still says that the first record begins at it.
        let mark = if text.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        Self { text, counted: mark, line: 1 }
    }

    /// The line of the record that the reader found at `position`, from 1. Records come in their order.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let at = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0).max(self.counted);
        let rest = self.text.get(at..).unwrap_or_default();
        let begin = at + rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        for place in self.counted..begin.min(self.text.len()) {
            let ends = match self.text[place] {
                b'\n' => true,
                b'\r' => self.text.get(place + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends);
        }
        self.counted = begin;
        self.line
    }
}

/// Without the mark that some programs put before a text, and without spaces around it.
fn plain(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

/// A line `split,label,path`.
///
/// Such a list names no sources: the folder that a photo lies in stands for one, or its label where it lies in none.
///
/// # Errors
///
/// What is wrong with it.
pub fn by_place(record: &StringRecord, root: &Path) -> Result<ListedPhoto, String> {
    let [split, label, path] = record.iter().map(plain).collect::<Vec<_>>()[..] else {
        return Err(format!(
            "{} fields, expected split,label,path (or a header with the names of columns)",
            record.len()
        ));
    };
    let label: Label = label.parse()?;
    // A path that starts at a slash still means one below the root, as where the list came from.
    let path = path.trim_start_matches('/');
    if path.is_empty() {
        return Err("the path is missing".to_owned());
    }
    let folder = Path::new(path).parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    Ok(ListedPhoto {
        path: root.join(path),
        label,
        split: Some(split.parse()?),
        source: folder.unwrap_or_else(|| label.name().to_owned()),
        face: None,
    })
}

/// A line whose columns are found by name.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The names of the columns.
    pub header: &'a StringRecord,
    /// What stands in them.
    pub record: &'a StringRecord,
}

impl<'a> Line<'a> {
    /// What stands in a column; nothing when it is empty or there is no such column.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a str> {
        let at = self.header.iter().position(|column| plain(column) == name)?;
        self.record.get(at).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The numbers of some columns: all, or none of them.
    fn numbers<const N: usize>(&self, names: [&str; N], what: &str) -> Result<Option<[f32; N]>, String> {
        let fields = names.map(|name| self.field(name));
        if fields.iter().all(Option::is_none) {
            return Ok(None);
        }
        let number = |field: Option<&str>| field?.parse::<f32>().ok().filter(|number| number.is_finite());
        let mut numbers = [0.0; N];
        for (slot, field) in numbers.iter_mut().zip(fields) {
            let incomplete = || format!("the {what} is incomplete or no numbers ({})", names.join(", "));
            *slot = number(field).ok_or_else(incomplete)?;
        }
        Ok(Some(numbers))
    }
}

/// A line of a list with a header. Columns that only the trainer knows are left alone.
///
/// # Errors
///
/// What is wrong with it.
pub fn by_name(line: &Line<'_>, root: &Path) -> Result<ListedPhoto, String> {
    let file = line.field("file").ok_or("the file name is missing")?;
    let label: Label = line.field("label").ok_or("the label is missing")?.parse()?;
    let split = line.field("split").or_else(|| line.field("role"));
    let bounds = line.numbers(BOX, "face box")?.map(|[left, top, width, height]| PixelBox { left, top, width, height });
    if bounds.is_some_and(|bounds| bounds.width <= 0.0 || bounds.height <= 0.0) {
        return Err("the face box is empty".to_owned());
    }
    let landmarks = line.numbers(LANDMARKS, "set of landmarks")?;
    let landmarks = landmarks.map(|all| std::array::from_fn(|at| PixelPoint { x: all[at * 2], y: all[at * 2 + 1] }));
    if landmarks.is_some() && bounds.is_none() {
        return Err(format!("there are landmarks and no face box ({})", BOX.join(", ")));
    }
    Ok(ListedPhoto {
        path: root.join(file),
        label,
        split: split.map(str::parse).transpose()?,
        source: line.field("source").unwrap_or(label.name()).to_owned(),
        face: bounds.map(|bounds| ListedFace { bounds, landmarks }),
    })
}

impl Label {
    /// Index of its logit.
    #[must_use]
    pub fn class(self) -> i64 {
        self as i64
    }

    /// Its name in lists and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Authentic => "real",
            Self::Synthetic => "synthetic",
        }
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match plain(text).to_ascii_lowercase().as_str() {
            "real" => Ok(Self::Authentic),
            "synthetic" => Ok(Self::Synthetic),
            _ => Err(format!("label `{text}` is not known; expected real or synthetic")),
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match plain(text).to_ascii_lowercase().as_str() {
            "train" => Ok(Self::Train),
            "validation" => Ok(Self::Validation),
            "test" => Ok(Self::Test),
            _ => Err(format!("split `{text}` is not known; expected train, validation or test")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<PhotoList, ListError> {
        parse(text, Path::new("list.csv"), Path::new("photos"))
    }

    fn photo(path: &str, label: Label, split: Option<Split>, source: &str) -> Result<ListedPhoto, LineError> {
        Ok(ListedPhoto { path: path.into(), label, split, source: source.to_owned(), face: None })
    }

    #[test]
    fn the_papers_list_is_read_as_it_is() {
        let text = "\u{feff}train,Real,ffhq/1.png\ntest,Synthetic,/gan/2.jpg\ntest,Real,3.png\n";
        assert_eq!(
            read_text(text.as_bytes()).expect("it is right"),
            [
                photo("photos/ffhq/1.png", Label::Authentic, Some(Split::Train), "ffhq"),
                photo("photos/gan/2.jpg", Label::Synthetic, Some(Split::Test), "gan"),
                photo("photos/3.png", Label::Authentic, Some(Split::Test), "real"),
            ]
        );
    }

    #[test]
    fn columns_are_found_by_name() {
        let text = "source,file,label,extra,role,face_x,face_y,face_w,face_h\n\
                    s,a.png,real,?,validation,1,2,3,4\n,b.png,Synthetic,,,,,,\n";
        let photos = read_text(text.as_bytes()).expect("it is right");
        let bounds = PixelBox { left: 1.0, top: 2.0, width: 3.0, height: 4.0 };
        let first = photos[0].as_ref().expect("it is right");
        assert_eq!((first.split, first.source.as_str()), (Some(Split::Validation), "s"));
        assert_eq!(first.face, Some(ListedFace { bounds, landmarks: None }));
        assert_eq!(photos[1], photo("photos/b.png", Label::Synthetic, None, "synthetic"));
    }

    /// Of a list with one bad line among good ones, the bad one is named and the others are read.
    fn check_line(text: &[u8], line: u64, part: &str) {
        let photos = read_text(text).expect("the list itself is right");
        let bad: Vec<_> = photos.iter().filter_map(|photo| photo.as_ref().err()).collect();
        assert_eq!(bad.len(), 1, "{photos:?}");
        assert_eq!(bad[0].line, line, "{}", bad[0]);
        assert!(bad[0].to_string().contains(part), "no `{part}` in {}", bad[0]);
    }

    #[test]
    fn a_wrong_line_is_named_and_the_others_are_read() {
        check_line(b"train,Real,a.png\ntrain,Real\n", 2, "2 fields");
        check_line(b"best,Real,a.png\ntrain,Real,b.png\n", 1, "`best`");
        check_line(b"train,Real,a.png\ntrain,R\xe9al,\xff.png\n", 2, r"R\xe9al");
        check_line(b"train,Real,a.png\ntrain,Real,/\n", 2, "the path is missing");
        check_line(b"file,label\na.png,real\n\n\nb.png,fake\n", 5, "`fake`");
        check_line(b"file,label,face_x\na.png,real,\nb.png,real,3\n", 3, "face box");
        check_line(b"file,label\na.png,real\n,real\n", 3, "the file name is missing");
        check_line(b"file,label\ra.png,real\rb.png,fake\r", 3, "`fake`");
        check_line(b"file,label\r\n\r\na.png,fake\r\n", 3, "`fake`");
        check_line(b"\xef\xbb\xbf\ntrain,Fake,a.png\n", 2, "`Fake`");
    }

    #[test]
    fn a_list_that_is_none_is_an_error() {
        assert!(read_text(b"label,split\n").expect_err("no files").to_string().contains("no column `file`"));
        assert!(read_text(b"").expect_err("no lines").to_string().contains("empty"));
        assert!(read_text(b"file,label\n").expect_err("no lines").to_string().contains("empty"));
        let missing = read(Path::new("no/such.csv"), None).expect_err("there is none").to_string();
        assert!(missing.contains("no/such.csv"), "{missing}");
    }
}
