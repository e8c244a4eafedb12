//! Our own CSV: columns by name, in any order; further columns are left alone.
//!
//! `file` and `label` must be there. `split` (or `role`) is train where it is left out, `source` the label. `map`, `video`,
//! `group`, `pair`, the box `face_x,face_y,face_w,face_h` and five landmarks (`left_eye_x` and so on) may be left out or empty.

use std::path::Path;

use csv::StringRecord;
use cyborg_edge::photo_list::{Line, ListedPhoto, Split, by_name};

use super::error::ListError;
use super::row::Row;

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
    let ListedPhoto { path, label, split, source, face } = by_name(line, root)?;
    Ok(Row {
        line: number,
        path,
        label,
        split: split.unwrap_or(Split::Train),
        source,
        video: line.field("video").map(str::to_owned),
        group: line.field("group").map(str::to_owned),
        pair: line.field("pair").map(|pair| root.join(pair)),
        map: line.field("map").map(|map| root.join(map)),
        face,
    })
}
