//! How a worker works, and what it did.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::fleet::places::Allowed;

/// How often it is looked whether the worker is to end.
pub(super) const HEARING: Duration = Duration::from_millis(200);

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Its name among the workers: letters, digits, `-`, `_`, `.` and `=`.
    pub name: String,
    /// Program and version, for whoever looks.
    pub tool: String,
    /// What it may read.
    pub allowed: Allowed,
    /// How often a clip is tried before it is given up.
    pub tries: u32,
    /// A clip that was begun so often after it had come back, and never came to its end, kills its workers, and is given up.
    pub most_begun: u32,
    /// How long a clip rests before it is tried again.
    pub rest: Duration,
    /// How long the worker parks when it can't do what there is.
    pub park: Duration,
    /// How long a clip may take to be finished once the worker is to end.
    pub grace: Duration,
    /// Becomes true when the worker is to end.
    pub drain: &'static AtomicBool,
    /// The worker sets it when a clip is to be given up.
    pub abandon: &'static AtomicBool,
}

/// What a worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Clips that it has judged.
    pub done: u64,
    /// Clips that it could not judge.
    pub failed: u64,
}
