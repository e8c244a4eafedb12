//! The pipeline: no frame is lost, order is kept, and it ends in good order whatever stops it.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cyborg_edge::BoxError;
use cyborg_edge::capture::SourceInfo;
use cyborg_edge::face::follow::DetectEvery;
use cyborg_edge::findings::{Ended, FrameView, Sink, Summary};
use cyborg_edge::pipeline::{self, Stages, Worker};
use cyborg_edge::verdict::{Judge, Verdict};

use crate::support::child::long_run;
use crate::support::model::contract;
use crate::support::stages::{BrightnessClassifier, CountingSource, MiddleFace};

/// What a sink saw, in order.
#[derive(Clone, Debug, PartialEq)]
enum Event {
    Start,
    Frame { number: u64, micros: i64, faces: usize, brightness: u8 },
    Finish { frames: u64 },
}

/// Writes down what it sees, and fails where told.
#[derive(Clone, Default)]
struct Recorder {
    events: Arc<Mutex<Vec<Event>>>,
    fails_at: Option<u64>,
    latency: Duration,
}

impl Recorder {
    fn note(&self, event: Event) {
        self.events.lock().expect("no test thread panics here").push(event);
    }

    fn frames(&self) -> Vec<u64> {
        let events = self.events.lock().expect("no test thread panics here");
        events
            .iter()
            .filter_map(|event| if let Event::Frame { number, .. } = event { Some(*number) } else { None })
            .collect()
    }

    fn last(&self) -> Event {
        self.events.lock().expect("no test thread panics here").last().expect("something happened").clone()
    }
}

impl Sink for Recorder {
    fn start(&mut self, _source: &SourceInfo) -> Result<(), BoxError> {
        self.note(Event::Start);
        Ok(())
    }

    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        if self.fails_at == Some(view.frame.number) {
            return Err(format!("the sink broke at {}", view.frame.number).into());
        }
        std::thread::sleep(self.latency);
        let first = view.first().expect("there is a model");
        assert_eq!(view.faces.len(), first.scores.len(), "faces and scores run in step");
        assert_eq!(view.faces.len(), first.judgements.len(), "faces and judgements run in step");
        self.note(Event::Frame {
            number: view.frame.number,
            micros: view.frame.time.0,
            faces: view.faces.len(),
            brightness: view.frame.pixels[0],
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), BoxError> {
        self.note(Event::Finish { frames: summary.frames });
        Ok(())
    }
}

struct Run {
    source: CountingSource,
    /// A detector and a classifier for each worker.
    workers: Vec<(MiddleFace, BrightnessClassifier)>,
    detect: DetectEvery,
    recorder: Recorder,
    stop: AtomicBool,
}

impl Run {
    fn new(frames: u64) -> Self {
        Self {
            source: CountingSource::new(frames, (64, 48)),
            workers: (0..3).map(|_| (MiddleFace::default(), BrightnessClassifier::new(Duration::ZERO))).collect(),
            detect: DetectEvery::FRAME,
            recorder: Recorder::default(),
            stop: AtomicBool::new(false),
        }
    }

    /// The same with so many workers.
    fn with(mut self, workers: usize) -> Self {
        self.workers.resize_with(workers, || (MiddleFace::default(), BrightnessClassifier::new(Duration::ZERO)));
        self
    }

    /// Does this to each classifier.
    fn classifiers(&mut self, change: impl Fn(&mut BrightnessClassifier)) {
        self.workers.iter_mut().for_each(|(_, classifier)| change(classifier));
    }

    /// Does this to each detector.
    fn faces(&mut self, change: impl Fn(&mut MiddleFace)) {
        self.workers.iter_mut().for_each(|(face, _)| change(face));
    }

    /// In how many frames faces were looked for.
    fn looks(&self) -> u64 {
        self.workers.iter().map(|(face, _)| face.looks).sum()
    }

