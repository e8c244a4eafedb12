//! How the jobs and the workers are, as plain data.

use std::time::Duration;

use async_nats::jetstream::kv;
use futures_util::StreamExt;
use serde::Serialize;

use super::beat::{Beat, State};
use super::error::FleetError;
use super::job::{Job, JobName, Priority};
use super::store::Store;
use super::subjects;

/// Over so many seconds the rate is counted.
const RATE_SECONDS: u64 = 60;

/// How a job is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobStatus {
    /// Its name.
    pub name: JobName,
    /// When it was submitted, in seconds since 1970.
    pub created: u64,
    /// Which tasks are taken first.
    pub priority: Priority,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// Its clips.
    pub tasks: u64,
    /// Those that have a result.
    pub done: u64,
    /// Those that failed for good.
    pub dead: u64,
    /// Those that a worker says it judges now.
    pub under_way: u64,
    /// All others.
    pub waiting: u64,
    /// Results of the last minute, a minute.
    pub per_minute: f64,
    /// Seconds until the rest is done at this rate; nothing where there is no rate.
    pub seconds_left: Option<f64>,
}

/// How all of it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The jobs, in order of their names.
    pub jobs: Vec<JobStatus>,
    /// The workers that said something in the last minute, in order of their names.
    pub workers: Vec<Beat>,
    /// Tasks that were given to another worker, and aren't through yet.
    pub redelivered: u64,
    /// Messages that were no tasks.
    pub strays: u64,
}

pub(super) async fn status(store: &Store) -> Result<Status, FleetError> {
    let mut workers = Vec::new();
    for value in values(&store.workers).await? {
        match Beat::read(&value) {
            Ok(beat) => workers.push(beat),
            Err(reason) => log::warn!("what a worker says can't be read: {reason}"),
        }
    }
    workers.sort_by(|one, other| one.worker.cmp(&other.worker));
    let mut jobs = Vec::new();
    for value in values(&store.jobs).await? {
        match Job::read(&value) {
            Ok(job) => jobs.push(of_job(store, job, &workers).await?),
            Err(reason) => log::warn!("the entry of a job can't be read: {reason}"),
        }
    }
    jobs.sort_by(|one, other| one.name.cmp(&other.name));
    let mut redelivered = 0;
    for priority in Priority::ALL {
        redelivered += store.redelivered(priority).await;
    }
    let strays = store.count(&store.dead, subjects::all_strays(), None).await?;
    Ok(Status { jobs, workers, redelivered, strays })
}

async fn of_job(store: &Store, job: Job, workers: &[Beat]) -> Result<JobStatus, FleetError> {
    let results = || subjects::results_of(&job.name);
    let done = store.count(&store.results, results(), None).await?;
    let dead = store.count(&store.dead, subjects::dead_of(&job.name), None).await?;
    let lately = store.count(&store.results, results(), Some(Duration::from_secs(RATE_SECONDS))).await?;
    let is_at_it = |beat: &&Beat| matches!(&beat.state, State::Working { job: at, .. } if at == job.name.as_str());
    let open = job.tasks.saturating_sub(done + dead);
    let under_way = (workers.iter().filter(is_at_it).count() as u64).min(open);
    // A young job has not had the whole minute.
    let seconds = super::now().saturating_sub(job.created).clamp(1, RATE_SECONDS) as f64;
    let per_minute = lately as f64 * 60.0 / seconds;
    let seconds_left = (per_minute > 0.0 && !job.cancelled).then(|| open as f64 * 60.0 / per_minute);
    Ok(JobStatus {
        created: job.created,
        priority: job.priority,
        cancelled: job.cancelled,
        tasks: job.tasks,
        done,
        dead,
        under_way,
        waiting: open - under_way,
        per_minute,
        seconds_left,
        name: job.name,
    })
}

/// All values of a bucket.
async fn values(bucket: &kv::Store) -> Result<Vec<bytes::Bytes>, FleetError> {
    const WHAT: &str = "list the entries of a bucket";
    let mut keys = bucket.keys().await.map_err(FleetError::request(WHAT))?;
    let mut values = Vec::new();
    while let Some(key) = keys.next().await {
        // It may have gone meanwhile.
        let key = key.map_err(FleetError::request(WHAT))?;
        values.extend(bucket.get(key).await.map_err(FleetError::request(WHAT))?);
    }
    Ok(values)
}
