//! Live: the newest frame of a camera or stream, judged while it happens, for people who watch a page.
//!
//! Two halves meet at the types here. The watching half captures, follows and scores, and tells an [`view::Audience`] what
//! there is to see. The showing half serves a page, numbers and events to whoever asks. Neither waits for the other: the
//! audience gets each picture as a shared pointer and keeps the newest.
//!
//! ```text
//! reader --newest frame--> locator --newest faces--+
//!   ^                        |  ^                  |
//! keeper                  audience \---- opinions --+
//!                                                  |
//! reader --newest frame--> locator --newest faces--+--> scorer
//!   ^                        |  ^                  |
//! keeper                  audience \---- opinions --+
//! ```
//!
//! Each name is a thread, and each arrow to the right a [`newest::Newest`]: a slot of one whose item is replaced by a newer
//! one. So nobody upstream waits for anybody downstream. A source with its reader, keeper, locator, audience and numbers is a
//! *feed* (two are drawn); one scorer serves all of them, by their [`shares`]. [`watch::watch`] wires them.

#[cfg(feature = "page")]
pub mod alerts;
pub mod backoff;
#[cfg(all(feature = "page", feature = "screen"))]
pub mod chooser;
mod desk;
#[cfg(feature = "page")]
mod faces_alone;
mod keeper;
pub mod limits;
mod locator;
pub mod metrics;
pub mod newest;
mod nudge;
mod opinions;
#[cfg(feature = "page")]
pub mod page;
mod part;
pub mod pulse;
mod reader;
pub mod record;
pub mod schedule;
mod scorer;
mod seat;
pub mod shares;
pub(crate) mod turns;
pub mod view;
pub mod watch;

pub use watch::watch;