    fn go(&mut self) -> Summary {
        let judge = Judge::new(&contract());
        let stages = Stages {
            workers: self
                .workers
                .iter_mut()
                .map(|(locate, classify)| Worker { locate, models: vec![classify] })
                .collect(),
            detect: self.detect,
            judges: vec![&judge],
            sinks: &mut [Box::new(self.recorder.clone())],
        };
        pipeline::run(&mut self.source, stages, &self.stop)
    }
}

fn whole(frames: u64) -> Vec<u64> {
    (0..frames).collect()
}

fn failure(summary: &Summary) -> String {
    let Ended::Failed(error) = &summary.ended else {
        return format!("it ended {:?}", summary.ended);
    };
    format!("{error:#}")
}

#[test]
fn every_frame_goes_through_in_order() {
    // `cargo xtask test --long` sends an hour's frames through.
    let count = if long_run() { 108_000 } else { 500 };
    let mut run = Run::new(count);
    let summary = run.go();
    assert!(matches!(summary.ended, Ended::Whole));
    assert_eq!(run.recorder.frames(), whole(count));
    assert_eq!((summary.frames, summary.faces), (count, count));
    let events = run.recorder.events.lock().expect("the run is over");
    assert_eq!(events[0], Event::Start);
    assert_eq!(events[201], Event::Frame { number: 200, micros: 8_000_000, faces: 1, brightness: 200 });
    assert_eq!(events.last(), Some(&Event::Finish { frames: count }));
}

#[test]
fn a_slow_classifier_behind_a_fast_source_loses_nothing() {
    let mut run = Run::new(60).with(1);
    run.classifiers(|classifier| classifier.latency = Duration::from_millis(3));
    run.go();
    assert_eq!(run.recorder.frames(), whole(60));
}

/// Events of a run with workers of uneven speed, which finish frames in any order.
fn events_with(workers: usize, faces_at_once: usize) -> Vec<Event> {
    let mut run = Run::new(300).with(workers);
    run.faces(|face| face.uneven = workers > 1);
    run.classifiers(|classifier| classifier.faces_at_once = faces_at_once);
    let summary = run.go();
    assert!(matches!(summary.ended, Ended::Whole));
    assert_eq!(run.looks(), 300);
    let events = run.recorder.events.lock().expect("the run is over");
    events.clone()
}

#[test]
fn the_number_of_workers_changes_no_result() {
    let alone = events_with(1, 1);
    assert_eq!(alone.len(), 302);
    for (workers, faces_at_once) in [(2, 1), (5, 1), (1, 4), (3, 100)] {
        assert_eq!(events_with(workers, faces_at_once), alone, "{workers} workers, {faces_at_once} faces at once");
    }
}

#[test]
fn between_looks_the_tracker_says_where_faces_are() {
    let mut run = Run::new(101);
    run.detect = DetectEvery(NonZeroU32::new(5).expect("not zero"));
    let summary = run.go();
    // One face a frame all the same. All the frames look alike but for their grey, which is no cut until it wraps.
    assert_eq!((summary.frames, summary.faces), (101, 101));
    assert_eq!(run.looks(), 21);
    assert_eq!(summary.opinions[0].tracks.len(), 1);
}

/// Which frames have which score, and which were looked at.
fn repeated(workers: usize, times: u64, faces_at_once: usize) -> (Vec<Event>, Summary, u64) {
    let mut run = Run::new(120).with(workers);
    run.source.times = times;
    run.faces(|face| (face.uneven, face.blank) = (workers > 1, Some(12)));
    run.classifiers(|classifier| classifier.faces_at_once = faces_at_once);
    let summary = run.go();
    let (events, looks) = (run.recorder.events.lock().expect("the run is over").clone(), run.looks());
    (events, summary, looks)
}

#[test]
fn a_frame_that_is_the_same_repeats_what_was_found() {
    let (alone, summary, looks) = repeated(1, 3, 1);
    assert_eq!((summary.frames, summary.repeated_frames, looks), (120, 80, 40));
    // Ten of the pictures have no face, each three times.
    assert_eq!((summary.faces, summary.frames_without_face), (90, 30));
    let of = |at: u64| Event::Frame { number: at, micros: at as i64 * 40_000, faces: 1, brightness: 3 };
    assert_eq!(alone[4..7], [of(3), of(4), of(5)]);
    // Scores are repeated with the faces: those of each picture come three times.
    assert!(summary.opinions[0].verdicts.iter().all(|count| count % 3 == 0), "{:?}", summary.opinions[0].verdicts);
    for (workers, faces_at_once) in [(3, 1), (2, 50)] {
        let (events, others, looks) = repeated(workers, 3, faces_at_once);
        assert_eq!((events, looks), (alone.clone(), 40), "{workers} workers");
        assert_eq!(others.opinions[0].mean_probability(), summary.opinions[0].mean_probability());
    }
    let (_, summary, looks) = repeated(2, 1, 1);
    assert_eq!((summary.repeated_frames, looks), (0, 120));
}

#[test]
fn a_panic_of_a_worker_comes_out_at_the_top() {
    let mut run = Run::new(1_000_000);
    run.faces(|face| face.panics_at = Some(40));
    let outcome = catch_unwind(AssertUnwindSafe(|| run.go()));
    let panic = outcome.expect_err("the panic is not swallowed");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the script says so"));
    assert_eq!(run.recorder.frames(), whole(40));
}

#[test]
fn a_slow_sink_loses_nothing() {
    let mut run = Run::new(60);
    run.recorder.latency = Duration::from_millis(3);
    run.go();
    assert_eq!(run.recorder.frames(), whole(60));
}

#[test]
fn damaged_frames_are_counted_and_the_rest_goes_on() {
    let mut run = Run::new(50);
    run.source.damaged = vec![0, 7, 8, 49];
    let summary = run.go();
    assert!(matches!(summary.ended, Ended::Whole));
    assert_eq!((summary.frames, summary.damaged_frames), (46, 4));
    assert_eq!(summary.first_damage.as_deref(), Some("frame 0 is damaged"));
    assert_eq!(run.recorder.frames(), whole(46));
}

#[test]
fn frames_without_a_face_are_counted() {
    let mut run = Run::new(40);
    run.faces(|face| face.blank = Some(4));
    let summary = run.go();
    assert_eq!((summary.frames, summary.frames_without_face, summary.faces), (40, 10, 30));
}

#[test]
fn verdicts_are_counted_by_the_models_thresholds() {
    // Brightness 0 to 255 in steps of one: logit -5 to 5, p below 0.3 under 4.15, above 0.7 over 5.85.
    let mut run = Run::new(256);
    let summary = run.go();
    let counts =
        [Verdict::Authentic, Verdict::Unsure, Verdict::Synthetic].map(|verdict| summary.opinions[0].count_of(verdict));
    assert_eq!(counts.iter().sum::<u64>(), 256);
    assert_eq!(counts, [106, 44, 106]);
    let mean = summary.opinions[0].mean_probability().expect("there are faces");
    assert!((mean - 0.5).abs() < 1e-3, "{mean}");
}

#[test]
fn a_source_that_breaks_keeps_what_it_gave() {
    let mut run = Run::new(100);
    run.source.broken = Some(30);
    let summary = run.go();
    assert_eq!(failure(&summary), "the source broke at 30");
    assert_eq!(run.recorder.frames(), whole(30));
    assert_eq!(run.recorder.last(), Event::Finish { frames: 30 });
}

#[test]
fn a_classifier_that_breaks_keeps_what_was_scored() {
    let mut run = Run::new(100);
    run.classifiers(|classifier| classifier.fails_at = Some(20));
    let summary = run.go();
    assert_eq!(failure(&summary), "the classifier broke at 20");
    assert_eq!(run.recorder.frames(), whole(20));
    assert_eq!(run.recorder.last(), Event::Finish { frames: 20 });
}

#[test]
fn a_sink_that_breaks_ends_the_run_and_is_finished() {
    let mut run = Run::new(1_000_000);
    run.recorder.fails_at = Some(10);
    let summary = run.go();
    assert_eq!(failure(&summary), "the sink broke at 10");
    assert_eq!(run.recorder.last(), Event::Finish { frames: 10 });
}

#[test]
fn a_stop_drains_what_was_begun() {
    let mut run = Run::new(1_000_000);
    run.classifiers(|classifier| classifier.latency = Duration::from_millis(1));
    let recorder = run.recorder.clone();
    let summary = std::thread::scope(|scope| {
        let stop = &run.stop;
        scope.spawn(move || {
            while recorder.frames().len() < 20 {
                std::thread::sleep(Duration::from_millis(1));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let judge = Judge::new(&contract());
        let stages = Stages {
            workers: run
                .workers
                .iter_mut()
                .map(|(locate, classify)| Worker { locate, models: vec![classify] })
                .collect(),
            detect: DetectEvery::FRAME,
            judges: vec![&judge],
            sinks: &mut [Box::new(run.recorder.clone())],
        };
        pipeline::run(&mut run.source, stages, stop)
    });
    assert!(matches!(summary.ended, Ended::Interrupted));
    let frames = run.recorder.frames();
    assert!(frames.len() >= 20);
    assert_eq!(frames, whole(frames.len() as u64), "no frame is missing before the end");
    assert_eq!(run.recorder.last(), Event::Finish { frames: frames.len() as u64 });
}
