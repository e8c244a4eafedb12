//! The list of faces: a CSV with a header, `file,label,source,role` and optionally `face_x,face_y,face_w,face_h`.
//!
//! `label` is `real` or `synthetic`; further columns are left alone. Files lie in the folder `faces` beside the list.

use std::path::{Path, PathBuf};

use cyborg_edge::frame::PixelBox;
use cyborg_models::digest;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// What a face is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// A photo of a person; class 0.
    #[serde(rename = "real")]
    Authentic,
    /// Generated or swapped; class 1.
    Synthetic,
}

impl Label {
    /// Index of its logit.
    #[must_use]
    pub fn class(self) -> i64 {
        self as i64
    }
}

/// A face of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The photo.
    pub path: PathBuf,
    /// What it is.
    pub label: Label,
    /// Where it comes from; results are split by it.
    pub source: String,
    /// Its box in pixels of the photo, where the list has one.
    pub bounds: Option<PixelBox>,
}

/// The faces of one role.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceList {
    /// In the order of the list.
    pub rows: Vec<Row>,
    /// SHA-256 of their lines, sorted: the same faces give the same digest in whatever order they are listed.
    pub digest: String,
}

/// A list that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file can't be read.
    #[error("can't read the list {}: {source}", path.display())]
    Read {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
    /// Lines are wrong; all of them are named.
    #[error("{} of {} can't be used:\n{}", count(problems), path.display(), problems.join("\n"))]
    Rows {
        /// The list.
        path: PathBuf,
        /// A line each.
        problems: Vec<String>,
    },
    /// No line has the role.
    #[error("{} has no row with role `{role}`", path.display())]
    Empty {
        /// The list.
        path: PathBuf,
        /// The role that was asked for.
        role: String,
    },
}

#[derive(Deserialize)]
struct Line {
    file: String,
    label: Label,
    source: String,
    role: String,
    face_x: Option<f32>,
    face_y: Option<f32>,
    face_w: Option<f32>,
    face_h: Option<f32>,
}

/// Reads the rows of one role. `place` is a list, or a folder with a list `faces.csv`.
///
/// # Errors
///
/// When the list can't be read, lines of it are wrong, files are missing, or no line has the role. All wrong lines are
/// named at once.
pub fn read(place: &Path, role: &str) -> Result<FaceList, ListError> {
    let path = if place.is_dir() { place.join("faces.csv") } else { place.to_owned() };
    let folder = path.parent().unwrap_or(Path::new("")).join("faces");
    let mut reader = csv::Reader::from_path(&path).map_err(|source| ListError::Read { path: path.clone(), source })?;
    let mut rows = Vec::new();
    let mut lines = Vec::new();
    let mut problems = Vec::new();
    for (index, line) in reader.deserialize::<Line>().enumerate() {
        let number = index + 2;
        let line = match line {
            Ok(line) if line.role != role => continue,
            Ok(line) => line,
            Err(error) => {
                problems.push(format!("line {number}: {error}"));
                continue;
            }
        };
        let photo = folder.join(&line.file);
        if !photo.is_file() {
            problems.push(format!("line {number}: {} is missing", photo.display()));
        }
        let bounds = match (line.face_x, line.face_y, line.face_w, line.face_h) {
            (Some(left), Some(top), Some(width), Some(height)) if width > 0.0 && height > 0.0 => {
                Some(PixelBox { left, top, width, height })
            }
            (None, None, None, None) => None,
            _ => {
                problems.push(format!("line {number}: the face box is incomplete or empty"));
                None
            }
        };
        lines.push(format!("{},{},{}", line.file, line.label.class(), line.source));
        rows.push(Row { path: photo, label: line.label, source: line.source, bounds });
    }
    if !problems.is_empty() {
        return Err(ListError::Rows { path, problems });
    }
    if rows.is_empty() {
        return Err(ListError::Empty { path, role: role.to_owned() });
    }
    lines.sort();
    Ok(FaceList { rows, digest: digest::of_bytes(lines.join("\n").as_bytes()) })
}

