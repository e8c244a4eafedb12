//! In steady state nothing is allocated for a frame in our code.
//!
//! Decoder and networks are left out by mocks. The one library that does allocate is the resampler, for the filter
//! tables of each resize: what that costs is measured first, and the pipeline may cost exactly that and no more.
//!
//! A binary of its own: the allocator that counts is that of a whole process, and other tests would be counted too.

#![expect(unsafe_code, reason = "counting allocations needs an allocator, whose trait is unsafe")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cyborg_edge::BoxError;
use cyborg_edge::capture::{Read, Source, SourceInfo};
use cyborg_edge::classify::classifier::Classify;
use cyborg_edge::classify::experts::{Agreement, Experts};
use cyborg_edge::draw::{Canvas, Overlay};
use cyborg_edge::face::Locate;
use cyborg_edge::face::crop::{CropSquare, Cropper};
use cyborg_edge::face::follow::{DetectEvery, TrackId};
use cyborg_edge::face::quality::Quality;
use cyborg_edge::findings::{FrameView, Sink, Summary};
use cyborg_edge::frame::{Frame, PixelBox};
use cyborg_edge::live::limits::SharedLimits;
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::record::{RecordSettings, Recorded, Recorder};
use cyborg_edge::live::view::{LiveOpinion, ScoredFace, View};
use cyborg_edge::pipeline::{self, Stages, Worker};
use cyborg_edge::sink::csv::CsvSink;
use cyborg_edge::sink::jsonl::{Extent, JsonlSink, ModelRecord, RunRecord};
use cyborg_edge::sink::report::MadeWith;
use cyborg_edge::verdict::experts::{Rule, Voice};
use cyborg_edge::verdict::{Judge, Logits, Score, SyntheticProbability, Verdict};
use cyborg_models::contract::{Calibration, Kind};
use support::model::contract;
use support::stages::{BrightnessClassifier, CountingSource, MiddleFace};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
/// Bytes in use, and the most that there were.
static USED: AtomicI64 = AtomicI64::new(0);
static MOST_USED: AtomicI64 = AtomicI64::new(0);

