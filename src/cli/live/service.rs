//! What a run does beside its work when it runs for months: it tells the service manager that it is alive, and reads its
//! settings anew when it is asked to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::{ArgMatches, FromArgMatches};

use super::feeds::LiveFeed;
use super::printer::words;
use super::systemd::{self, News};
use super::thresholds::ThresholdArgs;
use crate::cli::layers::Layers;
use crate::cli::outcome::{complain, note};
use crate::live::limits::{Limits, SharedLimits, ThresholdSwitch};
use crate::live::metrics::LiveMetrics;
use crate::live::pulse::{Beat, Pulse};
use crate::live::view::SourceState;

/// How often it looks after all this.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Signs of life for each time that the service manager waits.
const SIGNS: u32 = 4;
/// The settings that are taken over while the run goes on.
const SWITCHED: [&str; 2] = ["authentic-below", "synthetic-above"];

/// Where the settings are from, and what they were when they were last read.
pub(super) struct Settings {
    layers: Layers,
    read: ArgMatches,
    asked: &'static AtomicBool,
}

/// Where the pulse of a feed is felt.
pub(super) struct Wrist<'a> {
    name: &'a str,
    pulse: &'a Pulse,
    metrics: &'a LiveMetrics,
    beat: Beat,
    /// Whether it was felt since the last sign of life.
    felt: bool,
}

/// Looks after a run.
pub(super) struct Service<'a> {
    pub(super) settings: Option<Settings>,
    pub(super) limits: Arc<SharedLimits>,
    pub(super) wrists: Vec<Wrist<'a>>,
    pub(super) stop: &'a AtomicBool,
}

impl Settings {
    /// `asked` becomes true when they are to be read anew.
    pub(super) fn new(layers: Layers, read: ArgMatches, asked: &'static AtomicBool) -> Self {
        Self { layers, read, asked }
    }

    /// Reads them anew, and takes over what can be; otherwise all stays as it is.
    fn reload(&mut self, limits: &SharedLimits) -> anyhow::Result<()> {
        let read = self.layers.read()?;
        let Some(live) = read.subcommand_matches("live") else {
            return Ok(());
        };
        let asked = ThresholdArgs::from_arg_matches(live)?.limits(limits.own())?;
        let before = limits.now();
        limits.switch(asked);
        let now = limits.now();
        let (old, new) = (self.layers.values(&self.read), self.layers.values(&read));
        let names = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name));
        let mut restart: Vec<&str> = names.map(String::as_str).filter(|name| !SWITCHED.contains(name)).collect();
        restart.sort_unstable();
        restart.dedup();
        if now != before {
            note(&format!("settings reloaded: thresholds are now {}, were {}", shown(now), shown(before)));
        }
        if !restart.is_empty() {
            note(&format!("settings reloaded: these changes need a restart: {}", restart.join(", ")));
        }
        if now == before && restart.is_empty() {
            note("settings reloaded: nothing has changed");
        }
        // What waits for a restart is compared with what is in use.
        Ok(())
    }
}

impl<'a> Wrist<'a> {
    /// Of a feed that has not got on yet.
    pub(super) fn new(feed: &'a LiveFeed) -> Self {
        let LiveFeed { source, pulse, metrics, .. } = feed;
        Self { name: &source.name, pulse, metrics, beat: Beat::default(), felt: false }
    }
}

fn shown(limits: Limits) -> String {
    format!("{} and {}", limits.authentic_below, limits.synthetic_above)
}

impl Service<'_> {
    /// Looks after the run until it is `over`.
    pub(super) fn serve(&mut self, over: impl Fn() -> bool) {
        systemd::tell(News::Ready);
        let every = systemd::patience().map(|patience| patience / SIGNS);
        let (mut looked, mut told, mut stopping) = (None::<Instant>, None, false);
        while !over() {
            if every.is_some_and(|every| looked.is_none_or(|looked| looked.elapsed() >= every)) {
                looked = Some(Instant::now());
                if self.is_alive() {
                    systemd::tell(News::Alive);
                }
            }
            let status = self.status();
            if told.as_ref() != Some(&status) {
                systemd::tell(News::Status(&status));
                told = Some(status);
            }
            if self.stop.load(Ordering::Relaxed) && !std::mem::replace(&mut stopping, true) {
                systemd::tell(News::Stopping);
            }
            if let Some(settings) = &mut self.settings
                && settings.asked.swap(false, Ordering::Relaxed)
                && let Err(error) = settings.reload(&self.limits)
            {
                complain(&error.context("the settings are unchanged"));
            }
            thread::sleep(POLL_INTERVAL);
        }
        if !stopping {
            systemd::tell(News::Stopping);
        }
    }

    /// Whether each feed got on since the last sign of life, be it in the same moment or one after the other. One that has ended
    /// holds up no sign while there are others.
    fn is_alive(&mut self) -> bool {
        let mut goes_on = false;
        for wrist in &mut self.wrists {
            let ended = wrist.pulse.source() == SourceState::Ended;
            goes_on |= !ended;
            wrist.felt |= ended || wrist.pulse.beats(wrist.metrics, &mut wrist.beat);
        }
        let alive = goes_on && self.wrists.iter().all(|wrist| wrist.felt);
        if alive {
            self.wrists.iter_mut().for_each(|wrist| wrist.felt = false);
        }
        alive
    }

    /// How all sources are, in one line.
    fn status(&self) -> String {
        let several = self.wrists.len() > 1;
        let one = |wrist: &Wrist<'_>| {
            let words = words(&wrist.pulse.source(), several);
            if several { format!("[{}] {words}", wrist.name) } else { words }
        };
        self.wrists.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}
