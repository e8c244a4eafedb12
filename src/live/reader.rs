//! The reader's thread: it opens the source, reads as fast as frames come, and leaves the newest one in the slot.
//!
//! A driver or a network may hold a call for ever, so nobody joins this thread: it is told that its session is over, is woken
//! (see [`super::nudge`]), and is left alone. What it still gives then is thrown away by its session's number.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use crossbeam_queue::ArrayQueue;

use super::metrics::LiveMetrics;
use super::newest::Newest;
use super::nudge::nudge;
use crate::BoxError;
use crate::capture::{AtEnd, NeverAgain, Open, Opened, Read};
use crate::clock::Clock;
use crate::explain::explain;
use crate::frame::{Frame, PresentationTime};

/// Buffers that wait for a reader at most. More are on their way in no case: see [`super::locator`].
const BUFFERS: usize = 16;

/// What all sessions of a feed share with who looks at their frames.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) newest: Newest<Captured>,
    /// Buffers that come back.
    pub(super) free: ArrayQueue<Frame>,
    pub(super) metrics: Arc<LiveMetrics>,
    pub(super) clock: Clock,
    /// Zero of all frames' times.
    begun: Instant,
}

/// A frame, and the session that it is of.
#[derive(Debug)]
pub(super) struct Captured {
    pub(super) frame: Frame,
    pub(super) session: u64,
}

/// One opening of the source, until it is lost.
#[derive(Debug)]
pub(super) struct Session {
    number: u64,
    over: AtomicBool,
    /// Microseconds from the run's begin to the last frame.
    last: AtomicU64,
}

/// What a reader tells its keeper.
#[derive(Debug)]
pub(super) enum Event {
    /// The first frame came, or one of another size, and when.
    Playing { since: Instant, size: (usize, usize), rate: Option<f64>, differs: Option<String> },
    /// It can't be opened, or was lost; why.
    Lost(String),
    /// The same, and it is not to be opened again.
    Refused(BoxError),
    /// There is no more to come.
    Finished,
}

/// A reader at work, as its keeper sees it.
pub(super) struct Reader {
    pub(super) events: Receiver<Event>,
    session: Arc<Session>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Shared {
    /// Of a run that has `begun` then.
    pub(super) fn new(metrics: Arc<LiveMetrics>, clock: Clock, begun: Instant) -> Self {
        Self { newest: Newest::new(), free: ArrayQueue::new(BUFFERS), metrics, begun, clock }
    }

    fn micros(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.begun).as_micros()).unwrap_or(u64::MAX)
    }
}

impl Reader {
    /// Begins session `number`.
    pub(super) fn begin(number: u64, opener: &Arc<dyn Open>, shared: &Arc<Shared>) -> Self {
        let session = Arc::new(Session { number, over: AtomicBool::new(false), last: AtomicU64::new(0) });
        // A few words a session, none a frame: it can't fill up.
        let (tell, events) = unbounded();
        let thread = thread::Builder::new().name("reader".to_owned()).spawn({
            let (opener, shared, session, tell) =
                (Arc::clone(opener), Arc::clone(shared), Arc::clone(&session), tell.clone());
            move || {
                let end = read(&*opener, &shared, &session, &tell);
                // The keeper may have turned to another session.
                let _ = tell.send(end);
            }
        });
        let thread = thread.map_err(|error| {
            let _ = tell.send(Event::Lost(format!("no thread can be begun to read it: {error}")));
        });
        Self { events, session, thread: thread.ok(), shared: Arc::clone(shared) }
    }

    /// How long ago the last frame came. Meaningless before the first one.
    pub(super) fn silence(&self) -> Duration {
        let last = self.shared.begun + Duration::from_micros(self.session.last.load(Ordering::Acquire));
        self.shared.clock.since(last)
    }

    /// Tells it to end, and wakes it where it waits in a driver. To be called again while it goes on.
    pub(super) fn end(&self) {
        self.session.over.store(true, Ordering::Release);
        self.thread.iter().for_each(nudge);
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

fn read(opener: &dyn Open, shared: &Shared, session: &Session, tell: &Sender<Event>) -> Event {
    let Opened { mut source, mut differs, at_end } = match opener.open() {
        Ok(opened) => opened,
        Err(error) => return lost(error),
    };
    let rate = source.info().rate;
    let mut size = None;
    while !session.over.load(Ordering::Acquire) {
        let mut frame = shared.free.pop().unwrap_or_else(Frame::empty);
        // Only few sources tell it.
        frame.changed = None;
        match source.read(&mut frame) {
            Ok(Read::Frame) => {}
            Ok(Read::Damaged(reason)) => {
                log::debug!("a damaged frame: {reason}");
                shared.metrics.damaged.fetch_add(1, Ordering::Relaxed);
                give_back(shared, frame);
                continue;
            }
            Ok(Read::End) if at_end == AtEnd::Finish => return Event::Finished,
            Ok(Read::End) => return Event::Lost("it ended".to_owned()),
            Err(error) => return lost(error),
        }
        if session.over.load(Ordering::Acquire) {
            break;
        }
        // One clock for all sources and sessions: what counts live is when a thing was seen.
        let since = frame.captured;
        let micros = shared.micros(since);
        frame.time = PresentationTime(i64::try_from(micros).unwrap_or(i64::MAX));
        // The source's own clock, whatever it does, tells nothing here.
        frame.running = None;
        session.last.store(micros, Ordering::Release);
        shared.metrics.captured.fetch_add(1, Ordering::Relaxed);
        let found = (frame.width, frame.height);
        if size.replace(found) != Some(found) {
            let _ = tell.send(Event::Playing { since, size: found, rate, differs: differs.take() });
        }
        // What a picture that nobody took says of its changes holds for the one in its place. Nobody can get the newer one
        // before it has that; where another session's came between, the locator finds a picture missing.
        if let Some(older) = shared.newest.try_take() {
            if let (Some(changed), Some(before)) = (&mut frame.changed, &older.frame.changed)
                && older.session == session.number
            {
                changed.unite(before);
            } else {
                frame.changed = None;
            }
            drop_older(shared, older);
        }
        if let Some(older) = shared.newest.put(Captured { frame, session: session.number }) {
            drop_older(shared, older);
        }
    }
    Event::Finished
}

fn lost(error: BoxError) -> Event {
    match error.downcast::<NeverAgain>() {
        Ok(refused) => Event::Refused(refused.0),
        Err(error) => Event::Lost(explain(&error)),
    }
}

fn drop_older(shared: &Shared, older: Captured) {
    shared.metrics.overwritten.fetch_add(1, Ordering::Relaxed);
    give_back(shared, older.frame);
}

/// Keeps the buffer for a frame to come; where there are enough, it is freed.
pub(super) fn give_back(shared: &Shared, frame: Frame) {
    let _ = shared.free.push(frame);
}