/// Splits rows into those to train on and those kept out: of each source a random tenth, rounded, is kept out.
///
/// The two parts share their sources, so what is measured on the kept-out part is a sanity check and says nothing of
/// generators that were never seen. The same seed gives the same split.
#[must_use]
pub fn keep_out_tenth(rows: &[Row], seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut sources: Vec<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut train, mut kept_out) = (Vec::new(), Vec::new());
    for source in sources {
        let mut of_source: Vec<usize> = (0..rows.len()).filter(|&index| rows[index].source == source).collect();
        of_source.shuffle(&mut random);
        let tenth = (of_source.len() + 5) / 10;
        kept_out.extend(&of_source[..tenth]);
        train.extend(&of_source[tenth..]);
    }
    train.sort_unstable();
    kept_out.sort_unstable();
    (train, kept_out)
}

fn count(problems: &[String]) -> String {
    if problems.len() == 1 { "a line".to_owned() } else { format!("{} lines", problems.len()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn list(text: &str) -> (tempfile::TempDir, Result<FaceList, ListError>) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::create_dir(folder.path().join("faces")).expect("it can be written");
        fs::write(folder.path().join("faces/a.png"), "").expect("it can be written");
        fs::write(folder.path().join("faces.csv"), text).expect("it can be written");
        let result = read(folder.path(), "train");
        (folder, result)
    }

    fn check_error(text: &str, parts: &[&str]) {
        let message = list(text).1.expect_err("the list is wrong").to_string();
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in `{message}`");
        }
    }

    #[test]
    fn reads_the_rows_of_a_role() {
        let text = "file,label,source,generator,role,face_x,face_y,face_w,face_h\n\
                    a.png,real,s,g,train,1,2,3,4\nb.png,synthetic,s,g,test,1,2,3,4\n";
        let rows = list(text).1.expect("the list is right").rows;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].label, rows[0].source.as_str()), (Label::Authentic, "s"));
        assert_eq!(rows[0].bounds, Some(PixelBox { left: 1.0, top: 2.0, width: 3.0, height: 4.0 }));
    }

    #[test]
    fn the_box_may_be_left_out() {
        let rows = list("file,label,source,role\na.png,synthetic,s,train\n").1.expect("the list is right").rows;
        assert_eq!((rows[0].label.class(), rows[0].bounds), (1, None));
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let text = "file,label,source,role\na.png,fake,s,train\nb.png,real,s,train\n";
        check_error(text, &["2 lines", "line 2", "fake", "line 3", "b.png is missing"]);
        check_error("file,label,source,role\na.png,real,s,test\n", &["no row with role `train`"]);
    }

    #[test]
    fn the_order_of_the_list_does_not_change_its_digest() {
        let header = "file,label,source,role\n";
        let (one, other) = ("a.png,real,s,train\n", "a.png,synthetic,t,train\n");
        let digest = |text: String| list(&text).1.expect("the list is right").digest;
        assert_eq!(digest(format!("{header}{one}{other}")), digest(format!("{header}{other}{one}")));
        assert_ne!(digest(format!("{header}{one}{other}")), digest(format!("{header}{one}")));
    }

    #[test]
    fn a_tenth_of_each_source_is_kept_out() {
        let row =
            |source: &str| Row { path: PathBuf::new(), label: Label::Authentic, source: source.into(), bounds: None };
        let mut rows = vec![row("large"); 100];
        rows.extend(vec![row("small"); 14]);
        let (train, kept_out) = keep_out_tenth(&rows, 3);
        assert_eq!((train.len(), kept_out.len()), (103, 11));
        assert_eq!(kept_out.iter().filter(|&&index| index >= 100).count(), 1);
        assert_eq!(keep_out_tenth(&rows, 3), (train, kept_out.clone()));
        assert_ne!(keep_out_tenth(&rows, 4).1, kept_out);
    }
}
