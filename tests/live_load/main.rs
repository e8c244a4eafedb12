//! Live runs under load: crowds of readers, damaged requests, and sources that are lost for hours.
//!
//! A process of their own, one test after the other (`support::alone`): they look at all that the process holds (memory,
//! threads, file handles), and at each panic in it.

#[path = "../support/mod.rs"]
mod support;

mod crowd;
mod malformed;
mod soak;
