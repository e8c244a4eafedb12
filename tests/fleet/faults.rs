//! Clips that can't be judged, workers that can't judge, jobs that are submitted twice, cancelled, late, tried again.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use cyborg_edge::fleet::beat::State;
use cyborg_edge::fleet::dead::Cause;
use cyborg_edge::fleet::error::FleetError;
use cyborg_edge::fleet::job::{Job, Priority};
use cyborg_edge::fleet::status::Status;

use crate::broker::Broker;
use crate::mock::{Clips, ThreadWorker, collect, job, name, run_of, spawn, task};

/// Looks until it is so, for half a minute.
pub(crate) fn until(broker: &Broker, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
    let (desk, end) = (broker.desk(), Instant::now() + Duration::from_secs(30));
    loop {
        let status = desk.status().expect("the broker answers");
        if is_so(&status) {
            return status;
        }
        assert!(Instant::now() < end, "not {what}: {status:#?}");
        sleep(Duration::from_millis(100));
    }
}

fn worker(broker: &Broker, clips: &Clips) -> ThreadWorker {
    ThreadWorker::start(&broker.url(), "worker", "mock", &[clips.root()])
}

#[test]
fn a_clip_that_is_damaged_ends_as_a_dead_letter_and_can_be_tried_again() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let paths = [clips.write("good", "wait 1"), clips.write("bad", "damaged")];
    let desk = broker.desk();
    desk.submit(&job("j"), paths.iter().map(|path| task("j", path)).collect()).expect("it is new");
    let worker = worker(&broker, &clips);
    let (collected, taken) = collect(&desk, "j", true);
    assert_eq!(taken.keys().collect::<Vec<_>>(), ["good"]);
    let [letter] = &collected.dead[..] else { unreachable!("{collected:?}") };
    assert_eq!((letter.cause, letter.attempts, letter.name()), (Cause::Clip, 3, "bad"));
    assert!(letter.error.contains("bad is damaged"), "{letter:?}");
    // Still damaged: it fails again, by a letter of its own.
    assert_eq!(desk.retry(&name("j")).expect("there is one"), 1);
    let (collected, _) = collect(&desk, "j", true);
    assert_eq!(collected.dead.len(), 1, "{collected:?}");
    assert_eq!(collected.dead[0].task.as_ref().map(|task| task.round), Some(1));
    fs::write(&paths[1], "wait 1").expect("it can be written");
    assert_eq!(desk.retry(&name("j")).expect("there is one"), 1);
    let (collected, taken) = collect(&desk, "j", true);
    assert!(collected.dead.is_empty() && taken.len() == 2, "{collected:?}");
    assert_eq!(desk.retry(&name("j")).expect("the broker answers"), 0);
    // Three tries of each of two rounds.
    assert_eq!(worker.end().failed, 6);
}

#[test]
fn a_path_outside_and_a_clip_that_is_not_there_are_told() {
    let (broker, clips, outside) = (Broker::start(), Clips::new(), Clips::new());
    let secret = outside.write("secret", "wait 1");
    std::os::unix::fs::symlink(&secret, clips.root().join("link")).expect("a link");
    let paths = [secret, clips.root().join("link"), clips.root().join("none"), PathBuf::from("/etc/passwd")];
    let desk = broker.desk();
    desk.submit(&job("j"), paths.iter().map(|path| task("j", path)).collect()).expect("it is new");
    let _worker = worker(&broker, &clips);
    let (collected, taken) = collect(&desk, "j", true);
    assert!(taken.is_empty());
    let told: Vec<(&str, bool)> = collected
        .dead
        .iter()
        .map(|letter| (letter.name(), letter.error.contains("is not below a folder that this worker may read")))
        .collect();
    assert_eq!(told, [("link", true), ("none", false), ("passwd", true), ("secret", true)], "{:#?}", collected.dead);
}

