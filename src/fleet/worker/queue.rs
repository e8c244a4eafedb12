//! Takes the next task: of the first priority that has one.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::PullConsumer;
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};

use crate::fleet::error::FleetError;
use crate::fleet::job::Priority;
use crate::fleet::store::Store;

/// How long the broker may wait for a task to come when there is none.
pub(super) const WAIT: Duration = Duration::from_secs(1);
/// A broker that says nothing for so much longer is asked anew.
const PATIENCE: Duration = Duration::from_secs(5);
/// After an answer that was none.
const REST: Duration = Duration::from_millis(300);

/// The consumers of all priorities.
pub(super) struct Queue {
    consumers: [PullConsumer; 3],
}

impl Queue {
    pub(super) async fn open(store: &Store) -> Result<Self, FleetError> {
        let [high, normal, low] = Priority::ALL;
        Ok(Self { consumers: [store.queue(high).await?, store.queue(normal).await?, store.queue(low).await?] })
    }

    /// How long a worker may be silent before its task is given to another one, as the broker keeps it.
    pub(super) fn lease(&self) -> Duration {
        self.consumers[1].cached_info().config.ack_wait
    }

    /// The next task; nothing where none came for a while.
    pub(super) async fn next(&mut self, store: &Store) -> Option<Message> {
        match self.ask().await {
            Ok(message) => message,
            Err(error) => {
                log::debug!("no task can be taken now, which is tried again: {error}");
                sleep(REST).await;
                // Somebody may have taken the consumers away.
                if let Ok(queue) = Self::open(store).await {
                    *self = queue;
                }
                None
            }
        }
    }

    async fn ask(&self) -> Result<Option<Message>, async_nats::Error> {
        for consumer in &self.consumers {
            let mut messages = consumer.fetch().max_messages(1).messages().await?;
            if let Some(message) = timeout(PATIENCE, messages.next()).await? {
                return message.map(Some);
            }
        }
        // A request that waits may be answered by one consumer alone: most tasks come by this one.
        let mut messages = self.consumers[1].batch().max_messages(1).expires(WAIT).messages().await?;
        timeout(WAIT + PATIENCE, messages.next()).await?.transpose()
    }
}
