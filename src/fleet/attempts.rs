//! How often a task was tried: only of those that failed or came back, so that a task that goes well costs nothing here.

use serde::{Deserialize, Serialize};

use super::error::FleetError;
use super::patience;
use super::store::Store;
use super::task::Task;

/// What is kept of a task, in the bucket `cyborg-attempts` under its message's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempts {
    /// How often the clip could not be judged.
    pub(super) failed: u32,
    /// How often it was begun after it had come back.
    pub(super) begun: u32,
}

impl Attempts {
    pub(super) async fn of(store: &Store, task: &Task) -> Result<Self, FleetError> {
        let entry = patience::few(async || store.attempts.get(task.message_id()).await).await;
        let entry = entry.map_err(FleetError::request("read how often a clip was tried"))?;
        // An entry that can't be read is as none: it bounds tries, and no more.
        Ok(entry.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    pub(super) async fn keep(self, store: &Store, task: &Task) -> Result<(), FleetError> {
        let bytes = serde_json::to_vec(&self).unwrap_or_default();
        let kept = patience::few(async || store.attempts.put(task.message_id(), bytes.clone().into()).await).await;
        kept.map(|_| ()).map_err(FleetError::request("keep how often a clip was tried"))
    }

    /// Once the task is through.
    pub(super) async fn forget(store: &Store, task: &Task) {
        if let Err(error) = store.attempts.purge(task.message_id()).await {
            log::debug!("the broker keeps how often {} was tried: {error}", task.name);
        }
    }
}
