//! The list of a job's tasks, as an object: who submits more, or again, knows by it what is there.

use std::collections::BTreeMap;
use std::io::Read;

use cyborg_models::digest;
use flate2::read::GzDecoder;
use tokio::io::AsyncReadExt;

use super::error::FleetError;
use super::job::JobName;
use super::store::Store;
use super::task::{Task, TaskId};
use crate::sink::packed::Packed;

/// Bytes of a list at most: ten million short names.
const MOST_BYTES: u64 = 1 << 30;

/// Stores a list, and gives its name. The same list has the same name; one of other tasks has another.
pub(super) async fn put(store: &Store, job: &JobName, tasks: &BTreeMap<TaskId, Task>) -> Result<String, FleetError> {
    let mut text = Vec::new();
    for task in tasks.values() {
        text.extend(task.written());
        text.push(b'\n');
    }
    let name = format!("{job}.{}", &digest::of_bytes(&text)[..16]);
    let failed = FleetError::request("store the list of a job's clips");
    let packed = Packed::of_text(&text)?;
    store.objects.put(name.as_str(), &mut packed.gzip.as_slice()).await.map_err(failed)?;
    Ok(name)
}

/// Reads a list.
pub(super) async fn get(store: &Store, name: &str) -> Result<BTreeMap<TaskId, Task>, FleetError> {
    const WHAT: &str = "read the list of a job's clips";
    let failed = || FleetError::request::<std::io::Error>(WHAT);
    let mut object = store.objects.get(name).await.map_err(FleetError::request(WHAT))?;
    let mut gzip = Vec::new();
    object.read_to_end(&mut gzip).await.map_err(failed())?;
    let mut text = String::new();
    GzDecoder::new(gzip.as_slice()).take(MOST_BYTES).read_to_string(&mut text).map_err(failed())?;
    let malformed = |reason: String| FleetError::Malformed { what: format!("the list {name}"), reason };
    let read = |line: &str| serde_json::from_str(line).map(|task: Task| (task.id.clone(), task));
    text.lines().map(|line| read(line).map_err(|error| malformed(error.to_string()))).collect()
}
