//! The CSV of the CYBORG data: `split,label,path`, no header; split `train` or `test`, label `Real` or `Synthetic`.

use std::path::Path;

use csv::StringRecord;
use cyborg_edge::photo_list::{ListedPhoto, Split, by_place};

use super::row::Row;

/// The rows, and what is wrong with the other lines.
///
/// The list names no sources: the folder that a photo lies in stands for one, or its label where it lies in none.
pub(super) fn rows(records: &[StringRecord], root: &Path) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (line, record) in (1..).zip(records) {
        match row(line, record, root) {
            Ok(row) => rows.push(row),
            Err(problem) => problems.push(format!("line {line}: {problem}")),
        }
    }
    (rows, problems)
}

fn row(line: u64, record: &StringRecord, root: &Path) -> Result<Row, String> {
    let ListedPhoto { path, label, split, source, face } = by_place(record, root)?;
    let split = split.unwrap_or(Split::Train);
    Ok(Row { line, path, label, split, source, video: None, group: None, pair: None, map: None, face })
}
