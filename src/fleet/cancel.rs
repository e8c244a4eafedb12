//! Cancels a job: a mark in its entry, which workers look at before each clip.

use super::error::FleetError;
use super::job::{Job, JobName};
use super::store::Store;

/// Tries to change an entry that others change too.
const TRIES: usize = 5;

pub(super) async fn cancel(store: &Store, name: &JobName) -> Result<(), FleetError> {
    for _ in 0..TRIES {
        let (job, revision) = store.job(name).await?.ok_or_else(|| FleetError::NoJob(name.to_string()))?;
        if job.cancelled {
            return Ok(());
        }
        let entry = Job { cancelled: true, ..job };
        match store.jobs.update(name, entry.written().into(), revision).await {
            Ok(_) => return Ok(()),
            Err(error) => log::debug!("the entry of job {name} was not changed: {error}"),
        }
    }
    Err(FleetError::Busy(name.to_string()))
}
