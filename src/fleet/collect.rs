//! Collects the results of a job as they come: each once, whatever the broker sends twice, and whoever collected before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::PullConsumer;
use futures_util::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};

use super::dead::DeadLetter;
use super::error::FleetError;
use super::job::{Job, JobName};
use super::manifest;
use super::outcome::{Head, Outcome};
use super::retry;
use super::store::Store;
use super::subjects;
use super::task::TaskId;
use crate::BoxError;
use crate::sink::lines::SourceLines;

/// Results that are asked for at once.
const AT_ONCE: usize = 64;
/// How long the broker may wait for the next result.
const WAIT: Duration = Duration::from_secs(1);
/// An answer that comes so much later is none.
const LATE: Duration = Duration::from_secs(2);
/// A broker that says nothing for so much longer is asked anew.
const PATIENCE: Duration = Duration::from_secs(10);

/// How results are collected.
#[derive(Debug)]
pub struct CollectSettings {
    /// Whether it is waited for those that aren't there yet.
    pub follow: bool,
    /// Names of the clips whose lines were taken before.
    pub known: BTreeSet<String>,
    /// Ends it when it becomes true.
    pub stop: &'static AtomicBool,
}

/// The lines of a clip.
pub struct Found<'a> {
    /// What is said of them.
    pub head: &'a Head,
    /// The lines: checked, and whole.
    pub lines: SourceLines<'a>,
}

/// What was collected.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// Clips of the job.
    pub tasks: u64,
    /// Clips whose lines were taken now.
    pub taken: u64,
    /// Clips whose lines were taken before.
    pub known: u64,
    /// Clips that failed for good.
    pub dead: Vec<DeadLetter>,
    /// Results that can't be used, and why.
    pub damaged: Vec<String>,
    /// Names of clips that have neither a result nor a dead letter.
    pub missing: Vec<String>,
    /// Whether the job was cancelled.
    pub cancelled: bool,
    /// Whether it was stopped.
    pub interrupted: bool,
}

/// What takes the lines of each clip, on whose word a clip counts as taken.
pub type Taker<'a> = dyn FnMut(&Found<'_>) -> Result<(), BoxError> + 'a;

struct Collector<'a> {
    store: &'a Store,
    job: Job,
    settings: &'a CollectSettings,
    collected: Collected,
    /// Tasks that are through, with or without a result that can be used.
    seen: BTreeSet<TaskId>,
    /// The last message that was read.
    at: u64,
}

pub(super) async fn collect(
    store: &Store,
    name: &JobName,
    settings: &CollectSettings,
    take: &mut Taker<'_>,
) -> Result<Collected, FleetError> {
    let job = read_job(store, name).await?;
    let (seen, collected) = (BTreeSet::new(), Collected::default());
    let mut collector = Collector { store, job, settings, collected, seen, at: 0 };
    let mut reader: Option<PullConsumer> = None;
    while !settings.stop.load(Ordering::Relaxed) {
        let ready = match &reader {
            Some(reader) => Ok(reader.clone()),
            None => store.reader(&store.results, subjects::results_of(name), collector.at).await,
        };
        let batch = match ready {
            Ok(ready) => {
                reader = Some(ready.clone());
                collector.batch(&ready, take).await?
            }
            Err(error) => {
                log::debug!("results can't be read now, which is tried again: {error}");
                Batch::Failed
            }
        };
        match batch {
            Batch::Full => {}
            Batch::Failed => {
                reader = None;
                sleep(WAIT).await;
            }
            Batch::Empty => {
                if collector.is_over().await? {
                    return collector.ended().await;
                }
            }
        }
    }
    collector.collected.interrupted = true;
    collector.ended().await
}

async fn read_job(store: &Store, name: &JobName) -> Result<Job, FleetError> {
    Ok(store.job(name).await?.ok_or_else(|| FleetError::NoJob(name.to_string()))?.0)
}

/// What there was to read.
enum Batch {
    /// There may be more.
    Full,
    /// There is no more for now.
    Empty,
    /// The broker could not say.
    Failed,
}

