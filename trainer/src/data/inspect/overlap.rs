//! What is in two parts of the data at once: photos by their content, and videos by their name.

use std::collections::HashMap;
use std::fs;

use cyborg_models::digest;
use cyborg_models::name;

use crate::data::list::Row;

/// Photos that are in two splits, or under both labels, and videos that are in two splits. `contents` are the digests of the
/// photos that were read.
pub(super) fn find(rows: &[Row], contents: &[Option<&str>]) -> Vec<String> {
    let length = |row: &Row| fs::metadata(&row.path).map(|data| data.len()).ok();
    let mut lengths: HashMap<u64, usize> = HashMap::new();
    let of_rows: Vec<Option<u64>> = rows.iter().map(length).collect();
    of_rows.iter().flatten().for_each(|&length| *lengths.entry(length).or_default() += 1);
    let mut first: HashMap<String, &Row> = HashMap::new();
    let mut videos: HashMap<(&str, &str), &Row> = HashMap::new();
    let mut problems = Vec::new();
    for row in rows {
        let Some(video) = row.video.as_deref() else { continue };
        let before = *videos.entry((&row.source, video)).or_insert(row);
        if before.split != row.split {
            problems.push(format!(
                "line {}: video {video} is for {} here and for {} in line {}: its frames belong together",
                row.line, row.split, before.split, before.line
            ));
        }
    }
    for ((row, content), length) in rows.iter().zip(contents).zip(of_rows) {
        // Photos that are not used are read only if their length leaves a doubt.
        let content = match content {
            Some(content) => Some((*content).to_owned()),
            _ if length.is_none_or(|length| lengths[&length] < 2) => None,
            _ => fs::read(&row.path).ok().map(|bytes| digest::of_bytes(&bytes)),
        };
        let Some(content) = content else { continue };
        let before = *first.entry(content).or_insert(row);
        let path = name::of(&row.path);
        if before.split != row.split {
            problems.push(format!(
                "line {}: {path} is the photo of line {}, but for {} instead of {}: leave one of them out",
                row.line, before.line, row.split, before.split
            ));
        } else if before.label != row.label && before.face.map(|face| face.bounds) == row.face.map(|face| face.bounds) {
            problems.push(format!(
                "line {}: {path} is the photo of line {}, but {} instead of {}: one of the labels is wrong",
                row.line,
                before.line,
                row.label.name(),
                before.label.name()
            ));
        }
    }
    problems
}
