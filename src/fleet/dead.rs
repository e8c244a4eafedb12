//! A dead letter: a task that nobody could do, or a message that is no task, with the reason in words.

use serde::{Deserialize, Serialize};

use super::SCHEMA;
use super::hex;
use super::job::check_schema;
use super::task::{Task, TaskId};

/// Bytes of a message that is no task that are kept.
const MOST_RAW: usize = 4096;
/// Bytes of an error's words that are kept.
const MOST_WORDS: usize = 4096;

/// What kind of end it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The clip could not be judged, as often as it was tried.
    Clip,
    /// It was begun again and again, and no worker came to its end.
    Lost,
    /// Nobody came to it before the deadline.
    Expired,
    /// The message is no task, or of no job.
    Malformed,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// What kind of end it was.
    pub cause: Cause,
    /// The reason in words.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The worker that gave up.
    pub worker: String,
    /// When, in seconds since 1970.
    pub at: u64,
    /// The subject that it came under.
    pub subject: String,
    /// The task, where it is one.
    pub task: Option<Task>,
    /// The first 4,096 bytes of the message, where it is none, in hexadecimal digits.
    pub raw: Option<String>,
}

impl DeadLetter {
    /// Of a task.
    pub(super) fn of(task: &Task, subject: &str, cause: Cause, error: &str, (attempts, worker): (u32, &str)) -> Self {
        Self {
            schema: SCHEMA,
            cause,
            error: shortened(error),
            attempts,
            worker: worker.to_owned(),
            at: super::now(),
            subject: shortened(subject),
            task: Some(task.clone()),
            raw: None,
        }
    }

    /// Of a message that is no task.
    pub(super) fn of_bytes(bytes: &[u8], subject: &str, error: &str, worker: &str) -> Self {
        Self {
            schema: SCHEMA,
            cause: Cause::Malformed,
            error: shortened(error),
            attempts: 1,
            worker: worker.to_owned(),
            at: super::now(),
            subject: shortened(subject),
            task: None,
            raw: Some(hex::of(&bytes[..bytes.len().min(MOST_RAW)])),
        }
    }

    /// Reads a message.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        check_schema(bytes)?;
        serde_json::from_slice(bytes).map_err(|error| format!("the message is no dead letter: {error}"))
    }

    /// The message's bytes.
    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The clip's name, or the subject of what is no task.
    #[must_use]
    pub fn name(&self) -> &str {
        self.task.as_ref().map_or(&self.subject, |task| &task.name)
    }

    /// The task's id, where it is one.
    #[must_use]
    pub fn id(&self) -> Option<&TaskId> {
        self.task.as_ref().map(|task| &task.id)
    }
}

/// The words, as far as there is room for them.
fn shortened(words: &str) -> String {
    if words.len() <= MOST_WORDS {
        return words.to_owned();
    }
    let end = (0..=MOST_WORDS).rev().find(|&end| words.is_char_boundary(end)).unwrap_or(0);
    format!("{}...", &words[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_comes_back_and_is_bounded() {
        let long = "ä".repeat(10_000);
        let letter = DeadLetter::of_bytes(&[7; 10_000], "a.b", &long, "w");
        assert_eq!(DeadLetter::read(&letter.written()), Ok(letter.clone()));
        assert!(letter.written().len() < 16_000, "{}", letter.written().len());
        assert!(DeadLetter::read(b"{}").is_err());
    }
}
