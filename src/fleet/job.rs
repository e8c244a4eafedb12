//! A job: what its clips are to be judged with, settled once by whoever submitted it, and how many clips there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::SCHEMA;
use super::error::FleetError;
use crate::sink::jsonl::RunRecord;

/// Bytes of a job's entry at most: it holds words and digests.
const MOST_BYTES: usize = 256 << 10;
/// Letters of a name at most.
const MOST_LETTERS: usize = 64;

/// The name of a job: 1 to 64 letters, digits, `-` and `_`, the first one a letter or a digit. It is part of subjects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobName(String);

impl JobName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it can be the name of a job or a camera, which is a key, and part of subjects.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.len() <= MOST_LETTERS
        && text.chars().all(fits)
}

impl FromStr for JobName {
    type Err = FleetError;

    fn from_str(text: &str) -> Result<Self, FleetError> {
        if is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FleetError::JobName(text.escape_debug().to_string()))
        }
    }
}

impl TryFrom<String> for JobName {
    type Error = FleetError;

    fn try_from(text: String) -> Result<Self, FleetError> {
        text.parse()
    }
}

impl From<JobName> for String {
    fn from(name: JobName) -> Self {
        name.0
    }
}

impl AsRef<str> for JobName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which tasks are taken first. Each has a consumer of its own: workers look at these in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before all others.
    High,
    /// Where nothing is said.
    #[default]
    Normal,
    /// When there is nothing else to do.
    Low,
}

impl Priority {
    /// All of them, the first one first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];
}

impl FromStr for Priority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|priority| priority.to_string() == text);
        found.ok_or_else(|| "expected high, normal or low".to_owned())
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        })
    }
}

/// The entry of a job, in the bucket `cyborg-jobs` under its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// Its name.
    pub name: JobName,
    /// The flags of `cyborg video` that say how clips are judged, as `--name=value`: those that were given, and those whose
    /// defaults depend on the machine, as they came out where the job was submitted.
    pub flags: Vec<String>,
    /// What that comes to: the first line of the tables. A worker whose own isn't the same does none of its clips.
    pub run: RunRecord,
    /// Version of the fields of the tables.
    pub table_schema: u32,
    /// Which tasks are taken first.
    pub priority: Priority,
    /// When its tasks are worth nothing any more, in seconds since 1970.
    pub deadline: Option<u64>,
    /// When it was submitted, in seconds since 1970.
    pub created: u64,
    /// How many tasks it has.
    pub tasks: u64,
    /// The object that lists them.
    pub manifest: String,
    /// Whether it was cancelled: what is left of it is not done.
    pub cancelled: bool,
}

impl Job {
    /// Reads an entry.
    ///
    /// # Errors
    ///
    /// When it isn't one of this version.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MOST_BYTES {
            return Err(format!("{} bytes, more than {MOST_BYTES}", bytes.len()));
        }
        check_schema(bytes)?;
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The entry's bytes.
    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Looks at the version before anything else: another one's fields would only be told as unknown.
pub(super) fn check_schema(bytes: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let Versioned { schema } = serde_json::from_slice(bytes).map_err(|error| format!("no message of ours: {error}"))?;
    if schema == SCHEMA {
        return Ok(());
    }
    Err(format!("version {schema} of the messages, where this program knows {SCHEMA}: let both be of one release"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_subjects() {
        for right in ["a", "archive-2026_11", "0", &"x".repeat(64)] {
            assert!(right.parse::<JobName>().is_ok(), "{right}");
        }
        for wrong in ["", "_", "-a", "a.b", "a b", "a*", "a>", "ä", "a/b", "\n", &"x".repeat(65)] {
            assert!(wrong.parse::<JobName>().is_err(), "{wrong}");
            assert!(serde_json::from_value::<JobName>(wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_job_comes_back_and_others_are_refused() {
        let job = Job {
            schema: SCHEMA,
            name: "a".parse().expect("a name"),
            flags: vec!["--model=small".to_owned()],
            run: RunRecord::default(),
            table_schema: 5,
            priority: Priority::High,
            deadline: Some(7),
            created: 1,
            tasks: 2,
            manifest: "a.0".to_owned(),
            cancelled: false,
        };
        let read = Job::read(&job.written()).expect("it is one");
        assert_eq!(read.written(), job.written());
        let newer = Job { schema: SCHEMA + 1, ..job.clone() };
        let told = Job::read(&newer.written()).expect_err("another version");
        assert!(told.contains("version 2"), "{told}");
        for wrong in [&b"{}"[..], b"", b"[]", b"{\"schema\":1}", b"\xff"] {
            assert!(Job::read(wrong).is_err());
        }
    }
}
