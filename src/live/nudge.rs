//! Wakes a reader that waits in a driver and was given up.
//!
//! A camera that hangs holds its reader in `poll` for ever, and as long as that waits the device is busy: nobody can open it
//! anew. The libraries in between have no time limit to set. A signal ends the wait with an error, after which the reader
//! closes the camera. It can do no harm elsewhere: it is sent to that one thread, after its session is over.

use std::thread::JoinHandle;

/// Ends a wait of this thread, if it is in one that a signal can end. It may be about to begin it: who sees that the thread
/// goes on nudges it again.
#[cfg(unix)]
pub(super) fn nudge(thread: &JoinHandle<()>) {
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, LazyLock};

    use nix::sys::pthread::pthread_kill;
    use nix::sys::signal::Signal;

    /// Ignored unless there is a handler, and no business of anybody's here.
    const SIGNAL: Signal = Signal::SIGURG;
    /// A signal that is ignored ends no wait: it needs a handler, though there is nothing to do. With none, none is sent.
    static HANDLED: LazyLock<bool> = LazyLock::new(|| {
        let nobody = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGNAL as i32, nobody).is_ok()
    });

    if *HANDLED && !thread.is_finished() {
        // It may have ended just now.
        let _ = pthread_kill(thread.as_pthread_t(), SIGNAL);
    }
}

/// Elsewhere a reader that hangs is left behind.
#[cfg(not(unix))]
pub(super) fn nudge(_: &JoinHandle<()>) {}
