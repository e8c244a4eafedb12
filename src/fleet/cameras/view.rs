//! What a worker knows of cameras, leases and workers: by the buckets' own news, each with the moment at which this worker saw it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::kv;
use futures_util::StreamExt;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use super::entry::{Camera, CameraName};
use super::lease::Lease;
use super::share::{Hand, Held};
use super::watcher::Watcher;

/// Before a bucket is followed anew.
const REST: Duration = Duration::from_millis(300);
/// A bucket without news is followed anew after so long, in case that it is the following that ended.
const QUIET: Duration = Duration::from_secs(300);
/// Who holds cameras that are none of our business at this moment; no worker's name.
const NOT_NOW: &str = "*";

/// A bucket.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bucket {
    Cameras,
    Leases,
    Watchers,
}

/// What a bucket says of a key.
pub(super) struct News {
    pub(super) bucket: Bucket,
    pub(super) key: String,
    pub(super) revision: u64,
    /// Nothing where it was deleted.
    pub(super) value: Option<Vec<u8>>,
}

impl News {
    pub(super) fn of(bucket: Bucket, entry: kv::Entry) -> Self {
        let value = (entry.operation == kv::Operation::Put).then(|| entry.value.to_vec());
        Self { bucket, key: entry.key, revision: entry.revision, value }
    }
}

/// Tells the news of a bucket, from what is in it on. `back` is heard when the broker was away.
pub(super) async fn follow(store: kv::Store, bucket: Bucket, tell: mpsc::UnboundedSender<News>, back: Arc<Notify>) {
    loop {
        match store.watch_with_history(">").await {
            Ok(mut watch) => loop {
                let next = tokio::select! {
                    next = timeout(QUIET, watch.next()) => next,
                    () = back.notified() => break,
                };
                let Ok(Some(Ok(entry))) = next else {
                    break;
                };
                if tell.send(News::of(bucket, entry)).is_err() {
                    return;
                }
            },
            Err(error) => log::debug!("a bucket can't be followed, which is tried again: {error}"),
        }
        sleep(REST).await;
    }
}

/// Something in a bucket.
struct Seen<T> {
    revision: u64,
    /// When this worker saw this revision first.
    at: Instant,
    /// Nothing where it was deleted, or can't be read.
    value: Option<T>,
}

/// All that is known.
#[derive(Default)]
pub(super) struct View {
    cameras: BTreeMap<CameraName, Seen<Camera>>,
    leases: BTreeMap<CameraName, Seen<Lease>>,
    watchers: BTreeMap<String, Seen<Watcher>>,
}

/// What this worker is about.
pub(super) struct Own<'a> {
    pub(super) worker: &'a str,
    pub(super) token: &'a str,
    pub(super) lease: Duration,
    /// Cameras that it holds or is taking.
    pub(super) holds: &'a dyn Fn(&CameraName) -> bool,
    /// Cameras that it is giving up, or can't judge at this moment.
    pub(super) not_now: &'a BTreeSet<CameraName>,
}

impl View {
    /// Takes news. What is older than what is known changes nothing.
    pub(super) fn take(&mut self, news: News) {
        let News { bucket, key, revision, value } = news;
        let told = |reason: String| log::warn!("{bucket:?}: {}: {reason}", key.escape_debug());
        match bucket {
            Bucket::Watchers => {
                let value = value.and_then(|bytes| Watcher::read(&bytes).map_err(told).ok());
                put(&mut self.watchers, key, revision, value);
            }
            Bucket::Cameras | Bucket::Leases => {
                let Ok(name) = key.parse::<CameraName>() else {
                    log::warn!("{bucket:?}: {} is no name of a camera", key.escape_debug());
                    return;
                };
                match bucket {
                    Bucket::Cameras => {
                        let value = value.and_then(|bytes| Camera::read(&key, &bytes).map_err(told).ok());
                        put(&mut self.cameras, name, revision, value);
                    }
                    _ => {
                        let value = value.and_then(|bytes| Lease::read(&key, &bytes).map_err(told).ok());
                        put(&mut self.leases, name, revision, value);
                    }
                }
            }
        }
    }

    /// A camera, and the revision of its entry.
    pub(super) fn camera(&self, name: &CameraName) -> Option<(&Camera, u64)> {
        let seen = self.cameras.get(name)?;
        Some((seen.value.as_ref()?, seen.revision))
    }

    /// The last revision of a camera's lease; 0 where there never was one.
    pub(super) fn lease_revision(&self, name: &CameraName) -> u64 {
        self.leases.get(name).map_or(0, |seen| seen.revision)
    }

    /// Who holds which camera, as far as this worker can tell.
    pub(super) fn held(&self, own: &Own<'_>) -> BTreeMap<CameraName, Held> {
        let there = self.cameras.iter().filter(|(_, seen)| seen.value.is_some());
        there.map(|(name, seen)| (name.clone(), self.holder(name, seen.at, own))).collect()
    }

    fn holder(&self, name: &CameraName, known: Instant, own: &Own<'_>) -> Held {
        if (own.holds)(name) {
            return Held::By(own.worker.to_owned());
        }
        if own.not_now.contains(name) {
            return Held::By(NOT_NOW.to_owned());
        }
        let Some(seen) = self.leases.get(name) else {
            return Held::Free { overdue: known.elapsed() > own.lease };
        };
        let silent = seen.at.elapsed();
        match &seen.value {
            // One of ours that we don't hold: we gave it up before it ran out, or the answer got lost.
            Some(lease) if lease.token == own.token => Held::Free { overdue: false },
            Some(lease) if silent < lease.holds() => {
                // Another run of the same name.
                let is_other = lease.worker == own.worker;
                Held::By(if is_other { NOT_NOW.to_owned() } else { lease.worker.clone() })
            }
            Some(lease) => Held::Free { overdue: silent > lease.holds() + own.lease },
            None => Held::Free { overdue: silent > own.lease },
        }
    }

    /// The other workers that live, as far as this one can tell.
    pub(super) fn hands(&self, me: &str) -> BTreeMap<String, Hand> {
        let lives = |seen: &Seen<Watcher>| {
            let watcher = seen.value.as_ref().filter(|watcher| seen.at.elapsed() < watcher.patience())?;
            Some(watcher.hand())
        };
        let others = self.watchers.iter().filter(|(name, _)| *name != me);
        others.filter_map(|(name, seen)| Some((name.clone(), lives(seen)?))).collect()
    }
}

fn put<K: Ord, T>(known: &mut BTreeMap<K, Seen<T>>, key: K, revision: u64, value: Option<T>) {
    if known.get(&key).is_none_or(|seen| seen.revision < revision) {
        known.insert(key, Seen { revision, at: Instant::now(), value });
    }
}
