//! A camera that this worker holds: its lease, which is renewed, and its events on their way.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_nats::jetstream::kv;
use serde_json::Map;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::entry::CameraName;
use super::event::Event;
use super::lease::{Lease, Times};
use super::post::Post;
use super::store::Store;
use super::watch::Outbox;

/// Events that wait for the broker, at most.
const ROOM: usize = 256;

/// A lease that this worker took.
pub(super) struct Taken {
    /// What was written.
    pub(super) lease: Lease,
    /// The revision that it got.
    pub(super) revision: u64,
    /// When it was sent: nobody can have seen it before.
    pub(super) sent: Instant,
}

/// A camera that is held.
pub(super) struct Hold {
    camera: CameraName,
    /// The revision of the camera's entry that is judged.
    pub(super) entry: u64,
    state: Arc<Mutex<State>>,
    closed: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

struct State {
    /// The lease's last revision.
    revision: u64,
    /// When the last renewal that was confirmed was sent.
    confirmed: Instant,
    /// Whether somebody else has taken it.
    lost: bool,
}

impl Hold {
    /// Begins to renew a lease, and to send its events; those of the worker's last lease of this camera go `before`.
    pub(super) fn begin(
        store: &Store,
        (taken, entry): (Taken, u64),
        times: Times,
        back: &Arc<Notify>,
        before: Option<JoinHandle<()>>,
    ) -> (Self, Outbox) {
        let Taken { lease, revision, sent } = taken;
        let state = Arc::new(Mutex::new(State { revision, confirmed: sent, lost: false }));
        let (closed, is_closed) = watch::channel(false);
        let (events, queue) = mpsc::channel(ROOM);
        let camera = lease.camera.clone();
        let next = Event {
            camera: camera.clone(),
            lease: revision,
            number: 0,
            worker: lease.worker.clone(),
            fields: Map::new(),
        };
        let post = Post { store: store.clone(), next, events: queue, closed: is_closed.clone() };
        let posted = state.clone();
        let posting = tokio::spawn(async move {
            if let Some(before) = before {
                // However it ended.
                let _ = before.await;
            }
            if post.run().await {
                lock(&posted).lost = true;
            }
        });
        let lease = Lease { tenure: revision, ..lease };
        let renewing = tokio::spawn(renew(store.leases.clone(), lease, times, state.clone(), back.clone()));
        let hold = Self { camera, entry, state, closed, tasks: [renewing, posting] };
        (hold, Outbox { events, closed: is_closed })
    }

    /// Whether it must not be judged any longer: somebody has it, or may soon take it.
    pub(super) fn is_over(&self, times: Times) -> bool {
        let state = lock(&self.state);
        state.lost || state.confirmed.elapsed() > times.trusts
    }

    /// No further event is taken.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Lets others have the camera at once; to be called when it is judged no longer. What was seen is still sent by the task that it
    /// gives.
    pub(super) async fn free(self, leases: &kv::Store, times: Times) -> JoinHandle<()> {
        let [renewing, posting] = self.tasks;
        renewing.abort();
        let (revision, lost) = {
            let state = lock(&self.state);
            (state.revision, state.lost)
        };
        if !lost {
            let freed = timeout(times.lease, leases.delete_expect_revision(self.camera.as_str(), Some(revision))).await;
            if !matches!(freed, Ok(Ok(()))) {
                log::debug!("the lease of {} runs out by itself", self.camera);
            }
        }
        posting
    }
}

/// Renews until somebody else has it.
async fn renew(bucket: kv::Store, mut lease: Lease, times: Times, state: Arc<Mutex<State>>, back: Arc<Notify>) {
    let key = lease.camera.to_string();
    let patience = times.lease / 4;
    loop {
        sleep(times.renew).await;
        lease.renewals += 1;
        let (mut first, mut failed) = (None, false);
        let (revision, sent) = loop {
            let known = lock(&state).revision;
            let sent = Instant::now();
            let first = *first.get_or_insert(sent);
            if let Ok(Ok(revision)) = timeout(patience, bucket.update(&key, lease.written().into(), known)).await {
                break (revision, sent);
            }
            failed = true;
            // It may have been stored, and the answer lost.
            match timeout(patience, bucket.entry(&key)).await {
                Ok(Ok(Some(found))) if Lease::read(&key, &found.value).is_ok_and(|stored| stored == lease) => {
                    break (found.revision, first);
                }
                Ok(Ok(Some(found))) if found.revision > known => {
                    lock(&state).lost = true;
                    return;
                }
                // Not stored, or a copy that is behind, or the broker is away.
                _ => sleep(times.tick).await,
            }
        };
        let mut state = lock(&state);
        state.revision = revision;
        state.confirmed = sent;
        if failed {
            back.notify_waiters();
        }
    }
}

/// Nobody panics while it is locked.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
