//! A text file that always ends with a whole row, also when the disk is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::name;

/// A table that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("can't write {}: {source}", crate::name::of(path))]
pub struct RowsError {
    path: PathBuf,
    source: io::Error,
}

/// Collects rows and, at each [`Write::flush`], adds them to the file whole or not at all.
#[derive(Debug)]
pub struct Rows {
    file: File,
    path: PathBuf,
    pending: Vec<u8>,
    whole: u64,
    reader_left: bool,
}

impl Rows {
    /// Makes or empties the file at `path`.
    ///
    /// # Errors
    ///
    /// When it can't be opened for writing.
    pub fn create(path: &Path) -> Result<Self, RowsError> {
        let file = File::create(path).map_err(|source| RowsError { path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned(), pending: Vec::new(), whole: 0, reader_left: false })
    }

    /// Opens the file at `path`, which ends with a whole row, to add rows to it.
    ///
    /// # Errors
    ///
    /// When it isn't there, or can't be opened for writing.
    pub fn append(path: &Path) -> Result<Self, RowsError> {
        let opened = OpenOptions::new().write(true).open(path).and_then(|mut file| {
            let whole = file.seek(SeekFrom::End(0))?;
            Ok((file, whole))
        });
        let (file, whole) = opened.map_err(|source| RowsError { path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned(), pending: Vec::new(), whole, reader_left: false })
    }

    /// Waits until the rows that were flushed are on the disk: what is said to be finished must outlive a power failure.
    ///
    /// # Errors
    ///
    /// When the disk doesn't take them.
    pub fn sync(&self) -> io::Result<()> {
        match self.file.sync_data() {
            // A pipe has no disk.
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            Err(source) => Err(io::Error::new(source.kind(), RowsError { path: self.path.clone(), source })),
            Ok(()) => Ok(()),
        }
    }
}

impl Write for Rows {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Hands the rows to the system. When that fails, the file ends with the last row that it took whole.
    fn flush(&mut self) -> io::Result<()> {
        if self.reader_left {
            self.pending.clear();
            return Ok(());
        }
        let mut outcome = self.file.write_all(&self.pending);
        if outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            // The reader has had enough of this table; other outputs want the rest of the run.
            self.reader_left = true;
            outcome = Ok(());
        }
        if outcome.is_ok() {
            self.whole += self.pending.len() as u64;
        } else {
            // A row that was cut would make the whole table unreadable. A pipe can't be cut back, and needn't be.
            let cut = self.file.set_len(self.whole).and_then(|()| self.file.seek(SeekFrom::Start(self.whole)));
            if let Err(error) = cut {
                log::debug!("can't cut {} back to whole rows: {error}", name::of(&self.path));
            }
        }
        self.pending.clear();
        outcome.map_err(|source| io::Error::new(source.kind(), RowsError { path: self.path.clone(), source }))
    }
}
