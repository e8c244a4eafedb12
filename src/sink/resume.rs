//! Tables of an earlier run, read back: which sources are finished in them, and how the rest is taken out.
//!
//! A table is whole rows up to where the run ended; a row that was cut there is no row. A source is finished when each
//! model's summary says that it was read whole, and every table has as many rows of it as the summaries count faces.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::csv::HEADER;
use super::record::SCHEMA;

use crate::{name, whole_file};

/// Why a run can't be continued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// A table can't be read.
    #[error("can't read {}: {source}", name::of(path))]
    Read {
        /// The table.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What isn't finished can't be taken out of a table.
    #[error("can't remove the rows of unfinished clips from {}: {source}", name::of(path))]
    Write {
        /// The table.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is none of our tables, or of another version.
    #[error("{} is not a table of this version of `cyborg video` ({found})", name::of(path))]
    Foreign {
        /// The table.
        path: PathBuf,
        /// What it begins with.
        found: String,
    },
    /// A row that can't be read stands before others.
    #[error("line {line} of {} is not a row of `cyborg video`", name::of(path))]
    Malformed {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// The table was made by another model, or with other settings.
    #[error("{} was made with different settings: {}", name::of(path), differences.join(", "))]
    OtherRun {
        /// The table.
        path: PathBuf,
        /// What differs, and how.
        differences: Vec<String>,
    },
}

/// A table as it was found.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    /// The first line of a JSONL table.
    run: Map<String, Value>,
    head: u64,
    blocks: Vec<Block>,
}

/// Rows of one source that stand together.
#[derive(Debug)]
struct Block {
    source: String,
    bytes: Range<u64>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Rows of faces.
    rows: u64,
    /// Summaries that say that the source was read whole.
    whole: u64,
    /// The faces that these speak of.
    faces: u64,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    source: String,
    faces: Option<u64>,
    ended: Option<String>,
}

impl Table {
    /// Reads a JSONL table. `None` when there is none, or nothing in it.
    ///
    /// # Errors
    ///
    /// When it can't be read, is not of this version, or a row before its last one is damaged.
    pub fn read_jsonl(path: &Path) -> Result<Option<Self>, ResumeError> {
        let Some((mut reader, _)) = open(path)? else {
            return Ok(None);
        };
        let failed = |source| ResumeError::Read { path: path.to_owned(), source };
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).map_err(failed)?;
        if line.last() != Some(&b'\n') {
            // Not even the first line is whole: nothing was done.
            return Ok(None);
        }
        let run = first_line(path, &line)?;
        let mut table = Self { path: path.to_owned(), run, head: line.len() as u64, blocks: Vec::new() };
        let (mut at, mut number) = (table.head, 1);
        loop {
            line.clear();
            number += 1;
            reader.read_until(b'\n', &mut line).map_err(failed)?;
            if line.last() != Some(&b'\n') {
                return Ok(Some(table));
            }
            let bytes = at..at + line.len() as u64;
            at = bytes.end;
            match serde_json::from_slice(&line) {
                Ok(Line { kind, source, faces, ended }) => {
                    let whole = kind == "summary" && ended.as_deref() == Some("whole");
                    let counts = Counts {
                        rows: u64::from(kind == "face"),
                        whole: u64::from(whole),
                        faces: faces.filter(|_| whole).unwrap_or(0),
                    };
                    table.add(source, bytes, counts);
                }
                Err(_) if reader.fill_buf().map_err(failed)?.is_empty() => return Ok(Some(table)),
                Err(_) => return Err(ResumeError::Malformed { path: path.to_owned(), line: number }),
            }
        }
    }

    /// Reads a CSV table. `None` when there is none, or nothing in it.
    ///
    /// # Errors
    ///
    /// When it can't be read, is not of this version, or a row before its last one is damaged.
    pub fn read_csv(path: &Path) -> Result<Option<Self>, ResumeError> {
        let Some((mut reader, size)) = open(path)? else {
            return Ok(None);
        };
        let failed = |source| ResumeError::Read { path: path.to_owned(), source };
        let mut last = [0];
        reader.seek(SeekFrom::End(-1)).and_then(|_| reader.read_exact(&mut last)).map_err(failed)?;
        let ends_whole = last == *b"\n";
        reader.rewind().map_err(failed)?;
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).map_err(failed)?;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        if line != HEADER.as_bytes() {
            let found = format!("its columns are {}", String::from_utf8_lossy(&line).trim_end());
            return Err(ResumeError::Foreign { path: path.to_owned(), found });
        }
        let head = line.len() as u64;
        let mut table = Self { path: path.to_owned(), run: Map::new(), head, blocks: Vec::new() };
        let columns = HEADER.split(',').count();
        let mut records = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
        let mut record = ::csv::ByteRecord::new();
        // A row ends where the next one begins.
        let mut before: Option<(u64, u64, Option<String>)> = None;
        loop {
            let more = records.read_byte_record(&mut record).map_err(|error| failed(error.into()))?;
            let (start, number) = match record.position() {
                Some(position) if more => (head + position.byte(), position.line() + 1),
                _ => (size, 0),
            };
            match before.take() {
                Some((from, _, Some(source))) if more || ends_whole => {
                    table.add(source, from..start, Counts { rows: 1, ..Counts::default() });
                }
                Some((_, line, None)) if more => {
                    return Err(ResumeError::Malformed { path: path.to_owned(), line });
                }
                _ => {}
            }
            if !more {
                return Ok(Some(table));
            }
            let source = record.get(0).filter(|_| record.len() == columns).map(<[u8]>::to_vec);
            before = Some((start, number, source.and_then(|source| String::from_utf8(source).ok())));
        }
    }

    /// Holds the table against the run that is to continue it, by the run's own first line.
    ///
    /// # Errors
    ///
    /// When a model or a setting differs that changes rows.
    pub fn check_run(&self, run: &Map<String, Value>) -> Result<(), ResumeError> {
        let differences = differences(&self.run, run);
        if differences.is_empty() {
            return Ok(());
        }
        Err(ResumeError::OtherRun { path: self.path.clone(), differences })
    }

    /// The sources that have rows or lines here.
    pub fn sources(&self) -> BTreeSet<&str> {
        self.blocks.iter().map(|block| block.source.as_str()).collect()
    }

    /// Takes out the rows of all sources but those that are to be kept, and a row that was cut. Whatever stops it, the
    /// table is whole: as it was, or as it shall be.
    ///
    /// # Errors
    ///
    /// When the file can't be changed.
    pub fn keep(&self, kept: impl Fn(&str) -> bool) -> Result<(), ResumeError> {
        let mut ranges = Vec::from([Range { start: 0, end: self.head }]);
        for block in self.blocks.iter().filter(|block| kept(&block.source)) {
            match ranges.last_mut() {
                Some(last) if last.end == block.bytes.start => last.end = block.bytes.end,
                _ => ranges.push(block.bytes.clone()),
            }
        }
        let changed = match &*ranges {
            [one] => cut(&self.path, one.end),
            several => rewrite(&self.path, several),
        };
        changed.map_err(|source| ResumeError::Write { path: self.path.clone(), source })
    }

    fn add(&mut self, source: String, bytes: Range<u64>, counts: Counts) {
        match self.blocks.last_mut() {
            Some(last) if last.source == source => {
                last.bytes.end = bytes.end;
                last.counts.add(counts);
            }
            _ => self.blocks.push(Block { source, bytes, counts }),
        }
    }

    fn counts(&self) -> BTreeMap<&str, Counts> {
        let mut sums = BTreeMap::<&str, Counts>::new();
        for block in &self.blocks {
            sums.entry(&block.source).or_default().add(block.counts);
        }
        sums
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.whole += other.whole;
        self.faces += other.faces;
    }
}

