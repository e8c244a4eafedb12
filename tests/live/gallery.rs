//! A call with 25 people: everybody is found and gets a verdict in time, and keeps the number when the tiles are arranged anew.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cyborg_edge::BoxError;
use cyborg_edge::capture::{AtEnd, Open, Opened, Read, Source, SourceInfo};
use cyborg_edge::classify::classifier::Classifier;
use cyborg_edge::clock::Clock;
use cyborg_edge::face::adaptive::{Adaptive, MOST_SIDE, SMALLEST};
use cyborg_edge::face::detector::{Detector, DetectorName, DetectorSettings};
use cyborg_edge::face::follow::{DetectEvery, TrackId};
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
use cyborg_edge::verdict::reason::Reason;

use crate::support::alone::alone;
use crate::support::gallery::{PEOPLE, People, SIZE, order, paint, tile_of};

/// From one picture to the next, by the source's time.
const LOOK: Duration = Duration::from_millis(100);
/// Faces that are scored between two pictures, at least: 6 ms a face. However busy the machine is, the source waits for them.
const SCORED: u64 = 16;
/// A verdict is to be there by this picture: three seconds after the first.
const IN_TIME: usize = 30;
/// Pictures after the tiles were arranged anew.
const AFTER: usize = 5;
/// A thread that never comes is no reason to wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);
/// The source's time goes by its pictures: by the wall it may be silent for long.
const NEVER: Duration = Duration::from_secs(86_400);

/// In which picture the tiles were arranged anew, and who was seen in each.
#[derive(Default)]
struct Seen {
    /// For each picture the tracks in the tiles, and whether there is a verdict on them.
    pictures: Vec<BTreeMap<usize, (TrackId, bool)>>,
    anew: Option<usize>,
}

impl Seen {
    /// How many people have a verdict in the newest picture.
    fn decided(&self) -> usize {
        self.pictures.last().map_or(0, |tiles| tiles.values().filter(|(_, decided)| *decided).count())
    }
}

/// The call as a source.
struct Call {
    info: SourceInfo,
    people: Arc<People>,
    seen: Arc<Mutex<Seen>>,
    metrics: Arc<LiveMetrics>,
    begun: Instant,
    pictures: usize,
    scored: u64,
}

