//! The record of a live session: the tables and the report that `cyborg video` writes, made while it happens.
//!
//! A row is a face that was scored, in the frame in which it was, with what was said of the person then. Faces of frames that
//! nobody had the time to score have none, and what a quicker model says at first sight is not recorded. Times count from the
//! beginning of the run.
//!
//! [`Recorder`] has an [`Audience`] for each source, and one thread that writes. What has no room is dropped and counted: the
//! picture never waits for a disk. Memory is bounded, however long it takes (`book`).

mod book;
mod consent;
mod files;
mod row;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::limits::{SharedLimits, ThresholdSwitch as _};
use super::metrics::{LiveMetrics, RecordCounts};
use super::view::{Audience, ScoredFace, SourceState, View};
use crate::sink::report::MadeWith;
use crate::verdict::Judge;
use book::{Book, FrameNumbers, since};
use files::Files;
use row::{Change, Picture, Row};

pub use consent::consent;
pub use files::{RecordKind, files_of};

/// Rows that wait for the disk, at most: those of minutes.
const ROOM: usize = 4096;
/// Pictures that wait, at most: each holds the memory of a frame.
const PICTURES: usize = 4;
/// How often the thread looks whether the run is over.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long completing the files may take: a report is written at the end, perhaps on a busy machine.
const FAREWELL: Duration = Duration::from_secs(15);

/// What is recorded, and where.
#[derive(Clone, Debug)]
pub struct RecordSettings {
    /// The files, whose endings say what they are: see [`RecordKind`].
    pub files: Vec<PathBuf>,
    /// The model, and what it is run with.
    pub made_with: MadeWith,
    /// The thresholds in use.
    pub limits: Arc<SharedLimits>,
    /// The names of the sources, without their secrets, in the order of their numbers.
    pub feeds: Vec<String>,
}

/// Records a session.
#[derive(Debug)]
pub struct Recorder {
    send: Sender<(usize, Item)>,
    shared: Arc<Shared>,
    feeds: Vec<Arc<Feed>>,
    pictured: bool,
    thread: JoinHandle<()>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Scored faces that are in all files.
    pub written: u64,
    /// Those that had no room, or could not be written.
    pub dropped: u64,
    /// Whether all files were completed in time.
    pub complete: bool,
}

#[derive(Debug)]
struct Shared {
    closing: AtomicBool,
    /// Whether all files were completed.
    complete: AtomicBool,
    /// Why the run ended, where it failed.
    failure: OnceLock<String>,
    /// Pictures that wait.
    pictures: Arc<AtomicUsize>,
}

/// What is counted of a source.
#[derive(Debug, Default)]
struct Feed {
    counts: Arc<RecordCounts>,
    shown: AtomicU64,
    without_face: AtomicU64,
    patched: AtomicU64,
    /// Set with the audience.
    metrics: OnceLock<Arc<LiveMetrics>>,
}

#[derive(Debug)]
enum Item {
    Face(Row),
    Source(Change, Instant),
}

impl Recorder {
    /// Opens the files, which are emptied where they are there, and begins the thread that writes them.
    ///
    /// # Errors
    ///
    /// When a file can't be written, or the system gives no thread.
    pub fn begin(settings: RecordSettings) -> io::Result<Self> {
        let RecordSettings { files: paths, made_with, limits, feeds: names } = settings;
        let files = Files::create(&paths, &made_with, names.len())?;
        let (send, receive) = bounded(ROOM);
        let shared = Arc::new(Shared {
            closing: AtomicBool::new(false),
            complete: AtomicBool::new(false),
            failure: OnceLock::new(),
            pictures: Arc::new(AtomicUsize::new(0)),
        });
        let feeds: Vec<Arc<Feed>> = names.iter().map(|_| Arc::default()).collect();
        let judge = Judge::new(&made_with.contract);
        let clerk =
            Clerk { receive, shared: Arc::clone(&shared), feeds: feeds.clone(), limits, files, begun: Instant::now() };
        let thread = thread::Builder::new().name("record".to_owned()).spawn(move || clerk.work(names, &judge))?;
        let pictured = paths.iter().any(|path| RecordKind::of(path) == Some(RecordKind::Report));
        Ok(Self { send, shared, feeds, pictured, thread })
    }

    /// Who records the source of this number, and counts in its numbers; nobody where there is no such source.
    #[must_use]
    pub fn audience(&self, feed: usize, metrics: &Arc<LiveMetrics>) -> Option<Arc<dyn Audience>> {
        let counted = self.feeds.get(feed)?;
        // A source has one recorder; a second one would be counted nowhere.
        let _ = counted.metrics.set(Arc::clone(metrics));
        let _ = metrics.record.set(Arc::clone(&counted.counts));
        Some(Arc::new(Seat {
            number: feed,
            feed: Arc::clone(counted),
            send: self.send.clone(),
            pictures: self.pictured.then(|| Arc::clone(&self.shared.pictures)),
            state: AtomicU8::new(BEFORE),
        }))
    }

