//! The result of a task, as the message in the results stream says it: a line of JSON, and behind it the packed lines of the clip.

use cyborg_models::digest;
use serde::{Deserialize, Serialize};

use super::SCHEMA;
use super::job::{JobName, check_schema};
use super::task::{Task, TaskId};
use crate::sink::packed::{self, Packed};

/// Packed bytes that go in the message itself; more than these go to the object store. Brokers take messages of 1 MiB.
pub(super) const MOST_INLINE: usize = 512 << 10;
/// Bytes of lines that are unpacked at most.
const MOST_UNPACKED: u64 = 4 << 30;
/// Bytes of the line of JSON at most: a clip's name, and little else.
const MOST_HEAD: usize = 128 << 10;

/// What is said of the lines that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// The job.
    pub job: JobName,
    /// The task.
    pub task: TaskId,
    /// The clip's name in the tables.
    pub name: String,
    /// Who judged it.
    pub worker: String,
    /// Seconds that it took.
    pub seconds: f64,
    /// Lines that there are: those of the JSONL table, without its first one.
    pub lines: u64,
    /// Bytes of these lines.
    pub bytes: u64,
    /// SHA-256 of the packed bytes.
    pub sha256: String,
    /// Whether they are in the object store, under the digest, and not behind this line.
    pub stored: bool,
}

/// A result, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// What is said of the lines.
    pub(super) head: Head,
    /// The lines, packed; empty where they are in the object store.
    pub(super) packed: Vec<u8>,
}

impl Outcome {
    /// What came of a task.
    pub(super) fn of(task: &Task, worker: &str, seconds: f64, packed: Packed) -> Self {
        let Packed { bytes, lines, gzip } = packed;
        let head = Head {
            schema: SCHEMA,
            job: task.job.clone(),
            task: task.id.clone(),
            name: task.name.clone(),
            worker: worker.to_owned(),
            seconds,
            lines,
            bytes,
            sha256: digest::of_bytes(&gzip),
            stored: gzip.len() > MOST_INLINE,
        };
        Self { head, packed: gzip }
    }

    /// The message: without the packed lines where they are stored.
    pub(super) fn message(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        let mut bytes = serde_json::to_vec(&self.head).unwrap_or_default();
        bytes.push(b'\n');
        if !self.head.stored {
            bytes.extend_from_slice(&self.packed);
        }
        bytes
    }

    /// Reads a message that came under `subject`.
    pub(super) fn read(subject: &str, bytes: &[u8]) -> Result<Self, String> {
        let end = bytes.iter().take(MOST_HEAD).position(|&byte| byte == b'\n');
        let (head, packed) = bytes.split_at(end.ok_or("the message has no line of JSON")?);
        check_schema(head)?;
        let head: Head = serde_json::from_slice(head).map_err(|error| format!("the message is no result: {error}"))?;
        if subject != super::subjects::result(&head.job, &head.task) {
            return Err("the message says another job or task than its subject".to_owned());
        }
        if !digest::is_digest(&head.sha256) {
            return Err("the message's digest is none".to_owned());
        }
        Ok(Self { head, packed: packed[1..].to_vec() })
    }

    /// The lines of the clip, from the packed bytes.
    pub(super) fn lines(head: &Head, packed: &[u8]) -> Result<Vec<u8>, String> {
        if digest::of_bytes(packed) != head.sha256 {
            return Err("the packed lines are not those that its digest is of".to_owned());
        }
        if head.bytes > MOST_UNPACKED {
            return Err(format!("{} bytes of lines, more than {MOST_UNPACKED}", head.bytes));
        }
        let lines =
            packed::unpacked(packed, head.bytes).map_err(|error| format!("the lines can't be unpacked: {error}"))?;
        let count = lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
        if count != head.lines || lines.last().is_some_and(|&byte| byte != b'\n') {
            return Err(format!("{count} lines, where the message says {}", head.lines));
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::subjects;
    use crate::fleet::task::Place;

    fn outcome(text: &str) -> Outcome {
        let task = Task::new("job".parse().expect("a name"), "a".to_owned(), Place::Path("/a".into()));
        Outcome::of(&task, "worker", 1.5, Packed::of_text(text.as_bytes()).expect("to memory"))
    }

    fn subject(outcome: &Outcome) -> String {
        subjects::result(&outcome.head.job, &outcome.head.task)
    }

    #[test]
    fn lines_come_back() {
        let outcome = outcome("{\"type\":\"face\"}\n{\"type\":\"summary\"}\n");
        let read = Outcome::read(&subject(&outcome), &outcome.message()).expect("it is one");
        assert_eq!(read, outcome);
        let lines = Outcome::lines(&read.head, &read.packed).expect("they are whole");
        assert_eq!(lines, b"{\"type\":\"face\"}\n{\"type\":\"summary\"}\n");
        assert_eq!(read.head.lines, 2);
    }

    #[test]
    fn what_is_no_result_is_told() {
        let good = outcome("{}\n");
        let check = |subject: &str, bytes: &[u8], part: &str| {
            let read = Outcome::read(subject, bytes);
            let told = read.and_then(|read| Outcome::lines(&read.head, &read.packed)).expect_err("it is none");
            assert!(told.contains(part), "no `{part}` in: {told}");
        };
        let at = subject(&good);
        check(&at, b"", "no line of JSON");
        check(&at, b"\n", "no message of ours");
        check(&at, b"{\"schema\":1}\n", "no result");
        check("cyborg.results.job.x", &good.message(), "than its subject");
        let mut cut = good.message();
        cut.pop();
        check(&at, &cut, "digest");
        // Says fewer bytes than there are: no more than these are unpacked.
        let mut bomb = good.clone();
        bomb.head.bytes = 1;
        check(&at, &bomb.message(), "can't be unpacked");
        let mut fewer = good;
        fewer.head.lines = 2;
        check(&at, &fewer.message(), "1 lines, where the message says 2");
    }
}
