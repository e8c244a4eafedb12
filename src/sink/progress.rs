//! How far a run is: a bar on a terminal, a plain line every few seconds elsewhere, both with the rate and the time that is
//! left. Both go to standard error.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use log::Level;

use crate::BoxError;
use crate::capture::SourceInfo;
use crate::findings::{FrameView, Sink, Summary};
use crate::stderr;

/// A plain line is written this often.
const EVERY: Duration = Duration::from_secs(10);

/// Shows how far a piece of work is.
#[derive(Debug)]
pub struct Progress {
    name: String,
    unit: &'static str,
    all: Option<u64>,
    done: u64,
    begun: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins with nothing done of `all` units, where it is known how many there are. `name` stands before it, `unit` is a
    /// word in the plural.
    #[must_use]
    pub fn new(name: String, unit: &'static str, all: Option<u64>) -> Self {
        let now = Instant::now();
        let draws = std::io::stderr().is_terminal() && !stderr::speaks_json();
        let bar = draws.then(|| bar(&name, unit, all));
        Self { name, unit, all, done: 0, begun: now, told: now, bar }
    }

    /// One unit more is done.
    pub fn advance(&mut self) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let line = line(self.unit, self.done, self.all, self.begun.elapsed());
            stderr::say(Level::Info, &format!("{}: {line}", self.name));
        }
    }

    /// Takes a bar away for as long as something else is written to the terminal.
    pub fn suspend(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, unit: &str, all: Option<u64>) -> ProgressBar {
    let (bar, style) = match all {
        Some(all) => {
            let style = format!("{{msg}} {{wide_bar}} {{pos}}/{{len}} {unit}, {{per_sec}}, {{eta}} left");
            (ProgressBar::new(all), style)
        }
        None => (ProgressBar::new_spinner(), format!("{{msg}} {{spinner}} {{pos}} {unit}, {{per_sec}}")),
    };
    // The template is ours and right; a bar of another look would do as well.
    let style = ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.with_message(name.to_owned())
}

/// `30 of 120 frames, 15.0/s, 6 seconds left`
fn line(unit: &str, done: u64, all: Option<u64>, time: Duration) -> String {
    let rate = done as f64 / time.as_secs_f64().max(1e-3);
    match all.and_then(|all| Some((all, all.checked_sub(done)?))) {
        Some((all, left)) if rate > 0.0 => {
            let left = HumanDuration(Duration::from_secs_f64((left as f64 / rate).min(1e9)));
            format!("{done} of {all} {unit}, {rate:.1}/s, {left} left")
        }
        _ => format!("{done} {unit}, {rate:.1}/s"),
    }
}

/// Shows the progress of each source.
#[derive(Debug, Default)]
pub struct ProgressSink {
    progress: Option<Progress>,
}

impl ProgressSink {
    /// A progress display for the standard error that this program has.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Sink for ProgressSink {
    fn start(&mut self, source: &SourceInfo) -> Result<(), BoxError> {
        self.progress = Some(Progress::new(source.name.clone(), "frames", source.claimed_frames));
        Ok(())
    }

    fn frame(&mut self, _view: &FrameView<'_>) -> Result<(), BoxError> {
        if let Some(progress) = &mut self.progress {
            progress.advance();
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary) -> Result<(), BoxError> {
        self.progress = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(done: u64, all: Option<u64>, seconds: u64, expected: &str) {
        assert_eq!(line("frames", done, all, Duration::from_secs(seconds)), expected);
    }

    #[test]
    fn a_line_says_the_rate_and_the_time_left() {
        check(30, Some(120), 2, "30 of 120 frames, 15.0/s, 6 seconds left");
        check(30, None, 2, "30 frames, 15.0/s");
        check(0, Some(120), 2, "0 frames, 0.0/s");
        // A header that promised less than there is.
        check(130, Some(120), 10, "130 frames, 13.0/s");
        check(10, Some(36_010), 10, "10 of 36010 frames, 1.0/s, 10 hours left");
    }
}
