//! Live: the newest frame wins, whatever is slow; and `cyborg live` as a whole.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cyborg_edge::live::metrics::{AGE_EDGES_MS, Ages, LiveMetrics};
use cyborg_edge::live::view::{Audience, SourceState, View};
use cyborg_edge::verdict::Verdict;

use crate::support::alone::alone;
use crate::support::child::{ends, within_a_second};
use crate::support::live::{LiveRun, Session, Step, Told};
use crate::support::stages::BrightnessClassifier;
use crate::support::{cyborg, face_clip, fetched, model};

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The share of things that were no older than the edge of a bucket, in milliseconds.
fn share_within(ages: &Ages, edge: u64) -> f64 {
    let buckets = ages.buckets();
    let last = AGE_EDGES_MS.iter().position(|&known| known == edge).expect("it is an edge");
    buckets[..=last].iter().sum::<u64>() as f64 / buckets.iter().sum::<u64>().max(1) as f64
}

/// A classifier that scores nothing until the last picture is shown: none waits for it.
#[test]
fn a_slow_classifier_holds_up_no_picture() {
    let mut run = LiveRun::held([Session::Last(vec![Step::Frames { count: 80, millis: 25 }])]);
    let metrics = Arc::clone(&run.metrics);
    run.classifier.gate = Some(Box::new(move || count(&metrics.shown) >= 80));
    let metrics = run.run().metrics;
    assert_eq!((count(&metrics.shown), count(&metrics.overwritten)), (80, 0));
    // Scored is the newest frame, not one that waited in a queue. The run may end before that.
    assert!((1..=2).contains(&count(&metrics.scored)), "{}", count(&metrics.scored));
}

/// A frame each 25 ms, and a classifier that takes ten times as long. For a machine with nothing else to do.
#[test]
#[ignore = "measures ages by the wall: run by `cargo xtask test --long`"]
fn pictures_and_verdicts_are_of_the_moment() {
    let _alone = alone();
    let frames = Step::Frames { count: 80, millis: 25 };
    let ran = LiveRun::of([Session::Last(vec![frames])]).classifier_takes(250).run();
    let metrics = &ran.metrics;
    let (shown, scored) = (count(&metrics.shown), count(&metrics.scored));
    assert!(shown >= 60, "{shown} of 80 shown");
    // Two frames' time.
    let share = share_within(&metrics.shown_age, 50);
    assert!(share >= 0.9, "{share} within 50 ms: {:?}", metrics.shown_age.buckets());
    assert!(scored >= 1 && scored * 2 < shown, "{scored} scored of {shown}");
    // 250 ms, and a frame.
    assert!(share_within(&metrics.verdict_age, 500) >= 0.9, "{:?}", metrics.verdict_age.buckets());
}

/// What is said of persons, each time that it is something new: whether at first sight, and the verdict.
#[derive(Default)]
struct Hears(Mutex<Vec<(bool, Verdict)>>);

impl Audience for Hears {
    fn show(&self, view: Arc<View>) {
        let mut heard = self.0.lock().expect("nobody panics");
        for opinion in view.persons.iter().filter_map(|person| person.opinion.as_ref()) {
            let new = (opinion.at_first_sight, opinion.verdict);
            if heard.last() != Some(&new) {
                heard.push(new);
            }
        }
    }

    fn source(&self, _: SourceState) {}
}

#[test]
fn a_quick_model_speaks_until_the_other_has_seen_enough() {
    let _alone = alone();
    let frames = Step::Frames { count: 80, millis: 25 };
    let mut run = LiveRun::of([Session::Last(vec![Step::Rough, frames])]).classifier_takes(60);
    // The same bright face is synthetic to the quick one and authentic to the one that decides.
    run.classifier.bias = -10.0;
    run.first_sight = Some(BrightnessClassifier::new(Duration::ZERO));
    let (hears, stop) = (Hears::default(), AtomicBool::new(false));
    run.watch(&hears, &Arc::new(LiveMetrics::default()), &stop).expect("nothing fails");
    let heard = hears.0.into_inner().expect("nobody panics");
    assert_eq!(heard, [(true, Verdict::Unsure), (true, Verdict::Synthetic), (false, Verdict::Authentic)]);
}

#[test]
fn a_slow_detector_gets_the_newest_frame() {
    let mut run = LiveRun::of([Session::Last(vec![Step::Frames { count: 2000, millis: 1 }])]);
    run.detector.uneven = true;
    run.classifier.latency = Duration::from_millis(2);
    let ran = run.run();
    let metrics = &ran.metrics;
    let (captured, overwritten, shown) = (count(&metrics.captured), count(&metrics.overwritten), count(&metrics.shown));
    assert_eq!(captured, 2000);
    assert!((captured - 1..=captured).contains(&(overwritten + shown)), "{overwritten} and {shown} of {captured}");
    let numbers = ran.told.iter().filter_map(|told| match told {
        Told::Shown { number, .. } => Some(*number),
        Told::State(_) => None,
    });
    assert!(numbers.is_sorted_by(|a, b| a < b), "no frame comes twice, and none after a newer one");
    // In the hands of reader, slot, locator, scorer with its slot, and audience: the same ones go round.
    assert!(ran.buffers <= 16, "{} buffers", ran.buffers);
}

