//! `--screen choose`: before the run begins, what it watches is chosen on a page at the address of the run's own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::page::PageArgs;
use super::printer::Voice;
use super::watched::{Watched, WatchedArgs};
use crate::capture::screen::{self, Display};
use crate::cli::outcome::UsageError;
use crate::live::chooser::Chooser;

/// How often it looks whether the program is to end.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// What came of it.
pub(super) enum Chosen {
    /// Nothing was to be chosen.
    Nothing,
    /// The program is to end.
    Stopped,
    /// A screen.
    Screen {
        /// All that is watched, with it.
        watched: WatchedArgs,
        /// Where it was chosen, and where the run's page will be: a free port is no other one the second time.
        at: SocketAddr,
    },
}

/// Serves the page to choose from, if that is asked for, until something is chosen or `stop` is set.
pub(super) fn choose(asked: &WatchedArgs, page: &PageArgs, voice: Voice, stop: &AtomicBool) -> anyhow::Result<Chosen> {
    if !asked.asks() {
        return Ok(Chosen::Nothing);
    }
    let Some(settings) = page.settings()? else {
        let words =
            "--screen choose needs the page, and --no-page is given: name what to watch, `cyborg screens` lists it";
        return Err(UsageError(words.to_owned()).into());
    };
    let display = Display::default();
    let listed = screen::list(&display)?;
    let taken = asked.all().iter().filter_map(|watched| match watched {
        Watched::Screen(choice) => Some(choice.clone()),
        _ => None,
    });
    let chooser = Chooser::serve(&settings.into(), display, listed, taken.collect())?;
    let address = chooser.served().address();
    voice.say(&format!("choose what to watch at the page: {}", chooser.served().url()))?;
    while !stop.load(Ordering::Relaxed) {
        if let Some(choice) = chooser.wait(POLL_INTERVAL)? {
            let watched = asked.with(choice.clone());
            voice.say(&format!("chosen: {choice}"))?;
            return Ok(Chosen::Screen { watched, at: address });
        }
    }
    Ok(Chosen::Stopped)
}
