//! Ctrl-C: the first one ends the work in good order, the second one at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::outcome::note;

/// Becomes true at the first Ctrl-C, or when the system asks the program to end.
static STOP: AtomicBool = AtomicBool::new(false);
/// Becomes true when settings are to be read anew.
#[cfg(all(feature = "video", feature = "camera"))]
static RELOAD: AtomicBool = AtomicBool::new(false);

/// Listens from here on, and gives the flag to watch.
pub(super) fn listen() -> &'static AtomicBool {
    let listening = ctrlc::set_handler(stop);
    if let Err(error) = listening {
        log::warn!("can't listen for Ctrl-C, which will end the program at once: {error}");
    }
    &STOP
}

/// Listens as [`listen`] does, but takes the signal that a terminal went away (SIGHUP) for the wish to read the settings
/// anew: the second flag, which whoever reads them sets back.
#[cfg(all(unix, feature = "video", feature = "camera"))]
pub(super) fn listen_and_reload() -> (&'static AtomicBool, &'static AtomicBool) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let listening = Signals::new([SIGHUP, SIGINT, SIGTERM]).and_then(|mut signals| {
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                match signal {
                    SIGHUP => RELOAD.store(true, Ordering::Relaxed),
                    _ => stop(),
                }
            }
        })
    });
    if let Err(error) = listening {
        log::warn!("can't listen for signals, which will end the program at once: {error}");
    }
    (&STOP, &RELOAD)
}

/// Where there is no such signal, nobody asks.
#[cfg(all(not(unix), feature = "video", feature = "camera"))]
pub(super) fn listen_and_reload() -> (&'static AtomicBool, &'static AtomicBool) {
    (listen(), &RELOAD)
}

fn stop() {
    if STOP.swap(true, Ordering::Relaxed) {
        process::exit(130);
    }
    note("interrupted: finishing the work in progress (press again to stop at once)");
}
