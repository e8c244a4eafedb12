//! Events as notifications of the desktop: who turned synthetic, and back, in plain words; a click opens the page.
//!
//! A person's notification takes the place of the one before. More than so many a minute, and those of quiet hours, wait and are
//! summed up (`gate`). A service that is missing or hangs (`bus`) holds up nothing but this output's own thread, and what it
//! doesn't take is lost: later it would be news no more.

mod browser;
mod bus;
mod gate;
mod quiet;
mod words;

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::event::Event;
use super::output::{Output, Trouble};
use bus::{Bus, BusError, News, Shown};
use gate::Gate;
use words::{Note, Who, without_tags};

pub use browser::{Browser, OpenPage};
pub use quiet::{QuietError, QuietHours};

/// Events that may wait: the service takes one within milliseconds, or is not there.
const ROOM: usize = 16;
/// Persons whose notification is known, so that the next one takes its place. Of more, all are forgotten.
const KNOWN: usize = 256;
/// What a click does.
const ACTION: &str = "Open the page";
/// Names of icons that every desktop has.
const ALARM: &str = "dialog-warning";
const RELIEF: &str = "dialog-information";

/// What is shown, and where.
#[derive(Clone, Debug)]
pub struct NotifySettings {
    /// So many a minute at most.
    pub limit: NonZeroUsize,
    /// When nothing is shown.
    pub quiet: Vec<QuietHours>,
    /// What a click opens. Not set: a click does nothing. It may be set later.
    pub page: Arc<OnceLock<String>>,
    /// The address of the D-Bus that the service is on; that of the desktop's session where absent.
    pub bus: Option<String>,
}

/// Shows events on the desktop.
pub struct Notify {
    bus: Bus,
    gate: Gate,
    quiet: Vec<QuietHours>,
    page: Arc<OnceLock<String>>,
    opener: Box<dyn OpenPage>,
    /// The number of each person's notification.
    numbers: HashMap<Who, u32>,
    /// Whether it was looked for the service.
    looked: bool,
}

impl Notify {
    /// Notifications by these settings; `opener` opens the page.
    ///
    /// # Errors
    ///
    /// When the system gives no timer. That no service is there is told later, as it may come later.
    pub fn new(settings: NotifySettings, opener: Box<dyn OpenPage>) -> io::Result<Self> {
        let NotifySettings { limit, quiet, page, bus } = settings;
        Ok(Self {
            bus: Bus::new(bus)?,
            gate: Gate::new(limit.get()),
            quiet,
            page,
            opener,
            numbers: HashMap::new(),
            looked: false,
        })
    }

    /// Shows what may be shown now.
    fn show_next(&mut self) -> Result<(), BusError> {
        let minute = quiet::minute_of_day();
        let is_quiet = self.quiet.iter().any(|hours| hours.covers(minute));
        match self.gate.next(Instant::now(), is_quiet) {
            Some((note, further)) => self.show(&note, further),
            None => Ok(()),
        }
    }

    fn show(&mut self, note: &Note, further: u64) -> Result<(), BusError> {
        let abilities = self.bus.abilities()?;
        let can = |ability: &str| abilities.iter().any(|name| name == ability);
        let (reads_tags, takes_clicks) = (can("body-markup"), can("actions"));
        let body = note.body_and(further);
        let body = if reads_tags { without_tags(&body) } else { body };
        let shown = Shown {
            replaces: self.numbers.get(&note.who).copied().unwrap_or_default(),
            icon: if note.alarming { ALARM } else { RELIEF },
            summary: &note.summary,
            body: &body,
            action: (takes_clicks && self.page.get().is_some()).then_some(ACTION),
        };
        let shown = self.bus.show(&shown);
        if shown.as_ref().map_or(true, |(_, is_another)| *is_another) || self.numbers.len() >= KNOWN {
            // A service that begins anew counts anew: an old number may be somebody else's.
            self.numbers.clear();
        }
        let (number, _) = shown?;
        self.numbers.insert(note.who.clone(), number);
        Ok(())
    }

    /// Opens the page where one of ours was clicked.
    fn hear(&mut self) {
        for news in self.bus.news() {
            let is_ours = |number| self.numbers.values().any(|&known| known == number);
            match news {
                News::Clicked(number) if is_ours(number) => {
                    if let Some(page) = self.page.get()
                        && let Err(error) = self.opener.open(page)
                    {
                        log::warn!("notify: can't open {page}: {error}");
                    }
                }
                News::Clicked(_) => {}
                News::Closed(number) => self.numbers.retain(|_, known| *known != number),
            }
        }
    }
}

impl Output for Notify {
    fn name(&self) -> &'static str {
        "notify"
    }

    /// What is held back, for now or for good, counts as sent: nothing has failed.
    fn send(&mut self, event: &Event) -> Result<(), Trouble> {
        self.looked = true;
        match Note::of(event) {
            Some(note) => self.gate.take(note),
            None => _ = self.gate.forget(&Who::of(event)),
        }
        self.show_next().map_err(|error| Trouble::Missed(error.to_string()))
    }

    fn rest(&mut self) {
        if !std::mem::replace(&mut self.looked, true)
            && let Err(error) = self.bus.abilities()
        {
            log::warn!("notify: {error}; until then nothing is shown");
        }
        self.hear();
        self.opener.rest();
        if let Err(error) = self.show_next() {
            // Who waits for events hears of it with the next one.
            log::debug!("notify: {error}");
        }
    }

    fn room(&self) -> usize {
        ROOM
    }
}
