//! The lines of one source that another run of the program wrote, checked, and as rows of a CSV table.
//!
//! Numbers are passed on as they are written: read and written again they could differ in their last digit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What is read of each line.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    source: Cow<'a, str>,
    faces: Option<u64>,
    ended: Option<&'a str>,
}

/// The lines of a source that was read whole.
#[derive(Debug)]
pub struct SourceLines<'a>(&'a str);

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct SourceLine<'a>(&'a str);

impl<'a> SourceLines<'a> {
    /// Checks that these are the lines of the source of this name by so many models, all of them.
    ///
    /// # Errors
    ///
    /// In words, when they aren't.
    pub fn read(bytes: &'a [u8], source: &str, models: usize) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the lines are no UTF-8".to_owned())?;
        let (mut rows, mut faces, mut sums) = (0, 0, 0);
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            let read: Kind<'_> = serde_json::from_str(line).map_err(|error| format!("line {number}: {error}"))?;
            if read.source != source {
                return Err(format!("line {number} is of another source, {}", read.source));
            }
            match (read.kind, read.ended) {
                ("face", _) => rows += 1,
                ("track", _) => {}
                ("summary", Some("whole")) => {
                    sums += 1;
                    faces += read.faces.unwrap_or(0);
                }
                _ => return Err(format!("line {number} is none of a source that was read whole")),
            }
        }
        if (rows, sums) != (faces, models) {
            return Err(format!("{rows} faces and {sums} summaries, where there should be {faces} and {models}"));
        }
        Ok(Self(text))
    }

    /// The lines.
    pub fn lines(&self) -> impl Iterator<Item = SourceLine<'a>> {
        self.0.split_inclusive('\n').map(SourceLine)
    }
}

impl<'a> SourceLine<'a> {
    #[cfg(test)]
    pub(super) fn of(text: &'a str) -> Self {
        Self(text)
    }

    /// The line, with its end.
    pub(super) fn text(self) -> &'a str {
        self.0
    }

    pub(super) fn is_face(self) -> bool {
        self.is("face")
    }

    pub(super) fn is_summary(self) -> bool {
        self.is("summary")
    }

    fn is(self, kind: &str) -> bool {
        serde_json::from_str(self.0).is_ok_and(|read: Kind<'_>| read.kind == kind)
    }

    /// The values of these columns, as a CSV table has them.
    ///
    /// # Errors
    ///
    /// In words, when one isn't there.
    pub(super) fn fields<'c>(self, columns: impl Iterator<Item = &'c str>) -> Result<Vec<Cow<'a, str>>, String> {
        let read: BTreeMap<Cow<'a, str>, &'a RawValue> =
            serde_json::from_str(self.0).map_err(|error| error.to_string())?;
        let field = |column: &str| match read.get(column).map(|raw| raw.get()) {
            None => Err(format!("a line has no {column}")),
            Some("null") => Ok(Cow::Borrowed("")),
            Some(text) if text.starts_with('"') => {
                serde_json::from_str(text).map(Cow::Owned).map_err(|error| error.to_string())
            }
            // Numbers are written alike in both, but for this sign.
            Some(text) if text.contains("e+") => Ok(Cow::Owned(text.replacen("e+", "e", 1))),
            Some(text) => Ok(Cow::Borrowed(text)),
        };
        columns.map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::SourceLines;

    const FACE: &str = "{\"type\":\"face\",\"source\":\"a\",\"frame\":0}\n";
    const TRACK: &str = "{\"type\":\"track\",\"source\":\"a\",\"track\":1}\n";
    const SUMMARY: &str = "{\"type\":\"summary\",\"source\":\"a\",\"faces\":1,\"ended\":\"whole\"}\n";

    #[test]
    fn a_source_is_whole_or_told() {
        let check = |lines: &[&str], models: usize, expected: Result<usize, &str>| {
            let text = lines.concat();
            let read = SourceLines::read(text.as_bytes(), "a", models);
            match (read.map(|source| source.lines().count()), expected) {
                (Ok(count), Ok(expected)) => assert_eq!(count, expected),
                (Err(told), Err(part)) => assert!(told.contains(part), "no `{part}` in: {told}"),
                (read, expected) => unreachable!("{read:?}, where {expected:?} was expected"),
            }
        };
        check(&[FACE, TRACK, SUMMARY], 1, Ok(3));
        check(&[FACE, FACE, TRACK, TRACK, SUMMARY, SUMMARY], 2, Ok(6));
        check(&[FACE, TRACK], 1, Err("1 faces and 0 summaries"));
        check(&[TRACK, SUMMARY], 1, Err("0 faces and 1 summaries, where there should be 1 and 1"));
        check(&[FACE, SUMMARY], 2, Err("1 and 2"));
        check(&[FACE, &SUMMARY.replace("whole", "failed")], 1, Err("line 2 is none"));
        check(&[&FACE.replace("\"a\"", "\"b\""), SUMMARY], 1, Err("line 1 is of another source, b"));
        check(&["{\n"], 1, Err("line 1"));
        check(&["{\"type\":\"run\",\"source\":\"a\"}\n"], 1, Err("line 1 is none"));
    }
}
