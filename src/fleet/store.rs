//! What lies at the broker: three streams, three buckets and a store of objects, made where they aren't there.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::kv;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::object_store::{self, ObjectStore};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use futures_util::StreamExt;

use super::error::FleetError;
use super::job::{Job, JobName, Priority};
use super::patience;
use super::subjects;

/// Messages that come twice within this time are known by their id; after it, by their subject alone.
const DUPLICATES: Duration = Duration::from_secs(600);
/// A worker that says nothing for so long is gone.
const BEAT_AGE: Duration = Duration::from_secs(60);
/// Tasks under way at once, of each priority: one a worker.
const MOST_UNDER_WAY: i64 = 20_000;
/// Requests for a task that may wait, of each priority: one a worker.
const MOST_WAITING: i64 = 20_000;
/// For what counts and reads: it goes by itself when nobody asks it any more.
const READER_AGE: Duration = Duration::from_secs(300);

/// How what isn't there yet is made. What is there stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct StoreSettings {
    /// How long a worker may be silent before its task is given to another one.
    pub lease: Duration,
    /// On how many servers of a cluster everything is kept.
    pub replicas: usize,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { lease: Duration::from_secs(30), replicas: 1 }
    }
}

/// What came of a message that may be stored once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is stored.
    New,
    /// One was there before.
    There,
}

/// The streams, buckets and objects.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) js: Context,
    pub(super) tasks: Stream,
    pub(super) results: Stream,
    pub(super) dead: Stream,
    pub(super) jobs: kv::Store,
    pub(super) workers: kv::Store,
    pub(super) attempts: kv::Store,
    pub(super) objects: ObjectStore,
    settings: StoreSettings,
}

impl Store {
    /// Opens them, and makes what isn't there.
    pub(super) async fn open(client: Client, broker: &str, settings: StoreSettings) -> Result<Self, FleetError> {
        let js = jetstream::new(client);
        let StoreSettings { replicas, .. } = settings;
        let made = async |config: Config| {
            let made = js.get_or_create_stream(Config { num_replicas: replicas, ..config }).await;
            made.map_err(|error| failed(broker, error))
        };
        let stream = async |name: &str, subject: &str, retention| {
            let (name, subjects) = (name.to_owned(), vec![subject.to_owned()]);
            made(Config { name, subjects, retention, duplicate_window: DUPLICATES, ..Config::default() }).await
        };
        let bucket = async |name: &str, max_age: Duration, storage| {
            if js.get_key_value(name).await.is_err() {
                made(bucket_config(name, max_age, storage)).await?;
            }
            js.get_key_value(name).await.map_err(FleetError::request("open its buckets"))
        };
        let tasks = stream(subjects::TASKS, subjects::ALL_TASKS, RetentionPolicy::WorkQueue).await?;
        let objects = match js.get_object_store(subjects::OBJECTS).await {
            Ok(found) => found,
            Err(_) => {
                let config = object_store::Config {
                    bucket: subjects::OBJECTS.to_owned(),
                    num_replicas: replicas,
                    ..object_store::Config::default()
                };
                js.create_object_store(config).await.map_err(FleetError::request("make its store of objects"))?
            }
        };
        Ok(Self {
            tasks,
            results: stream(subjects::RESULTS, subjects::ALL_RESULTS, RetentionPolicy::Limits).await?,
            dead: stream(subjects::DEAD, subjects::ALL_DEAD, RetentionPolicy::Limits).await?,
            jobs: bucket(subjects::JOBS, Duration::ZERO, StorageType::File).await?,
            workers: bucket(subjects::WORKERS, BEAT_AGE, StorageType::Memory).await?,
            attempts: bucket(subjects::ATTEMPTS, Duration::ZERO, StorageType::File).await?,
            objects,
            js,
            settings,
        })
    }

    /// The consumer by which all workers take the tasks of a priority.
    pub(super) async fn queue(&self, priority: Priority) -> Result<PullConsumer, FleetError> {
        let name = queue_name(priority);
        let config = pull::Config {
            durable_name: Some(name.clone()),
            filter_subject: subjects::tasks_of(priority),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.settings.lease,
            max_ack_pending: MOST_UNDER_WAY,
            max_waiting: MOST_WAITING,
            ..pull::Config::default()
        };
        let made = self.tasks.get_or_create_consumer(&name, config).await;
        made.map_err(FleetError::request("make the consumers of its workers"))
    }

    /// Tasks of a priority that were given to another worker, and aren't through yet.
    pub(super) async fn redelivered(&self, priority: Priority) -> u64 {
        let found = self.tasks.consumer_info(queue_name(priority)).await;
        // There is none before the first worker.
        found.map_or(0, |info| info.num_redelivered as u64)
    }

    /// What reads the messages of some subjects, from the first one after `after`.
    pub(super) async fn reader(&self, stream: &Stream, filter: String, after: u64) -> Result<PullConsumer, FleetError> {
        let deliver_policy = match after {
            0 => DeliverPolicy::All,
            after => DeliverPolicy::ByStartSequence { start_sequence: after + 1 },
        };
        self.passing(stream, filter, deliver_policy).await
    }

