//! The JSONL table: a line a face and frame, and at the end of a source a line a track and one for the source.
//!
//! The first line says which version of the fields follows, and what wrote them. `docs/jsonl.schema.json` describes each
//! kind of line for other programs.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::record::{FaceRecord, PhotoRecord, SCHEMA, SummaryRecord, TrackRecord};
use super::rows::{Rows, RowsError};
use super::{FrameView, Sink};
use crate::pipeline::Summary;

/// What a run was made with, for the first line.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    /// Program and version.
    pub tool: String,
    /// The model's name and SHA-256.
    pub model: String,
    /// SHA-256 of the model file.
    pub model_sha256: String,
    /// Execution provider of the classifier: asked, got, why.
    pub provider: String,
    /// Execution provider of the face detector.
    pub detector_provider: String,
}

/// A line: its kind, then its fields.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Line<'a> {
    /// The first line.
    Run {
        /// Version of the fields, [`SCHEMA`].
        schema: u32,
        /// What the run was made with.
        #[serde(flatten)]
        run: &'a RunRecord,
    },
    /// A face in a frame.
    Face(FaceRecord<'a>),
    /// A face in a photo, or a photo without one.
    Photo(PhotoRecord<'a>),
    /// A track, at the end of its source.
    Track(TrackRecord<'a>),
    /// The last line of a source.
    Summary(SummaryRecord<'a>),
}

impl Line<'_> {
    /// Writes it as one line of JSON, with the end of the line.
    ///
    /// # Errors
    ///
    /// When `out` can't be written.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")
    }
}

/// Writes the JSONL table.
#[derive(Debug)]
pub struct JsonlSink {
    rows: Rows,
}

impl JsonlSink {
    /// Makes or empties the file at `path` and writes the first line.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn create(path: &Path, run: &RunRecord) -> io::Result<Self> {
        let rows = Rows::create(path).map_err(|error: RowsError| io::Error::other(error))?;
        let mut sink = Self { rows };
        Line::Run { schema: SCHEMA, run }.write(&mut sink.rows)?;
        sink.rows.flush()?;
        Ok(sink)
    }

    /// Adds the lines of a photo.
    ///
    /// # Errors
    ///
    /// When they can't be written; the file then ends with the line before them.
    pub fn photo(&mut self, records: &[PhotoRecord<'_>]) -> io::Result<()> {
        for record in records {
            Line::Photo(*record).write(&mut self.rows)?;
        }
        self.rows.flush()
    }
}

impl Sink for JsonlSink {
    fn frame(&mut self, view: &FrameView<'_>) -> anyhow::Result<()> {
        for record in FaceRecord::of(view) {
            Line::Face(record).write(&mut self.rows)?;
        }
        Ok(self.rows.flush()?)
    }

    fn finish(&mut self, summary: &Summary) -> anyhow::Result<()> {
        for record in TrackRecord::of(summary) {
            Line::Track(record).write(&mut self.rows)?;
        }
        Line::Summary(SummaryRecord::of(summary)).write(&mut self.rows)?;
        Ok(self.rows.flush()?)
    }
}
