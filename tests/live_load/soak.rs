//! A live run for long, at the highest rate, whose source is lost again and again, and one whose classifier is far too slow:
//! memory, threads and file handles stay what they were. Some seconds; in the long run an hour, or ten minutes for the slow
//! classifier, or as many seconds as `CYBORG_SOAK_SECONDS` says.
#![cfg(all(target_os = "linux", feature = "page"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use cyborg_edge::live::metrics::LiveMetrics;

use crate::support::alone::alone;
use crate::support::broadcast::{feed, serve};
use crate::support::child::long_run;
use crate::support::course::{Course, LONG, length};
use crate::support::live::{LiveRun, Session, Step};
use crate::support::readers::read;

#[test]
fn nothing_grows_while_a_source_is_lost_again_and_again() {
    let _alone = alone();
    let length = length(8, LONG);
    let metrics = Arc::new(LiveMetrics::default());
    let feed = feed("a camera", &metrics);
    let (served, _) = serve(vec![Arc::clone(&feed)], "127.0.0.1", None);
    let frames = || Step::Frames { count: 200, millis: 1 };
    // Each takes a third of a second or more.
    let sessions = (0..3 * length.as_secs() + 30).map(|number| {
        Session::Plays(match number % 4 {
            0 => vec![Step::Size(320, 240), frames(), Step::Silence(300), frames()],
            1 => vec![Step::Size(160, 120), frames(), Step::Break("unplugged")],
            2 => vec![frames(), Step::Damaged, Step::Size(64, 80), frames(), Step::Silence(300)],
            _ => vec![frames(), Step::Panic],
        })
    });
    let mut run = LiveRun::of(sessions).classifier_takes(3);
    run.keep.stall = Duration::from_millis(100);
    let (over, got) = (AtomicBool::new(false), [const { AtomicU64::new(0) }; 2]);
    let mut course = Course::new(length);
    thread::scope(|scope| {
        scope.spawn(|| run.watch(&*feed, &metrics, &over).expect("no stage fails"));
        for (path, got) in ["/events", "/picture.mjpeg?width=320"].iter().zip(&got) {
            let (address, over) = (served.address(), &over);
            scope.spawn(move || read(address, path, got, over));
        }
        while !course.is_over() {
            thread::sleep(Duration::from_millis(50));
            course.sample("self");
        }
        over.store(true, Ordering::Relaxed);
    });
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let losses = count(&metrics.lost);
    course.has_not_grown(losses);
    assert!(losses > length.as_secs() / 2, "lost {losses} times only");
    assert!(count(&metrics.scored) > 0 && got.iter().all(|got| count(got) > 0), "{:?}, {got:?}", metrics.counts());
}

/// 720p, 30 frames a second, and a classifier that takes ten times as long as the shipped one: what isn't scored in time is
/// let go, and piles up nowhere.
#[test]
#[ignore = "measures how much is scored: run by `cargo xtask test --long`"]
fn nothing_grows_behind_a_classifier_that_is_too_slow() {
    let _alone = alone();
    let length = length(6, 600);
    let metrics = Arc::new(LiveMetrics::default());
    let feed = feed("a camera", &metrics);
    let frames = Step::Frames { count: u32::MAX, millis: 33 };
    let mut run = LiveRun::of([Session::Plays(vec![Step::Size(1280, 720), frames])]).classifier_takes(70);
    let over = AtomicBool::new(false);
    let mut course = Course::new(length);
    thread::scope(|scope| {
        scope.spawn(|| run.watch(&*feed, &metrics, &over).expect("no stage fails"));
        while !course.is_over() {
            thread::sleep(Duration::from_millis(50));
            course.sample("self");
        }
        over.store(true, Ordering::Relaxed);
    });
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    course.has_not_grown(count(&metrics.lost));
    let (shown, scored) = (count(&metrics.shown), count(&metrics.scored));
    assert!(scored > 0 && scored < shown * 2 / 3, "{scored} of {shown} pictures were scored");
}

/// The whole program, with a camera that is unplugged or hangs again and again.
#[cfg(all(target_env = "gnu", feature = "camera"))]
#[test]
fn nothing_grows_while_a_camera_is_lost_again_and_again() {
    use std::time::Instant;

    use crate::support::shim::Camera;

    let _alone = alone();
    let camera = Camera::new(&[]);
    let format = camera.format("MJPG", (320, 240), "400");
    camera.order(&[&format]);
    let mut watching = camera.watch(&["--camera-size", "320x240", "--stall", "0.3"]);
    watching.hears("playing ");
    let (id, mut losses) = (watching.id().to_string(), 0);
    let mut course = Course::new(length(12, LONG));
    while !course.is_over() {
        let play = |course: &mut Course, time: Duration| {
            let begun = Instant::now();
            while begun.elapsed() < time {
                thread::sleep(Duration::from_millis(100));
                course.sample(&id);
            }
        };
        // After five seconds a camera counts as one that works, and is tried soon when it is lost.
        play(&mut course, Duration::from_millis(if long_run() { 5300 } else { 500 }));
        camera.order(&[&format, ["sticks", "unplugged"][losses as usize % 2]]);
        watching.hears("lost: ");
        camera.order(&[&format]);
        watching.hears("playing ");
        losses += 1;
    }
    watching.sees((320, 240));
    course.has_not_grown(losses);
    let (status, _) = watching.stop();
    assert!(status.success(), "{status}");
}
