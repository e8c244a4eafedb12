//! The page on which annotators say what they see: its server, behind the guards of [`cyborg_edge::web`].
//!
//! - `seat`: an annotator's place: what comes next, and what was answered, each on the disk before the next face is given.
//! - `picture`: photos as the page gets them, without anything that was in their files besides pixels.
//! - `told` and `given`: what the page is told, and what it may say.
//! - `desk`: the seats and the pictures of a study.
//! - `routes`: the addresses, and who answers.
//!
//! Nothing that the page gets says what a face is or where it comes from: pictures are coded anew, and called by numbers that are
//! drawn for each annotator and each time that a face is seen.

mod desk;
mod given;
mod picture;
mod routes;
mod seat;
mod told;

pub use desk::{Desk, Face, Study};
pub use picture::{MOST_SIDE, Unfit, size_of};
pub use routes::site;