    /// How many messages there are of some subjects, since a moment where one is named.
    pub(super) async fn count(
        &self,
        stream: &Stream,
        filter: String,
        since: Option<Duration>,
    ) -> Result<u64, FleetError> {
        let deliver_policy = match since {
            None => DeliverPolicy::All,
            Some(ago) => DeliverPolicy::ByStartTime { start_time: (std::time::SystemTime::now() - ago).into() },
        };
        let counted = self.passing(stream, filter, deliver_policy).await?;
        let info = counted.cached_info();
        let count = info.num_pending;
        // It would go by itself.
        let _ = stream.delete_consumer(&info.name).await;
        Ok(count)
    }

    async fn passing(
        &self,
        stream: &Stream,
        filter: String,
        deliver_policy: DeliverPolicy,
    ) -> Result<PullConsumer, FleetError> {
        let config = pull::Config {
            filter_subject: filter,
            deliver_policy,
            ack_policy: AckPolicy::None,
            inactive_threshold: READER_AGE,
            memory_storage: true,
            ..pull::Config::default()
        };
        stream.create_consumer(config).await.map_err(FleetError::request("make a reader of a stream"))
    }

    /// The subjects that have messages.
    pub(super) async fn subjects(&self, stream: &Stream, filter: &str) -> Result<Vec<String>, FleetError> {
        let failed = || FleetError::request("list the subjects of a stream");
        let mut listed = stream.info_with_subjects(filter).await.map_err(failed())?;
        let mut subjects = Vec::new();
        while let Some(found) = listed.next().await {
            subjects.push(found.map_err(failed())?.0);
        }
        Ok(subjects)
    }

    /// Stores a message under a subject that has none. One that has one, or a message of the same id, is left as it is: whoever
    /// sends again what may have been stored doesn't store it twice.
    pub(super) async fn put_once(&self, subject: String, id: &str, bytes: Bytes) -> Result<Put, PublishError> {
        self.put(subject, PublishMessage::build().payload(bytes).message_id(id).expected_last_subject_sequence(0)).await
    }

    /// The same under a subject that may have a message: that of another id.
    pub(super) async fn put_more(&self, subject: String, id: &str, bytes: Bytes) -> Result<Put, PublishError> {
        self.put(subject, PublishMessage::build().payload(bytes).message_id(id)).await
    }

    async fn put(&self, subject: String, message: PublishMessage) -> Result<Put, PublishError> {
        let sent = self.js.send_publish(subject, message).await?.await;
        match sent {
            Ok(ack) if ack.duplicate => Ok(Put::There),
            Ok(_) => Ok(Put::New),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Ok(Put::There),
            Err(error) => Err(error),
        }
    }

    /// A job's entry and its revision.
    pub(super) async fn job(&self, name: &JobName) -> Result<Option<(Job, u64)>, FleetError> {
        let entry = patience::few(async || self.jobs.entry(name.as_str()).await).await;
        let entry = entry.map_err(FleetError::request("read the entry of a job"))?;
        let Some(entry) = entry.filter(|entry| entry.operation == kv::Operation::Put) else {
            return Ok(None);
        };
        let job = Job::read(&entry.value)
            .map_err(|reason| FleetError::Malformed { what: format!("the entry of job {name}"), reason })?;
        Ok(Some((job, entry.revision)))
    }

    /// Whether a subject has a message.
    pub(super) async fn has(&self, stream: &Stream, subject: &str) -> Result<bool, FleetError> {
        use async_nats::jetstream::stream::LastRawMessageErrorKind as Kind;
        match stream.get_last_raw_message_by_subject(subject).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == Kind::NoMessageFound => Ok(false),
            Err(error) => Err(FleetError::request("look for a message")(error)),
        }
    }
}

/// What the consumer of a priority is called.
fn queue_name(priority: Priority) -> String {
    format!("workers-{priority}")
}

/// A bucket is a stream with these settings. Made by hand: the client's own way asks first for what a server of 2.9 doesn't tell.
pub(super) fn bucket_config(name: &str, max_age: Duration, storage: StorageType) -> Config {
    // A message is known by its id no longer than it is there.
    let window = Duration::from_secs(120);
    Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        max_age,
        duplicate_window: if max_age.is_zero() { window } else { window.min(max_age) },
        storage,
        ..Config::default()
    }
}

/// Why streams can't be made: mostly, because the server was started without what makes them.
pub(super) fn failed(broker: &str, error: impl Into<crate::BoxError>) -> FleetError {
    let error = error.into();
    let words = crate::explain::explain(&error);
    if ["not enabled", "no responders", "unavailable"].iter().any(|part| words.contains(part)) {
        return FleetError::NoJetStream { broker: broker.to_owned(), reason: words };
    }
    FleetError::Request { what: "make its streams", source: error }
}
