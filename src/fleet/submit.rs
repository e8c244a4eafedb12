//! Submits a job: its entry, the list of its clips, and a message for each of them. Who is cut short, or isn't sure, submits again.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::error::FleetError;
use super::job::{Job, JobName};
use super::manifest;
use super::patience;
use super::store::{Put, Store};
use super::subjects;
use super::task::{Task, TaskId};
use crate::sink::jsonl::first_line;
use crate::sink::resume;

/// Messages that are on their way to the broker at once.
const AT_ONCE: usize = 256;
/// Tries to change an entry that others change too.
const TRIES: usize = 5;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// Clips that were put into the queue.
    pub queued: u64,
    /// Clips that were in it already, or are being judged.
    pub waiting: u64,
    /// Clips that are done, or failed for good.
    pub done: u64,
    /// Clips of the job, with those of earlier times.
    pub tasks: u64,
}

/// `job` comes without its list, `new` are the clips that are to be in it.
pub(super) async fn submit(store: &Store, job: &Job, new: Vec<Task>) -> Result<Submitted, FleetError> {
    let (job, all) = announce(store, job, new).await?;
    let through = through(store, &job.name).await?;
    let mut submitted = Submitted { tasks: all.len() as u64, ..Submitted::default() };
    let (done, open): (Vec<Task>, Vec<Task>) = all.into_values().partition(|task| through.contains(task.id.as_str()));
    submitted.done = done.len() as u64;
    let put = |task: Task| {
        let job = &job;
        async move {
            let subject = subjects::task(job.priority, &task.job, &task.id);
            let bytes = bytes::Bytes::from(task.written());
            let put = async || store.put_once(subject.clone(), &task.message_id(), bytes.clone()).await;
            patience::few(put).await.map_err(FleetError::request("put a clip into the queue"))
        }
    };
    let mut sent = stream::iter(open).map(put).buffer_unordered(AT_ONCE);
    while let Some(put) = sent.next().await {
        match put? {
            Put::New => submitted.queued += 1,
            Put::There => submitted.waiting += 1,
        }
    }
    Ok(submitted)
}

/// Makes or changes the job's entry; gives it, and all its clips.
async fn announce(store: &Store, job: &Job, new: Vec<Task>) -> Result<(Job, BTreeMap<TaskId, Task>), FleetError> {
    let new: BTreeMap<TaskId, Task> = new.into_iter().map(|task| (task.id.clone(), task)).collect();
    for _ in 0..TRIES {
        let found = store.job(&job.name).await?;
        let mut all = match &found {
            Some((there, _)) => {
                check_same(there, job)?;
                manifest::get(store, &there.manifest).await?
            }
            None => BTreeMap::new(),
        };
        all.extend(new.clone());
        check_names(&job.name, all.values())?;
        let manifest = manifest::put(store, &job.name, &all).await?;
        let tasks = all.len() as u64;
        let (entry, kept) = match found {
            Some((there, revision)) => {
                let entry = Job { tasks, manifest, ..there };
                let kept = store.jobs.update(&job.name, entry.written().into(), revision).await.map(|_| ());
                (entry, kept.map_err(|error| error.to_string()))
            }
            None => {
                let entry = Job { tasks, manifest, ..job.clone() };
                let kept = store.jobs.create(&job.name, entry.written().into()).await.map(|_| ());
                (entry, kept.map_err(|error| error.to_string()))
            }
        };
        match kept {
            Ok(()) => return Ok((entry, all)),
            Err(error) => log::debug!("the entry of job {} was not changed: {error}", job.name),
        }
    }
    Err(FleetError::Busy(job.name.to_string()))
}

/// A job is one thing: all its rows come from the same models and settings.
fn check_same(there: &Job, job: &Job) -> Result<(), FleetError> {
    if there.cancelled {
        return Err(FleetError::Cancelled(job.name.to_string()));
    }
    let mut differences = resume::differences(&first_line(&there.run), &first_line(&job.run));
    if there.priority != job.priority {
        differences.push(format!("priority was {}, is {}", there.priority, job.priority));
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(FleetError::OtherJob { job: job.name.to_string(), differences })
}

/// Tables tell clips apart by their names.
fn check_names<'a>(job: &JobName, tasks: impl Iterator<Item = &'a Task>) -> Result<(), FleetError> {
    let mut names = BTreeSet::new();
    for task in tasks {
        if !names.insert(&task.name) {
            return Err(FleetError::SameNames { job: job.to_string(), name: task.name.clone() });
        }
    }
    Ok(())
}

/// The ids of clips that are done, or failed for good.
async fn through(store: &Store, job: &JobName) -> Result<BTreeSet<String>, FleetError> {
    let mut ids = BTreeSet::new();
    for (stream, filter) in [(&store.results, subjects::results_of(job)), (&store.dead, subjects::dead_of(job))] {
        let subjects = store.subjects(stream, &filter).await?;
        ids.extend(subjects.iter().map(|subject| subjects::last_part(subject).to_owned()));
    }
    Ok(ids)
}