#[test]
fn a_worker_with_another_model_parks_and_costs_no_clip_a_try() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let path = clips.write("good", "wait 1");
    broker.desk().submit(&job("j"), vec![task("j", &path)]).expect("it is new");
    let wrong = ThreadWorker::start(&broker.url(), "wrong", "other", &[clips.root()]);
    let parked =
        until(&broker, "parked", |status| status.workers.iter().any(|beat| matches!(beat.state, State::Parked { .. })));
    let State::Parked { job, reason } = &parked.workers[0].state else { unreachable!("{parked:?}") };
    assert_eq!((job.as_str(), reason.as_str()), ("j", "model was \"mock\", is \"other\""));
    // It comes back to it more often than a clip is tried.
    sleep(Duration::from_secs(4));
    let right = ThreadWorker::start(&broker.url(), "right", "mock", &[clips.root()]);
    let (collected, taken) = collect(&broker.desk(), "j", true);
    assert!(collected.dead.is_empty() && taken.len() == 1, "{collected:?}");
    assert_eq!((wrong.end().done, right.end().done), (0, 1));
}

#[test]
fn a_worker_that_is_broken_parks_and_costs_no_clip_a_try() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let path = clips.write("clip", "broken");
    broker.desk().submit(&job("j"), vec![task("j", &path)]).expect("it is new");
    let _worker = worker(&broker, &clips);
    until(&broker, "parked", |status| {
        status
            .workers
            .iter()
            .any(|beat| matches!(&beat.state, State::Parked { reason, .. } if reason == "the disk is full"))
    });
    sleep(Duration::from_secs(2));
    fs::write(&path, "wait 1").expect("it can be written");
    let (collected, taken) = collect(&broker.desk(), "j", true);
    assert!(collected.dead.is_empty() && taken.len() == 1, "{collected:?}");
}

#[test]
fn a_clip_that_kills_its_workers_is_given_up() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let path = clips.write("clip", "abort");
    broker.desk().submit(&job("j"), vec![task("j", &path)]).expect("it is new");
    let end = Instant::now() + Duration::from_secs(120);
    // What a service manager does: a worker that died is begun anew. One that lives has nothing to do.
    while broker.desk().status().expect("the broker answers").jobs[0].dead == 0 {
        assert!(Instant::now() < end, "it was not given up");
        let mut worker = spawn(&broker.url(), "worker", &clips.root());
        let life = Instant::now();
        while worker.try_wait().expect("it is our child").is_none() && life.elapsed() < Duration::from_secs(5) {
            sleep(Duration::from_millis(50));
        }
        let _ = worker.kill();
        worker.wait().expect("it ends");
    }
    let letters = broker.desk().dead_letters(Some(&name("j"))).expect("the broker answers");
    assert_eq!(letters[0].cause, Cause::Lost, "{letters:?}");
}

#[test]
fn whoever_submits_twice_has_it_once() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let paths: Vec<PathBuf> = (0..20).map(|number| clips.write(&format!("{number}"), "wait 1")).collect();
    let tasks = |range: std::ops::Range<usize>| paths[range].iter().map(|path| task("j", path)).collect::<Vec<_>>();
    let desk = broker.desk();
    let first = desk.submit(&job("j"), tasks(0..10)).expect("it is new");
    assert_eq!((first.queued, first.waiting, first.done, first.tasks), (10, 0, 0, 10));
    let again = desk.submit(&job("j"), tasks(0..10)).expect("it is the same");
    assert_eq!((again.queued, again.waiting, again.done, again.tasks), (0, 10, 0, 10));
    let worker = worker(&broker, &clips);
    let (collected, _) = collect(&desk, "j", true);
    assert_eq!(collected.taken, 10);
    // Done is done, and there is more.
    let more = desk.submit(&job("j"), tasks(5..20)).expect("it grows");
    assert_eq!((more.queued, more.waiting, more.done, more.tasks), (10, 0, 10, 20));
    let (collected, taken) = collect(&desk, "j", true);
    assert_eq!((collected.taken, taken.len()), (20, 20));
    assert_eq!(worker.end().done, 20);
    // Another job under the same name is none of it.
    let other = Job { run: run_of("other"), ..job("j") };
    let told = desk.submit(&other, tasks(0..1)).expect_err("it differs").to_string();
    assert!(told.contains("model was \"mock\", is \"other\""), "{told}");
    let twin = cyborg_edge::fleet::task::Task::new(
        name("j"),
        "0".to_owned(),
        cyborg_edge::fleet::task::Place::Path(clips.write("twin", "wait 1")),
    );
    assert!(matches!(desk.submit(&job("j"), vec![twin]), Err(FleetError::SameNames { .. })));
}

