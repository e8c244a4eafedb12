//! What is said of a record while it is made, to the people at the page and in the terminal.

use std::path::PathBuf;

use super::files::RecordKind;
use crate::name;

/// A sentence on what is recorded in these files, and what to do about it. Only their names are in it, not where they lie.
#[must_use]
pub fn consent(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|file| name::of(file.file_name().unwrap_or(file.as_os_str()))).collect();
    let pictured = files.iter().any(|file| RecordKind::of(file) == Some(RecordKind::Report));
    let what = if pictured {
        "verdicts, times and pictures of the faces of everyone seen"
    } else {
        "verdicts and times of everyone seen, no pictures"
    };
    format!("This session is being recorded to {}: {what}. Tell the people in the call.", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str], expected: &str) {
        assert_eq!(consent(&files.iter().map(PathBuf::from).collect::<Vec<_>>()), expected);
    }

    #[test]
    fn pictures_are_named_where_there_are_some() {
        check(
            &["folder/call.csv"],
            "This session is being recorded to call.csv: verdicts and times of everyone seen, no pictures. Tell the people in \
             the call.",
        );
        check(
            &["call.jsonl", "call.html"],
            "This session is being recorded to call.jsonl, call.html: verdicts, times and pictures of the faces of everyone \
             seen. Tell the people in the call.",
        );
    }
}
