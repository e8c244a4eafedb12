//! The tables of `cyborg video`: made anew, or those of a run that was cut, which `--resume` continues.
//!
//! A JSONL table says itself which clips are finished. A CSV table doesn't; where it stands alone and there are several
//! clips, a small file beside it, `FILE.progress`, holds the first line and the summaries of a JSONL table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::outcome::{UsageError, note};
#[cfg(feature = "fleet")]
use crate::BoxError;
use crate::capture::address::Address;
use crate::findings::Sink;
use crate::name;
use crate::sink::csv::CsvSink;
use crate::sink::jsonl::{Extent, JsonlSink, RunRecord, first_line};
#[cfg(feature = "fleet")]
use crate::sink::lines::SourceLines;
use crate::sink::resume::{self, Table};

#[derive(Args, Debug)]
pub(super) struct TableArgs {
    /// Write a CSV table, one row per face and frame
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a JSONL table: the same rows, and a summary of each clip
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Continue the tables of a run that was cut short: finished clips are skipped, the others are done again
    #[arg(long)]
    resume: bool,
    /// Whether they are continued wherever they are there, which is no news then.
    #[arg(skip)]
    always: bool,
}

/// Tables that are ready for rows.
#[derive(Default)]
pub(super) struct Tables {
    csv: Option<CsvSink>,
    /// The JSONL table, or what says which clips of a CSV table are finished. It comes after that: it must not say so before.
    jsonl: Option<JsonlSink>,
    /// Names of the clips that are in them already.
    pub(super) finished: BTreeSet<String>,
}

impl Tables {
    /// As those who take a run's results, and the names of the clips that are finished.
    pub(super) fn into_sinks(self) -> (Vec<Box<dyn Sink>>, BTreeSet<String>) {
        let csv = self.csv.map(|sink| Box::new(sink) as Box<dyn Sink>);
        let jsonl = self.jsonl.map(|sink| Box::new(sink) as Box<dyn Sink>);
        (csv.into_iter().chain(jsonl).collect(), self.finished)
    }

    /// Adds the lines of a clip that another machine judged.
    #[cfg(feature = "fleet")]
    pub(super) fn add(&mut self, source: &SourceLines<'_>) -> Result<(), BoxError> {
        if let Some(csv) = &mut self.csv {
            csv.add(source)?;
        }
        if let Some(jsonl) = &mut self.jsonl {
            jsonl.add(source)?;
        }
        Ok(())
    }
}

impl TableArgs {
    /// Tables that are continued where they are there.
    #[cfg(feature = "fleet")]
    pub(super) fn continuing(csv: Option<PathBuf>, jsonl: Option<PathBuf>) -> Self {
        Self { csv, jsonl, resume: true, always: true }
    }

    /// All files that are written for so many clips.
    pub(super) fn outputs(&self, clips: usize) -> impl Iterator<Item = PathBuf> {
        [self.csv.clone(), self.jsonl.clone(), self.progress(clips)].into_iter().flatten()
    }

    /// Looks at the flags before anything is opened.
    pub(super) fn check(&self, clips: &[Address]) -> Result<(), UsageError> {
        if !self.resume {
            return Ok(());
        }
        if self.csv.is_none() && self.jsonl.is_none() {
            return Err(UsageError("--resume continues tables: name them with --jsonl or --csv".to_owned()));
        }
        for path in [&self.csv, &self.jsonl].into_iter().flatten() {
            if path.exists() && !path.is_file() {
                return Err(UsageError(format!("--resume continues files, but {} is not a file", name::of(path))));
            }
        }
        let mut names = BTreeSet::new();
        for clip in clips {
            let name = clip.name();
            if clip.path().is_none() {
                let message = "is not a file, and may differ each time: run it separately";
                return Err(UsageError(format!("--resume skips what is finished, but {name} {message}")));
            }
            if names.contains(&name) {
                return Err(UsageError(format!(
                    "--resume can't tell two clips called {name} apart: name it only once"
                )));
            }
            names.insert(name);
        }
        Ok(())
    }

    /// Opens the tables for clips of these names, before any clip is, so that a path that can't be written costs nothing.
    pub(super) fn open(&self, clips: &[String], run: &RunRecord) -> anyhow::Result<Tables> {
        if self.resume {
            if let Some(tables) = self.continued(clips, run)? {
                return Ok(tables);
            }
            if !self.always {
                note("nothing to resume: the tables don't exist yet");
            }
        }
        self.forget();
        let mut tables = Tables::default();
        if let Some(path) = &self.csv {
            tables.csv = Some(CsvSink::create(path, run.models())?);
        }
        if let Some(path) = &self.jsonl {
            tables.jsonl = Some(JsonlSink::create(path, run, Extent::All)?);
        }
        if let Some(path) = self.progress(clips.len()) {
            match JsonlSink::create(&path, run, Extent::Summaries) {
                Ok(sink) => tables.jsonl = Some(sink),
                Err(error) => note(&format!("warning: {error}: --resume will not be possible")),
            }
        }
        Ok(tables)
    }

