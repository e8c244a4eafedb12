//! The keeper: opens the source, notices that it is lost or silent, and opens it again, with longer and longer waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

use super::backoff::{BackOff, chance};
use super::desk::Desk;
use super::reader::{Event, Reader, Shared};
use super::view::{Audience, SourceState};
use crate::BoxError;
use crate::capture::Open;
use crate::clock::Clock;

/// How often the keeper looks whether it should stop.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a reader may take to close its camera at the end.
const FAREWELL: Duration = Duration::from_millis(300);
/// Readers that hang in a driver at most; until one of them comes back, no other is begun.
const MOST_HANGING: usize = 3;

/// When a source counts as lost, and when it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepSettings {
    /// It is lost when no frame came for so long.
    pub stall: Duration,
    /// So long it may take from opening to the first frame.
    pub opening: Duration,
    /// How long to wait before it is tried again.
    pub backoff: BackOff,
    /// After it played for so long, the waits begin anew.
    pub steady: Duration,
}

/// Keeps one source open.
pub(super) struct Keeper<'a> {
    pub(super) opener: &'a Arc<dyn Open>,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) settings: &'a KeepSettings,
    pub(super) audience: &'a dyn Audience,
    /// Ends it when one of them becomes true: the user's wish, a wish for this feed alone, the end of the run for another reason.
    pub(super) stop: [&'a AtomicBool; 3],
    /// Whether its feed is over.
    pub(super) desk: &'a Desk,
}

/// How a session came to its end.
enum End {
    Stopped,
    Finished,
    Refused(BoxError),
    Lost { reason: String, played: Option<Duration> },
}

impl Keeper<'_> {
    /// Opens the source again and again, until it finishes or somebody stops it.
    ///
    /// # Errors
    ///
    /// When it is not to be opened again.
    pub(super) fn keep(&self) -> Result<(), BoxError> {
        self.audience.source(SourceState::Starting);
        let (mut tries, mut session) = (0, 0);
        let mut hanging: Vec<Reader> = Vec::new();
        let mut outcome = Ok(());
        while !self.stopped() {
            hanging.retain(|reader| !reader.has_ended());
            hanging.iter().for_each(Reader::end);
            if hanging.len() >= MOST_HANGING {
                self.pause(self.settings.backoff.most);
                continue;
            }
            session += 1;
            let begun = self.clock().now();
            let reader = Reader::begin(session, self.opener, self.shared);
            let end = self.follow(&reader, begun);
            reader.end();
            hanging.push(reader);
            let (reason, played) = match end {
                End::Lost { reason, played } => (reason, played),
                End::Refused(error) => {
                    outcome = Err(error);
                    break;
                }
                End::Stopped | End::Finished => break,
            };
            if let Some(played) = played {
                self.shared.metrics.lost.fetch_add(1, Ordering::Relaxed);
                // One that comes and goes is treated as one that doesn't come.
                if played >= self.settings.steady {
                    tries = 0;
                }
            }
            let wait = self.settings.backoff.wait(tries, chance());
            self.audience.source(SourceState::Lost { reason, tries, wait });
            tries = tries.saturating_add(1);
            self.pause(wait);
        }
        let begun = self.clock().now();
        while self.clock().since(begun) < FAREWELL && hanging.iter().any(|reader| !reader.has_ended()) {
            hanging.iter().for_each(Reader::end);
            self.clock().sleep(Duration::from_millis(5));
        }
        outcome
    }

    /// Follows one session, which began at `begun`, to its end.
    fn follow(&self, reader: &Reader, begun: Instant) -> End {
        let clock = self.clock();
        let mut playing: Option<Instant> = None;
        let lost =
            |reason, playing: Option<Instant>| End::Lost { reason, played: playing.map(|since| clock.since(since)) };
        let mut known = None;
        while !self.stopped() {
            match reader.events.recv_timeout(POLL_INTERVAL) {
                Ok(Event::Playing { since, size, rate, differs }) => {
                    playing = playing.or(Some(since));
                    // Another size on the way doesn't change what was told of the camera.
                    known = differs.or(known);
                    self.audience.source(SourceState::Playing { size, rate, differs: known.clone() });
                }
                Ok(Event::Lost(reason)) => return lost(reason, playing),
                Ok(Event::Refused(error)) => return End::Refused(error),
                Ok(Event::Finished) => return End::Finished,
                Err(RecvTimeoutError::Disconnected) => return lost("its driver failed".to_owned(), playing),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let KeepSettings { stall, opening, .. } = *self.settings;
            if playing.is_some() && reader.silence() > stall {
                return lost(format!("no frame for {:.1} s", stall.as_secs_f64()), playing);
            }
            if playing.is_none() && clock.since(begun) > opening {
                return lost(format!("no first frame within {:.1} s", opening.as_secs_f64()), playing);
            }
        }
        End::Stopped
    }

    fn pause(&self, wait: Duration) {
        let begun = self.clock().now();
        while !self.stopped() && self.clock().since(begun) < wait {
            self.clock().sleep(POLL_INTERVAL.min(wait.saturating_sub(self.clock().since(begun))));
        }
    }

    fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    fn stopped(&self) -> bool {
        self.stop.iter().any(|stop| stop.load(Ordering::Relaxed)) || self.desk.is_closed()
    }
}
