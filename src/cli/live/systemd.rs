//! Notifications to the service manager: ready, alive, stopping. Without one, nothing is sent.

use std::time::Duration;

/// News for the service manager.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'a> {
    /// All is open; from now on there is only work.
    Ready,
    /// The run gets on.
    Alive,
    /// The run ends.
    Stopping,
    /// How the source is, in words.
    Status(&'a str),
}

/// How long the service manager waits for a sign of life, where it does.
#[cfg(unix)]
pub(super) fn patience() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

#[cfg(not(unix))]
pub(super) fn patience() -> Option<Duration> {
    None
}

#[cfg(unix)]
pub(super) fn tell(news: News<'_>) {
    use sd_notify::NotifyState;

    let state = match news {
        News::Ready => NotifyState::Ready,
        News::Alive => NotifyState::Watchdog,
        News::Stopping => NotifyState::Stopping,
        News::Status(words) => NotifyState::Status(words),
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        log::debug!("the service manager can't be told {news:?}: {error}");
    }
}

#[cfg(not(unix))]
pub(super) fn tell(_: News<'_>) {}
