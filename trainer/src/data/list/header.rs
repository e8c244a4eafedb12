//! Our own CSV: columns by name, in any order; further columns are left alone.
//!
//! `file` and `label` must be there. `split` (or `role`) is train where it is left out, `source` the label. `map`, `video`,
//! `group`, the box `face_x,face_y,face_w,face_h` and five landmarks (`left_eye_x` and so on) may be left out or empty.

use std::path::Path;

use csv::StringRecord;
use cyborg_edge::frame::{PixelBox, PixelPoint};

use super::{Label, ListError, ListedFace, Row, Split};

/// Columns of the face box, in pixels of the photo.
pub(crate) const BOX: [&str; 4] = ["face_x", "face_y", "face_w", "face_h"];
/// Columns of the landmarks, in pixels of the photo; left and right as seen in the picture.
pub(crate) const LANDMARKS: [&str; 10] = [
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

/// A line, its columns found by name.
struct Line<'a> {
    header: &'a StringRecord,
    record: &'a StringRecord,
}

impl<'a> Line<'a> {
    /// What stands in a column; nothing when it is empty or there is no such column.
    fn field(&self, name: &str) -> Option<&'a str> {
        let at = self.header.iter().position(|column| column.trim_start_matches('\u{feff}').trim() == name)?;
        self.record.get(at).map(str::trim).filter(|text| !text.is_empty())
    }

    /// The numbers of some columns: all, or none of them.
    fn numbers<const N: usize>(&self, names: [&str; N], what: &str) -> Result<Option<[f32; N]>, String> {
        let fields = names.map(|name| self.field(name));
        if fields.iter().all(Option::is_none) {
            return Ok(None);
        }
        let numbers = fields.map(|field| field.and_then(|text| text.parse::<f32>().ok()).filter(|n| n.is_finite()));
        if numbers.iter().any(Option::is_none) {
            return Err(format!("the {what} is incomplete or no numbers ({})", names.join(", ")));
        }
        Ok(Some(numbers.map(Option::unwrap_or_default)))
    }
}

/// The rows, and what is wrong with the other lines.
pub(super) fn rows(list: &Path, records: &[StringRecord], root: &Path) -> Result<(Vec<Row>, Vec<String>), ListError> {
    let [header, records @ ..] = records else { return Ok((Vec::new(), Vec::new())) };
    for column in ["file", "label"] {
        let line = Line { header, record: header };
        line.field(column).ok_or_else(|| ListError::Column { path: list.to_owned(), column })?;
    }
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (number, record) in (2..).zip(records) {
        match row(number, &Line { header, record }, root) {
            Ok(row) => rows.push(row),
            Err(problem) => problems.push(format!("line {number}: {problem}")),
        }
    }
    Ok((rows, problems))
}

fn row(number: u64, line: &Line<'_>, root: &Path) -> Result<Row, String> {
    let file = line.field("file").ok_or("there is no file")?;
    let label: Label = line.field("label").ok_or("there is no label")?.parse()?;
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
    Ok(Row {
        line: number,
        path: root.join(file),
        label,
        split: split.map_or(Ok(Split::Train), str::parse)?,
        source: line.field("source").unwrap_or(label.name()).to_owned(),
        video: line.field("video").map(str::to_owned),
        group: line.field("group").map(str::to_owned),
        map: line.field("map").map(|map| root.join(map)),
        face: bounds.map(|bounds| ListedFace { bounds, landmarks }),
    })
}
