//! Ctrl-C: the first one ends the work in good order, the second one at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::outcome::note;

/// Becomes true at the first Ctrl-C, or when the system asks the program to end.
static STOP: AtomicBool = AtomicBool::new(false);

/// Listens from here on, and gives the flag to watch.
pub(super) fn listen() -> &'static AtomicBool {
    let listening = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            process::exit(130);
        }
        note("interrupted: completing what was begun (again to stop at once)");
    });
    if let Err(error) = listening {
        log::warn!("can't listen for Ctrl-C, which will end the program at once: {error}");
    }
    &STOP
}
