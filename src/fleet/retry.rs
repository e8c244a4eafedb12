//! Dead letters: read, and put back into the queue.

use async_nats::jetstream::stream::LastRawMessageErrorKind;

use super::dead::DeadLetter;
use super::error::FleetError;
use super::job::JobName;
use super::patience;
use super::store::Store;
use super::subjects;
use super::task::Task;

/// The dead letters of a job, with their sequences in the stream; those of no job where none is named.
pub(super) async fn letters(store: &Store, job: Option<&JobName>) -> Result<Vec<(DeadLetter, u64)>, FleetError> {
    let filter = job.map_or_else(subjects::all_strays, subjects::dead_of);
    let mut letters = Vec::new();
    for subject in store.subjects(&store.dead, &filter).await? {
        let message = match store.dead.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => message,
            // Somebody put it back meanwhile.
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => continue,
            Err(error) => return Err(FleetError::request("read a dead letter")(error)),
        };
        match DeadLetter::read(&message.payload) {
            Ok(letter) => letters.push((letter, message.sequence)),
            Err(reason) => log::warn!("the dead letter {subject} can't be read: {reason}"),
        }
    }
    letters.sort_by(|(one, _), (other, _)| one.name().cmp(other.name()));
    Ok(letters)
}

/// Puts the clips of a job that failed back into the queue, and gives how many there were.
pub(super) async fn retry(store: &Store, name: &JobName) -> Result<u64, FleetError> {
    let (job, _) = store.job(name).await?.ok_or_else(|| FleetError::NoJob(name.to_string()))?;
    if job.cancelled {
        return Err(FleetError::Cancelled(name.to_string()));
    }
    let mut count = 0;
    for (letter, sequence) in letters(store, Some(name)).await? {
        let Some(task) = letter.task else {
            continue;
        };
        // Another id: the broker may still know the one before.
        let again = Task { round: task.round + 1, ..task };
        let subject = subjects::task(job.priority, name, &again.id);
        let bytes = bytes::Bytes::from(again.written());
        let put = async || store.put_once(subject.clone(), &again.message_id(), bytes.clone()).await;
        patience::few(put).await.map_err(FleetError::request("put a clip into the queue"))?;
        // Only now: whoever is cut short here has it twice rather than not at all, and does this again.
        let delete = async || store.dead.delete_message(sequence).await;
        patience::few(delete).await.map_err(FleetError::request("take a dead letter away"))?;
        count += 1;
    }
    Ok(count)
}