    /// Writes what still waits, and completes the files; `failure` is why the run ended, where it failed.
    pub fn finish(&self, failure: Option<String>) -> Recorded {
        if let Some(failure) = failure {
            // It ends once.
            let _ = self.shared.failure.set(failure);
        }
        self.shared.closing.store(true, Ordering::Release);
        let begun = Instant::now();
        while begun.elapsed() < FAREWELL && !self.thread.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        let sum = |count: fn(&RecordCounts) -> &AtomicU64| -> u64 {
            self.feeds.iter().map(|feed| count(&feed.counts).load(Ordering::Relaxed)).sum()
        };
        let complete = self.shared.complete.load(Ordering::Acquire);
        // Where the thread still waits for a disk.
        let left = self.send.len() as u64;
        Recorded { written: sum(|counts| &counts.written), dropped: sum(|counts| &counts.dropped) + left, complete }
    }
}

/// A source's state as the record knows it: before it first played, playing, lost.
const BEFORE: u8 = 0;
const PLAYING: u8 = 1;
const LOST: u8 = 2;

/// The audience of one source.
#[derive(Debug)]
struct Seat {
    number: usize,
    feed: Arc<Feed>,
    send: Sender<(usize, Item)>,
    /// How many pictures wait; absent where none is wanted.
    pictures: Option<Arc<AtomicUsize>>,
    state: AtomicU8,
}

impl Audience for Seat {
    fn show(&self, view: Arc<View>) {
        let count = |number: &AtomicU64, times: bool| number.fetch_add(u64::from(times), Ordering::Relaxed);
        count(&self.feed.shown, true);
        count(&self.feed.without_face, view.persons.is_empty());
        count(&self.feed.patched, view.frame.patched);
    }

    /// A few numbers are copied, and a pointer to the picture where it may be wanted.
    fn scored(&self, face: &ScoredFace<'_>) {
        let ScoredFace { view, track, bounds, score, quality, opinion, age } = *face;
        if opinion.at_first_sight {
            return;
        }
        let frame = &view.frame;
        let picture = (view, &opinion.map, opinion.map_size);
        let row = Row {
            frame: frame.number,
            size: (frame.width, frame.height),
            captured: frame.captured,
            track,
            bounds,
            score: *score,
            quality: *quality,
            probability: opinion.probability,
            verdict: opinion.verdict,
            reason: opinion.reason,
            age,
            picture: self.pictures.as_ref().and_then(|waiting| Picture::hold(picture, waiting, PICTURES)),
        };
        if self.send.try_send((self.number, Item::Face(row))).is_err() {
            self.feed.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn source(&self, state: SourceState) {
        let (now, change) = match state {
            SourceState::Playing { .. } => (PLAYING, Change::Plays),
            SourceState::Lost { reason, .. } => (LOST, Change::Lost(reason)),
            SourceState::Starting | SourceState::Ended => return,
        };
        // It is told again with each try.
        if self.state.swap(now, Ordering::Relaxed) != now {
            // Where there is no room the disk has hung for minutes: then this is the least that is missing.
            let _ = self.send.try_send((self.number, Item::Source(change, Instant::now())));
        }
    }
}

/// Writes.
struct Clerk {
    receive: Receiver<(usize, Item)>,
    shared: Arc<Shared>,
    feeds: Vec<Arc<Feed>>,
    limits: Arc<SharedLimits>,
    files: Files,
    begun: Instant,
}

impl Clerk {
    fn work(mut self, names: Vec<String>, judge: &Judge) {
        let mut books: Vec<Book<'_>> =
            names.into_iter().enumerate().map(|(feed, name)| Book::new(feed, name, judge)).collect();
        loop {
            // Asked first: what came before the end is written.
            let closing = self.shared.closing.load(Ordering::Acquire);
            let got =
                if closing { self.receive.try_recv().ok() } else { self.receive.recv_timeout(POLL_INTERVAL).ok() };
            match got {
                Some((feed, item)) => {
                    if let Some(book) = books.get_mut(feed) {
                        self.take(feed, book, item);
                    }
                }
                None if closing => break,
                None => {}
            }
        }
        let Self { mut files, feeds, shared, .. } = self;
        let mut complete = true;
        for (book, feed) in books.into_iter().zip(&feeds) {
            complete &= book.finish(feed.numbers(), shared.failure.get().map(String::as_str), &mut files);
        }
        shared.complete.store(complete, Ordering::Release);
    }

    fn take(&mut self, feed: usize, book: &mut Book<'_>, item: Item) {
        match item {
            Item::Face(row) => {
                let whole = book.row(&row, self.begun, self.limits.now(), &mut self.files);
                let counts = &self.feeds[feed].counts;
                let count = if whole { &counts.written } else { &counts.dropped };
                count.fetch_add(1, Ordering::Relaxed);
            }
            Item::Source(change, moment) => {
                let time = since(self.begun, moment).seconds();
                self.files.source((feed, book.name()), time, &change);
            }
        }
    }
}

impl Feed {
    fn numbers(&self) -> FrameNumbers {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        FrameNumbers {
            shown: read(&self.shown),
            without_face: read(&self.without_face),
            patched: read(&self.patched),
            damaged: self.metrics.get().map_or(0, |metrics| read(&metrics.damaged)),
        }
    }
}
