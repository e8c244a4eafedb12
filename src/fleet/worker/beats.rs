//! Says how this worker is: soon after something changed, and now and then when nothing did.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::kv;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::settings::Tally;
use crate::fleet::beat::{Beat, State};
use crate::fleet::now;

/// After a change, and at most so often.
const SOON: Duration = Duration::from_secs(1);
/// When nothing changed.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

/// What this worker says of itself.
pub(super) struct Beats {
    beat: Arc<Mutex<Beat>>,
    bucket: kv::Store,
    saying: JoinHandle<()>,
}

impl Beats {
    pub(super) fn start(bucket: kv::Store, worker: &str, tool: &str) -> Self {
        let beat = Arc::new(Mutex::new(Beat::new(worker, tool)));
        let saying = tokio::spawn(say_all(beat.clone(), bucket.clone()));
        Self { beat, bucket, saying }
    }

    /// What it is doing from now on.
    pub(super) fn say(&self, state: State) {
        self.change(|beat| {
            if beat.state != state {
                beat.state = state;
                beat.since = now();
            }
        });
    }

    pub(super) fn done(&self) {
        self.change(|beat| beat.done += 1);
    }

    pub(super) fn failed(&self) {
        self.change(|beat| beat.failed += 1);
    }

    pub(super) fn redelivered(&self) {
        self.change(|beat| beat.redelivered += 1);
    }

    pub(super) fn tally(&self) -> Tally {
        let beat = lock(&self.beat);
        Tally { done: beat.done, failed: beat.failed }
    }

    fn change(&self, change: impl FnOnce(&mut Beat)) {
        change(&mut lock(&self.beat));
    }

    /// There is no such worker any more.
    pub(super) async fn end(self) {
        self.saying.abort();
        let name = lock(&self.beat).worker.clone();
        if let Err(error) = self.bucket.delete(&name).await {
            log::debug!("the broker will find out that this worker ended: {error}");
        }
    }
}

async fn say_all(beat: Arc<Mutex<Beat>>, bucket: kv::Store) {
    let mut said: Option<(Beat, Instant)> = None;
    loop {
        let current = lock(&beat).clone();
        let is_news = said.as_ref().is_none_or(|(before, at)| *before != current || at.elapsed() >= NOW_AND_THEN);
        if is_news {
            let dated = Beat { at: now(), ..current.clone() };
            match bucket.put(&current.worker, dated.written().into()).await {
                Ok(_) => said = Some((current, Instant::now())),
                Err(error) => log::debug!("the broker doesn't hear how this worker is: {error}"),
            }
        }
        sleep(SOON).await;
    }
}

/// Nobody panics while changing a number.
fn lock(beat: &Mutex<Beat>) -> std::sync::MutexGuard<'_, Beat> {
    beat.lock().unwrap_or_else(PoisonError::into_inner)
}
