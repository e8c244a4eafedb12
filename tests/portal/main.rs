//! Screens of Wayland: a portal that does as the test tells it, and the real PipeWire with a stream of the test's own.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod asking;
mod daemons;
mod portal;
mod shown;
mod stage;
mod watching;
