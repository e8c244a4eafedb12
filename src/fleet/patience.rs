//! Tries again what the broker didn't do, for as long as there is a reason to hope.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::sleep;

/// Before the second try.
const FIRST: Duration = Duration::from_millis(100);
/// Between two tries at most.
const LONGEST: Duration = Duration::from_secs(3);

/// Tries until it works; `None` when `gives_up` says so after a try that failed.
pub(super) async fn until<T, E: Display>(
    what: &str,
    gives_up: impl Fn() -> bool,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Option<T> {
    let mut wait = FIRST;
    loop {
        match attempt().await {
            Ok(done) => return Some(done),
            Err(error) => log::debug!("the broker could not {what}, which is tried again: {error}"),
        }
        if gives_up() {
            log::warn!("the broker could not {what}, and there is no time left");
            return None;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST);
    }
}

/// Tries a few times; the last error where none of them worked.
pub(super) async fn few<T, E: Display>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
    let mut wait = FIRST;
    for _ in 0..4 {
        match attempt().await {
            Err(error) => log::debug!("the broker could not do something, which is tried again: {error}"),
            done => return done,
        }
        sleep(wait).await;
        wait = (wait * 3).min(LONGEST);
    }
    attempt().await
}
