//! `--record`: the session as tables and a report.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Args;

use super::networks::LiveNetworks;
use crate::cli::outcome::{UsageError, note, refuse_overwriting};
use crate::cli::workers::{self, WorkerArgs};
use crate::face::detector::Detector;
use crate::live::record::{RecordKind, RecordSettings, Recorded, Recorder, consent, files_of};
use crate::name;
use crate::sink::report::MadeWith;

#[derive(Args, Debug)]
pub(super) struct RecordArgs {
    /// Record the session: a table of all scored faces (FILE.csv, FILE.jsonl) or a report with pictures of the faces
    /// (FILE.html); may be given several times
    #[arg(long, value_name = "FILE")]
    record: Vec<PathBuf>,
}

impl RecordArgs {
    /// Looks at the files, of so many sources, before anything is opened. `read` are those that the run reads.
    pub(super) fn check(&self, read: &[PathBuf], workers: &WorkerArgs, feeds: usize) -> Result<(), UsageError> {
        if let Some(path) = self.record.iter().find(|path| RecordKind::of(path).is_none()) {
            let path = name::of(path);
            return Err(UsageError(format!("--record {path}: its name must end in .csv, .jsonl or .html")));
        }
        refuse_overwriting(read.iter().chain(&workers.files()), &files_of(&self.record, feeds))
    }

    /// What to tell the people of it; nothing where nothing is recorded.
    pub(super) fn consent(&self, feeds: usize) -> Option<String> {
        (!self.record.is_empty()).then(|| consent(&files_of(&self.record, feeds)))
    }

    /// Begins to record these sources, where that is asked for.
    pub(super) fn begin(
        &self,
        feeds: Vec<String>,
        networks: &LiveNetworks,
        detector: &Detector,
    ) -> anyhow::Result<Option<Recorder>> {
        let Some(consent) = self.consent(feeds.len()) else {
            return Ok(None);
        };
        let LiveNetworks { classifier, limits, .. } = networks;
        let run = workers::record(classifier, &[], Some(detector));
        let caution = workers::cautions(std::iter::once(classifier)).pop();
        let made_with = MadeWith { run, contract: classifier.contract().clone(), caution };
        let limits = Arc::clone(limits);
        let recorder = Recorder::begin(RecordSettings { files: self.record.clone(), made_with, limits, feeds });
        let recorder = recorder.map_err(|error| anyhow!("{error}; name another file with --record"))?;
        note(&consent);
        Ok(Some(recorder))
    }

    /// Says what was recorded.
    pub(super) fn tell(&self, recorded: Recorded, feeds: usize) {
        let Recorded { written, dropped, complete } = recorded;
        let names: Vec<String> = files_of(&self.record, feeds).iter().map(name::of).collect();
        note(&format!("recorded {written} scored faces in {}", names.join(", ")));
        if dropped > 0 {
            note(&format!("warning: {dropped} more could not be recorded: the disk was full, or too slow"));
        }
        if !complete {
            note("warning: the record is not complete: a file could not be finished");
        }
    }
}
