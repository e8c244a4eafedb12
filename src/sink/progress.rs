//! How far a run is: a bar on a terminal, a plain line every few seconds elsewhere. Both go to standard error.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{FrameView, Sink};
use crate::capture::SourceInfo;
use crate::pipeline::Summary;

/// A plain line is written this often.
const EVERY: Duration = Duration::from_secs(10);

/// Shows the progress of each source.
#[derive(Debug)]
pub struct ProgressSink {
    bar: Option<ProgressBar>,
    last: Instant,
    claimed: Option<u64>,
    frames: u64,
}

impl Default for ProgressSink {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressSink {
    /// A progress display for the standard error that this program has.
    #[must_use]
    pub fn new() -> Self {
        Self { bar: None, last: Instant::now(), claimed: None, frames: 0 }
    }
}

impl Sink for ProgressSink {
    fn start(&mut self, source: &SourceInfo) -> anyhow::Result<()> {
        self.last = Instant::now();
        self.frames = 0;
        self.claimed = source.claimed_frames;
        if stderr().is_terminal() {
            let style = "{msg} {wide_bar} {pos}/{len} frames, {per_sec}, {eta} left";
            let bar = ProgressBar::new(source.claimed_frames.unwrap_or(0)).with_message(source.name.clone());
            bar.set_style(ProgressStyle::with_template(style)?);
            self.bar = Some(bar);
        }
        Ok(())
    }

    fn frame(&mut self, view: &FrameView<'_>) -> anyhow::Result<()> {
        self.frames += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        } else if self.last.elapsed() >= EVERY {
            self.last = Instant::now();
            let of = self.claimed.map(|claimed| format!(" of {claimed}")).unwrap_or_default();
            // Nobody may be listening there; the work goes on.
            let _ = writeln!(stderr(), "{}: {}{of} frames", view.source, self.frames);
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary) -> anyhow::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        Ok(())
    }
}
