//! Screens of Wayland: a portal that does as the test tells it, and the real PipeWire with a stream of the test's own.
#![cfg(target_os = "linux")]

/// Of what tests share, the part that needs neither a model nor the page: this one is built without them too.
#[path = "../support"]
#[allow(dead_code, reason = "each test binary uses a part of it")]
mod support {
    pub(crate) mod bus;
    pub(crate) mod left_out;
}

mod asking;
mod daemons;
mod portal;
mod shown;
mod stage;
mod watching;