/// The sources that are finished: `says` has a summary of each by every one of `models` models, and each of `tables`
/// the rows that these speak of.
#[must_use]
pub fn finished(says: &Table, tables: &[&Table], models: usize) -> BTreeSet<String> {
    let rows: Vec<_> = tables.iter().map(|table| table.counts()).collect();
    let is_finished = |(source, counts): &(&str, Counts)| {
        let all_there =
            |rows: &BTreeMap<&str, Counts>| rows.get(source).map_or(0, |counts| counts.rows) == counts.faces;
        counts.whole == models as u64 && rows.iter().all(all_there)
    };
    says.counts().into_iter().filter(is_finished).map(|(source, _)| source.to_owned()).collect()
}

/// The file and its size; `None` when there is none, or nothing in it.
fn open(path: &Path) -> Result<Option<(BufReader<File>, u64)>, ResumeError> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    match opened {
        Ok((0, _)) => Ok(None),
        Ok((size, file)) => Ok(Some((BufReader::new(file), size))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ResumeError::Read { path: path.to_owned(), source }),
    }
}

fn first_line(path: &Path, line: &[u8]) -> Result<Map<String, Value>, ResumeError> {
    let foreign = |found: String| ResumeError::Foreign { path: path.to_owned(), found };
    let run: Map<String, Value> = match serde_json::from_slice(line) {
        Ok(run) => run,
        Err(_) => return Err(foreign("its first line is not that of a JSONL table".to_owned())),
    };
    match (run.get("type").and_then(Value::as_str), run.get("schema").and_then(Value::as_u64)) {
        (Some("run"), Some(schema)) if schema == u64::from(SCHEMA) => Ok(run),
        (Some("run"), Some(schema)) => Err(foreign(format!("version {schema} of the fields, not {SCHEMA}"))),
        _ => Err(foreign("its first line is not that of a JSONL table".to_owned())),
    }
}

