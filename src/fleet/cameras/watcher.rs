//! What a worker that holds cameras says of itself, in the bucket `cyborg-watchers` under its name.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::share::Hand;
use crate::fleet::SCHEMA;
use crate::fleet::job::check_schema;

/// Cameras of a worker at most, whatever it says of itself.
const MOST_CAPACITY: u64 = 100_000;

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// Its name.
    pub worker: String,
    /// Program and version.
    pub tool: String,
    /// Cameras that it was made for.
    pub capacity: u64,
    /// Cameras that it holds.
    pub held: u64,
    /// How many more it could hold as things are; below zero where it is overloaded.
    pub headroom: i64,
    /// Whether it ends.
    pub draining: bool,
    /// Its lease, in milliseconds: it speaks several times within it.
    pub lease_ms: u64,
    /// Counts what it said, so that no two are alike.
    pub said: u64,
}

impl Watcher {
    pub(super) fn new(worker: &str, tool: &str, capacity: u64, lease: Duration) -> Self {
        Self {
            schema: SCHEMA,
            worker: worker.to_owned(),
            tool: tool.to_owned(),
            capacity,
            held: 0,
            headroom: i64::try_from(capacity).unwrap_or(i64::MAX),
            draining: false,
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
            said: 0,
        }
    }

    /// What cameras are dealt out by.
    #[must_use]
    pub fn hand(&self) -> Hand {
        let capacity = if self.draining { 0 } else { self.capacity.min(MOST_CAPACITY) };
        Hand { capacity, room: self.held.saturating_add_signed(self.headroom).min(capacity) }
    }

    /// It is gone when nothing was heard of it for so long.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.lease_ms.clamp(200, 600_000))
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        check_schema(bytes)?;
        serde_json::from_slice(bytes).map_err(|error| format!("the entry is no worker's: {error}"))
    }

    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_it_holds_and_could_hold_more() {
        let watcher = Watcher::new("w", "cyborg 0", 20, Duration::from_secs(3));
        assert_eq!(Watcher::read(&watcher.written()), Ok(watcher.clone()));
        let room = |held, headroom| Watcher { held, headroom, ..watcher.clone() }.hand().room;
        assert_eq!((room(0, 20), room(10, 99), room(10, -3), room(1, -5)), (20, 20, 7, 0));
        assert_eq!(Watcher { draining: true, ..watcher }.hand(), Hand { capacity: 0, room: 0 });
    }
}
