//! Judges frames of one's own loop, here grey ones: `cargo run --example own_frames`.
//!
//! In place of `picture` there would be a camera, a decoder, a game: whatever gives RGB pixels.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is an example")]

use cyborg_edge::analyzer::{AnalyzeError, Analyzer};
use cyborg_edge::frame::{Frame, PresentationTime};

const SIZE: (usize, usize) = (640, 360);
/// Microseconds between two frames.
const STEP: i64 = 40_000;

fn main() -> Result<(), AnalyzeError> {
    let mut analyzer = Analyzer::open()?;
    let mut following = analyzer.follow();
    let mut frame = Frame::empty();
    frame.resize(SIZE.0, SIZE.1);
    for number in 0..25 {
        picture(number, &mut frame.pixels);
        frame.number = number;
        frame.time = PresentationTime(number as i64 * STEP);
        for face in following.frame(&frame)? {
            println!("frame {number}: person {} is {}", face.person.id, face.person.verdict);
        }
    }
    println!("{} persons", following.finish().len());
    Ok(())
}

fn picture(number: u64, pixels: &mut [u8]) {
    pixels.fill(100 + number as u8);
}
