//! The CSV table: a header, then a row a face and frame.

use std::io::{self, Write};
use std::path::Path;

use super::lines::SourceLines;
use super::record::{FaceRecord, PhotoRecord};
use super::rows::{Rows, RowsError};
use crate::BoxError;
use crate::findings::{FrameView, Sink, Summary};

/// Writes the CSV table.
#[derive(Debug)]
pub struct CsvSink {
    writer: ::csv::Writer<Rows>,
    models: Vec<String>,
}

/// The names of the columns, which are [`FaceRecord`]'s fields. Written at once: a table without faces has them too.
pub(super) const HEADER: &str = "source,frame,time_s,track,left,top,width,height,p_synthetic,p_track,verdict,track_verdict,reason,\
    age_ms,running_s,source_escaped,model\n";

/// The names of the columns of a table of photos, which are [`PhotoRecord`]'s fields.
const PHOTO_HEADER: &str =
    "path,score,label,split,source,p_synthetic,verdict,face,left,top,width,height,reason,path_escaped,model\n";

impl CsvSink {
    /// Makes or empties the file at `path` and writes the header. `models` are the names of all models, the first one first.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn create(path: &Path, models: Vec<String>) -> io::Result<Self> {
        Ok(Self { writer: table(path, HEADER)?, models })
    }

    /// Opens the table at `path`, which ends with a whole row, to add rows to it.
    ///
    /// # Errors
    ///
    /// When it isn't there, or can't be written.
    pub fn append(path: &Path, models: Vec<String>) -> io::Result<Self> {
        let rows = Rows::append(path).map_err(io::Error::other)?;
        Ok(Self { writer: ::csv::WriterBuilder::new().has_headers(false).from_writer(rows), models })
    }
}

impl CsvSink {
    /// Adds the rows of a source that another run of the program made: whole, and on the disk.
    ///
    /// # Errors
    ///
    /// When they can't be written; the file then ends with the row before them.
    pub fn add(&mut self, source: &SourceLines<'_>) -> Result<(), BoxError> {
        for line in source.lines().filter(|line| line.is_face()) {
            let fields = line.fields(HEADER.trim_end().split(','))?;
            self.writer.write_record(fields.iter().map(|field| field.as_bytes()))?;
        }
        self.writer.flush()?;
        Ok(self.writer.get_ref().sync()?)
    }
}

/// Writes the CSV table of photos: a row a face, and one for a photo without.
#[derive(Debug)]
pub struct CsvPhotos {
    writer: ::csv::Writer<Rows>,
}

impl CsvPhotos {
    /// Makes or empties the file at `path` and writes the header.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { writer: table(path, PHOTO_HEADER)? })
    }

    /// Adds the rows of a photo.
    ///
    /// # Errors
    ///
    /// When they can't be written; the file then ends with the row before them.
    pub fn photo(&mut self, records: &[PhotoRecord<'_>]) -> anyhow::Result<()> {
        for record in records {
            self.writer.serialize(record)?;
        }
        Ok(self.writer.flush()?)
    }
}

fn table(path: &Path, header: &str) -> io::Result<::csv::Writer<Rows>> {
    let mut rows = Rows::create(path).map_err(|error: RowsError| io::Error::other(error))?;
    rows.write_all(header.as_bytes())?;
    rows.flush()?;
    Ok(::csv::WriterBuilder::new().has_headers(false).from_writer(rows))
}

impl Sink for CsvSink {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        for record in FaceRecord::of(view, &self.models) {
            self.writer.serialize(record)?;
        }
        Ok(self.writer.flush()?)
    }

    /// On the disk before another table says that the source is finished.
    fn finish(&mut self, _summary: &Summary) -> Result<(), BoxError> {
        self.writer.flush()?;
        Ok(self.writer.get_ref().sync()?)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::{HEADER, PHOTO_HEADER};
    use crate::face::follow::TrackId;
    use crate::sink::jsonl::Line;
    use crate::sink::lines::SourceLine;
    use crate::sink::record::{FaceRecord, PhotoRecord};
    use crate::verdict::reason::Reason;
    use crate::verdict::{SyntheticProbability, Verdict};

    /// What the csv crate makes of a record, with the header that it takes from the fields' names.
    fn written(record: impl Serialize) -> String {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.serialize(record).expect("to memory");
        String::from_utf8(writer.into_inner().expect("to memory")).expect("text")
    }

    /// The row that [`super::CsvSink::add`] makes of a record's line.
    fn by_its_line(record: FaceRecord<'_>) -> String {
        let mut text = Vec::new();
        Line::Face(record).write(&mut text).expect("to memory");
        let text = String::from_utf8(text).expect("text");
        let line = SourceLine::of(&text);
        let fields = line.fields(HEADER.trim_end().split(',')).expect("it has all of them");
        let mut writer = ::csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        writer.write_record(fields.iter().map(|field| field.as_bytes())).expect("to memory");
        String::from_utf8(writer.into_inner().expect("to memory")).expect("text")
    }

    #[test]
    fn the_headers_name_the_fields_of_the_records() {
        let face = FaceRecord {
            source: "a",
            frame: 0,
            time_s: 0.0,
            running_s: 0.5,
            track: Some(TrackId(7)),
            left: 0.0,
            top: 0.0,
            width: 1.0,
            height: 1.0,
            p_synthetic: SyntheticProbability::HALF,
            p_track: Some(SyntheticProbability::HALF),
            verdict: Verdict::Authentic,
            track_verdict: Some(Verdict::Unsure),
            reason: Some(Reason::TooFewFrames),
            age_ms: 0.0,
            source_escaped: false,
            model: "m",
        };
        assert_eq!(
            written(face),
            format!("{HEADER}a,0,0.0,7,0.0,0.0,1.0,1.0,0.5,0.5,authentic,unsure,too_few_frames,0.0,0.5,false,m\n")
        );
        let odd = FaceRecord {
            source: "a, \"b\"\n\\ä",
            time_s: 0.1 + 0.2,
            running_s: 1e-7,
            left: f32::MAX,
            top: -0.1,
            track: None,
            p_track: None,
            reason: None,
            source_escaped: true,
            ..face
        };
        for record in [face, odd] {
            assert_eq!(format!("{HEADER}{}", by_its_line(record)), written(record));
        }
        let photo = PhotoRecord::without_face("a", None);
        assert_eq!(written(photo), format!("{PHOTO_HEADER}a,,,,,,,,,,,,,false,\n"));
    }
}
