//! Who judges clips: the command line's own judge, or a mock.

use std::sync::atomic::AtomicBool;

use super::job::Job;
use super::places::Allowed;
use crate::capture::address::Address;
use crate::sink::jsonl::RunRecord;
use crate::sink::packed::Packed;

/// A clip, as it is to be opened.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Its name in the tables.
    pub name: String,
    /// Where it is: looked at, and allowed.
    pub address: Address,
}

/// Why a clip was not judged to its end.
#[derive(Debug)]
pub enum Fault {
    /// It is the clip's: damaged, or not there. Another worker may have more luck, a few times.
    Clip(String),
    /// It is this worker's: no other clip would fare better here.
    Worker(String),
    /// It was told to stop.
    Interrupted,
}

/// Judges clips, one after the other, on a thread of its own.
pub trait Judge: Send {
    /// Makes ready for a job, where it isn't yet, and says what it will judge with: this must be what the job was submitted with.
    /// Files that the job names may be read where `allowed` says so.
    ///
    /// # Errors
    ///
    /// In words, when it can't judge clips of this job.
    fn ready(&mut self, job: &Job, allowed: &Allowed) -> Result<RunRecord, String>;

    /// Judges a clip of the job that it was made ready for, until `stop` becomes true.
    ///
    /// # Errors
    ///
    /// When the clip isn't judged to its end.
    fn judge(&mut self, clip: &Clip, stop: &'static AtomicBool) -> Result<Packed, Fault>;
}
