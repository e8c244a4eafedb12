//! The runs of `cyborg bench`: detector and classifier apart and together, on made-up frames, each for a set time.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::table::Part;
use super::timing::Figures;
use crate::BoxError;
use crate::classify::classifier::{ActivationMaps, Classifier, Classify};
use crate::classify::named::ModelName;
use crate::cli::cure;
use crate::face::detector::{Detector, DetectorName, DetectorSettings};
use crate::face::{Face, Locate};
use crate::frame::{Frame, PixelBox, PixelPoint};
use crate::inference::runtime::Runtime;
use crate::inference::session::SessionSettings;
use crate::verdict::Score;

/// Runs before the clock starts: the first ones find memory and fill caches.
const WARM_UP: usize = 2;
/// Fewer runs than this say nothing, however slow they are.
const FEWEST: usize = 3;

/// What is opened and measured.
pub(super) struct Subject<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) model: &'a ModelName,
    pub(super) detector: &'a DetectorName,
    pub(super) detector_settings: DetectorSettings,
    /// How long each setting is measured.
    pub(super) time: Duration,
    pub(super) stop: &'a AtomicBool,
}

impl Subject<'_> {
    pub(super) fn classifier(&self, settings: SessionSettings) -> anyhow::Result<Classifier> {
        Ok(Classifier::of(self.runtime, &self.model.classifier()?, settings)?)
    }

    fn detector(&self, settings: SessionSettings) -> anyhow::Result<Detector> {
        Ok(Detector::open(self.runtime, self.detector, self.detector_settings, settings)?)
    }

    /// Crop and classifier alone, in runs of `batch` faces; `None` when it was stopped early, or an accelerator was not
    /// prepared for such a batch.
    pub(super) fn classify(&self, classifier: &mut Classifier, batch: NonZeroUsize) -> anyhow::Result<Option<Figures>> {
        let given = classifier.set_largest_batch(batch);
        let batch = batch.get();
        if given < batch {
            return Ok(None);
        }
        let (frame, mut work) = (frame(), Work::new(batch));
        self.series(batch, || classifier.classify_frame(&frame, &work.faces, &mut work.scores, &mut work.maps))
    }

    /// The detector alone.
    pub(super) fn locate(&self, settings: SessionSettings) -> anyhow::Result<Option<Figures>> {
        let (frame, mut found, mut detector) = (frame(), Vec::new(), self.detector(settings)?);
        self.series(1, || detector.locate(&frame, &mut found))
    }

    /// Both on frames with one face. For [`Part::Teams`] `teams` of them work at the same time.
    pub(super) fn together(
        &self,
        part: Part,
        settings: SessionSettings,
        teams: NonZeroUsize,
    ) -> anyhow::Result<Option<Figures>> {
        match part {
            Part::Teams => self.teams(settings, teams.get()),
            _ => self.teams(settings, 1),
        }
    }

    fn teams(&self, settings: SessionSettings, count: usize) -> anyhow::Result<Option<Figures>> {
        let mut teams = Vec::with_capacity(count);
        for _ in 0..count {
            teams.push((self.detector(settings)?, self.classifier(settings)?));
        }
        let each: anyhow::Result<Vec<Option<Figures>>> = thread::scope(|scope| {
            let threads: Vec<_> = teams
                .into_iter()
                .map(|(mut detector, mut classifier)| {
                    scope.spawn(move || {
                        let (frame, mut found, mut work) = (frame(), Vec::new(), Work::new(1));
                        self.series(1, || {
                            detector.locate(&frame, &mut found)?;
                            classifier.classify_frame(&frame, &work.faces, &mut work.scores, &mut work.maps)
                        })
                    })
                })
                .collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a team's thread ended early")))
            };
            threads.into_iter().map(join).collect()
        });
        let each: Option<Vec<Figures>> = each?.into_iter().collect();
        // Rates add up; of the latencies the worst team's are told.
        Ok(each.and_then(|each| {
            each.into_iter().reduce(|a, b| Figures {
                per_second: a.per_second + b.per_second,
                p50_ms: a.p50_ms.max(b.p50_ms),
                p95_ms: a.p95_ms.max(b.p95_ms),
                p99_ms: a.p99_ms.max(b.p99_ms),
                runs: a.runs + b.runs,
            })
        }))
    }

    /// Runs `work` of `items` each until the time is over; `None` when it was stopped before it had enough.
    fn series(&self, items: usize, mut work: impl FnMut() -> Result<(), BoxError>) -> anyhow::Result<Option<Figures>> {
        let mut work = || work().map_err(cure::unboxed);
        for _ in 0..WARM_UP {
            work()?;
        }
        let mut runs = Vec::new();
        let start = Instant::now();
        while start.elapsed() < self.time || runs.len() < FEWEST {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let run = Instant::now();
            work()?;
            runs.push(run.elapsed());
        }
        Ok(Figures::of(&runs, items, start.elapsed()))
    }
}

/// Faces, and what is found out about them.
struct Work {
    faces: Vec<Face>,
    scores: Vec<Score>,
    maps: ActivationMaps,
}

impl Work {
    fn new(faces: usize) -> Self {
        let face = |index: usize| {
            let bounds = PixelBox { left: 20.0 + 37.0 * (index % 12) as f32, top: 30.0, width: 120.0, height: 150.0 };
            Face { bounds, landmarks: [PixelPoint::default(); 5], confidence: 1.0 }
        };
        Self { faces: (0..faces).map(face).collect(), scores: Vec::new(), maps: ActivationMaps::default() }
    }
}

/// A made-up frame of 640x360 pixels. What it shows makes no difference to the time that a network takes.
fn frame() -> Frame {
    let mut frame = Frame::empty();
    frame.resize(640, 360);
    for (place, pixel) in frame.pixels.chunks_exact_mut(3).enumerate() {
        let (row, column) = (place / 640, place % 640);
        pixel.copy_from_slice(&[(row * column / 97) as u8, (row + column) as u8, (column / 3) as u8]);
    }
    frame
}
