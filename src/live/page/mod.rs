//! The page of a live run: a small server that shows the newest picture, the verdicts and the numbers to whoever asks.
//!
//! A [`Feed`] is an [`Audience`](super::view::Audience) of one source: it keeps the newest picture and never waits. [`Page::serve`]
//! starts a thread with a server of its own, which shows all feeds. There, a task for each feed turns each picture into data once for all readers
//! (`recorder`, `history`), and keeps of each person the moment that says most (`strongest`); pictures are encoded when somebody
//! asks (`picture`, `faces`). Who may ask is decided by [`web`](crate::web).
//!
//! A reader gets what is newest at the time it can take something, so that a slow one misses pictures and holds up nobody.

mod crops;
mod events;
mod faces;
mod feed;
mod history;
mod numbers;
mod picture;
mod recorder;
mod routes;
mod served;
mod settings;
mod strongest;
mod told;

pub use super::limits::{Limits, LimitsError, SharedLimits, ThresholdSwitch};
pub use crate::web::{PageError, Secret, SecretError, Served, TlsFiles, read_origin};
pub use feed::{Feed, FeedFacts, FeedKind, Page};
pub use settings::{Facts, PageSettings};