    /// The tables with what is finished in them; `None` when there are none yet.
    fn continued(&self, clips: &[String], run: &RunRecord) -> anyhow::Result<Option<Tables>> {
        let csv = self.csv.as_deref().map(Table::read_csv).transpose()?.flatten();
        // What says which clips are finished.
        let (saying, extent) = match (&self.jsonl, &self.csv) {
            (Some(jsonl), _) => (jsonl.clone(), Extent::All),
            (None, Some(csv)) => (progress_of(csv), Extent::Summaries),
            (None, None) => return Ok(None),
        };
        let says = Table::read_jsonl(&saying)?;
        let says = match (says, &csv, &self.csv) {
            (None, None, _) => return Ok(None),
            (Some(says), Some(_), _) | (Some(says), None, None) => says,
            (None, Some(_), _) => {
                let message =
                    "is not there or is empty, and without it nobody knows which clips of the CSV are finished";
                let cure = "name the JSONL table of the same run by --jsonl if there is one, or leave --resume out to begin anew";
                return Err(UsageError(format!("{} {message}: {cure}", name::of(saying))).into());
            }
            // A journal without its table: all of it is to be done.
            (Some(_), None, Some(_)) if extent == Extent::Summaries => return Ok(None),
            (Some(_), None, Some(csv)) => {
                let message = "is not there or is empty, and the clips that are finished would be missing in it";
                let cure = "drop --csv, or drop --resume to start over";
                return Err(UsageError(format!("{} {message}: {cure}", name::of(csv))).into());
            }
        };
        says.check_run(&first_line(run))?;
        let mut tables: Vec<&Table> = csv.iter().collect();
        if extent == Extent::All {
            tables.push(&says);
        }
        let finished = resume::finished(&says, &tables, run.models().len());
        self.tell(clips, &finished, &tables);
        // The journal first: a clip that it no longer speaks of is done anew, whatever the tables hold.
        says.keep(|source| finished.contains(source))?;
        let mut tables = Tables::default();
        if let (Some(table), Some(path)) = (&csv, &self.csv) {
            table.keep(|source| finished.contains(source))?;
            tables.csv = Some(CsvSink::append(path, run.models())?);
        }
        tables.jsonl = Some(JsonlSink::append(&saying, run, extent)?);
        Ok(Some(Tables { finished, ..tables }))
    }

    fn tell(&self, clips: &[String], finished: &BTreeSet<String>, tables: &[&Table]) {
        let skipped = clips.iter().filter(|&clip| finished.contains(clip)).count();
        note(&format!("resuming: {skipped} of {} clips are finished and skipped", clips.len()));
        let begun: BTreeSet<&str> = tables.iter().flat_map(|table| table.sources()).collect();
        for source in begun.into_iter().filter(|&source| !finished.contains(source)) {
            note(&format!("resuming: {source} was not finished; its rows are removed"));
        }
    }

    /// Where the progress of a CSV table that stands alone is kept; nowhere where there is one clip, which would be done
    /// anew, or no plain file.
    fn progress(&self, clips: usize) -> Option<PathBuf> {
        let csv = self.csv.as_deref().filter(|_| self.jsonl.is_none() && (clips > 1 || self.always))?;
        let is_plain = csv.symlink_metadata().map_or(true, |found| found.is_file());
        is_plain.then(|| progress_of(csv))
    }

    /// Takes away the progress of an earlier run: it would be taken for that of the table to come.
    fn forget(&self) {
        let Some(path) = self.csv.as_deref().map(progress_of).filter(|path| path.is_file()) else {
            return;
        };
        // A file of that name that is somebody else's is left alone.
        if let Ok(Some(_)) = Table::read_jsonl(&path)
            && let Err(error) = fs::remove_file(&path)
        {
            note(&format!("warning: can't remove {}, which is of an earlier run: {error}", name::of(path)));
        }
    }
}

fn progress_of(csv: &Path) -> PathBuf {
    let mut name = csv.as_os_str().to_owned();
    name.push(".progress");
    PathBuf::from(name)
}
