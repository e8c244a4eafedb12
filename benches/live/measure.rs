//! A live run whose stages are measured: when each verdict stood and each picture was shown, and how old they were.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use cyborg_edge::BoxError;
use cyborg_edge::capture::Open;
use cyborg_edge::classify::classifier::{ActivationMaps, Classifier, Classify, Seen};
use cyborg_edge::clock::Clock;
use cyborg_edge::face::Locate;
use cyborg_edge::face::detector::{Detector, DetectorName, DetectorSettings};
use cyborg_edge::face::follow::DetectEvery;
use cyborg_edge::frame::Frame;
use cyborg_edge::inference::provider::{Asked, Provider};
use cyborg_edge::inference::runtime::Runtime;
use cyborg_edge::inference::session::SessionSettings;
use cyborg_edge::live::backoff::BackOff;
use cyborg_edge::live::limits::SharedLimits;
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::view::{Audience, SourceState, View};
use cyborg_edge::live::watch::{Feed, KeepSettings, LiveStages};
use cyborg_edge::verdict::Judge;

use crate::camera::clock;
use crate::pictures::{Pictures, SIZE, mark};

/// What comes in the first moments is not counted: networks take longer the first times.
const WARM_UP: Duration = Duration::from_secs(2);
/// Turns in which a stage is measured alone.
const TURNS: usize = 60;

/// Ages, from the least on.
#[derive(Debug)]
pub(crate) struct Ages(Vec<Duration>);

impl FromIterator<Duration> for Ages {
    fn from_iter<I: IntoIterator<Item = Duration>>(ages: I) -> Self {
        let mut ages: Vec<Duration> = ages.into_iter().collect();
        ages.sort_unstable();
        Self(ages)
    }
}

