//! Keeps a task in one worker's hands: says that it is being worked on, from the moment that it is taken.

use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::Acker;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::fleet::patience;

/// Says so often within the time in which the broker wants to hear something.
const OFTEN: u32 = 3;

/// A task in this worker's hands.
pub(super) struct Lease {
    acker: std::sync::Arc<Acker>,
    saying: JoinHandle<()>,
}

impl Lease {
    pub(super) fn hold(acker: Acker, lease: Duration) -> Self {
        let acker = std::sync::Arc::new(acker);
        let period = (lease / OFTEN).max(Duration::from_millis(50));
        let says = acker.clone();
        let saying = tokio::spawn(async move {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Err(error) = says.ack_with(AckKind::Progress).await {
                    log::debug!("the broker doesn't hear that a clip is being judged: {error}");
                }
            }
        });
        Self { acker, saying }
    }

    /// The task is through, for good or ill: the broker forgets it. When it doesn't hear that, it gives the task to somebody, who
    /// finds that it is through.
    pub(super) async fn end(self, kind: AckKind) {
        self.saying.abort();
        if let Err(error) = patience::few(async || self.acker.double_ack_with(kind).await).await {
            log::warn!("the broker didn't hear that a clip is through, and will give it to another worker: {error}");
        }
    }

    /// The task goes back into the queue, to be taken after a while.
    pub(super) async fn hand_back(self, after: Duration) {
        self.saying.abort();
        let kind = AckKind::Nak((!after.is_zero()).then_some(after));
        if let Err(error) = self.acker.double_ack_with(kind).await {
            log::debug!("the broker didn't hear that a clip comes back, and will find it out: {error}");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.saying.abort();
    }
}
