//! `cyborg live` with a camera: the real capture code, to which a preloaded library plays a V4L2 device.
#![cfg(all(target_os = "linux", target_env = "gnu", feature = "camera", feature = "page"))]

use crate::support::alone::alone;
use crate::support::child::within_a_second;
use crate::support::run;
use crate::support::shim::{Camera, PATH};

const SIZE: (u32, u32) = (320, 240);

/// A camera with one format, and the order that names it.
fn camera(coding: &str, size: (u32, u32), rates: &str) -> (Camera, String) {
    let camera = Camera::new(&[]);
    let format = camera.format(coding, size, rates);
    camera.order(&[&format]);
    (camera, format)
}

fn check_picture(coding: &str) {
    let (camera, _) = camera(coding, SIZE, "30");
    let mut watching = camera.watch(&["--camera-size", "320x240"]);
    let line = watching.hears("playing ");
    assert_eq!(line, "playing 320x240, 30 fps", "{coding}: what was asked is what was got");
    watching.sees(SIZE);
    let (status, _) = watching.stop();
    assert!(status.success(), "{coding}: {status}");
}

#[test]
fn a_motion_jpeg_camera_is_seen_in_its_colours() {
    check_picture("MJPG");
}

#[test]
fn a_yuyv_camera_is_seen_in_its_colours() {
    check_picture("YUYV");
}

#[test]
fn an_nv12_camera_is_seen_in_its_colours() {
    check_picture("NV12");
}

#[test]
fn it_is_listed_with_all_that_it_can() {
    let camera = Camera::new(&[]);
    let formats = [camera.format("MJPG", (640, 480), "30,15"), camera.format("YUYV", SIZE, "30")];
    camera.order(&formats.each_ref().map(String::as_str));
    let (code, stdout, stderr) = run(camera.cyborg().arg("cameras"));
    assert_eq!(code, 0, "{stderr}");
    for words in ["97", "640x480", "15", "MJPEG", "320x240", "YUYV"] {
        assert!(stdout.contains(words), "`{words}` is missing: {stdout}");
    }
}

#[test]
fn what_was_got_in_place_of_what_was_asked_is_told() {
    let _alone = alone();
    let check = |orders: &[(&str, (u32, u32), &str)], size: &str, words: &str| {
        let camera = Camera::new(&[]);
        let lines: Vec<String> =
            orders.iter().map(|&(coding, size, rates)| camera.format(coding, size, rates)).collect();
        camera.order(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let mut watching = camera.watch(&["--camera-size", size, "--camera-rate", "30"]);
        assert_eq!(watching.hears("playing "), words, "{orders:?}");
    };
    check(&[("YUYV", SIZE, "15")], "320x240", "playing 320x240, 15 fps; camera gives 15 fps instead of 30");
    check(
        &[("YUYV", SIZE, "15"), ("MJPG", (640, 480), "30,15")],
        "1280x720",
        "playing 640x480, 30 fps; camera gives 640x480 instead of 1280x720",
    );
    // It promises 30 and gives 15.
    check(
        &[("YUYV", (160, 120), "30"), ("YUYV", SIZE, "30:15")],
        "320x240",
        "playing 320x240, 15 fps; camera gives 15 fps instead of 30",
    );
}

#[test]
fn a_camera_that_falls_silent_is_lost_and_comes_back() {
    let (camera, format) = camera("YUYV", SIZE, "30");
    let mut watching = camera.watch(&["--camera-size", "320x240", "--stall", "0.6"]);
    watching.hears("playing ");
    camera.order(&[&format, "stalls"]);
    watching.hears("lost: no frame for 0.6 s");
    camera.order(&[&format]);
    watching.hears("playing 320x240");
    watching.sees(SIZE);
}

#[test]
fn a_camera_that_hangs_until_it_is_opened_anew_comes_back() {
    let (camera, format) = camera("YUYV", SIZE, "30");
    let mut watching = camera.watch(&["--camera-size", "320x240", "--stall", "0.6"]);
    watching.hears("playing ");
    camera.order(&[&format, "sticks"]);
    watching.hears("lost: no frame for 0.6 s");
    watching.hears("playing 320x240");
    watching.sees(SIZE);
}

#[test]
fn an_unplugged_camera_is_lost_with_the_reason_and_comes_back_with_another_format() {
    let (camera, _) = camera("YUYV", SIZE, "30");
    let mut watching = camera.watch(&["--camera-size", "320x240"]);
    watching.hears("playing 320x240");
    camera.order(&["unplugged"]);
    let line = watching.hears("lost: ");
    assert!(line.contains(PATH) && line.contains("No such device") && line.contains("still plugged in"), "{line}");
    watching.hears("lost: there is no camera `/dev/video97`");
    let format = camera.format("MJPG", (640, 480), "15");
    camera.order(&[&format]);
    let line = watching.hears("playing ");
    let words = "playing 640x480, 15 fps; camera gives 640x480 instead of 320x240; 15 fps instead of 30";
    assert_eq!(line, words);
    watching.sees((640, 480));
}

#[test]
fn it_stops_at_once_whether_pictures_come_or_not() {
    let _alone = alone();
    let (camera, format) = camera("MJPG", SIZE, "30");
    for orders in [&[&*format][..], &[&*format, "stalls"], &["unplugged"]] {
        camera.order(&[&format]);
        let mut watching = camera.watch(&["--stall", "60"]);
        watching.hears("playing ");
        watching.sees(SIZE);
        camera.order(orders);
        if orders == ["unplugged"] {
            watching.hears("lost: ");
        }
        let (status, took) = watching.stop();
        assert!(status.success(), "{orders:?}: {status}");
        within_a_second(took);
    }
}