/// Counts bytes that are taken or, where negative, given back.
fn use_bytes(more: i64) {
    let now = USED.fetch_add(more, Ordering::Relaxed) + more;
    MOST_USED.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        use_bytes(layout.size() as i64);
        // SAFETY: the caller keeps the contract of this very call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        use_bytes(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        use_bytes(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Frames until all buffers have their size.
const WARM_UP: u64 = 100;
/// Frames that are measured.
const MEASURED: u64 = 400;
/// Allocations that a new track may cost.
const NEW_TRACK: u64 = 4;
const SIZE: (usize, usize) = (320, 240);
/// What the meter says before its first mark.
const NOT_BEGUN: u64 = u64::MAX;

/// Writes down the count at the first and the last frame of the measured stretch, and copies where told.
struct Meter {
    begin: u64,
    end: u64,
    copies: bool,
    done: Arc<AtomicU64>,
}

impl Sink for Meter {
    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        if self.copies {
            std::hint::black_box(view.frame.pixels.clone());
        }
        let now = ALLOCATIONS.load(Ordering::Relaxed);
        match view.frame.number {
            WARM_UP => {
                self.begin = now;
                self.done.store(0, Ordering::Release);
            }
            number if number == WARM_UP + MEASURED => self.end = now,
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, _summary: &Summary) -> Result<(), BoxError> {
        self.done.store(self.end - self.begin, Ordering::Relaxed);
        Ok(())
    }
}

/// Gives the first measured frame only when all before it have reached the meter: no work of theirs is measured.
struct Gated {
    source: CountingSource,
    given: u64,
    done: Arc<AtomicU64>,
}

impl Source for Gated {
    fn info(&self) -> &SourceInfo {
        self.source.info()
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        while self.given == WARM_UP + 1 && self.done.load(Ordering::Acquire) == NOT_BEGUN {
            thread::yield_now();
        }
        self.given += 1;
        self.source.read(frame)
    }
}

/// Draws into a picture of its own, as the video sink does.
struct Drawing {
    pixels: Vec<u8>,
    overlay: Overlay,
}

impl Sink for Drawing {
    fn start(&mut self, source: &SourceInfo) -> Result<(), BoxError> {
        self.pixels.resize(source.size.0 * source.size.1 * 3, 0);
        Ok(())
    }

    fn frame(&mut self, view: &FrameView<'_>) -> Result<(), BoxError> {
        self.pixels.copy_from_slice(&view.frame.pixels);
        let canvas = Canvas::new(view.frame.width, view.frame.height, view.frame.width * 3, &mut self.pixels);
        self.overlay.draw(&mut canvas.expect("the sizes fit"), view);
        Ok(())
    }
}

/// So many experts with one verdict.
fn experts(count: usize) -> Box<dyn Classify> {
    let kinds = [Some(Kind::Generated), Some(Kind::Swapped)].into_iter().cycle();
    let rule = Rule { voices: kinds.take(count).map(|kind| Voice { kind, weight: 1.0 }).collect(), bias: [0.0; 3] };
    let agreement = Agreement { rule, calibrations: vec![Calibration::NONE; count] };
    let members = (0..count).map(|_| BrightnessClassifier::new(Duration::ZERO)).collect();
    Box::new(Experts::new(members, agreement))
}

/// Allocations of the pipeline over the measured frames, with so many experts in a set, or one model where that is 1, and so many
/// models beside that.
fn pipeline_allocations(copies: bool, in_set: usize, others: usize) -> u64 {
    allocations_of(CountingSource::new(WARM_UP + MEASURED + 1, SIZE), copies, in_set, others)
}

fn allocations_of(source: CountingSource, copies: bool, in_set: usize, others: usize) -> u64 {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let run = RunRecord {
        tool: "test".into(),
        model: "mock".into(),
        model_sha256: String::new(),
        experts: Vec::new(),
        provider: String::new(),
        detector_provider: String::new(),
        others: vec![ModelRecord::default(); others],
        settings: serde_json::Map::new(),
    };
    let done = Arc::new(AtomicU64::new(NOT_BEGUN));
    let mut sinks: Vec<Box<dyn Sink>> = vec![
        Box::new(CsvSink::create(&folder.path().join("faces.csv"), run.models()).expect("it can be written")),
        Box::new(JsonlSink::create(&folder.path().join("faces.jsonl"), &run, Extent::All).expect("it can be written")),
        Box::new(Drawing { pixels: Vec::new(), overlay: Overlay::default() }),
        Box::new(Meter { begin: 0, end: 0, copies, done: done.clone() }),
    ];
    let judge = Judge::new(&contract());
    let classifier = || BrightnessClassifier::new(Duration::ZERO);
    let mut teams = [(); 2].map(|()| {
        let further: Vec<_> = (0..others).map(|_| classifier()).collect();
        let first = if in_set > 1 { experts(in_set) } else { Box::new(classifier()) };
        (MiddleFace::default(), first, further)
    });
    let workers = teams.iter_mut().map(|(locate, first, others)| {
        let others = others.iter_mut().map(|other| other as &mut dyn Classify);
        Worker { locate, models: std::iter::once(&mut **first as &mut dyn Classify).chain(others).collect() }
    });
    let stages = Stages {
        workers: workers.collect(),
        detect: DetectEvery::FRAME,
        judges: vec![&judge; 1 + others],
        sinks: &mut sinks,
    };
    // No frame follows the measured ones either.
    let mut source = Gated { source, given: 0, done: done.clone() };
    let summary = pipeline::run(&mut source, stages, &AtomicBool::new(false));
    assert_eq!(summary.frames, WARM_UP + MEASURED + 1);
    let rows = fs::read_to_string(folder.path().join("faces.csv")).expect("it was written");
    assert_eq!(rows.lines().count() as u64, summary.frames * (1 + others as u64) + 1);
    done.load(Ordering::Relaxed)
}

/// Allocations of one resize like the mock classifier's.
fn resize_allocations() -> u64 {
    let mut frame = Frame::empty();
    let mut source = CountingSource::new(1, SIZE);
    assert!(matches!(source.read(&mut frame), Ok(Read::Frame)));
    let mut faces = Vec::new();
    MiddleFace::default().locate(&frame, &mut faces).expect("it finds one");
    let bounds = faces[0].bounds;
    let square = CropSquare { left: bounds.left as i64, top: bounds.top as i64, side: bounds.width as usize };
    let mut cropper = Cropper::new();
    let mut crop = vec![0; BrightnessClassifier::SIDE * BrightnessClassifier::SIDE * 3];
    let mut once = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        cropper.cut(&frame, &square, BrightnessClassifier::SIDE, &mut crop).expect("it lies inside");
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    once();
    once()
}

/// Allocations that come once, when a thread first waits on a channel: each of the five channels has two lists of waiting
/// threads, and each of the five threads a place in them. On a busy machine a first wait may come late.
const WAITING: u64 = 15;

/// A session of eight hours that is recorded: two faces a second are scored, of persons who come and go all the time.
fn memory_of_a_long_record() -> i64 {
    const SECONDS: u64 = 8 * 3600;
    let folder = tempfile::tempdir().expect("a folder for the test");
    let run = RunRecord { model: "m".to_owned(), ..RunRecord::default() };
    let before = USED.load(Ordering::Relaxed);
    MOST_USED.store(before, Ordering::Relaxed);
    let limits = Arc::new(SharedLimits::of(&contract()));
    let recorder = Recorder::begin(RecordSettings {
        files: ["a.csv", "a.jsonl", "a.html"].map(|name| folder.path().join(name)).to_vec(),
        made_with: MadeWith { run, contract: contract(), caution: None },
        limits,
        feeds: vec!["a".to_owned()],
    })
    .expect("the files can be made");
    let metrics = Arc::new(LiveMetrics::default());
    let audience = recorder.audience(0, &metrics).expect("there is one source");
    let counts = metrics.record.get().expect("it is counted");
    let begun = Instant::now();
    let bounds = PixelBox { left: 100.0, top: 60.0, width: 80.0, height: 100.0 };
    let square = CropSquare { left: 90, top: 60, side: 100 };
    let quality = Quality { side: 100.0, sharpness: 1.0, yaw: 0.0, roll: 0.0 };
    let mut frame = Frame::empty();
    frame.resize(SIZE.0, SIZE.1);
    let mut view = Arc::new(View { frame, persons: Vec::new() });
    for number in 0..2 * SECONDS {
        // Nobody but the recorder has it, and gives it back once the row is written.
        while counts.written.load(Ordering::Relaxed) < number {
            thread::yield_now();
        }
        let seen = loop {
            match Arc::get_mut(&mut view) {
                Some(view) => break view,
                None => thread::yield_now(),
            }
        };
        seen.frame.number = number;
        seen.frame.captured = begun + Duration::from_millis(500 * number);
        // Ten at a time, for a minute each, more and more certain; every other one is synthetic.
        let track = number / 1200 * 10 + number % 10 + 1;
        let evidence = if track.is_multiple_of(2) { 3.0 } else { -3.0 } + (number % 1200) as f32 / 1200.0;
        let opinion = LiveOpinion {
            probability: SyntheticProbability::of_evidence(evidence),
            verdict: if evidence > 0.0 { Verdict::Synthetic } else { Verdict::Authentic },
            reason: None,
            at_first_sight: false,
            scored: seen.frame.captured,
            map: Arc::from([0.0; 49]),
            map_size: (7, 7),
            square,
        };
        let score = Score::new(square, Logits { authentic: 0.0, synthetic: evidence });
        let (track, age) = (TrackId(track), Duration::from_millis(40));
        audience.scored(&ScoredFace {
            view: &view,
            track,
            bounds,
            score: &score,
            quality: &quality,
            opinion: &opinion,
            age,
        });
    }
    let recorded = recorder.finish(None);
    assert_eq!(recorded, Recorded { written: 2 * SECONDS, dropped: 0, complete: true });
    let report = fs::read_to_string(folder.path().join("a.html")).expect("it was written");
    assert!(report.contains("id=\"frames\"") && report.contains("faces of others"), "twenty of many persons");
    MOST_USED.load(Ordering::Relaxed) - before
}

// One test, so that no other thread of this program allocates while it counts.
#[test]
fn a_frame_costs_no_allocation_but_the_resamplers_tables() {
    let most = memory_of_a_long_record();
    assert!(most < 50 << 20, "the record of eight hours took {} KiB", most >> 10);
    let tables = resize_allocations();
    let found = pipeline_allocations(false, 1, 0);
    let fewest = MEASURED * tables;
    // The brightness of the mock frames falls from white to black once, which is a cut: one track begins.
    let most = MEASURED * tables + NEW_TRACK + WAITING;
    assert!((fewest..=most).contains(&found), "{found} allocations over {MEASURED} frames, {tables} a resize");
    // A second model cuts its own crops, and costs nothing else.
    let found = pipeline_allocations(false, 1, 1);
    let twice = 2 * (MEASURED * tables + NEW_TRACK) + WAITING;
    assert!((2 * fewest..=twice).contains(&found), "{found} allocations over {MEASURED} frames with two models");
    // So does the second expert of a set.
    let found = pipeline_allocations(false, 2, 0);
    let most = 2 * MEASURED * tables + NEW_TRACK + WAITING;
    assert!((2 * fewest..=most).contains(&found), "{found} allocations over {MEASURED} frames with two experts");
    // A picture that comes four times is cut once, and its repetitions cost nothing.
    let mut source = CountingSource::new(WARM_UP + MEASURED + 1, SIZE);
    source.times = 4;
    let found = allocations_of(source, false, 1, 0);
    let most = MEASURED / 4 * tables + NEW_TRACK + WAITING;
    assert!((fewest / 4..=most).contains(&found), "{found} allocations over {MEASURED} frames, four of each picture");
    // The meter itself must see a single copy a frame.
    let copied = pipeline_allocations(true, 1, 0);
    assert!(copied >= fewest + MEASURED, "a copy of each frame went unseen: {copied}");
}
