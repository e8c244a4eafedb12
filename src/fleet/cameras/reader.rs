//! Follows the stream of events, and drops what counts no more: events of a lease that a later one superseded, repeats, and messages
//! that are none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};

use super::entry::CameraName;
use super::event::Event;
use super::store::{ALL_EVENTS, Store, events_of};
use crate::BoxError;
use crate::fleet::error::FleetError;

/// Messages that are asked for at once.
const AT_ONCE: usize = 256;
/// How long the broker may wait for one to come.
const WAIT: Duration = Duration::from_secs(1);
/// A broker that says nothing for so much longer is asked anew.
const PATIENCE: Duration = Duration::from_secs(5);
/// What reads is made anew when nothing came for so long: it may have gone with its broker.
const QUIET: Duration = Duration::from_secs(10);
/// What is there is asked for so often in vain, where further ones aren't waited for.
const TRIES: u32 = 5;
/// What reads goes by itself when nobody asks it any more.
const READER_AGE: Duration = Duration::from_secs(60);

/// What a message is.
#[derive(Clone, Debug, PartialEq)]
pub enum Sifted {
    /// An event that counts.
    Counts(Event),
    /// A lease began.
    Begins(Event),
    /// Of a lease that a later one superseded.
    Superseded(Event),
    /// It was there before.
    Repeated(Event),
    /// No event, and why.
    Malformed(String),
}

/// Tells events that count from those that don't, in the order of the stream. It remembers two numbers a camera.
#[derive(Debug, Default)]
pub struct Sieve {
    newest: BTreeMap<CameraName, (u64, u64)>,
}

impl Sieve {
    /// What the next message is.
    pub fn sift(&mut self, subject: &str, bytes: &[u8]) -> Sifted {
        let event = match Event::read(subject, bytes) {
            Ok(event) => event,
            Err(reason) => return Sifted::Malformed(reason),
        };
        let this = (event.lease, event.number);
        match self.newest.get(&event.camera) {
            Some(&(lease, _)) if event.lease < lease => return Sifted::Superseded(event),
            Some(&newest) if this <= newest => return Sifted::Repeated(event),
            _ => self.newest.insert(event.camera.clone(), this),
        };
        if event.begins() { Sifted::Begins(event) } else { Sifted::Counts(event) }
    }
}

/// What is read.
#[derive(Clone, Debug)]
pub struct ReadSettings {
    /// Of this camera alone.
    pub camera: Option<CameraName>,
    /// Waits for further ones.
    pub follow: bool,
    /// Ends it when it becomes true.
    pub stop: &'static AtomicBool,
}

/// Hands each message to `take`, from the first one that is kept.
pub(super) async fn read(
    store: &Store,
    settings: &ReadSettings,
    take: &mut (dyn FnMut(Sifted) -> Result<(), BoxError> + '_),
) -> Result<(), FleetError> {
    let filter = settings.camera.as_ref().map_or_else(|| ALL_EVENTS.to_owned(), events_of);
    let (mut sieve, mut at, mut reader) = (Sieve::default(), 0, None::<(PullConsumer, Instant)>);
    // What there was at the start: workers that go on could keep it from ending.
    let (mut failed, mut left) = (0, None);
    while !settings.stop.load(Ordering::Relaxed) {
        if failed >= TRIES && !settings.follow {
            return Err(FleetError::request("read its events")("it gave no whole answer"));
        }
        let (consumer, heard) = match reader.take() {
            Some(ready) => ready,
            None => match consumer(store, &filter, at).await {
                Ok(made) => {
                    left.get_or_insert(made.cached_info().num_pending);
                    (made, Instant::now())
                }
                Err(error) if !settings.follow => return Err(error),
                Err(error) => {
                    log::debug!("events can't be read now, which is tried again: {error}");
                    sleep(WAIT).await;
                    continue;
                }
            },
        };
        if left == Some(0) && !settings.follow {
            return Ok(());
        }
        let asked = if settings.follow {
            consumer.batch().max_messages(AT_ONCE).expires(WAIT).messages().await
        } else {
            consumer.fetch().max_messages(AT_ONCE).messages().await
        };
        let Ok(mut messages) = asked else {
            failed += 1;
            sleep(WAIT).await;
            continue;
        };
        let mut count = 0;
        let is_whole = loop {
            match timeout(WAIT + PATIENCE, messages.next()).await {
                Ok(Some(Ok(message))) => {
                    count += 1;
                    left = left.map(|left| left.saturating_sub(1));
                    at = message.info().map_or(at, |info| info.stream_sequence);
                    take(sieve.sift(&message.subject, &message.payload)).map_err(FleetError::Taker)?;
                    if left == Some(0) && !settings.follow {
                        return Ok(());
                    }
                }
                Ok(None) => break true,
                Ok(Some(Err(_))) | Err(_) => break false,
            }
        };
        failed = if is_whole { 0 } else { failed + 1 };
        if is_whole && count == 0 && !settings.follow {
            return Ok(());
        }
        if is_whole && (count > 0 || heard.elapsed() < QUIET) {
            reader = Some((consumer, if count > 0 { Instant::now() } else { heard }));
        }
    }
    Ok(())
}

async fn consumer(store: &Store, filter: &str, after: u64) -> Result<PullConsumer, FleetError> {
    let deliver_policy = match after {
        0 => DeliverPolicy::All,
        after => DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
    };
    let config = pull::Config {
        filter_subject: filter.to_owned(),
        deliver_policy,
        ack_policy: AckPolicy::None,
        inactive_threshold: READER_AGE,
        memory_storage: true,
        ..pull::Config::default()
    };
    store.events.create_consumer(config).await.map_err(FleetError::request("make a reader of its events"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(camera: &str, lease: u64, number: u64) -> Vec<u8> {
        let camera = camera.parse().expect("a name");
        Event { camera, lease, number, worker: "w".to_owned(), fields: serde_json::Map::new() }.written()
    }

    #[test]
    fn what_counts_no_more_is_dropped() {
        let mut sieve = Sieve::default();
        let mut word = |camera: &str, lease: u64, number: u64| match sieve
            .sift(&format!("cyborg.events.{camera}"), &message(camera, lease, number))
        {
            Sifted::Counts(_) => "counts",
            Sifted::Begins(_) => "begins",
            Sifted::Superseded(_) => "superseded",
            Sifted::Repeated(_) => "repeated",
            Sifted::Malformed(_) => "malformed",
        };
        assert_eq!(word("a", 5, 0), "begins");
        assert_eq!(word("a", 5, 1), "counts");
        assert_eq!(word("a", 5, 1), "repeated");
        assert_eq!(word("b", 2, 1), "counts", "another camera has leases of its own");
        assert_eq!(word("a", 9, 0), "begins");
        assert_eq!(word("a", 5, 2), "superseded");
        assert_eq!(word("a", 9, 0), "repeated");
        assert_eq!(word("a", 9, 3), "counts", "one may have been lost on its way");
        assert_eq!(word("a", 9, 2), "repeated");
        assert_eq!(word("a", 0, 1), "malformed");
        assert!(matches!(sieve.sift("cyborg.events.a", b"{}"), Sifted::Malformed(_)));
    }
}
