//! The JSONL table: a line a face and frame, and at the end of a source a line a track and one for the source.
//!
//! The first line says which version of the fields follows, and what wrote them. `docs/jsonl.schema.json` describes each
//! kind of line for other programs.

use std::io::{self, Write};
use std::path::Path;

use cyborg_models::contract::Kind;
use cyborg_models::expert_set::{ExpertEntry, ExpertSet};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lines::SourceLines;
use super::record::{FaceRecord, PhotoRecord, SCHEMA, SourceRecord, SummaryRecord, TrackRecord};
use super::rows::{Rows, RowsError};
use crate::BoxError;
use crate::findings::{FrameView, Sink, Summary};

/// What a run was made with, for the first line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Program and version.
    pub tool: String,
    /// The model's name; where several are asked, the first one's.
    pub model: String,
    /// SHA-256 of the model file, or of the set file, which holds those of its experts.
    pub model_sha256: String,
    /// The experts of a set; none where one model speaks for itself.
    pub experts: Vec<ExpertRecord>,
    /// Execution provider of the classifier: asked, got, why.
    pub provider: String,
    /// Execution provider of the face detector.
    pub detector_provider: String,
    /// Further models that were asked of the same faces.
    pub others: Vec<ModelRecord>,
    /// Settings that change rows, by the names of their flags: a run with others can't continue a table.
    pub settings: Map<String, Value>,
}

/// A further model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Its name.
    pub model: String,
    /// SHA-256 of its file.
    pub model_sha256: String,
    /// Its experts, where it is a set.
    pub experts: Vec<ExpertRecord>,
    /// Its execution provider: asked, got, why.
    pub provider: String,
}

/// An expert of a set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpertRecord {
    /// Its file, as the set names it.
    pub file: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The kind of synthetic faces that it looks for; empty where it doesn't say.
    pub looks_for: Option<Kind>,
    /// What its evidence is multiplied by.
    pub weight: f32,
}

impl ExpertRecord {
    /// Those of a set; none of one model.
    #[must_use]
    pub fn of(set: Option<&ExpertSet>) -> Vec<Self> {
        let record = |expert: &ExpertEntry| Self {
            file: expert.file.clone(),
            sha256: expert.sha256.clone(),
            looks_for: expert.looks_for,
            weight: expert.weight,
        };
        set.map_or_else(Vec::new, |set| set.experts.iter().map(record).collect())
    }
}

impl RunRecord {
    /// The names of all models, the first one first.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        std::iter::once(&self.model).chain(self.others.iter().map(|other| &other.model)).cloned().collect()
    }
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
    /// A live source was lost, or is back.
    Source(SourceRecord<'a>),
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
    models: Vec<String>,
    extent: Extent,
}

/// Which lines a table holds beside its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All lines.
    All,
    /// The summaries alone: what a CSV table lacks to be continued.
    Summaries,
}

impl JsonlSink {
    /// Makes or empties the file at `path` and writes the first line.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn create(path: &Path, run: &RunRecord, extent: Extent) -> io::Result<Self> {
        let rows = Rows::create(path).map_err(|error: RowsError| io::Error::other(error))?;
        let mut sink = Self { rows, models: run.models(), extent };
        Line::Run { schema: SCHEMA, run }.write(&mut sink.rows)?;
        sink.rows.flush()?;
        Ok(sink)
    }

    /// Opens the table at `path`, which ends with a whole line and was made by such a run, to add lines to it.
    ///
    /// # Errors
    ///
    /// When it isn't there, or can't be written.
    pub fn append(path: &Path, run: &RunRecord, extent: Extent) -> io::Result<Self> {
        Ok(Self { rows: Rows::append(path).map_err(io::Error::other)?, models: run.models(), extent })
    }

    /// Adds a line on how a live source is.
    ///
    /// # Errors
    ///
    /// When it can't be written; the file then ends with the line before it.
    pub fn source(&mut self, record: SourceRecord<'_>) -> io::Result<()> {
        Line::Source(record).write(&mut self.rows)?;
        self.rows.flush()
    }

    /// Adds the lines of a source that another run of the program made, with the ends of the lines: whole, and on the disk.
    ///
    /// # Errors
    ///
    /// When they can't be written; the file then ends with the line before them.
    pub fn add(&mut self, source: &SourceLines<'_>) -> io::Result<()> {
        for line in source.lines().filter(|line| self.extent == Extent::All || line.is_summary()) {
            self.rows.write_all(line.text().as_bytes())?;
        }
        self.rows.flush()?;
        self.rows.sync()
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

/// The first line of a JSONL table, as a later run reads it back.
#[must_use]
pub fn first_line(run: &RunRecord) -> Map<String, Value> {
    // Through text and back: numbers then compare as those of a file do.
    let text = serde_json::to_string(&Line::Run { schema: SCHEMA, run }).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The lines of a frame: one a face and model.
pub(super) fn write_frame(out: &mut impl Write, view: &FrameView<'_>, models: &[String]) -> io::Result<()> {
    FaceRecord::of(view, models).try_for_each(|record| Line::Face(record).write(&mut *out))
}

/// The lines at the end of a source: its tracks, and a summary a model.
pub(super) fn write_end(out: &mut impl Write, summary: &Summary, models: &[String], extent: Extent) -> io::Result<()> {
    let tracks = models.iter().zip(&summary.opinions).filter(|_| extent == Extent::All);
    for (model, said) in tracks {
        TrackRecord::of(summary, model, said).try_for_each(|record| Line::Track(record).write(&mut *out))?;
    }
    let sums = models.iter().zip(&summary.opinions);
    sums.map(|(model, said)| SummaryRecord::of(summary, model, said))
        .try_for_each(|record| Line::Summary(record).write(&mut *out))
}

impl Sink for JsonlSink {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        if self.extent == Extent::Summaries {
            return Ok(());
        }
        write_frame(&mut self.rows, view, &self.models)?;
        Ok(self.rows.flush()?)
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), BoxError> {
        write_end(&mut self.rows, summary, &self.models, self.extent)?;
        self.rows.flush()?;
        Ok(self.rows.sync()?)
    }
}
