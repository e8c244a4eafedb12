//! The pipeline: no frame is lost, order is kept, and it ends in good order whatever stops it.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cyborg_edge::capture::SourceInfo;
use cyborg_edge::pipeline::{self, Ended, Stages, Summary};
use cyborg_edge::sink::{FrameView, Sink};
use cyborg_edge::verdict::{Judge, Verdict};
use support::model::contract;
use support::stages::{BrightnessClassifier, CountingSource, MiddleFace};

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
    fn start(&mut self, _source: &SourceInfo) -> anyhow::Result<()> {
        self.note(Event::Start);
        Ok(())
    }

    fn frame(&mut self, view: &FrameView<'_>) -> anyhow::Result<()> {
        anyhow::ensure!(self.fails_at != Some(view.frame.number), "the sink broke at {}", view.frame.number);
        std::thread::sleep(self.latency);
        assert_eq!(view.faces.len(), view.scores.len(), "faces and scores run in step");
        assert_eq!(view.faces.len(), view.judgements.len(), "faces and judgements run in step");
        self.note(Event::Frame {
            number: view.frame.number,
            micros: view.frame.time.0,
            faces: view.faces.len(),
            brightness: view.frame.pixels[0],
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> anyhow::Result<()> {
        self.note(Event::Finish { frames: summary.frames });
        Ok(())
    }
}

struct Run {
    source: CountingSource,
    face: MiddleFace,
    classifier: BrightnessClassifier,
    recorder: Recorder,
    stop: AtomicBool,
}

impl Run {
    fn new(frames: u64) -> Self {
        Self {
            source: CountingSource::new(frames, (64, 48)),
            face: MiddleFace { blank: None },
            classifier: BrightnessClassifier::new(Duration::ZERO),
            recorder: Recorder::default(),
            stop: AtomicBool::new(false),
        }
    }

    fn go(&mut self) -> Summary {
        let stages = Stages {
            locate: &mut self.face,
            classify: &mut self.classifier,
            judge: &Judge::new(&contract()),
            others: &mut [],
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
    let count = if std::env::var_os("CYBORG_LONG_TESTS").is_some() { 108_000 } else { 500 };
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
    let mut run = Run::new(60);
    run.classifier.latency = Duration::from_millis(3);
    run.go();
    assert_eq!(run.recorder.frames(), whole(60));
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
    run.face.blank = Some(4);
    let summary = run.go();
    assert_eq!((summary.frames, summary.frames_without_face, summary.faces), (40, 10, 30));
}

#[test]
fn verdicts_are_counted_by_the_models_thresholds() {
    // Brightness 0 to 255 in steps of one: logit -5 to 5, p below 0.3 under 4.15, above 0.7 over 5.85.
    let mut run = Run::new(256);
    let summary = run.go();
    let counts = [Verdict::Authentic, Verdict::Unsure, Verdict::Synthetic].map(|verdict| summary.count_of(verdict));
    assert_eq!(counts.iter().sum::<u64>(), 256);
    assert_eq!(counts, [106, 44, 106]);
    let mean = summary.mean_probability().expect("there are faces");
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
    run.classifier.fails_at = Some(20);
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
    run.classifier.latency = Duration::from_millis(1);
    let recorder = run.recorder.clone();
    let summary = std::thread::scope(|scope| {
        let stop = &run.stop;
        scope.spawn(move || {
            while recorder.frames().len() < 20 {
                std::thread::sleep(Duration::from_millis(1));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let stages = Stages {
            locate: &mut run.face,
            classify: &mut run.classifier,
            judge: &Judge::new(&contract()),
            others: &mut [],
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