impl Ages {
    /// The age that this share is not above; zero where there is none.
    pub(crate) fn at(&self, share: f64) -> Duration {
        let index = (self.0.len() as f64 * share) as usize;
        self.0.get(index.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// The networks of `cyborg live`, opened as it opens them.
pub(crate) struct Networks {
    detector: Detector,
    classifier: Classifier,
}

/// What a run came to.
pub(crate) struct Measured {
    /// Ages of frames when their verdict stood, from capture.
    pub(crate) verdicts: Ages,
    /// Ages of frames when they were shown, from capture.
    pub(crate) pictures: Ages,
    /// The marks of pictures that were judged, and when.
    pub(crate) judged: Vec<(usize, Duration)>,
}

impl Networks {
    pub(crate) fn open(threads: Option<NonZeroUsize>) -> anyhow::Result<Self> {
        let runtime = Runtime::load()?;
        let threads = threads.unwrap_or(NonZeroUsize::MIN);
        let session = SessionSettings { provider: Asked::Named(Provider::CPU), threads };
        let detector = Detector::open(&runtime, &DetectorName::default(), DetectorSettings::of_side(320), session)?;
        Ok(Self { detector, classifier: Classifier::open(&runtime, None, session)? })
    }

    /// Median times of finding and classifying a frame's face, with nothing else at work.
    pub(crate) fn alone(&mut self, pictures: &Pictures) -> anyhow::Result<[Duration; 2]> {
        let (mut frame, mut faces) = (Frame::empty(), Vec::new());
        let (mut scores, mut maps) = (Vec::new(), ActivationMaps::default());
        let (mut detect, mut classify) = (Vec::new(), Vec::new());
        (frame.width, frame.height) = SIZE;
        for turn in 0..TURNS {
            pictures.draw(turn, &mut frame.pixels);
            let begun = Instant::now();
            self.detector.locate(&frame, &mut faces).map_err(anyhow::Error::from_boxed)?;
            detect.push(begun.elapsed());
            ensure!(!faces.is_empty(), "no face was found in picture {turn}");
            let begun = Instant::now();
            self.classifier
                .classify_frame(&frame, &faces[..1], &mut scores, &mut maps)
                .map_err(anyhow::Error::from_boxed)?;
            classify.push(begun.elapsed());
        }
        Ok([detect, classify].map(|times| times.into_iter().collect::<Ages>().at(0.5)))
    }
}

/// The classifier, as much slower as is asked, with a note of each verdict.
struct Noting<'a> {
    classifier: &'a mut Classifier,
    slower: u32,
    begun: Instant,
    ages: Vec<Duration>,
    judged: Vec<(usize, Duration)>,
}

impl Classify for Noting<'_> {
    fn classify(&mut self, seen: &mut [Seen<'_>]) -> Result<(), BoxError> {
        let begun = Instant::now();
        self.classifier.classify(seen)?;
        // Asleep and not at work: the processors are left to the others, as where the network runs elsewhere.
        thread::sleep(begun.elapsed() * (self.slower - 1));
        if self.begun.elapsed() >= WARM_UP {
            for seen in seen.iter() {
                self.ages.push(seen.frame.captured.elapsed());
                self.judged.push((mark(seen.frame), clock()));
            }
        }
        Ok(())
    }

    fn faces_at_once(&self) -> usize {
        self.classifier.faces_at_once()
    }
}

/// Notes how old pictures are.
struct Watcher {
    begun: Instant,
    ages: Mutex<Vec<Duration>>,
}

impl Audience for Watcher {
    fn show(&self, view: Arc<View>) {
        if self.begun.elapsed() >= WARM_UP {
            self.ages.lock().unwrap_or_else(PoisonError::into_inner).push(view.frame.captured.elapsed());
        }
    }

    fn source(&self, _: SourceState) {}
}

/// Watches a source for `time`, after a warm-up.
pub(crate) fn live(
    networks: &mut Networks,
    opener: Arc<dyn Open>,
    slower: u32,
    time: Duration,
) -> anyhow::Result<Measured> {
    let contract = networks.classifier.contract().clone();
    let begun = Instant::now();
    let mut classifier =
        Noting { classifier: &mut networks.classifier, slower, begun, ages: Vec::new(), judged: Vec::new() };
    let watcher = Watcher { begun, ages: Mutex::new(Vec::new()) };
    let (metrics, stop) = (Arc::new(LiveMetrics::default()), AtomicBool::new(false));
    let backoff = BackOff { first: Duration::from_millis(500), most: Duration::from_secs(10) };
    let patience = Duration::from_secs(15);
    let keep = KeepSettings { stall: patience, opening: patience, backoff, steady: patience };
    thread::scope(|scope| {
        let feed = Feed {
            opener,
            detector: Box::new(&mut networks.detector),
            audience: Arc::new(&watcher),
            metrics: Arc::clone(&metrics),
            keep,
            rejoins: false,
            leaves: Arc::default(),
        };
        let failure = Mutex::new(None);
        let failed = |_: usize, error| *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        let stages = LiveStages {
            feeds: vec![feed],
            joining: None,
            detect: DetectEvery(NonZeroU32::MIN),
            classifier: &mut classifier,
            judge: &Judge::new(&contract),
            first_sight: None,
            limits: Arc::new(SharedLimits::of(&contract)),
            clock: Clock::machine(),
            failed: &failed,
        };
        scope.spawn(|| {
            thread::sleep(WARM_UP + time);
            stop.store(true, Ordering::Relaxed);
        });
        cyborg_edge::live::watch(stages, &stop)?;
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    })
    .map_err(anyhow::Error::from_boxed)?;
    let (ages, judged) = (std::mem::take(&mut classifier.ages), std::mem::take(&mut classifier.judged));
    ensure!(!judged.is_empty(), "nothing was judged in {time:?}: {:?}", metrics.counts());
    let pictures = watcher.ages.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Measured { verdicts: ages.into_iter().collect(), pictures: pictures.into_iter().collect(), judged })
}
