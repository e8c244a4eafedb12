//! A page whose sources show what a test wants: who is there, what is said of them, and how the source is.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cyborg_edge::face::crop::CropSquare;
use cyborg_edge::face::follow::TrackId;
use cyborg_edge::frame::{Frame, PixelBox, PresentationTime};
use cyborg_edge::live::metrics::LiveMetrics;
use cyborg_edge::live::page::{Facts, Feed, FeedFacts, FeedKind, Limits, Page, PageSettings, Served, SharedLimits};
use cyborg_edge::live::view::{Audience, LiveOpinion, Person, SourceState, View};
use cyborg_edge::verdict::reason::Reason;
use cyborg_edge::verdict::{SyntheticProbability, Verdict};
use image::imageops::{self, FilterType};

use super::broadcast::{SIZE, photo};

/// Pictures a second.
const RATE: u64 = 10;
/// Where the face is in the photo.
const FACE: PixelBox = PixelBox { left: 222.0, top: 62.0, width: 118.0, height: 158.0 };
/// Tiles along a side of a gallery.
const TILES: usize = 5;
/// Width and height of a gallery.
pub(crate) const GALLERY: (usize, usize) = (1280, 720);

/// What a source shows, until it shows another.
#[derive(Clone)]
pub(crate) struct Scene {
    pub source: SourceState,
    pub said: Vec<Said>,
    /// As tiles of a gallery, each with a face, in place of one photo.
    pub gallery: bool,
}

/// What is said of a person.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub track: u64,
    /// The verdict, a word on it, and p(synthetic); absent while nothing is said.
    pub verdict: Option<(Verdict, Option<Reason>, f32)>,
}

pub(crate) const fn said(track: u64, verdict: Verdict, reason: Option<Reason>, probability: f32) -> Said {
    Said { track, verdict: Some((verdict, reason, probability)) }
}

impl Scene {
    pub(crate) fn of(said: &[Said]) -> Self {
        let size = if said.len() > 1 { GALLERY } else { SIZE };
        let source = SourceState::Playing { size, rate: Some(RATE as f64), differs: None };
        Self { source, said: said.to_vec(), gallery: said.len() > 1 }
    }

    /// A source in another state, whose last picture stays.
    pub(crate) fn away(source: SourceState) -> Self {
        Self { source, said: Vec::new(), gallery: false }
    }
}

/// A page that shows scenes.
pub(crate) struct Staged {
    pub served: Served,
    scenes: Arc<Mutex<Vec<Scene>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Staged {
    /// A page of sources that show nobody yet: name, kind, and whether they are shown whole.
    pub(crate) fn start(sources: &[(&str, FeedKind, bool)], record: Option<&str>) -> Self {
        let metrics = || Arc::new(LiveMetrics::default());
        let facts = |&(name, kind, whole): &(&str, FeedKind, bool)| FeedFacts { name: name.to_owned(), kind, whole };
        let feeds: Vec<_> = sources.iter().map(|source| Arc::new(Feed::new(facts(source), metrics()))).collect();
        let thresholds = Limits { authentic_below: 0.3, synthetic_above: 0.7 };
        let settings =
            PageSettings { listen: SocketAddr::from(([127, 0, 0, 1], 0)), token: None, tls: None, names: Vec::new() };
        let facts = Facts {
            tool: "cyborg 9.9.9".into(),
            model: "accurate".into(),
            provider: "asked auto, got cpu".into(),
            thresholds,
            record: record.map(str::to_owned),
        };
        let page = Arc::new(Page::new(feeds.clone()));
        let served = page.serve(settings, facts, Arc::new(SharedLimits::new(thresholds))).expect("a free port");
        let scenes = Arc::new(Mutex::new(vec![Scene::of(&[]); feeds.len()]));
        let end = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (scenes, end) = (Arc::clone(&scenes), Arc::clone(&end));
            move || play(&feeds, &scenes, &end)
        });
        Self { served, scenes, end, thread: Some(thread) }
    }

    /// Changes what a source shows.
    pub(crate) fn show(&self, feed: usize, scene: Scene) {
        self.scenes.lock().unwrap_or_else(PoisonError::into_inner)[feed] = scene;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the publisher doesn't panic");
        }
    }
}

fn play(feeds: &[Arc<Feed>], scenes: &Mutex<Vec<Scene>>, end: &AtomicBool) {
    let mut told = vec![SourceState::Starting; feeds.len()];
    let mut number = 0;
    while !end.load(Ordering::Relaxed) {
        let now = scenes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((feed, scene), told) in feeds.iter().zip(now).zip(&mut told) {
            if *told != scene.source {
                feed.source(scene.source.clone());
                told.clone_from(&scene.source);
            }
            if matches!(scene.source, SourceState::Playing { .. }) {
                feed.show(Arc::new(view(&scene, number)));
            }
        }
        number += 1;
        std::thread::sleep(Duration::from_millis(1000 / RATE));
    }
}

static PICTURES: OnceLock<[image::RgbImage; 2]> = OnceLock::new();

/// The photo, and a gallery of it.
fn pictures() -> &'static [image::RgbImage; 2] {
    PICTURES.get_or_init(|| {
        let single = imageops::crop_imm(photo(), 0, 20, SIZE.0 as u32, SIZE.1 as u32).to_image();
        let (width, height) = ((GALLERY.0 / TILES) as u32, (GALLERY.1 / TILES) as u32);
        let tile = imageops::resize(&single, width, height, FilterType::Triangle);
        let mut gallery = image::RgbImage::new(GALLERY.0 as u32, GALLERY.1 as u32);
        imageops::tile(&mut gallery, &tile);
        [single, gallery]
    })
}

fn view(scene: &Scene, number: u64) -> View {
    let picture = &pictures()[usize::from(scene.gallery)];
    let mut frame = Frame::empty();
    frame.resize(picture.width() as usize, picture.height() as usize);
    frame.pixels.copy_from_slice(picture.as_raw());
    frame.number = number;
    frame.time = PresentationTime((number * 1_000_000 / RATE) as i64);
    frame.captured = Instant::now();
    let persons = scene.said.iter().enumerate().map(|(place, said)| person(scene, place, said, number)).collect();
    View { frame, persons }
}

fn person(scene: &Scene, place: usize, said: &Said, number: u64) -> Person {
    let bounds = if scene.gallery {
        let scale = (GALLERY.0 / TILES) as f32 / SIZE.0 as f32;
        let (column, row) = ((place % TILES) as f32, (place / TILES) as f32);
        let face = FACE.scaled(scale, scale);
        let (left, top) = (column * SIZE.0 as f32 * scale + face.left, row * (GALLERY.1 / TILES) as f32 + face.top);
        PixelBox { left, top, ..face }
    } else {
        FACE
    };
    let side = bounds.height * 1.3;
    let opinion = said.verdict.map(|(verdict, reason, probability)| {
        // It wavers a little, as scores do.
        let wave = 0.15 * (number as f32 / 5.0 + said.track as f32).sin();
        LiveOpinion {
            probability: SyntheticProbability::of_evidence((probability / (1.0 - probability)).ln() + wave),
            verdict,
            reason,
            at_first_sight: false,
            scored: Instant::now(),
            map: Arc::from((0..49).map(|cell| if cell == 24 { 1.0 } else { cell as f32 / 100.0 }).collect::<Vec<_>>()),
            map_size: (7, 7),
            square: CropSquare {
                left: (bounds.left + (bounds.width - side) / 2.0) as i64,
                top: (bounds.top + (bounds.height - side) / 2.0) as i64,
                side: side as usize,
            },
        }
    });
    Person { track: TrackId(said.track), bounds, opinion }
}
