//! What lies at the broker for cameras: three buckets and a stream, made where they aren't there.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::stream::{Config, StorageType, Stream};
use async_nats::jetstream::{self, Context, kv};
use futures_util::StreamExt;

use super::entry::CameraName;
use crate::fleet::error::FleetError;
use crate::fleet::store::{bucket_config, failed};

/// Bucket of cameras, by name.
const CAMERAS: &str = "cyborg-cameras";
/// Bucket of leases, by the camera's name. On disk: revisions must grow for ever, as they tell older leases from newer ones.
const LEASES: &str = "cyborg-leases";
/// Bucket of the workers that hold cameras, by name.
const WATCHERS: &str = "cyborg-watchers";
/// What was seen.
const EVENTS: &str = "CYBORG_EVENTS";
/// Subjects of it.
pub(super) const ALL_EVENTS: &str = "cyborg.events.*";
/// A worker that says nothing for so long is forgotten. Others find out much sooner that it is gone.
const WATCHER_AGE: Duration = Duration::from_secs(60);
/// What was seen is kept for so long.
const EVENT_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// A message that was sent twice within this time is known by its id.
const DUPLICATES: Duration = Duration::from_secs(120);

/// The buckets and the stream.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) js: Context,
    pub(super) cameras: kv::Store,
    pub(super) leases: kv::Store,
    pub(super) watchers: kv::Store,
    pub(super) events: Stream,
}

/// Where the events of a camera go.
pub(super) fn events_of(camera: &CameraName) -> String {
    format!("cyborg.events.{camera}")
}

impl Store {
    /// Opens them, and makes what isn't there.
    pub(super) async fn open(client: Client, broker: &str, replicas: usize) -> Result<Self, FleetError> {
        let js = jetstream::new(client);
        let made = async |config: Config| {
            let made = js.get_or_create_stream(Config { num_replicas: replicas, ..config }).await;
            made.map_err(|error| failed(broker, error))
        };
        let bucket = async |name: &str, max_age: Duration| {
            if js.get_key_value(name).await.is_err() {
                made(bucket_config(name, max_age, StorageType::File)).await?;
            }
            js.get_key_value(name).await.map_err(FleetError::request("open its buckets"))
        };
        let events = made(Config {
            name: EVENTS.to_owned(),
            subjects: vec![ALL_EVENTS.to_owned()],
            max_age: EVENT_AGE,
            duplicate_window: DUPLICATES,
            ..Config::default()
        });
        Ok(Self {
            events: events.await?,
            cameras: bucket(CAMERAS, Duration::ZERO).await?,
            leases: bucket(LEASES, Duration::ZERO).await?,
            // A bucket in memory would be gone, and not only empty, after a restart of the broker.
            watchers: bucket(WATCHERS, WATCHER_AGE).await?,
            js,
        })
    }

    /// All entries of a bucket: key, revision and value. By the subjects that the server counts: the client's own list of keys
    /// is read by a consumer, which may wait for ever for an entry that was written again meanwhile.
    pub(super) async fn all(bucket: &kv::Store) -> Result<Vec<kv::Entry>, FleetError> {
        let failed = || FleetError::request("list what is in a bucket");
        let mut listed = bucket.stream.info_with_subjects(format!("{}>", bucket.prefix)).await.map_err(failed())?;
        let mut entries = Vec::new();
        while let Some(found) = listed.next().await {
            let (subject, _) = found.map_err(failed())?;
            let Some(key) = subject.strip_prefix(&bucket.prefix) else {
                continue;
            };
            let entry = bucket.entry(key).await.map_err(FleetError::request("read an entry"))?;
            entries.extend(entry.filter(|entry| entry.operation == kv::Operation::Put));
        }
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(entries)
    }
}