/// What differs between two runs, and how, of all that changes rows; nothing where one can continue the other's table.
#[must_use]
pub fn differences(was: &Map<String, Value>, is: &Map<String, Value>) -> Vec<String> {
    let mut differences = Vec::new();
    differ("", &comparable(was), &comparable(is), &mut differences);
    differences
}

/// What of a first line must be the same. On which provider the networks ran is said in the settings, without the words on
/// why it was taken.
fn comparable(run: &Map<String, Value>) -> Value {
    let mut run = run.clone();
    for words in ["provider", "detector_provider", "type", "schema"] {
        run.remove(words);
    }
    for other in run.get_mut("others").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(other) = other.as_object_mut() {
            other.remove("provider");
        }
    }
    Value::Object(run)
}

fn differ(name: &str, was: &Value, is: &Value, differences: &mut Vec<String>) {
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            for name in names {
                let of = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
                differ(name, &of(was), &of(is), differences);
            }
        }
        _ if was == is => {}
        _ => differences.push(format!("{name} was {was}, is {is}")),
    }
}

fn cut(path: &Path, end: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(end)?;
    file.sync_data()
}

/// Copies what is kept to a file beside the table, which then takes its place in one step. When that fails, the table is as it was.
fn rewrite(path: &Path, ranges: &[Range<u64>]) -> io::Result<()> {
    // A link stays a link.
    let path = path.canonicalize()?;
    let mut table = File::open(&path)?;
    let mut copy = whole_file::beside(&path)?;
    // Before there is anything in it: the table may be the owner's alone.
    copy.as_file().set_permissions(table.metadata()?.permissions())?;
    for range in ranges {
        table.seek(SeekFrom::Start(range.start))?;
        io::copy(&mut (&mut table).take(range.end - range.start), &mut copy)?;
    }
    copy.as_file().sync_all()?;
    copy.persist(&path)?;
    Ok(())
}

#[cfg(test)]
#[path = "resume_tests.rs"]
mod tests;
