//! Live, the order of events: drops, silence, loss, return and stop, with stages that have a script and a clock that is held.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cyborg_edge::live::view::SourceState;

use crate::support::live::{LiveRun, Ran, Session, Step, Told};

/// Frames as a camera gives them.
fn frames(count: u32) -> Step {
    Step::Frames { count, millis: 10 }
}

fn check(sessions: impl IntoIterator<Item = Session>, expected: &[&str]) -> Ran {
    let ran = LiveRun::held(sessions).run();
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
    assert_eq!((count(&metrics.shown), count(&metrics.overwritten)), (20, 0));
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
        Session::Plays(vec![frames(5), Step::Silence(450), Step::Size(20, 20), Step::Frames { count: 100, millis: 0 }]),
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
    let ran = LiveRun::held(sessions()).run();
    assert_eq!(ran.states()[2..5], ["lost 0: unplugged", "playing 64x48", "lost 1: unplugged"]);
    let mut patient = LiveRun::held(sessions());
    patient.keep.steady = Duration::from_millis(20);
    assert_eq!(patient.run().states()[2..5], ["lost 0: unplugged", "playing 64x48", "lost 0: unplugged"]);
}

#[test]
fn what_differs_from_the_wish_is_told() {
    let ran = LiveRun::held([Session::Last(vec![frames(3)])]).differs("camera gives 15 fps instead of 30").run();
    let playing = SourceState::Playing {
        size: (64, 48),
        rate: Some(50.0),
        differs: Some("camera gives 15 fps instead of 30".to_owned()),
    };
    assert!(ran.told.contains(&Told::State(playing)), "{:?}", ran.told);
}

fn plays(told: &Told) -> bool {
    matches!(told, Told::State(SourceState::Playing { .. }))
}

/// The run ends within a second of its clock: what hangs would have moved it by a minute.
fn check_stop(run: LiveRun, states: &[&str]) {
    let ran = run.run();
    let stopping = ran.stopping.expect("it was stopped");
    assert!(stopping < Duration::from_secs(1), "{stopping:?}");
    assert!(ran.ended.is_ok());
    assert_eq!(ran.states(), states);
}

#[test]
fn a_stop_ends_the_run_whatever_the_source_does() {
    let playing = ["starting", "playing 64x48", "ended"];
    check_stop(LiveRun::held([Session::Plays(vec![frames(1_000_000)])]).stop_at(plays), &playing);
    // The reader hangs in its driver, and is left behind.
    check_stop(LiveRun::held([Session::Plays(vec![frames(5), Step::Hang])]).stop_at(plays), &playing);
    check_stop(LiveRun::held([Session::Plays(vec![Step::Stop, Step::Hang])]), &["starting", "ended"]);
}

#[test]
fn a_stop_ends_the_wait_for_the_next_try() {
    let lost = |told: &Told| matches!(told, Told::State(SourceState::Lost { .. }));
    let mut run = LiveRun::held([Session::Refused("no such camera")]).stop_at(lost);
    (run.keep.backoff.first, run.keep.backoff.most) = (Duration::from_secs(60), Duration::from_secs(60));
    check_stop(run, &["starting", "lost 0: no such camera", "ended"]);
}

#[test]
fn a_source_that_stays_away_is_tried_each_ten_seconds_at_last() {
    let mut run = LiveRun::held((0..20).map(|_| Session::Refused("no such camera")));
    (run.keep.backoff.first, run.keep.backoff.most) = (Duration::from_millis(500), Duration::from_secs(10));
    let ran = run.stop_at(|told| matches!(told, Told::State(SourceState::Lost { tries: 19, .. }))).run();
    let waits = ran.told.iter().filter_map(|told| match told {
        Told::State(SourceState::Lost { wait, .. }) => Some(wait.as_secs_f64()),
        _ => None,
    });
    let waits: Vec<f64> = waits.collect();
    assert_eq!(waits.len(), 20);
    assert!(waits[0] <= 0.5 && waits[1] <= 1.0, "{waits:?}");
    assert!(waits[5..].iter().all(|wait| (5.0..=10.0).contains(wait)), "{waits:?}");
}

#[test]
fn a_model_that_fails_ends_the_run_with_its_error() {
    // Frames that come while it scores are skipped, but the last one never is.
    let mut run = LiveRun::held([Session::Plays(vec![frames(4), Step::Hang])]);
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
