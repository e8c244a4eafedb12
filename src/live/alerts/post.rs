//! The thread of an output: takes events from its queue, and tries again what could not be sent.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::event::Event;
use super::output::{Output, Trouble};
use super::queue::{Queue, Taken};
use crate::clock::Clock;
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
    /// Begins the thread, which tries again by `clock`.
    pub(super) fn begin(
        output: Box<dyn Output>,
        counts: Arc<OutputCounts>,
        backoff: BackOff,
        clock: Clock,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(output.room()));
        let wants_picture = output.wants_picture();
        let worker =
            Courier { output, queue: Arc::clone(&queue), counts: Arc::clone(&counts), backoff, clock, failing: false };
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
    clock: Clock,
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
        let (begun, mut tries) = (self.clock.now(), 0);
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
                Err(Trouble::Missed(reason)) => {
                    self.counts.failed.fetch_add(1, Ordering::Relaxed);
                    if !std::mem::replace(&mut self.failing, true) {
                        log::warn!("{name}: {reason}");
                    }
                    return;
                }
                Err(Trouble::Later(reason)) if self.clock.since(begun) < GIVEN_UP_AFTER => {
                    self.counts.retried.fetch_add(1, Ordering::Relaxed);
                    // Once, not at each try of an outage that may last for days.
                    if !std::mem::replace(&mut self.failing, true) {
                        log::warn!("{name}: {reason}; trying again");
                    }
                    if !self.queue.pause(&self.clock, self.backoff.wait(tries, chance())) {
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::time::Instant;

    use super::super::event::Origin;
    use super::super::turning::{To, Turn};
    use super::*;
    use crate::face::follow::TrackId;
    use crate::verdict::{SyntheticProbability, Verdict};

    /// Can be reached from some time of a clock on, and tells which events came.
    struct Away {
        clock: Clock,
        begun: Instant,
        until: Duration,
        tell: Sender<u64>,
    }

    impl Output for Away {
        fn name(&self) -> &'static str {
            "away"
        }

        fn send(&mut self, event: &Event) -> Result<(), Trouble> {
            if self.clock.since(self.begun) < self.until {
                return Err(Trouble::Later("nobody answers".to_owned()));
            }
            self.tell.send(event.number).map_err(|_| Trouble::Refused("nobody listens".to_owned()))
        }
    }

    fn begin(until: Duration) -> (Post, Clock, Arc<OutputCounts>, Receiver<u64>) {
        let (clock, (tell, got)) = (Clock::held(), mpsc::channel());
        let counts = Arc::new(OutputCounts::new("away"));
        let output = Box::new(Away { begun: clock.now(), clock: clock.clone(), until, tell });
        let backoff = BackOff { first: Duration::from_millis(500), most: Duration::from_secs(60) };
        let post = Post::begin(output, Arc::clone(&counts), backoff, clock.clone()).expect("a thread");
        (post, clock, counts, got)
    }

    fn event(number: u64) -> Arc<Event> {
        let (to, probability) = (To::Verdict(Verdict::Synthetic), SyntheticProbability::HALF);
        let turn = Turn { track: TrackId(1), from: None, to, probability, reason: None };
        let origin = Origin { source: "a camera".to_owned(), model: "m.onnx".to_owned(), whole: true };
        Arc::new(Event::new(number, turn, Duration::ZERO, &origin))
    }

    fn next(got: &Receiver<u64>) -> Option<u64> {
        got.recv_timeout(Duration::from_secs(60)).ok()
    }

    #[test]
    fn an_outage_of_minutes_loses_nothing() {
        let outage = Duration::from_secs(50 * 60);
        let (post, clock, counts, got) = begin(outage);
        let begun = clock.now();
        (1..=2).for_each(|number| post.put(event(number)));
        assert_eq!([next(&got), next(&got)], [Some(1), Some(2)]);
        let took = clock.since(begun);
        assert!(took >= outage && took <= outage + Duration::from_secs(60), "{took:?}");
        let tries = counts.retried.load(Ordering::Relaxed);
        assert!((50..=120).contains(&tries), "{tries} tries, each a half to a whole minute after the one before");
    }

    #[test]
    fn after_an_hour_an_event_is_given_up_and_the_next_one_sent() {
        let (post, _, counts, got) = begin(Duration::from_secs(3700));
        (1..=2).for_each(|number| post.put(event(number)));
        assert_eq!(next(&got), Some(2));
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        assert_eq!((read(&counts.failed), read(&counts.dropped)), (1, 0));
    }
}
