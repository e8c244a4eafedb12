//! A task: one clip of a job, as the message in the work queue says it.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use cyborg_models::digest;
use serde::{Deserialize, Serialize};

use super::SCHEMA;
use super::hex;
use super::job::{JobName, check_schema};
use crate::capture::address::Address;

/// Bytes of a message at most: a path or an address, and little else.
pub const MOST_BYTES: usize = 64 << 10;
/// Hexadecimal digits of an id: half of a digest tells a job's clips apart.
const ID_DIGITS: usize = 32;

/// What tells a task from all others: a digest of job and clip, so that whoever submits the same again makes the same task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

impl TaskId {
    fn of(job: &JobName, place: &Place) -> Self {
        let mut bytes = [job.as_str().as_bytes(), b"\0"].concat();
        match place {
            Place::Path(path) => bytes.extend([b"path\0", path_bytes(path).as_slice()].concat()),
            Place::Url(address) => bytes.extend([b"url\0", address.as_bytes()].concat()),
        }
        let mut digest = digest::of_bytes(&bytes);
        digest.truncate(ID_DIGITS);
        Self(digest)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TaskId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_id = text.len() == ID_DIGITS && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(Self(text)) } else { Err(format!("a task's id has {ID_DIGITS} hexadecimal digits")) }
    }
}

impl From<TaskId> for String {
    fn from(id: TaskId) -> Self {
        id.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a clip is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "WrittenPlace", into = "WrittenPlace")]
pub enum Place {
    /// A path that all machines share.
    Path(PathBuf),
    /// An address; it may hold a password.
    Url(String),
}

/// The same in JSON: a path that is no UTF-8 is written in hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WrittenPlace {
    Path(String),
    PathHex(String),
    Url(String),
}

impl TryFrom<WrittenPlace> for Place {
    type Error = &'static str;

    fn try_from(written: WrittenPlace) -> Result<Self, &'static str> {
        match written {
            WrittenPlace::Path(text) => Ok(Self::Path(text.into())),
            WrittenPlace::Url(text) => Ok(Self::Url(text)),
            WrittenPlace::PathHex(digits) => {
                let bytes = hex::read(&digits).ok_or("a path in hexadecimal digits has others")?;
                of_bytes(bytes).map(Self::Path).ok_or("a path that this system can't have")
            }
        }
    }
}

impl From<Place> for WrittenPlace {
    fn from(place: Place) -> Self {
        match place {
            Place::Url(text) => Self::Url(text),
            Place::Path(path) => match path.into_os_string().into_string() {
                Ok(text) => Self::Path(text),
                Err(other) => Self::PathHex(hex::of(&path_bytes(Path::new(&other)))),
            },
        }
    }
}

impl Place {
    /// As the rest of the program knows it. Show its name alone: the address may hold secrets.
    #[must_use]
    pub fn address(&self) -> Address {
        match self {
            Self::Path(path) => Address::File(path.clone()),
            Self::Url(text) => Address::Url(text.clone()),
        }
    }
}

/// A clip to be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Version of the fields, [`SCHEMA`].
    pub schema: u32,
    /// Its job.
    pub job: JobName,
    /// What tells it from all others.
    pub id: TaskId,
    /// The clip's name in the tables: as its submitter wrote it, without secrets.
    pub name: String,
    /// Where the clip is.
    pub place: Place,
    /// How often it was put back into the queue by hand after it had failed.
    pub round: u32,
}

impl Task {
    /// A clip of a job.
    #[must_use]
    pub fn new(job: JobName, name: String, place: Place) -> Self {
        Self { schema: SCHEMA, id: TaskId::of(&job, &place), job, name, place, round: 0 }
    }

    /// Reads a message that came under `subject`.
    ///
    /// # Errors
    ///
    /// In words, when it is none of this version, or isn't what its subject or its id say.
    pub fn read(subject: &str, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > MOST_BYTES {
            return Err(format!("the message has {} bytes, a task has at most {MOST_BYTES}", bytes.len()));
        }
        check_schema(bytes)?;
        let task: Self = serde_json::from_slice(bytes).map_err(|error| format!("the message is no task: {error}"))?;
        let parts: Vec<&str> = subject.split('.').collect();
        if !matches!(parts[..], ["cyborg", "tasks", _, job, id] if job == task.job.as_str() && id == task.id.as_str()) {
            return Err("the message says another job or task than its subject".to_owned());
        }
        if task.id != TaskId::of(&task.job, &task.place) {
            return Err("the message's id is not that of its clip".to_owned());
        }
        Ok(task)
    }

    /// The message's bytes.
    pub(super) fn written(&self) -> Vec<u8> {
        // No map with keys that aren't text is in it.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// By which the broker knows a message that comes twice.
    pub(super) fn message_id(&self) -> String {
        format!("{}.{}.{}", self.job, self.id, self.round)
    }
}

#[cfg(unix)]
fn path_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn path_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().into_owned().into_bytes()
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not all bytes are a path")]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(|text| OsString::from(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(path: &str) -> Task {
        Task::new("job".parse().expect("a name"), path.to_owned(), Place::Path(path.into()))
    }

    fn subject(task: &Task) -> String {
        format!("cyborg.tasks.normal.{}.{}", task.job, task.id)
    }

    #[test]
    fn the_same_clip_of_a_job_is_the_same_task() {
        assert_eq!(task("a").id, task("a").id);
        assert_ne!(task("a").id, task("b").id);
        let other = Task::new("other".parse().expect("a name"), "a".to_owned(), Place::Path("a".into()));
        assert_ne!(task("a").id, other.id);
        let address = Task::new("job".parse().expect("a name"), "a".to_owned(), Place::Url("a".to_owned()));
        assert_ne!(task("a").id, address.id);
    }

    #[test]
    fn a_task_comes_back() {
        let task = task("a");
        assert_eq!(Task::read(&subject(&task), &task.written()), Ok(task));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_may_be_any_bytes() {
        use std::os::unix::ffi::OsStringExt;
        let odd = PathBuf::from(OsString::from_vec(b"a\xff.mp4".to_vec()));
        let task = Task::new("job".parse().expect("a name"), "a\\xff.mp4".to_owned(), Place::Path(odd));
        assert_eq!(Task::read(&subject(&task), &task.written()), Ok(task));
    }

    #[test]
    fn what_is_no_task_is_told() {
        let good = task("a");
        let check = |subject: &str, bytes: &[u8], part: &str| {
            let told = Task::read(subject, bytes).expect_err("it is none");
            assert!(told.contains(part), "no `{part}` in: {told}");
        };
        check(&subject(&good), b"", "no message of ours");
        check(&subject(&good), b"\xff\xfe", "no message of ours");
        check(&subject(&good), b"{\"schema\":1}", "is no task");
        check(&subject(&good), &vec![b' '; MOST_BYTES + 1], "at most 65536");
        check(&subject(&good), &Task { schema: 9, ..good.clone() }.written(), "version 9");
        check("cyborg.tasks.normal.other.0", &good.written(), "than its subject");
        let forged = Task { place: Place::Path("/b".into()), ..good.clone() };
        check(&subject(&forged), &forged.written(), "not that of its clip");
        let more = String::from_utf8(good.written()).expect("text").replacen('{', "{\"more\":1,", 1);
        check(&subject(&good), more.as_bytes(), "unknown field");
    }
}
