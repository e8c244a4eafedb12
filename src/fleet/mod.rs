//! Many machines on one queue: clips of a job go to whichever worker is free, and their rows come back into one table.
//!
//! The queue is NATS JetStream, of which no more is used than version 2.9 knows. What is stored there, and what each message says,
//! is the contract of `docs/fleet.md`: [`job`], [`task`], [`outcome`], [`dead`] and [`beat`].
//!
//! A clip is judged by whoever implements [`judge::Judge`]; this room knows nothing of models or of the command line. All that
//! waits for the network is in here: callers see plain functions ([`desk::Desk`], [`worker::work`]) that return when it is done.
//!
//! What holds, whatever is killed or cut: a task leaves the queue only when its result or its dead letter is stored, and the store
//! takes one result a task, by its subject, at any time. So nothing is lost, and nothing doubled.

mod addresses;
mod attempts;
pub mod beat;
pub mod broker;
pub mod cameras;
mod cancel;
pub mod collect;
pub mod dead;
pub mod desk;
pub mod error;
mod hex;
pub mod job;
pub mod judge;
mod manifest;
pub mod outcome;
mod patience;
pub mod places;
mod retry;
pub mod status;
pub mod store;
mod subjects;
mod submit;
pub mod task;
pub mod worker;

/// Version of everything that is stored at the broker. It changes when a field is added, renamed, removed or means something else.
pub const SCHEMA: u32 = 1;

/// Seconds since 1970, by this machine's clock.
#[must_use]
pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
