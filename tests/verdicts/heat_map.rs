//! The heat map is where it should be: a model that looks at the top-left corner of the face lights that corner.

use std::num::NonZeroUsize;
use std::time::Duration;

use cyborg_edge::classify::classifier::{ActivationMaps, Classifier, Classify};
use cyborg_edge::draw::Canvas;
use cyborg_edge::draw::heat::{self, Map};
use cyborg_edge::face::Face;
use cyborg_edge::findings::{FrameView, Opinion};
use cyborg_edge::frame::{Frame, PixelBox, PixelPoint};
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use prost::Message;

use crate::support::model;

fn classifier() -> Classifier {
    let runtime = Runtime::load().expect("ONNX Runtime is there after set-up");
    let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    Classifier::from_bytes(&runtime, "corner", &model::corner().encode_to_vec(), settings)
        .expect("it holds the contract")
}

/// The pixels of a grey canvas with the heat map of a face in a grey frame of 200 x 150; and canvas over frame.
fn draw(bounds: PixelBox, canvas_size: (usize, usize)) -> (Vec<u8>, (f32, f32)) {
    let mut frame = Frame::empty();
    frame.resize(200, 150);
    frame.pixels.fill(100);
    let faces = [Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 }];
    let (mut scores, mut maps) = (Vec::new(), ActivationMaps::default());
    classifier().classify_frame(&frame, &faces, &mut scores, &mut maps).expect("the model runs");

    let mut pixels = vec![100; canvas_size.0 * canvas_size.1 * 3];
    let mut canvas = Canvas::new(canvas_size.0, canvas_size.1, canvas_size.0 * 3, &mut pixels).expect("it fits");
    let scale = (canvas_size.0 as f32 / 200.0, canvas_size.1 as f32 / 150.0);
    let map = Map { values: maps.of(0), height: maps.height, width: maps.width };
    heat::draw(&mut canvas, map, &scores[0].square, &bounds, scale);
    (pixels, scale)
}

/// Draws the heat map of a face and checks each pixel: lit only in the top-left quarter of the box.
fn check(bounds: PixelBox, canvas_size: (usize, usize)) {
    let (pixels, scale) = draw(bounds, canvas_size);
    let place = bounds.scaled(scale.0, scale.1);
    let mut lit = 0;
    for y in 0..canvas_size.1 {
        for x in 0..canvas_size.0 {
            let at = (y * canvas_size.0 + x) * 3;
            if pixels[at..at + 3] == [100, 100, 100] {
                continue;
            }
            lit += 1;
            let across = (x as f32 + 0.5 - place.left) / place.width;
            let down = (y as f32 + 0.5 - place.top) / place.height;
            // The lit cell is a quarter of each side; between cells the heat fades over one cell more.
            let inside = (0.0..0.5).contains(&across) && (0.0..0.5).contains(&down);
            assert!(inside, "pixel {x}, {y} is lit, at {across:.2}, {down:.2} of the face box {bounds:?}");
        }
    }
    let visible_width = place.width.min(canvas_size.0 as f32 - place.left) + place.left.min(0.0);
    let visible_height = place.height.min(canvas_size.1 as f32 - place.top) + place.top.min(0.0);
    if place.left > -place.width * 0.2 && place.top > -place.height * 0.2 {
        let share = lit as f32 / (visible_width * visible_height);
        // Of a box that begins outside, a part of the lit corner is outside too.
        let least = if place.left >= 0.0 && place.top >= 0.0 { 0.06 } else { 0.04 };
        assert!(share > least, "only {share} of the face box {bounds:?} is lit");
    } else {
        assert_eq!(lit, 0, "the corner of {bounds:?} lies outside the frame");
    }
}

fn square(left: f32, top: f32, side: f32) -> PixelBox {
    PixelBox { left, top, width: side, height: side }
}

#[test]
fn a_face_in_the_middle() {
    check(square(60.0, 40.0, 80.0), (200, 150));
}

#[test]
fn a_face_at_the_frames_edges() {
    check(square(-8.0, -8.0, 80.0), (200, 150));
    check(square(150.0, 100.0, 80.0), (200, 150));
    check(square(-60.0, -60.0, 80.0), (200, 150));
}

#[test]
fn a_rescaled_frame() {
    check(square(60.0, 40.0, 80.0), (400, 300));
    check(square(60.0, 40.0, 80.0), (100, 76));
    check(square(-8.0, 90.0, 80.0), (320, 240));
}

#[test]
fn an_oblong_face_box_keeps_the_heat_inside() {
    // The crop is square, wider than the box: the lit cell lies left of the box, its fading edge may reach in.
    let bounds = PixelBox { left: 60.0, top: 30.0, width: 40.0, height: 80.0 };
    let (pixels, _) = draw(bounds, (200, 150));
    for (index, pixel) in pixels.chunks_exact(3).enumerate().filter(|(_, pixel)| *pixel != [100, 100, 100]) {
        let (x, y) = (index % 200, index / 200);
        assert!((60..80).contains(&x) && (30..70).contains(&y), "pixel {x}, {y} is lit: {pixel:?}");
    }
}

#[test]
fn the_label_is_drawn_over_the_heat() {
    let mut frame = Frame::empty();
    frame.resize(200, 150);
    frame.pixels.fill(250);
    let bounds = square(60.0, 40.0, 80.0);
    let faces = [Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 }];
    let mut opinion = Opinion::default();
    let Opinion { scores, maps, judgements, .. } = &mut opinion;
    let mut classifier = classifier();
    classifier.classify_frame(&frame, &faces, scores, maps).expect("the model runs");
    cyborg_edge::verdict::Judge::new(classifier.contract()).judge(scores, judgements);
    assert_eq!(judgements[0].verdict.to_string(), "synthetic", "a bright corner is synthetic to this model");
    let view = FrameView { source: "test", frame: &frame, faces: &faces, opinions: &[opinion], age: Duration::ZERO };
    let mut pixels = frame.pixels.clone();
    let mut canvas = Canvas::new(200, 150, 600, &mut pixels).expect("it fits");
    cyborg_edge::draw::Overlay::default().draw(&mut canvas, &view);
    let red = [213, 94, 0];
    let at = |x: usize, y: usize| &pixels[(y * 200 + x) * 3..(y * 200 + x) * 3 + 3];
    assert_eq!(at(100, 39), red, "upper side of the box");
    assert_eq!(at(59, 80), red, "left side of the box");
    assert_eq!(at(140, 80), red, "right side of the box");
    assert!((60..140).any(|x| at(x, 30) == [255, 255, 255]), "white letters above the box");
}
