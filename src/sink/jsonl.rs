//! The JSONL table: a line a face and frame, and at the end of a source a line a track and one for the source.
//!
//! The first line says which version of the fields follows, and what wrote them.

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
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Run {
        schema: u32,
        #[serde(flatten)]
        run: &'a RunRecord,
    },
    Face(FaceRecord<'a>),
    Photo(PhotoRecord<'a>),
    Track(TrackRecord<'a>),
    Summary(SummaryRecord<'a>),
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
        sink.line(&Line::Run { schema: SCHEMA, run })?;
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
            self.line(&Line::Photo(*record))?;
        }
        self.rows.flush()
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut self.rows, line)?;
        self.rows.write_all(b"\n")
    }
}

impl Sink for JsonlSink {
    fn frame(&mut self, view: &FrameView<'_>) -> anyhow::Result<()> {
        for record in FaceRecord::of(view) {
            self.line(&Line::Face(record))?;
        }
        Ok(self.rows.flush()?)
    }

    fn finish(&mut self, summary: &Summary) -> anyhow::Result<()> {
        for record in TrackRecord::of(summary) {
            self.line(&Line::Track(record))?;
        }
        self.line(&Line::Summary(SummaryRecord::of(summary)))?;
        Ok(self.rows.flush()?)
    }
}
