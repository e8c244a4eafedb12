//! Live: the newest frame of a camera or stream, judged while it happens, for people who watch a page.
//!
//! Two halves meet at the types here. The watching half captures, follows and scores, and tells an [`view::Audience`] what
//! there is to see. The showing half serves a page, numbers and events to whoever asks. Neither waits for the other: the
//! audience gets each picture as a shared pointer and keeps the newest.

pub mod metrics;
#[cfg(feature = "live")]
pub mod page;
pub mod view;
