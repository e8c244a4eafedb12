//! Live, the order of events: drops, silence, loss, return and stop, with stages that have a script.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cyborg_edge::live::view::SourceState;

use crate::support::child::a_second;
use crate::support::live::{LiveRun, Ran, Session, Step, Told};

/// Frames as a camera gives them.
fn frames(count: u32) -> Step {
    Step::Frames { count, millis: 10 }
}

fn check(sessions: impl IntoIterator<Item = Session>, expected: &[&str]) -> Ran {
    let ran = LiveRun::of(sessions).run();
    assert_eq!(ran.states(), expected);
    assert!(ran.ended.is_ok(), "{:?}", ran.ended);
    assert_eq!(ran.told.last(), Some(&Told::State(SourceState::Ended)), "nothing is told after the end");
    ran
}

#[test]
fn a_source_begins_plays_and_ends() {
    let ran =
        check([Session::Last(vec![frames(10), Step::Damaged, frames(10)])], &["starting", "playing 64x48", "ended"]);
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let metrics = &ran.metrics;
    assert_eq!((count(&metrics.captured), count(&metrics.damaged), count(&metrics.lost)), (20, 1, 0));
    let numbers: Vec<u64> = ran
        .told
        .iter()
        .filter_map(|told| if let Told::Shown { number, .. } = told { Some(*number) } else { None })
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(count(&metrics.shown), numbers.len() as u64);
    // The last one may still lie in the slot when the source ends.
    let (shown, overwritten) = (count(&metrics.shown), count(&metrics.overwritten));
    assert!((19..=20).contains(&(shown + overwritten)), "{shown} shown, {overwritten} overwritten");
    assert_eq!(ran.tracks(), [1], "one person throughout");
}

#[test]
fn a_camera_that_is_unplugged_comes_back() {
    let sessions = [
        Session::Plays(vec![frames(8), Step::Break("unplugged")]),
        Session::Refused("no such camera"),
        Session::Refused("no such camera"),
        Session::Last(vec![frames(8)]),
    ];
    let states = [
        "starting",
        "playing 64x48",
        "lost 0: unplugged",
        "lost 1: no such camera",
        "lost 2: no such camera",
        "playing 64x48",
        "ended",
    ];
    let ran = check(sessions, &states);
    assert_eq!(ran.tracks(), [1, 2], "the person of before the loss is another one");
    assert_eq!(ran.metrics.lost.load(Ordering::Relaxed), 1, "what never played was not lost");
}

#[test]
fn a_stream_that_ends_is_opened_again() {
    let sessions = [Session::Plays(vec![frames(3)]), Session::Last(vec![frames(3)])];
    check(sessions, &["starting", "playing 64x48", "lost 0: it ended", "playing 64x48", "ended"]);
}

#[test]
fn a_silent_source_is_lost_and_what_it_gives_late_is_not_shown() {
    // It wakes up while the next session plays.
    let sessions = [
        Session::Plays(vec![frames(5), Step::Silence(450), Step::Size(20, 20), frames(100)]),
        Session::Last(vec![frames(40)]),
    ];
    let states = ["starting", "playing 64x48", "lost 0: no frame for 0.2 s", "playing 64x48", "ended"];
    let ran = check(sessions, &states);
    let late = ran.told.iter().filter(|told| matches!(told, Told::Shown { size: (20, 20), .. })).count();
    assert_eq!(late, 0);
    assert_eq!(ran.tracks(), [1, 2]);
}

#[test]
fn a_source_that_gives_no_first_frame_is_lost() {
    let sessions = [Session::Plays(vec![Step::Silence(900)]), Session::Last(vec![frames(3)])];
    check(sessions, &["starting", "lost 0: no first frame within 0.5 s", "playing 64x48", "ended"]);
}

#[test]
fn a_driver_that_panics_is_a_lost_source() {
    let sessions = [Session::Plays(vec![frames(3), Step::Panic]), Session::Last(vec![frames(3)])];
    check(sessions, &["starting", "playing 64x48", "lost 0: its driver failed", "playing 64x48", "ended"]);
}

#[test]
fn another_size_is_told_and_the_tracks_live_on() {
    let sessions = [Session::Last(vec![frames(10), Step::Size(96, 64), frames(10)])];
    let ran = check(sessions, &["starting", "playing 64x48", "playing 96x64", "ended"]);
    // The same picture in another size shows the same person.
    assert_eq!(ran.tracks(), [1]);
}

#[test]
fn a_source_that_played_well_is_tried_at_once_again() {
    let sessions = || {
        let broken = || Session::Plays(vec![frames(6), Step::Break("unplugged")]);
        [broken(), broken(), Session::Last(vec![frames(2)])]
    };
    let ran = LiveRun::of(sessions()).run();
    assert_eq!(ran.states()[2..5], ["lost 0: unplugged", "playing 64x48", "lost 1: unplugged"]);
    let mut patient = LiveRun::of(sessions());
    patient.keep.steady = Duration::from_millis(20);
    assert_eq!(patient.run().states()[2..5], ["lost 0: unplugged", "playing 64x48", "lost 0: unplugged"]);
}

#[test]
fn what_differs_from_the_wish_is_told() {
    let ran = LiveRun::of([Session::Last(vec![frames(3)])]).differs("camera gives 15 fps instead of 30").run();
    let playing = SourceState::Playing {
        size: (64, 48),
        rate: Some(50.0),
        differs: Some("camera gives 15 fps instead of 30".to_owned()),
    };
    assert!(ran.told.contains(&Told::State(playing)), "{:?}", ran.told);
}

#[track_caller]
fn check_stop(session: Session, last: &str) {
    let ran = LiveRun::of([session]).stop_after(200).run();
    let stopping = ran.stopping.expect("it was stopped");
    assert!(stopping < a_second(), "{stopping:?}");
    assert!(ran.ended.is_ok());
    let states = ran.states();
    assert_eq!(states[states.len() - 2..], [last, "ended"], "{states:?}");
}

#[test]
fn a_stop_takes_less_than_a_second_whatever_the_source_does() {
    check_stop(Session::Plays(vec![frames(1000)]), "playing 64x48");
    // The reader hangs in its driver, and is left behind.
    check_stop(Session::Plays(vec![frames(5), Step::Silence(5000)]), "playing 64x48");
    check_stop(Session::Plays(vec![Step::Silence(5000)]), "starting");
}

#[test]
fn a_stop_ends_the_wait_for_the_next_try() {
    let mut run = LiveRun::of([Session::Refused("no such camera")]).stop_after(100);
    (run.keep.backoff.first, run.keep.backoff.most) = (Duration::from_secs(60), Duration::from_secs(60));
    let ran = run.run();
    assert_eq!(ran.states(), ["starting", "lost 0: no such camera", "ended"]);
    assert!(ran.stopping.is_some_and(|stopping| stopping < a_second()), "{:?}", ran.stopping);
}

#[test]
fn a_model_that_fails_ends_the_run_with_its_error() {
    // Slow enough that each frame is scored, the third one too.
    let mut run = LiveRun::of([Session::Plays(vec![Step::Frames { count: 100, millis: 50 }])]).stop_after(2000);
    run.classifier.fails_at = Some(3);
    let ran = run.run();
    let error = ran.ended.as_ref().expect_err("the classifier failed");
    assert_eq!(
        format!("{error:#}"),
        "the classifier broke at 3",
        "the model's own words, and of the frame at which it failed"
    );
    assert_eq!(ran.states(), ["starting", "playing 64x48", "ended"], "the source did nothing wrong");
    assert_eq!(ran.told.last(), Some(&Told::State(SourceState::Ended)));
}
