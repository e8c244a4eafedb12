//! Names at the broker: streams, buckets and subjects.

use super::job::{JobName, Priority};
use super::task::TaskId;

/// The work queue.
pub(super) const TASKS: &str = "CYBORG_TASKS";
/// What workers made of the tasks.
pub(super) const RESULTS: &str = "CYBORG_RESULTS";
/// Tasks that nobody could do.
pub(super) const DEAD: &str = "CYBORG_DEAD";
/// Bucket of jobs, by name.
pub(super) const JOBS: &str = "cyborg-jobs";
/// Bucket of workers, by name.
pub(super) const WORKERS: &str = "cyborg-workers";
/// Bucket of tasks that failed or were begun more than once.
pub(super) const ATTEMPTS: &str = "cyborg-attempts";
/// Object store: large results, and the lists of tasks.
pub(super) const OBJECTS: &str = "cyborg-objects";

/// Subjects of the work queue.
pub(super) const ALL_TASKS: &str = "cyborg.tasks.*.*.*";
/// Subjects of results.
pub(super) const ALL_RESULTS: &str = "cyborg.results.*.*";
/// Subjects of dead letters.
pub(super) const ALL_DEAD: &str = "cyborg.dead.*.*";
/// In place of the job, where a message doesn't say one that can be.
const NO_JOB: &str = "_";

/// Where a task waits.
pub(super) fn task(priority: Priority, job: &JobName, task: &TaskId) -> String {
    format!("cyborg.tasks.{priority}.{job}.{task}")
}

/// All tasks of a priority.
pub(super) fn tasks_of(priority: Priority) -> String {
    format!("cyborg.tasks.{priority}.*.*")
}

/// Where the result of a task goes: one message at most.
pub(super) fn result(job: &JobName, task: &TaskId) -> String {
    format!("cyborg.results.{job}.{task}")
}

/// All results of a job.
pub(super) fn results_of(job: &JobName) -> String {
    format!("cyborg.results.{job}.*")
}

/// Where the dead letter of a task goes: one message at most.
pub(super) fn dead(job: &JobName, task: &TaskId) -> String {
    format!("cyborg.dead.{job}.{task}")
}

/// All dead letters of a job.
pub(super) fn dead_of(job: &JobName) -> String {
    format!("cyborg.dead.{job}.*")
}

/// Where a message goes that is no task; `digest` is of its subject and its bytes.
pub(super) fn dead_stray(digest: &str) -> String {
    format!("cyborg.dead.{NO_JOB}.{digest}")
}

/// All messages that were no tasks.
pub(super) fn all_strays() -> String {
    format!("cyborg.dead.{NO_JOB}.*")
}

/// The last part of a subject: the task.
pub(super) fn last_part(subject: &str) -> &str {
    subject.rsplit('.').next().unwrap_or_default()
}
