//! How far a run is: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::fit::{EpochReport, FitSettings};

/// Time between two plain lines.
const PAUSE: Duration = Duration::from_secs(20);

/// Shows a run. Time left counts to the end of the run, from the pace of this session.
pub(super) struct Display {
    bar: Option<ProgressBar>,
    epochs: u64,
    /// Epochs that were done before this session.
    before: u64,
    start: Instant,
    said: Instant,
    epoch_start: Instant,
}

impl Display {
    pub(super) fn new(settings: &FitSettings, before: u64) -> Self {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} faces, {msg}");
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, epochs: settings.epochs, before, start: now, said: now, epoch_start: now }
    }

    pub(super) fn batch(&mut self, epoch: u64, faces: usize, of: usize) {
        let pace = faces as f64 / self.epoch_start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        let share = (epoch - 1 - self.before) as f64 + faces as f64 / of.max(1) as f64;
        let left = self.left(share);
        if let Some(bar) = &self.bar {
            bar.set_length(of as u64);
            bar.set_position(faces as u64);
            bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
            bar.set_message(format!("{pace:.1} faces/s, {left} left"));
        } else if self.said.elapsed() >= PAUSE {
            self.said = Instant::now();
            log::info!("epoch {epoch}/{}: {faces}/{of} faces, {pace:.1} faces/s, {left} left", self.epochs);
        }
    }

    pub(super) fn epoch(&mut self, report: &EpochReport, validation: &str) {
        let EpochReport { epoch, training, is_best, .. } = report;
        let line = || {
            log::info!(
                "epoch {epoch}/{}: loss {:.4}, class loss {:.4}, {:.1} faces/s; validation: {validation}{}",
                self.epochs,
                training.loss,
                training.class,
                training.rate,
                if *is_best { " (best)" } else { "" }
            );
        };
        match &self.bar {
            Some(bar) => bar.suspend(line),
            None => line(),
        }
        self.epoch_start = Instant::now();
        self.said = Instant::now();
    }

    /// Time that the rest takes when `done` epochs took the time so far.
    fn left(&self, done: f64) -> String {
        let pace = self.start.elapsed().as_secs_f64() / done.max(1e-6);
        let left = pace * ((self.epochs - self.before) as f64 - done).max(0.0);
        // Beyond some days the number tells nothing.
        indicatif::HumanDuration(Duration::from_secs_f64(left.min(1e7))).to_string()
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
