//! The CSV of the CYBORG data: `split,label,path`, no header; split `train` or `test`, label `Real` or `Synthetic`.

use std::path::Path;

use csv::StringRecord;

use super::{Label, Row};

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
    let [split, label, path] = record.iter().collect::<Vec<_>>()[..] else {
        return Err(format!(
            "{} fields, expected split,label,path (or a header with the names of columns)",
            record.len()
        ));
    };
    let label: Label = label.parse()?;
    // A path that starts at a slash still means one below the root, as where the list came from.
    let path = Path::new(path.trim().trim_start_matches('/'));
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    Ok(Row {
        line,
        path: root.join(path),
        label,
        split: split.parse()?,
        source: folder.unwrap_or_else(|| label.name().to_owned()),
        video: None,
        group: None,
        map: None,
        face: None,
    })
}
