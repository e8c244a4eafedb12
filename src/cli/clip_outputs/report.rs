//! `--report`: a page for people.

use std::path::{Path, PathBuf};

use clap::Args;

use super::clip_output::{ClipOutput, OpenedClip};
use crate::findings::Sink;
use crate::sink::report::ReportSink;

#[derive(Args, Debug)]
pub(super) struct ReportArgs {
    /// Write a report for people as one self-contained HTML file; for several clips, a folder to hold one file per clip
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ClipOutput for ReportArgs {
    fn flag(&self) -> &'static str {
        "--report"
    }

    fn ending(&self) -> &'static str {
        "report.html"
    }

    fn path(&self) -> Option<&Path> {
        self.report.as_deref()
    }

    fn open(&self, path: &Path, clip: &OpenedClip<'_>) -> anyhow::Result<Box<dyn Sink>> {
        Ok(Box::new(ReportSink::create(path, clip.workers.made_with())?))
    }
}
