//! The small parts of a frame's work, each by itself: `cargo bench --bench parts`.

use cyborg_edge::face::Face;
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::face::detector::{Several, one_each};
use cyborg_edge::face::follow::{TrackId, Tracker};
use cyborg_edge::frame::{Frame, PixelBox, PixelPoint, PresentationTime};
use cyborg_edge::verdict::fusion::{Fading, Fusion};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

/// A picture whose pixels are not all alike.
fn picture(width: usize, height: usize) -> Frame {
    let mut frame = Frame::empty();
    frame.resize(width, height);
    frame.pixels.iter_mut().enumerate().for_each(|(at, pixel)| *pixel = (at * 31 % 251) as u8);
    frame
}

/// Faces in rows of five, each `shift` pixels from its place.
fn faces(count: usize, shift: f32) -> Vec<Face> {
    let face = |at: usize| Face {
        bounds: PixelBox {
            left: (at % 5) as f32 * 250.0 + shift,
            top: (at / 5) as f32 * 140.0 + shift,
            width: 90.0,
            height: 120.0,
        },
        landmarks: [PixelPoint::default(); 5],
        confidence: 0.9 - at as f32 / 1e3,
    };
    (0..count).map(face).collect()
}

/// A face cut out of a picture of 720 lines, for the classifier.
#[divan::bench(args = [80, 224, 500])]
fn crop(bencher: Bencher<'_, '_>, side: usize) {
    let (frame, mut cropper, mut out) = (picture(1280, 720), Cropper::new(), vec![0; 224 * 224 * 3]);
    let square = CropSquare { left: 300, top: 100, side };
    bencher.bench_local(|| cropper.cut(black_box(&frame), &square, 224, &mut out));
}

/// A picture of 720 lines shrunk for the detector.
#[divan::bench(args = [320, 640])]
fn resize(bencher: Bencher<'_, '_>, side: usize) {
    let (frame, mut cropper) = (picture(1280, 720), Cropper::new());
    let to = (side, side * 9 / 16);
    let mut out = vec![0; to.0 * to.1 * 3];
    bencher.bench_local(|| cropper.resize(black_box(&frame.pixels), (1280, 720), &mut out, to));
}

/// Twenty boxes a face become one.
#[divan::bench(args = [1, 25])]
fn overlap(bencher: Bencher<'_, '_>, count: usize) {
    let found: Vec<Face> = (0..20).flat_map(|at| faces(count, at as f32)).collect();
    let mut kept = Vec::new();
    bencher.with_inputs(|| found.clone()).bench_local_values(|mut found| {
        kept.clear();
        one_each(Several::Mean, &mut found, &mut kept);
    });
}

/// A frame's faces get their tracks.
#[divan::bench(args = [1, 25])]
fn follow(bencher: Bencher<'_, '_>, count: usize) {
    let (mut tracker, mut ids, mut time) = (Tracker::new(), Vec::<TrackId>::new(), 0);
    let faces = faces(count, 0.0);
    bencher.bench_local(|| {
        time += 40_000;
        tracker.follow(PresentationTime(time), black_box(&faces), &mut ids);
    });
}

/// A frame more in what is said of a person.
#[divan::bench]
fn fusion(bencher: Bencher<'_, '_>) {
    let (mut fusion, mut time) = (Fusion::new(Fading::Seconds(2.0)), 0);
    bencher.bench_local(|| {
        time += 40_000;
        fusion.add(PresentationTime(time), (time % 7) as f32 - 3.0, 1.0);
        fusion.evidence()
    });
}
