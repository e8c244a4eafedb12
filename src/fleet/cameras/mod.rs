//! Cameras: each is held by one worker of many, through a lease, and what is seen in them goes to a stream.
//!
//! A camera is an [`entry`] of a bucket. Each worker runs a [`holder`]: it looks at cameras, [`lease`]s and workers, takes or gives up
//! what [`share`] says, and has each of its cameras judged by whoever implements [`watch::Watch`]; this room knows neither frames nor
//! models. [`allowed`] says which cameras that may open. Its [`event`]s go to the stream by a `post` a lease, and a [`reader`] follows them.
//!
//! What holds, whatever is killed or cut: a worker stops judging before anybody else may take its camera, by its own clock alone; no two
//! clocks are compared. And once the next worker has said in the stream that it began, the broker refuses what the last one still
//! sends there: each message names the one before it.

pub mod allowed;
pub mod desk;
pub mod entry;
pub mod event;
mod hold;
pub mod holder;
pub mod lease;
mod post;
pub mod reader;
pub mod share;
mod store;
mod view;
pub mod watch;
pub mod watcher;