impl Call {
    fn wait_until(&self, done: impl Fn(&LiveMetrics) -> bool) {
        let begun = Instant::now();
        while !done(&self.metrics) && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Source for Call {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Read, BoxError> {
        let number = self.pictures;
        self.wait_until(|metrics| metrics.shown.load(Ordering::Acquire) >= number as u64);
        let mut seen = self.seen.lock().expect("no test thread panics here");
        let faces = seen.pictures.last().map_or(0, BTreeMap::len) as u64;
        if seen.anew.is_none() && (seen.decided() == PEOPLE || number > IN_TIME) {
            seen.anew = Some(number);
        }
        let anew = seen.anew;
        drop(seen);
        self.wait_until(|metrics| metrics.scored.load(Ordering::Acquire) >= self.scored + SCORED.min(faces));
        self.scored = self.metrics.scored.load(Ordering::Acquire);
        if anew.is_some_and(|anew| number >= anew + AFTER) {
            return Ok(Read::End);
        }
        paint(&self.people, &order(anew.is_some()), number, frame);
        frame.number = number as u64;
        frame.captured = self.begun + LOOK * number as u32;
        self.pictures += 1;
        Ok(Read::Frame)
    }
}

/// Opens the call, once; the run ends where it is lost.
struct Caller {
    call: Mutex<Option<Call>>,
    stop: Arc<AtomicBool>,
}

impl Open for Caller {
    fn open(&self) -> Result<Opened, BoxError> {
        let call = self.call.lock().expect("no test thread panics here").take();
        let Some(call) = call else {
            self.stop.store(true, Ordering::SeqCst);
            return Err("the call is over".into());
        };
        Ok(Opened { source: Box::new(call), differs: None, at_end: AtEnd::Finish })
    }
}

/// Writes down who is where.
struct Witness(Arc<Mutex<Seen>>);

impl Audience for Witness {
    fn show(&self, view: Arc<View>) {
        let tiles = view.persons.iter().filter_map(|person| {
            let decided = person.decided().is_some_and(|opinion| opinion.reason != Some(Reason::TooFewFrames));
            Some((tile_of(&person.bounds)?, (person.track, decided)))
        });
        self.0.lock().expect("no test thread panics here").pictures.push(tiles.collect());
    }

    fn source(&self, _state: SourceState) {}
}

/// Watches the call with a detector.
fn watch(detector: &str) -> Seen {
    let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
    let session = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
    let settings = DetectorSettings::of_side(MOST_SIDE);
    let detector = Detector::open(&runtime, &DetectorName::of(detector.into()), settings, session);
    let detector = Adaptive::new(detector.expect("set-up fetched it"), SMALLEST);
    let mut classifier = Classifier::open(&runtime, None, session).expect("it is part of the program");
    let (judge, limits) = (Judge::new(classifier.contract()), SharedLimits::of(classifier.contract()));
    let (seen, metrics) = (Arc::<Mutex<Seen>>::default(), Arc::<LiveMetrics>::default());
    let call = Call {
        info: SourceInfo { name: "a call".into(), size: SIZE, rate: Some(10.0), claimed_frames: None },
        people: Arc::new(People::fetch()),
        seen: Arc::clone(&seen),
        metrics: Arc::clone(&metrics),
        begun: Instant::now(),
        pictures: 0,
        scored: 0,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let backoff = BackOff { first: Duration::from_millis(10), most: Duration::from_millis(40) };
    let witness = Witness(Arc::clone(&seen));
    let feed = Feed {
        opener: Arc::new(Caller { call: Mutex::new(Some(call)), stop: Arc::clone(&stop) }),
        detector: Box::new(detector),
        audience: Arc::new(witness),
        metrics,
        keep: KeepSettings { stall: NEVER, opening: NEVER, backoff, steady: NEVER },
        rejoins: true,
        leaves: Arc::default(),
    };
    let failure = Mutex::new(None);
    let stages = LiveStages {
        feeds: vec![feed],
        joining: None,
        detect: DetectEvery::FRAME,
        classifier: &mut classifier,
        judge: &judge,
        first_sight: None,
        limits: Arc::new(limits),
        clock: Clock::machine(),
        failed: &|_, error| *failure.lock().expect("no test thread panics here") = Some(error.to_string()),
    };
    cyborg_edge::live::watch(stages, &stop).expect("nothing fails");
    assert_eq!(failure.into_inner().expect("no test thread panics here"), None, "the detector failed");
    std::mem::take(&mut *seen.lock().expect("no test thread panics here"))
}

fn check(detector: &str) {
    let _alone = alone();
    let seen = watch(detector);
    let anew = seen.anew.expect("the tiles were arranged anew");
    let (before, after) = (&seen.pictures[anew - 1], seen.pictures.last().expect("there are some"));
    let decided = seen.pictures[..anew].iter().map(|tiles| tiles.values().filter(|(_, decided)| *decided).count());
    let decided: Vec<usize> = decided.collect();
    // A person's number is one for the whole time before: who was followed has the verdict on a number.
    assert!(decided.iter().any(|&count| count >= 24), "verdicts on {decided:?} people, picture by picture");
    assert!(anew <= IN_TIME + 1);
    let first = seen.pictures[..anew].iter().flat_map(|tiles| tiles.values().map(|(track, _)| track.0)).max();
    assert!(first <= Some(PEOPLE as u64 + 2), "{first:?} numbers for {PEOPLE} people");

    let number = |tiles: &BTreeMap<usize, (TrackId, bool)>, order: &[usize], person| {
        let tile = order.iter().position(|&there| there == person)?;
        tiles.get(&tile).map(|(track, _)| *track)
    };
    let (mut kept, mut taken) = (0, Vec::new());
    for person in 0..PEOPLE {
        let (old, new) = (number(before, &order(false), person), number(after, &order(true), person));
        kept += usize::from(old.is_some() && old == new);
        let anothers = |new: TrackId| {
            (0..PEOPLE).any(|other| other != person && number(before, &order(false), other) == Some(new))
        };
        taken.extend(new.filter(|&new| anothers(new)));
    }
    assert!(taken.is_empty(), "{taken:?} are another's numbers");
    assert!(kept * 10 >= PEOPLE * 9, "{kept} of {PEOPLE} kept their numbers: {before:?} and {after:?}");
}

#[test]
fn twenty_five_people_are_found_judged_in_time_and_known_again() {
    check("centerface");
}

#[test]
fn so_they_are_by_the_quicker_detector() {
    check("yunet");
}
