//! What changed is told, and only that.

use std::time::{Duration, Instant};

use cyborg_edge::frame::{Frame, PixelBox};

use crate::desk::Desk;
use crate::painted::{Painted, at};

fn part(left: f32, top: f32, width: f32, height: f32) -> PixelBox {
    PixelBox { left, top, width, height }
}

/// The parts that a frame tells; it must tell them.
fn parts(frame: &Frame) -> &[PixelBox] {
    frame.changed.as_ref().expect("it is told").parts()
}

#[test]
fn nothing_drawn_is_nothing_changed() {
    let Some(desk) = Desk::start("nothing_drawn_is_nothing_changed") else { return };
    let window = Painted::open(&desk, "Still", (320, 200), [90, 90, 90]);
    let mut watching = desk.watch("window=Still");
    let first = watching.next().expect("a frame");
    assert_eq!(first.changed, None, "of the first nobody knows");
    // A manager may have it drawn once more in its first moments.
    watching.until("a quiet frame", |frame| parts(frame).is_empty());

    let begun = Instant::now();
    let quiet = watching.next().expect("a frame");
    assert!(parts(&quiet).is_empty());
    assert_eq!(quiet.pixels, first.pixels);
    let waited = begun.elapsed();
    assert!(waited > Duration::from_millis(250), "nothing to look at, and yet a frame after {waited:?}");
    assert!(quiet.captured > begun, "it is known to be so now");

    window.patch(100, 50, (40, 30), [255, 0, 0]);
    window.done();
    let next = watching.next().expect("a frame");
    assert_eq!(parts(&next), [part(100.0, 50.0, 40.0, 30.0)]);
    assert_eq!(next.changed.as_ref().map(|changed| changed.since()), Some(quiet.number));
    assert_eq!([at(&next, 100, 50), at(&next, 139, 79), at(&next, 99, 50)], [[255, 0, 0], [255, 0, 0], [90, 90, 90]]);
}

#[test]
fn places_that_are_far_apart_stay_apart() {
    let Some(desk) = Desk::start("places_that_are_far_apart_stay_apart") else { return };
    let window = Painted::open(&desk, "Two", (640, 400), [90, 90, 90]);
    let mut watching = desk.watch("window=Two");
    watching.next().expect("a frame");
    watching.until("a quiet frame", |frame| parts(frame).is_empty());
    window.alone(|| {
        window.patch(0, 0, (20, 20), [1, 2, 3]);
        window.patch(600, 380, (20, 20), [4, 5, 6]);
    });
    let next = watching.next().expect("a frame");
    assert_eq!(parts(&next), [part(0.0, 0.0, 20.0, 20.0), part(600.0, 380.0, 20.0, 20.0)]);
}

#[test]
fn what_is_drawn_outside_of_a_region_is_none_of_its_business() {
    let test = "what_is_drawn_outside_of_a_region_is_none_of_its_business";
    let Some(desk) = Desk::start(test) else { return };
    let window = Painted::open(&desk, "Wide", (640, 400), [90, 90, 90]);
    let (x, y) = window.place();
    let mut watching = desk.watch(&format!("region={},{},100x100", x + 200, y + 100));
    watching.next().expect("a frame");
    watching.until("a quiet frame", |frame| parts(frame).is_empty());
    window.patch(0, 0, (640, 50), [1, 2, 3]);
    window.done();
    assert!(parts(&watching.next().expect("a frame")).is_empty());
    // Half of it lies within.
    window.patch(190, 110, (20, 10), [1, 2, 3]);
    window.done();
    let next = watching.next().expect("a frame");
    assert_eq!(parts(&next), [part(0.0, 10.0, 10.0, 10.0)]);
    assert_eq!((at(&next, 9, 10), at(&next, 10, 10)), ([1, 2, 3], [90, 90, 90]));
}

#[test]
fn it_is_looked_at_no_more_often_than_asked() {
    let Some(desk) = Desk::start("it_is_looked_at_no_more_often_than_asked") else { return };
    let window = Painted::open(&desk, "Busy", (320, 200), [90, 90, 90]);
    let mut source = desk.open("window=Busy", 5.0).expect("it is there");
    let (begun, mut frame, mut frames) = (Instant::now(), Frame::empty(), 0_u8);
    while begun.elapsed() < Duration::from_secs(1) {
        window.fill([frames, 0, 0]);
        source.read(&mut frame).expect("a frame");
        frames += 1;
    }
    assert!((3..=7).contains(&frames), "{frames} in a second");
}
