//! Regions of a photo as the runtime resizes them, which the fixtures of public networks were made of too.

use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::frame::Frame;
use cyborg_models::lock;

/// Left, top and side in the photo.
pub(crate) const REGIONS: [(i64, i64, usize); 3] = [(110, 10, 230), (0, 200, 300), (260, 150, 190)];

/// The regions of the photo, resized by the runtime.
pub(crate) fn photos(side: usize) -> Vec<u8> {
    let path = lock::cached("astronaut").expect("it is locked");
    let photo = image::open(&path).expect("`cargo xtask setup --media` fetched it").into_rgb8();
    let mut frame = Frame::empty();
    frame.resize(photo.width() as usize, photo.height() as usize);
    frame.pixels.copy_from_slice(&photo);
    let mut pixels = vec![0; REGIONS.len() * side * side * 3];
    let mut cropper = Cropper::new();
    for (out, (left, top, size)) in pixels.chunks_exact_mut(side * side * 3).zip(REGIONS) {
        cropper.cut(&frame, &CropSquare { left, top, side: size }, side, out).expect("it lies inside");
    }
    pixels
}
