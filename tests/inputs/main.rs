//! What is read: clips, photos and addresses, good, odd and damaged. Pixels, times and sounds come out right, and what is
//! wrong is told with its cure.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod clips;
mod clocks;
mod corrupted;
mod decoders;
mod field;
mod key_frames;
mod led_away;
mod long_clips;
mod mutated;
mod mutations;
mod pillow;
mod pixels;
mod places;
mod rtsp;