impl Collector<'_> {
    async fn batch(&mut self, reader: &PullConsumer, take: &mut Taker<'_>) -> Result<Batch, FleetError> {
        let asked = if self.settings.follow {
            reader.batch().max_messages(AT_ONCE).expires(WAIT).messages().await
        } else {
            reader.fetch().max_messages(AT_ONCE).messages().await
        };
        let Ok(mut messages) = asked else {
            return Ok(Batch::Failed);
        };
        let (mut count, mut heard) = (0, Instant::now());
        loop {
            let next = timeout(WAIT + PATIENCE, messages.next()).await;
            // A reader that went away with its broker gives no answer: the client alone ends the waiting, some seconds late.
            let is_late = heard.elapsed() > WAIT + LATE;
            heard = Instant::now();
            match next {
                Ok(Some(Ok(message))) => {
                    if !self.message(&message, take).await? {
                        return Ok(Batch::Failed);
                    }
                    count += 1;
                    if self.seen.len() as u64 >= self.job.tasks {
                        // There may be more clips by now, which is looked at; but nothing to wait for.
                        return Ok(Batch::Empty);
                    }
                }
                Ok(None) if count == AT_ONCE => return Ok(Batch::Full),
                Ok(None) if is_late => return Ok(Batch::Failed),
                Ok(None) => return Ok(Batch::Empty),
                Ok(Some(Err(error))) => {
                    log::debug!("results can't be read now, which is tried again: {error}");
                    return Ok(Batch::Failed);
                }
                Err(_) => return Ok(Batch::Failed),
            }
        }
    }

    /// Takes one result. Not where the broker didn't give all of it, which is tried again.
    async fn message(&mut self, message: &Message, take: &mut Taker<'_>) -> Result<bool, FleetError> {
        let Ok(sequence) = message.info().map(|info| info.stream_sequence) else {
            return Ok(true);
        };
        let read = Outcome::read(&message.subject, &message.payload);
        match read {
            Ok(Outcome { head, .. }) if self.seen.contains(&head.task) => {}
            Ok(Outcome { head, .. }) if self.settings.known.contains(&head.name) => {
                self.collected.known += 1;
                self.seen.insert(head.task);
            }
            Ok(Outcome { head, packed }) => {
                let packed = match head.stored {
                    false => packed,
                    true => match self.object(&head.sha256).await {
                        Ok(packed) => packed,
                        Err(error) => {
                            log::debug!("a large result can't be read now, which is tried again: {error}");
                            return Ok(false);
                        }
                    },
                };
                let lines = Outcome::lines(&head, &packed);
                let models = self.job.run.models().len();
                let checked = lines.as_deref().map_err(Clone::clone);
                match checked.and_then(|lines| SourceLines::read(lines, &head.name, models)) {
                    Ok(lines) => {
                        take(&Found { head: &head, lines }).map_err(FleetError::Taker)?;
                        self.collected.taken += 1;
                    }
                    Err(reason) => self.damaged(&head.name, &reason),
                }
                self.seen.insert(head.task);
            }
            Err(reason) => {
                self.damaged(&message.subject, &reason);
                if let Ok(id) = TaskId::try_from(subjects::last_part(&message.subject).to_owned()) {
                    self.seen.insert(id);
                }
            }
        }
        self.at = sequence;
        Ok(true)
    }

    fn damaged(&mut self, name: &str, reason: &str) {
        self.collected.damaged.push(format!("the result of {name} can't be used: {reason}"));
    }

    async fn object(&self, sha256: &str) -> Result<Vec<u8>, BoxError> {
        let mut object = self.store.objects.get(sha256).await?;
        let mut packed = Vec::new();
        timeout(Duration::from_secs(600), object.read_to_end(&mut packed)).await??;
        Ok(packed)
    }

    /// Whether there is nothing more to come, or it isn't waited for.
    async fn is_over(&mut self) -> Result<bool, FleetError> {
        if !self.settings.follow {
            return Ok(true);
        }
        match read_job(self.store, &self.job.name).await {
            // It may have grown, or have been cancelled.
            Ok(job) => self.job = job,
            Err(FleetError::Request { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        if self.job.cancelled || self.seen.len() as u64 >= self.job.tasks {
            return Ok(true);
        }
        let Ok(dead) = self.store.subjects(&self.store.dead, &subjects::dead_of(&self.job.name)).await else {
            return Ok(false);
        };
        let is_open = |subject: &&String| {
            let id = TaskId::try_from(subjects::last_part(subject).to_owned());
            id.is_ok_and(|id| !self.seen.contains(&id))
        };
        Ok((self.seen.len() + dead.iter().filter(is_open).count()) as u64 >= self.job.tasks)
    }

    async fn ended(mut self) -> Result<Collected, FleetError> {
        self.collected.tasks = self.job.tasks;
        self.collected.cancelled = self.job.cancelled;
        if self.seen.len() as u64 >= self.job.tasks {
            return Ok(self.collected);
        }
        let letters = retry::letters(self.store, Some(&self.job.name)).await?;
        let open = letters.into_iter().map(|(letter, _)| letter);
        self.collected.dead = open.filter(|letter| letter.id().is_none_or(|id| !self.seen.contains(id))).collect();
        let mut left: BTreeMap<_, _> = manifest::get(self.store, &self.job.manifest).await?;
        left.retain(|id, _| !self.seen.contains(id));
        for id in self.collected.dead.iter().filter_map(DeadLetter::id) {
            left.remove(id);
        }
        self.collected.missing = left.into_values().map(|task| task.name).collect();
        Ok(self.collected)
    }
}
