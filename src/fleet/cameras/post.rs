//! Sends the events of a lease, each after the one before it: the broker takes a message only where the last one of its subject is the
//! one that its sender knows of. So the first message of the next lease shuts out whatever the last holder still sends.

use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::event::Event;
use super::store::{Store, events_of};
use crate::BoxError;

/// For an answer of the broker.
const PATIENCE: Duration = Duration::from_secs(5);
/// Before another try.
const REST: Duration = Duration::from_millis(200);
/// How long what was seen before a lease ended is still sent.
const FAREWELL: Duration = Duration::from_secs(60);

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Stored,
    /// A later lease has spoken.
    Superseded,
    /// The broker was away for too long.
    Lost,
}

/// The events of a lease on their way.
pub(super) struct Post {
    pub(super) store: Store,
    /// The next event: first number 0, which says that the lease began.
    pub(super) next: Event,
    pub(super) events: mpsc::Receiver<Map<String, Value>>,
    pub(super) closed: watch::Receiver<bool>,
}

impl Post {
    /// Sends all until the lease is over; true when it is over because a later one has spoken.
    pub(super) async fn run(mut self) -> bool {
        let mut last = None;
        loop {
            match self.send(&mut last).await {
                Sent::Stored => {}
                Sent::Superseded => {
                    log::warn!("what was seen in {} is refused: another worker holds it", self.next.camera);
                    return true;
                }
                Sent::Lost => log::warn!("event {} is lost: the broker was away too long", self.next.id()),
            }
            let fields = tokio::select! {
                biased;
                fields = self.events.recv() => fields,
                _ = self.closed.changed() => {
                    // What is in it already was seen in time.
                    self.events.close();
                    self.events.recv().await
                }
            };
            let Some(fields) = fields else {
                return false;
            };
            self.next.fields = fields;
            self.next.number += 1;
        }
    }

    /// Sends an event; `last` is the last message of the camera that is known of.
    async fn send(&mut self, last: &mut Option<u64>) -> Sent {
        let Event { camera, lease, .. } = &self.next;
        let (subject, id, bytes) = (events_of(camera), self.next.id(), self.next.written());
        let mut closed_at = None;
        loop {
            if *self.closed.borrow() && closed_at.get_or_insert_with(Instant::now).elapsed() > FAREWELL {
                return Sent::Lost;
            }
            let expected = match *last {
                Some(last) => last,
                None => match self.last(&subject).await {
                    Ok(None) => 0,
                    Ok(Some((sequence, Some(found)))) if found.id() == id => {
                        *last = Some(sequence);
                        return Sent::Stored;
                    }
                    Ok(Some((_, Some(found)))) if found.lease > *lease => return Sent::Superseded,
                    Ok(Some((sequence, _))) => sequence,
                    Err(error) => {
                        log::debug!("the last event of {camera} can't be read, which is tried again: {error}");
                        sleep(REST).await;
                        continue;
                    }
                },
            };
            let message = PublishMessage::build().payload(bytes.clone().into()).message_id(&id);
            let message = message.expected_last_subject_sequence(expected);
            let sending = async {
                let ack = self.store.js.send_publish(subject.clone(), message).await?;
                ack.await
            };
            *last = None;
            match timeout(PATIENCE, sending).await {
                Ok(Ok(ack)) => {
                    *last = Some(ack.sequence);
                    return Sent::Stored;
                }
                Ok(Err(error)) if error.kind() == PublishErrorKind::WrongLastSequence => {}
                Ok(Err(error)) => {
                    log::debug!("event {id} can't be sent, which is tried again: {error}");
                    sleep(REST).await;
                }
                Err(_) => {}
            }
        }
    }

    /// The last message of a subject, and the event in it where it is one.
    async fn last(&self, subject: &str) -> Result<Option<(u64, Option<Event>)>, BoxError> {
        let found = timeout(PATIENCE, self.store.events.get_last_raw_message_by_subject(subject)).await?;
        match found {
            Ok(found) => Ok(Some((found.sequence, Event::read(subject, &found.payload).ok()))),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
