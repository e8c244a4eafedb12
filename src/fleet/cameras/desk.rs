//! What people do with cameras of a fleet: add, remove, look who holds which, and read what was seen.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::runtime::Runtime;

use super::entry::{Camera, CameraName};
use super::lease::Lease;
use super::reader::{ReadSettings, Sifted, read};
use super::store::Store;
use super::watcher::Watcher;
use crate::BoxError;
use crate::fleet::broker::BrokerSettings;
use crate::fleet::desk::runtime;
use crate::fleet::error::FleetError;

/// A connection to the broker, for one caller that waits for each answer.
pub struct CameraDesk {
    runtime: Runtime,
    store: Store,
}

/// What was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// No such camera.
    New,
    /// One with another address or other flags.
    Changed,
    /// The same.
    Same,
}

/// A camera, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: CameraName,
    /// Its address without user, password and query.
    pub address: String,
    /// The flags that say how it is judged.
    pub flags: Vec<String>,
    /// Whoever holds it by the last lease, which may have run out since.
    pub worker: Option<String>,
    /// The revision by which that lease was taken, which its events carry.
    pub lease: Option<u64>,
    /// When it was taken, in seconds since 1970.
    pub since: Option<u64>,
    /// Whether anything was heard of that worker in the last minute.
    pub heard: bool,
}

impl std::fmt::Debug for CameraDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CameraDesk").finish_non_exhaustive()
    }
}

impl CameraDesk {
    /// Connects, and makes the buckets and the stream that aren't there yet, on so many servers of a cluster.
    ///
    /// # Errors
    ///
    /// When nobody answers, or not as we need it.
    pub fn open(broker: &BrokerSettings, replicas: usize) -> Result<Self, FleetError> {
        let runtime = runtime()?;
        let store = runtime.block_on(async { Store::open(broker.connect().await?, &broker.name(), replicas).await })?;
        Ok(Self { runtime, store })
    }

    /// Adds a camera, or changes the one of this name: then whoever holds it begins anew.
    ///
    /// # Errors
    ///
    /// When the broker fails.
    pub fn add(&self, camera: &Camera) -> Result<Added, FleetError> {
        self.runtime.block_on(async {
            let (key, bytes) = (camera.name.as_str(), camera.written());
            let found = self.store.cameras.get(key).await.map_err(FleetError::request("read the entry of a camera"))?;
            match found {
                Some(found) if found == bytes => return Ok(Added::Same),
                _ => self.store.cameras.put(key, bytes.into()).await.map_err(FleetError::request("store a camera"))?,
            };
            Ok(if found.is_some() { Added::Changed } else { Added::New })
        })
    }

    /// Removes a camera: whoever holds it stops. False where there was none.
    ///
    /// # Errors
    ///
    /// When the broker fails.
    pub fn remove(&self, name: &CameraName) -> Result<bool, FleetError> {
        self.runtime.block_on(async {
            let failed = || FleetError::request("read the entry of a camera");
            let found = self.store.cameras.get(name.as_str()).await.map_err(failed())?;
            if found.is_some() {
                let gone = self.store.cameras.delete(name.as_str()).await;
                gone.map_err(FleetError::request("remove a camera"))?;
            }
            Ok(found.is_some())
        })
    }

    /// All cameras in order of their names.
    ///
    /// # Errors
    ///
    /// When the broker fails.
    pub fn list(&self) -> Result<Vec<Listed>, FleetError> {
        self.runtime.block_on(async {
            let mut leases = BTreeMap::new();
            for entry in Store::all(&self.store.leases).await? {
                match Lease::read(&entry.key, &entry.value) {
                    Ok(lease) => drop(leases.insert(lease.camera.clone(), (lease, entry.revision))),
                    Err(reason) => log::warn!("the lease of {} can't be read: {reason}", entry.key),
                }
            }
            let heard: Vec<String> = self.watchers().await?.into_iter().map(|watcher| watcher.worker).collect();
            let mut listed = Vec::new();
            for entry in Store::all(&self.store.cameras).await? {
                let camera = match Camera::read(&entry.key, &entry.value) {
                    Ok(camera) => camera,
                    Err(reason) => {
                        log::warn!("the entry of camera {} can't be read: {reason}", entry.key);
                        continue;
                    }
                };
                let lease = leases.get(&camera.name);
                let address = camera.shown();
                listed.push(Listed {
                    worker: lease.map(|(lease, _)| lease.worker.clone()),
                    // The first revision can't know its own number.
                    lease: lease.map(|(lease, revision)| if lease.tenure == 0 { *revision } else { lease.tenure }),
                    since: lease.map(|(lease, _)| lease.taken),
                    heard: lease.is_some_and(|(lease, _)| heard.contains(&lease.worker)),
                    name: camera.name,
                    address,
                    flags: camera.flags,
                });
            }
            Ok(listed)
        })
    }

    /// The workers that hold cameras and said something in the last minute.
    ///
    /// # Errors
    ///
    /// When the broker fails.
    pub fn workers(&self) -> Result<Vec<Watcher>, FleetError> {
        self.runtime.block_on(self.watchers())
    }

    async fn watchers(&self) -> Result<Vec<Watcher>, FleetError> {
        let entries = Store::all(&self.store.watchers).await?;
        Ok(entries.iter().filter_map(|entry| Watcher::read(&entry.value).ok()).collect())
    }

    /// Hands each message of the stream to `take`, from the first one that is kept.
    ///
    /// # Errors
    ///
    /// When the broker fails and isn't waited for, or `take` fails.
    pub fn events(
        &self,
        settings: &ReadSettings,
        take: &mut (dyn FnMut(Sifted) -> Result<(), BoxError> + '_),
    ) -> Result<(), FleetError> {
        self.runtime.block_on(read(&self.store, settings, take))
    }
}
