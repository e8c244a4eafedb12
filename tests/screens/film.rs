//! Pictures of a clip, for a window that plays it.

use std::num::NonZeroUsize;
use std::path::Path;

use cyborg_edge::capture::video::VideoSource;
use cyborg_edge::capture::{Read, Source as _};
use cyborg_edge::frame::Frame;

/// The first pictures of a clip, `most` of them, twice as wide and high, and their size.
pub(crate) fn film(clip: &Path, most: usize) -> (Vec<Vec<u8>>, (u16, u16)) {
    let mut pictures = Vec::new();
    let mut clip = VideoSource::open(clip, NonZeroUsize::MIN).expect("a clip");
    let mut frame = Frame::empty();
    while pictures.len() < most && matches!(clip.read(&mut frame), Ok(Read::Frame)) {
        pictures.push(twice(&frame));
    }
    (pictures, (2 * frame.width as u16, 2 * frame.height as u16))
}

/// The picture with each pixel as four.
fn twice(frame: &Frame) -> Vec<u8> {
    let row = |y: usize| frame.pixels[y * frame.width * 3..(y + 1) * frame.width * 3].chunks_exact(3);
    let wide = |y: usize| row(y).flat_map(|pixel| [pixel, pixel].concat()).collect::<Vec<u8>>();
    (0..frame.height).flat_map(|y| wide(y).repeat(2)).collect()
}
