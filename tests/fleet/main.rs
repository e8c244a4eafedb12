//! The fleet on a real NATS server of the tests' own: nothing is lost and nothing doubled, whatever is killed or cut.
//!
//! `mock` is a worker with a judge that only waits, in a process of its own that can be killed; `program` runs `cyborg fleet`.
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod cameras;
mod chaos;
mod faults;
mod mock;
mod mock_watch;
mod overhead;
mod program;
mod proxy;
mod refused;
mod sightings;
#[cfg(all(feature = "camera", feature = "page"))]
mod street;
#[cfg(all(feature = "camera", feature = "page"))]
mod watching;