#[test]
fn persons_keep_their_opinion_between_scores() {
    let frames = |count| Step::Frames { count, millis: 15 };
    let ran = LiveRun::held([Session::Last(vec![frames(5), Step::UntilScored, frames(60)])]).classifier_takes(20).run();
    let shown: Vec<usize> = ran
        .told
        .iter()
        .filter_map(|told| if let Told::Shown { opinions, .. } = told { Some(*opinions) } else { None })
        .collect();
    let first = shown.iter().position(|&opinions| opinions == 1).expect("it was scored once");
    // At the picture after the first score, at the latest.
    assert!(first <= 5, "scored after {first} frames");
    assert!(shown[first..].iter().all(|&opinions| opinions == 1), "{shown:?}");
    let view = ran.newest.expect("something was shown");
    let opinion = view.persons[0].opinion.as_ref().expect("it has one");
    assert!(opinion.scored < view.frame.captured, "the score is older than the picture");
    assert!(opinion.reason.is_some() == (opinion.verdict == Verdict::Unsure), "{opinion:?}");
    let turned: u64 = ran.metrics.verdicts.iter().map(count).sum();
    assert!(turned >= 1, "a person that is judged for the first time turns");
}

#[test]
fn faces_are_looked_for_as_often_as_asked() {
    let frames = Step::Frames { count: 40, millis: 10 };
    let ran = LiveRun::held([Session::Last(vec![frames])]).detect_every(4).run();
    assert_eq!((count(&ran.metrics.shown), ran.looks), (40, 10));
    let faces = ran.told.iter().all(|told| match told {
        Told::Shown { tracks, .. } => tracks.len() == 1,
        Told::State(_) => true,
    });
    assert!(faces, "the person is followed between");
}

/// The program with a small model and the test camera, and what it wrote to both streams.
fn live(arguments: &[&str], clip: &std::path::Path) -> (std::process::Output, Duration) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.arg("live").arg("--camera").arg(format!("test={}", clip.display())).arg("--model").arg(model);
    let begun = Instant::now();
    let output = command.args(arguments).output().expect("the program starts");
    (output, begun.elapsed())
}

#[test]
fn the_program_tells_what_befalls_the_camera() {
    let _alone = alone();
    let script = "at 2s stall 1500ms; at 4500ms unplug 200ms; at 8s end";
    let (output, _) = live(&["--test-script", script, "--stall", "0.8"], &face_clip());
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stderr}");
    let words = [
        "opening the source",
        "playing 193x144, 29.97 fps",
        "lost: no frame for 0.8 s; trying again in",
        "playing 193x144",
        "lost: the test camera is unplugged by its script; trying again in",
        "playing 193x144",
        "the run has ended",
    ];
    let mut rest = &*stderr;
    for word in words {
        let at = rest.find(word);
        assert!(at.is_some(), "`{word}` is missing or late in:\n{stderr}");
        let at = at.unwrap_or_default();
        rest = &rest[at + word.len()..];
    }
    assert!(stderr.contains("% dropped; shown after"), "{stderr}");
    assert!(stdout.contains("person 1: "), "{stdout}");
}

#[test]
fn ctrl_c_ends_the_program_within_a_second() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder for the test");
    let model = model::write(folder.path(), "corner.onnx", &model::corner());
    let mut command = cyborg();
    command.args(["live", "--camera", "test", "--model"]).arg(model);
    fetched("selfie");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().expect("it is piped")));
    let playing = lines.any(|line| line.is_ok_and(|line| line.starts_with("playing ")));
    assert!(playing, "it plays");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("`kill` is there");
    assert!(sent.success());
    let begun = Instant::now();
    let status = ends(&mut child);
    within_a_second(begun.elapsed());
    assert!(status.success(), "{status}");
}

#[test]
fn wrong_usage_is_told_before_anything_is_opened() {
    let check = |arguments: &[&str], words: &str| {
        let output = cyborg().arg("live").args(arguments).output().expect("the program starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    };
    check(&["--camera", "test=/no/such/clip.mp4"], "the test camera's clip /no/such/clip.mp4 is missing");
    check(&["--camera", "0", "--test-script", "at 1s end"], "--test-script is for --camera test");
    check(&["--camera", "test", "--test-script", "sometimes stall"], "`sometimes stall` is not understood");
    check(&["--model", "a.onnx", "--model", "b.onnx"], "takes one model");
    check(&["--camera-size", "large"], "expected width and height");
}
