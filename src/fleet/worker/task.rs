//! What a worker does with one task, from the message to its end.

use std::time::{Duration, Instant};

use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use cyborg_models::digest;

use super::lease::Lease;
use super::{Next, Worker};
use crate::fleet::attempts::Attempts;
use crate::fleet::beat::State;
use crate::fleet::dead::{Cause, DeadLetter};
use crate::fleet::error::FleetError;
use crate::fleet::job::Job;
use crate::fleet::judge::{Clip, Fault};
use crate::fleet::outcome::Outcome;
use crate::fleet::task::Task;
use crate::fleet::{now, patience, subjects};
use crate::sink::jsonl::first_line;
use crate::sink::packed::Packed;
use crate::sink::record::SCHEMA as TABLE_SCHEMA;
use crate::sink::resume;

/// Before a clip that this worker can't do goes to another one.
const FOR_ANOTHER: Duration = Duration::from_secs(1);

/// What becomes of the message.
enum End {
    /// It is through.
    Through,
    /// It can't be done, and nobody else is to try.
    Dead(Box<DeadLetter>),
    /// It goes back, for somebody to take after a while.
    Back(Duration),
    /// It goes back at no cost, and this worker parks.
    Park { job: String, reason: String },
}

impl Worker {
    /// Sees a message through.
    pub(super) async fn task(&mut self, message: Message) -> Next {
        let delivered = message.info().map_or(1, |info| info.delivered);
        let (message, acker) = message.split();
        let lease = Lease::hold(acker, self.lease);
        if delivered > 1 {
            self.beats.redelivered();
        }
        let end = match Task::read(&message.subject, &message.payload) {
            Ok(task) => {
                let end = self.known(&task, &message.subject, delivered > 1).await;
                // The broker is at a loss, not the clip.
                end.unwrap_or_else(|error| {
                    log::warn!("{} goes back into the queue: {error}", task.name);
                    End::Back(FOR_ANOTHER)
                })
            }
            Err(reason) => {
                log::warn!("a message that is no task: {reason}");
                End::Dead(Box::new(DeadLetter::of_bytes(
                    &message.payload,
                    &message.subject,
                    &reason,
                    &self.settings.name,
                )))
            }
        };
        match end {
            End::Through => lease.end(AckKind::Ack).await,
            End::Dead(letter) => match self.bury(&letter, &message.payload).await {
                true => lease.end(AckKind::Term).await,
                false => lease.hand_back(Duration::ZERO).await,
            },
            End::Back(after) => lease.hand_back(after).await,
            End::Park { job, reason } => {
                lease.hand_back(FOR_ANOTHER).await;
                return Next::Park { job, reason };
            }
        }
        Next::Go
    }

    /// A message that is a task.
    async fn known(&mut self, task: &Task, subject: &str, came_back: bool) -> Result<End, FleetError> {
        let worker = self.settings.name.clone();
        let dead = |cause, error: &str, attempts| {
            let by = (attempts, worker.as_str());
            End::Dead(Box::new(DeadLetter::of(task, subject, cause, error, by)))
        };
        // The result may be there, and only the word that it is through was lost.
        if self.store.has(&self.store.results, &subjects::result(&task.job, &task.id)).await? {
            return Ok(End::Through);
        }
        let job = match self.store.job(&task.job).await {
            Ok(Some((job, _))) => job,
            Ok(None) => return Ok(dead(Cause::Malformed, "there is no such job", 1)),
            Err(FleetError::Malformed { reason, .. }) => {
                return Ok(End::Park { job: task.job.to_string(), reason });
            }
            Err(error) => return Err(error),
        };
        if job.cancelled {
            return Ok(End::Through);
        }
        if job.deadline.is_some_and(|deadline| now() > deadline) {
            return Ok(dead(Cause::Expired, "nobody came to it before the deadline of its job", 0));
        }
        self.beats.say(State::Working { job: job.name.to_string(), clip: task.name.clone() });
        if let Err(reason) = self.fits(&job).await {
            return Ok(End::Park { job: job.name.to_string(), reason });
        }
        let mut attempts = Attempts::default();
        if came_back || task.round > 0 {
            attempts = Attempts::of(&self.store, task).await?;
            if attempts.begun >= self.settings.most_begun {
                let error =
                    format!("it was begun {} times after it came back, and no worker came to its end", attempts.begun);
                return Ok(dead(Cause::Lost, &error, attempts.begun + attempts.failed));
            }
            attempts.begun += 1;
            attempts.keep(&self.store, task).await?;
        }
        let begun = Instant::now();
        match self.judged(task).await {
            Ok(packed) => self.deliver(task, begun.elapsed(), packed, attempts != Attempts::default()).await,
            Err(Fault::Clip(error)) => {
                self.beats.failed();
                attempts.failed += 1;
                // It came to an end, if not to a good one.
                attempts.begun = attempts.begun.saturating_sub(1);
                log::warn!("{error} (try {} of {})", attempts.failed, self.settings.tries);
                if attempts.failed >= self.settings.tries {
                    return Ok(dead(Cause::Clip, &error, attempts.failed));
                }
                attempts.keep(&self.store, task).await?;
                Ok(End::Back(self.settings.rest))
            }
            Err(fault) => {
                if attempts.begun > 0 {
                    attempts.begun -= 1;
                    attempts.keep(&self.store, task).await?;
                }
                Ok(match fault {
                    Fault::Worker(reason) => End::Park { job: job.name.to_string(), reason },
                    Fault::Interrupted | Fault::Clip(_) => End::Back(Duration::ZERO),
                })
            }
        }
    }