#[test]
fn what_is_cancelled_or_late_is_not_judged() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let path = clips.write("clip", "wait 1");
    let desk = broker.desk();
    for (job, name) in [(job("gone"), "gone"), (Job { deadline: Some(1), ..job("late") }, "late")] {
        desk.submit(&job, vec![task(name, &path)]).expect("it is new");
    }
    desk.cancel(&name("gone")).expect("it is there");
    desk.cancel(&name("gone")).expect("twice is once");
    let told = desk.submit(&job("gone"), vec![task("gone", &path)]).expect_err("it is gone").to_string();
    assert!(told.contains("was cancelled"), "{told}");
    let worker = worker(&broker, &clips);
    let (collected, taken) = collect(&desk, "late", true);
    assert!(taken.is_empty() && collected.dead[0].cause == Cause::Expired, "{collected:?}");
    let (collected, taken) = collect(&desk, "gone", true);
    assert!(taken.is_empty() && collected.cancelled && collected.missing == ["clip"], "{collected:?}");
    assert!(matches!(desk.cancel(&name("none")), Err(FleetError::NoJob(_))));
    assert!(matches!(desk.retry(&name("gone")), Err(FleetError::Cancelled(_))));
    assert_eq!(worker.end().done, 0);
}

#[test]
fn high_goes_before_low_and_a_large_result_comes_whole() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let (small, large) = (clips.write("small", "wait 1"), clips.write("large", "large 3000000"));
    let desk = broker.desk();
    let of = |name: &str, priority| Job { priority, ..job(name) };
    desk.submit(&of("low", Priority::Low), vec![task("low", &small)]).expect("it is new");
    desk.submit(&of("normal", Priority::Normal), vec![task("normal", &large)]).expect("it is new");
    desk.submit(&of("high", Priority::High), vec![task("high", &small)]).expect("it is new");
    let worker = worker(&broker, &clips);
    for job in ["low", "normal", "high"] {
        let (collected, taken) = collect(&desk, job, true);
        assert!(collected.damaged.is_empty() && taken.len() == 1, "{collected:?}");
    }
    worker.end();
}

#[test]
fn a_worker_that_is_told_to_end_finishes_or_hands_back() {
    let (broker, clips) = (Broker::start(), Clips::new());
    let desk = broker.desk();
    let is_at_it = |status: &Status| status.workers.iter().any(|beat| matches!(beat.state, State::Working { .. }));
    // Within the grace time of a second it is finished.
    desk.submit(&job("short"), vec![task("short", &clips.write("short", "wait 1500"))]).expect("it is new");
    let first = worker(&broker, &clips);
    until(&broker, "at it", is_at_it);
    assert_eq!(first.end().done, 1);
    // Beyond it the clip goes to somebody else, at once.
    let long = clips.write("long", "wait 60000");
    desk.submit(&job("long"), vec![task("long", &long)]).expect("it is new");
    let second = worker(&broker, &clips);
    until(&broker, "at it", is_at_it);
    assert_eq!(second.end().done, 0);
    fs::write(&long, "wait 1").expect("it can be written");
    let third = worker(&broker, &clips);
    let (collected, taken) = collect(&desk, "long", true);
    assert!(collected.dead.is_empty() && taken.len() == 1, "{collected:?}");
    assert_eq!(third.end().done, 1);
    let status = broker.desk().status().expect("the broker answers");
    assert!(status.workers.is_empty(), "those that ended are gone: {status:?}");
}
