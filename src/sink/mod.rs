//! Where results go: tables, annotated video, a report, a line of progress. Each is a [`Sink`](crate::findings::Sink).

pub mod csv;
pub mod jsonl;
pub mod lines;
pub mod packed;
pub mod progress;
pub mod record;
pub mod report;
pub mod resume;
pub mod rows;
#[cfg(feature = "video")]
pub mod video;
