//! The files of a record, by their endings: tables for all sources together, and a report a source.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::row::Change;
use crate::BoxError;
use crate::explain::explain;
use crate::findings::{FrameView, Sink, Summary};
use crate::name;
use crate::sink::csv::CsvSink;
use crate::sink::jsonl::{Extent, JsonlSink};
use crate::sink::record::SourceRecord;
use crate::sink::report::{Loss, MadeWith, ReportSink};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A table: a row a scored face.
    Csv,
    /// The same rows, and what becomes of the sources and persons.
    Jsonl,
    /// A page for people, with pictures of faces.
    Report,
}

impl RecordKind {
    /// The kind of the file at `path`, by its ending.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::Jsonl),
            "html" => Some(Self::Report),
            _ => None,
        }
    }
}

/// A file that is written, and whether the last row failed.
#[derive(Debug)]
struct Written<S> {
    sink: S,
    path: PathBuf,
    failing: bool,
}

/// All files of a record.
#[derive(Debug)]
pub(super) struct Files {
    csv: Vec<Written<CsvSink>>,
    jsonl: Vec<Written<JsonlSink>>,
    /// Of each report, a page a source.
    reports: Vec<Vec<Written<ReportSink>>>,
}

/// The files of a record of so many sources, where these are asked for: a report is one a source.
#[must_use]
pub fn files_of(paths: &[PathBuf], feeds: usize) -> Vec<PathBuf> {
    let each = |path: &PathBuf| {
        let feeds = if RecordKind::of(path) == Some(RecordKind::Report) { feeds } else { 1 };
        (0..feeds).map(|feed| report_of(path, feed)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(each).collect()
}

/// The page of the source of this number, from 0: `call.html`, `call.2.html` and so on.
fn report_of(path: &Path, feed: usize) -> PathBuf {
    if feed == 0 {
        return path.to_owned();
    }
    let mut name: OsString = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{}.", feed + 1));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

impl<S> Written<S> {
    fn new(path: &Path, sink: S) -> Self {
        Self { sink, path: path.to_owned(), failing: false }
    }

    /// Writes into it; gives whether that went well.
    fn write(&mut self, write: impl Fn(&mut dyn Sink) -> Result<(), BoxError>) -> bool
    where
        S: Sink,
    {
        let outcome = write(&mut self.sink);
        self.wrote(outcome)
    }

    /// Whether it was written. A failure is told once, and so is its end.
    fn wrote(&mut self, outcome: Result<(), BoxError>) -> bool {
        let path = name::of(&self.path);
        match (&outcome, self.failing) {
            (Err(error), false) => log::warn!("record: {path}: {}; until that ends rows are lost", explain(error)),
            (Ok(()), true) => log::warn!("record: {path}: working again"),
            _ => {}
        }
        self.failing = outcome.is_err();
        outcome.is_ok()
    }
}

impl Files {
    /// Opens them all, for so many sources.
    pub(super) fn create(paths: &[PathBuf], made_with: &MadeWith, feeds: usize) -> io::Result<Self> {
        let mut files = Self { csv: Vec::new(), jsonl: Vec::new(), reports: Vec::new() };
        let run = &made_with.run;
        for path in paths {
            match RecordKind::of(path) {
                Some(RecordKind::Csv) => files.csv.push(Written::new(path, CsvSink::create(path, run.models())?)),
                Some(RecordKind::Report) => {
                    let page = |feed| {
                        let path = report_of(path, feed);
                        let sink = ReportSink::create(&path, made_with.clone()).map_err(io::Error::other)?;
                        Ok::<_, io::Error>(Written::new(&path, sink.of_faces_alone()))
                    };
                    files.reports.push((0..feeds).map(page).collect::<Result<_, _>>()?);
                }
                // Whoever asks for another ending gets what holds most.
                Some(RecordKind::Jsonl) | None => {
                    files.jsonl.push(Written::new(path, JsonlSink::create(path, run, Extent::All)?));
                }
            }
        }
        Ok(files)
    }

    /// The reports on a source.
    pub(super) fn reports(&self, feed: usize) -> impl Iterator<Item = &ReportSink> {
        self.reports.iter().filter_map(move |report| Some(&report.get(feed)?.sink))
    }

    /// Writes a face into all; gives whether all took it.
    pub(super) fn row(&mut self, feed: usize, view: &FrameView<'_>) -> bool {
        self.each(feed, |sink| sink.frame(view))
    }

    /// Does the same with each file that is of this source; gives whether all took it.
    fn each(&mut self, feed: usize, write: impl Fn(&mut dyn Sink) -> Result<(), BoxError>) -> bool {
        let mut whole = true;
        self.csv.iter_mut().for_each(|file| whole &= file.write(&write));
        self.jsonl.iter_mut().for_each(|file| whole &= file.write(&write));
        let reports = self.reports.iter_mut().filter_map(|report| report.get_mut(feed));
        reports.for_each(|file| whole &= file.write(&write));
        whole
    }

    /// Writes down what becomes of a source.
    pub(super) fn source(&mut self, (feed, source): (usize, &str), time: f64, change: &Change) {
        let (state, reason) = match change {
            Change::Plays => ("playing", None),
            Change::Lost(reason) => ("lost", Some(reason.as_str())),
        };
        for file in &mut self.jsonl {
            let source_escaped = name::is_escaped(source);
            let outcome = file.sink.source(SourceRecord { source, time_s: time, state, reason, source_escaped });
            file.wrote(outcome.map_err(Into::into));
        }
        for file in self.reports.iter_mut().filter_map(|report| report.get_mut(feed)) {
            match change {
                Change::Plays => file.sink.found_again(time),
                Change::Lost(reason) => file.sink.lost(Loss { from: time, until: None, reason: reason.clone() }),
            }
        }
    }

    /// Completes what there is on a source; gives whether all of it could be.
    pub(super) fn finish(&mut self, feed: usize, summary: &Summary) -> bool {
        self.each(feed, |sink| sink.finish(summary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_what_a_file_is() {
        let kind = |path: &str| RecordKind::of(Path::new(path));
        assert_eq!(kind("a/call.CSV"), Some(RecordKind::Csv));
        assert_eq!(kind("call.jsonl"), Some(RecordKind::Jsonl));
        assert_eq!(kind("a.b.html"), Some(RecordKind::Report));
        assert_eq!([kind("csv"), kind("call.json"), kind("call.html.gz"), kind(".csv")], [None; 4]);
    }

    #[test]
    fn each_source_has_a_page() {
        let pages = [0, 1, 9].map(|feed| report_of(Path::new("a/call.html"), feed));
        assert_eq!(pages, ["a/call.html", "a/call.2.html", "a/call.10.html"].map(PathBuf::from));
        let asked = ["a.csv", "a.html"].map(PathBuf::from);
        assert_eq!(files_of(&asked, 2), ["a.csv", "a.html", "a.2.html"].map(PathBuf::from));
    }
}