    /// Whether this worker judges as the job says, and is ready to.
    async fn fits(&mut self, job: &Job) -> Result<(), String> {
        if job.table_schema != TABLE_SCHEMA {
            let was = job.table_schema;
            return Err(format!("its tables have version {was} of the fields, this program writes {TABLE_SCHEMA}"));
        }
        let run = self.seat.ready(job, &self.settings.allowed).await?;
        let differences = resume::differences(&first_line(&job.run), &first_line(&run));
        if differences.is_empty() { Ok(()) } else { Err(differences.join(", ")) }
    }

    async fn judged(&mut self, task: &Task) -> Result<Packed, Fault> {
        let allowed = self.settings.allowed.clone();
        let place = task.place.clone();
        // A disk in the network may hang: the broker hears from us meanwhile.
        let found = tokio::task::spawn_blocking(move || allowed.clip(&place)).await;
        let address = match found {
            Ok(Ok(address)) => address,
            Ok(Err(refusal)) => return Err(Fault::Clip(refusal.to_string())),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        let clip = Clip { name: task.name.clone(), address };
        let beats = &self.beats;
        self.seat.judge(clip, &self.settings, || beats.say(State::Draining)).await
    }

    /// Stores a result. It is there when this returns that the task is through.
    async fn deliver(&self, task: &Task, took: Duration, packed: Packed, was_tried: bool) -> Result<End, FleetError> {
        let outcome = Outcome::of(task, &self.settings.name, took.as_secs_f64(), packed);
        let ends = self.last_moment();
        if outcome.head.stored {
            let put =
                async || self.store.objects.put(outcome.head.sha256.as_str(), &mut outcome.packed.as_slice()).await;
            if patience::until("store a large result", &ends, put).await.is_none() {
                return Ok(End::Back(Duration::ZERO));
            }
        }
        let subject = subjects::result(&task.job, &task.id);
        let bytes = Bytes::from(outcome.message());
        let put = async || self.store.put_once(subject.clone(), &task.message_id(), bytes.clone()).await;
        if patience::until("store a result", &ends, put).await.is_none() {
            return Ok(End::Back(Duration::ZERO));
        }
        if was_tried {
            Attempts::forget(&self.store, task).await;
        }
        self.beats.done();
        Ok(End::Through)
    }

    /// Stores a dead letter; whether it is there.
    async fn bury(&self, letter: &DeadLetter, payload: &[u8]) -> bool {
        let (subject, id, round) = match &letter.task {
            Some(task) => (subjects::dead(&task.job, &task.id), task.message_id(), task.round),
            None => {
                let digest = digest::of_bytes(&[letter.subject.as_bytes(), b"\0", payload].concat());
                (subjects::dead_stray(&digest), digest, 0)
            }
        };
        let bytes = Bytes::from(letter.written());
        let put = async || match round {
            0 => self.store.put_once(subject.clone(), &id, bytes.clone()).await,
            // The letter of the round before may not be taken away yet.
            _ => self.store.put_more(subject.clone(), &id, bytes.clone()).await,
        };
        let is_there = patience::until("store a dead letter", self.last_moment(), put).await.is_some();
        if let (true, Some(task)) = (is_there, &letter.task) {
            Attempts::forget(&self.store, task).await;
        }
        is_there
    }

    /// When a broker that is away is waited for no longer: the grace time after the worker was told to end.
    fn last_moment(&self) -> impl Fn() -> bool {
        let (drain, grace) = (self.settings.drain, self.settings.grace);
        let told = std::cell::Cell::new(None::<Instant>);
        move || {
            if !drain.load(std::sync::atomic::Ordering::Relaxed) {
                return false;
            }
            let since = told.get().unwrap_or_else(Instant::now);
            told.set(Some(since));
            since.elapsed() >= grace
        }
    }
}
