//! A bounded queue: putting never blocks, and when full the oldest item is dropped.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// The queue, for any number of putters and takers. Its lock is held for a few instructions, and never while something is sent.
#[derive(Debug)]
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
    room: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// What a taker gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    Item(T),
    /// There was nothing in time.
    Nothing,
    /// There is nothing more to come.
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(room: usize) -> Self {
        let items = VecDeque::with_capacity(room);
        Self { state: Mutex::new(State { items, closed: false }), bell: Condvar::new(), room }
    }

    /// Puts an item in; gives the one back that had to make room.
    pub(super) fn put(&self, item: T) -> Option<T> {
        let mut state = self.lock();
        let oldest = if state.items.len() >= self.room { state.items.pop_front() } else { None };
        state.items.push_back(item);
        drop(state);
        self.bell.notify_one();
        oldest
    }

    /// Takes the oldest item, waiting for one up to `patience`.
    pub(super) fn take(&self, patience: Duration) -> Taken<T> {
        let wanted = |state: &mut State<T>| state.items.is_empty() && !state.closed;
        let waited = self.bell.wait_timeout_while(self.lock(), patience, wanted);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.items.pop_front() {
            Some(item) => Taken::Item(item),
            None if state.closed => Taken::Closed,
            None => Taken::Nothing,
        }
    }

    /// Waits for `time` by `clock`, or until the queue is closed; gives whether it is.
    pub(super) fn pause(&self, clock: &Clock, time: Duration) -> bool {
        let begun = clock.now();
        let mut state = self.lock();
        while !state.closed {
            let left = time.saturating_sub(clock.since(begun));
            if left.is_zero() || clock.moved(left) {
                break;
            }
            // An item rings the bell too.
            state = self.bell.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.closed
    }

    /// Nothing is put in any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_all();
    }

    /// How many items wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().items.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let queue = Queue::new(2);
        assert_eq!([queue.put(1), queue.put(2), queue.put(3)], [None, None, Some(1)]);
        assert_eq!(queue.take(Duration::ZERO), Taken::Item(2));
        queue.close();
        assert_eq!(queue.waiting(), 1);
        assert_eq!(queue.take(Duration::ZERO), Taken::Item(3));
        assert_eq!(queue.take(Duration::from_secs(60)), Taken::Closed);
        assert!(queue.pause(&Clock::machine(), Duration::from_secs(60)));
    }

    #[test]
    fn who_waits_is_woken() {
        let queue = Queue::new(2);
        assert_eq!(queue.take(Duration::from_millis(1)), Taken::Nothing);
        let clock = Clock::machine();
        assert!(!queue.pause(&clock, Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| queue.take(Duration::from_secs(60)));
            queue.put(7);
            assert_eq!(taking.join().expect("it takes it"), Taken::Item(7));
            let pausing = scope.spawn(|| queue.pause(&clock, Duration::from_secs(60)));
            queue.put(8);
            queue.close();
            assert!(pausing.join().expect("it ends"));
        });
    }
}
