//! What was found: of a face, a frame, a person and a whole source. Plain data, and the trait of those who take it.
//!
//! The stages of [`crate::pipeline`] fill it in, and every [`Sink`] reads it: neither knows the other.

mod frame_view;
mod opinion;
mod sink;
mod summary;

pub use frame_view::FrameView;
pub use opinion::{Opinion, OpinionSummary};
pub use sink::Sink;
pub use summary::{Ended, StageTimes, Summary};
