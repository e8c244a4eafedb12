//! What people do with a fleet: submit, collect, look, cancel, and try again.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::broker::BrokerSettings;
use super::collect::{CollectSettings, Collected, Taker, collect};
use super::dead::DeadLetter;
use super::error::FleetError;
use super::job::{Job, JobName};
use super::status::{Status, status};
use super::store::{Store, StoreSettings};
use super::submit::{Submitted, submit};
use super::task::Task;
use super::{cancel, manifest, retry};

/// A connection to the broker, for one caller that waits for each answer.
pub struct Desk {
    runtime: Runtime,
    store: Store,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    /// Connects, and makes the streams and buckets that aren't there yet.
    ///
    /// # Errors
    ///
    /// When nobody answers, or not as we need it.
    pub fn open(broker: &BrokerSettings, settings: StoreSettings) -> Result<Self, FleetError> {
        let runtime = runtime()?;
        let store = runtime.block_on(async {
            let client = broker.connect().await?;
            Store::open(client, &broker.name(), settings).await
        })?;
        Ok(Self { runtime, store })
    }

    /// A job's entry.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn job(&self, name: &JobName) -> Result<Job, FleetError> {
        let found = self.runtime.block_on(self.store.job(name))?;
        found.map(|(job, _)| job).ok_or_else(|| FleetError::NoJob(name.to_string()))
    }

    /// The names of a job's clips.
    ///
    /// # Errors
    ///
    /// When the broker fails.
    pub fn names(&self, job: &Job) -> Result<Vec<String>, FleetError> {
        let tasks = self.runtime.block_on(manifest::get(&self.store, &job.manifest))?;
        Ok(tasks.into_values().map(|task| task.name).collect())
    }

    /// Submits a job with its clips; or more clips of one that is there; or the same again, which changes nothing. `job` says
    /// neither how many clips there are nor where their list is: that is found out.
    ///
    /// # Errors
    ///
    /// When a job of this name has other settings, two clips have one name, or the broker fails. Then all of it can be done again.
    pub fn submit(&self, job: &Job, tasks: Vec<Task>) -> Result<Submitted, FleetError> {
        self.runtime.block_on(submit(&self.store, job, tasks))
    }

    /// Hands the lines of each clip of a job to `take`, each clip once.
    ///
    /// # Errors
    ///
    /// When there is no such job, or `take` fails.
    pub fn collect(
        &self,
        name: &JobName,
        settings: &CollectSettings,
        take: &mut Taker<'_>,
    ) -> Result<Collected, FleetError> {
        self.runtime.block_on(collect(&self.store, name, settings, take))
    }

    /// How the jobs and workers are.
    ///
    /// # Errors
    ///
    /// When the broker fails.
    pub fn status(&self) -> Result<Status, FleetError> {
        self.runtime.block_on(status(&self.store))
    }

    /// Waits, and answers the broker meanwhile.
    pub fn wait(&self, time: Duration) {
        self.runtime.block_on(tokio::time::sleep(time));
    }

    /// Cancels a job: its clips that wait are not judged any more.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn cancel(&self, name: &JobName) -> Result<(), FleetError> {
        self.runtime.block_on(cancel::cancel(&self.store, name))
    }

    /// Puts the clips of a job that failed for good back into the queue, and gives how many there were.
    ///
    /// # Errors
    ///
    /// When there is no such job, or it was cancelled.
    pub fn retry(&self, name: &JobName) -> Result<u64, FleetError> {
        self.runtime.block_on(retry::retry(&self.store, name))
    }

    /// The dead letters of a job; of none: messages that were no tasks.
    ///
    /// # Errors
    ///
    /// When the broker fails.
    pub fn dead_letters(&self, job: Option<&JobName>) -> Result<Vec<DeadLetter>, FleetError> {
        let letters = self.runtime.block_on(retry::letters(&self.store, job))?;
        Ok(letters.into_iter().map(|(letter, _)| letter).collect())
    }
}

/// One thread: what takes long is done on others, or elsewhere.
pub(super) fn runtime() -> Result<Runtime, FleetError> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}
