//! The thread of an output: takes events from its queue, and tries again what could not be sent.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::event::Event;
use super::output::{Output, Trouble};
use super::queue::{Queue, Taken};
use crate::live::backoff::{BackOff, chance};
use crate::live::metrics::OutputCounts;

/// How often an output that has nothing to send looks after its connection.
const REST: Duration = Duration::from_millis(250);
/// An event that could not be sent for so long is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3600);

/// An output with its queue and its thread.
#[derive(Debug)]
pub(super) struct Post {
    queue: Arc<Queue<Arc<Event>>>,
    counts: Arc<OutputCounts>,
    pub(super) wants_picture: bool,
    thread: JoinHandle<()>,
}

impl Post {
    /// Begins the thread.
    pub(super) fn begin(output: Box<dyn Output>, counts: Arc<OutputCounts>, backoff: BackOff) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(output.room()));
        let wants_picture = output.wants_picture();
        let worker =
            Courier { output, queue: Arc::clone(&queue), counts: Arc::clone(&counts), backoff, failing: false };
        let thread = thread::Builder::new().name(counts.name.to_owned()).spawn(move || worker.work())?;
        Ok(Self { queue, counts, wants_picture, thread })
    }

    /// Leaves an event to the thread. Never waits.
    pub(super) fn put(&self, event: Arc<Event>) {
        if self.queue.put(event).is_some() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.counts.waiting.store(self.queue.waiting() as u64, Ordering::Relaxed);
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.queue.close();
    }

    /// Whether all was sent that could be.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Says what was not sent, of a thread that is left behind.
    pub(super) fn leave(&self) {
        // One is in its hands.
        let left = self.queue.waiting() as u64 + 1;
        self.counts.dropped.fetch_add(left, Ordering::Relaxed);
        log::warn!("{}: {left} events were still unsent at the end", self.counts.name);
    }
}

struct Courier {
    output: Box<dyn Output>,
    queue: Arc<Queue<Arc<Event>>>,
    counts: Arc<OutputCounts>,
    backoff: BackOff,
    failing: bool,
}

impl Courier {
    fn work(mut self) {
        loop {
            match self.queue.take(REST) {
                Taken::Item(event) => {
                    self.counts.waiting.store(self.queue.waiting() as u64, Ordering::Relaxed);
                    self.deliver(&event);
                }
                Taken::Nothing => self.output.rest(),
                Taken::Closed => return,
            }
        }
    }

    /// Sends an event, again and again where that may help.
    fn deliver(&mut self, event: &Event) {
        let (begun, mut tries) = (Instant::now(), 0);
        let name = self.counts.name;
        loop {
            let reason = match self.output.send(event) {
                Ok(()) => {
                    self.counts.delivered.fetch_add(1, Ordering::Relaxed);
                    if std::mem::take(&mut self.failing) {
                        log::warn!("{name}: working again");
                    }
                    return;
                }
                Err(Trouble::Refused(reason)) => reason,
                Err(Trouble::Later(reason)) if begun.elapsed() < GIVEN_UP_AFTER => {
                    self.counts.retried.fetch_add(1, Ordering::Relaxed);
                    // Once, not at each try of an outage that may last for days.
                    if !std::mem::replace(&mut self.failing, true) {
                        log::warn!("{name}: {reason}; trying again");
                    }
                    if !self.queue.pause(self.backoff.wait(tries, chance())) {
                        tries = tries.saturating_add(1);
                        continue;
                    }
                    reason
                }
                Err(Trouble::Later(reason)) => reason,
            };
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
            log::warn!("{name}: event {} is lost: {reason}", event.number);
            return;
        }
    }
}
