//! A single-item slot in which the newest item wins: putting never blocks, taking never returns an old item. Several slots may
//! have one bell, for who waits for whichever is filled first.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use crossbeam_queue::ArrayQueue;

/// The slot, and the bell that wakes who waits for it. For one taker and any number of putters.
#[derive(Debug)]
pub struct Newest<T> {
    slot: ArrayQueue<T>,
    bell: Bell,
}

/// Wakes the one who waits for one or several slots. A clone is the same bell.
///
/// No wake-up is lost: it is a channel that holds one ring. An item is in its slot before the bell is rung, and a ring
/// that finds the channel full leaves one there that was not yet heard, after which the taker looks into the slots again.
#[derive(Clone, Debug)]
pub struct Bell {
    ring: Sender<()>,
    heard: Receiver<()>,
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}

impl Bell {
    /// A bell that nobody has rung.
    #[must_use]
    pub fn new() -> Self {
        let (ring, heard) = bounded(1);
        Self { ring, heard }
    }

    /// Wakes who waits, or who will wait next.
    pub fn ring(&self) {
        // Full means that a ring is still to be heard.
        let _ = self.ring.try_send(());
    }

    /// Waits up to `patience` for somebody to ring; gives whether anybody did.
    pub fn wait(&self, patience: Duration) -> bool {
        self.heard.recv_timeout(patience).is_ok()
    }
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Newest<T> {
    /// An empty slot.
    #[must_use]
    pub fn new() -> Self {
        Self::ringing(&Bell::new())
    }

    /// An empty slot that rings this bell.
    #[must_use]
    pub fn ringing(bell: &Bell) -> Self {
        Self { slot: ArrayQueue::new(1), bell: bell.clone() }
    }

    /// Puts an item in; gives the one back that nobody took. Never waits.
    pub fn put(&self, item: T) -> Option<T> {
        let replaced = self.slot.force_push(item);
        self.bell.ring();
        replaced
    }

    /// Takes the item that is there, if one is.
    pub fn try_take(&self) -> Option<T> {
        self.slot.pop()
    }

    /// Takes the item, waiting for it up to `patience`.
    pub fn take(&self, patience: Duration) -> Option<T> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(item) = self.slot.pop() {
                return Some(item);
            }
            if self.bell.heard.recv_deadline(deadline).is_err() {
                return self.slot.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_wins_and_the_older_one_comes_back() {
        let newest = Newest::new();
        assert_eq!(newest.put(1), None);
        assert_eq!(newest.put(2), Some(1));
        assert_eq!(newest.take(Duration::ZERO), Some(2));
        assert_eq!(newest.put(3), None);
        assert_eq!(newest.try_take(), Some(3));
        assert_eq!(newest.take(Duration::from_millis(1)), None);
    }

    /// Each item is an answer to the last one: a wake-up that was lost would cost the whole patience.
    #[test]
    fn no_wake_up_is_lost() {
        const TURNS: u32 = 20_000;
        let (there, back) = (Newest::new(), Newest::new());
        let patience = Duration::from_secs(5);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for turn in 0..TURNS {
                    assert_eq!(there.take(patience), Some(turn), "a ball got lost on the way there");
                    back.put(turn);
                }
            });
            for turn in 0..TURNS {
                there.put(turn);
                assert_eq!(back.take(patience), Some(turn), "a ball got lost on the way back");
            }
        });
    }

    /// Several put into slots of their own, and one waits for all of them: each item is got at once.
    #[test]
    fn one_bell_wakes_for_every_slot() {
        const TURNS: u32 = 5_000;
        let bell = Bell::new();
        let slots = [(); 3].map(|()| Newest::ringing(&bell));
        let backs = [(); 3].map(|()| Newest::new());
        let patience = Duration::from_secs(5);
        std::thread::scope(|scope| {
            for (slot, back) in slots.iter().zip(&backs) {
                scope.spawn(move || {
                    for turn in 0..TURNS {
                        slot.put(turn);
                        assert_eq!(back.take(patience), Some(turn), "an item waited in its slot");
                    }
                });
            }
            let mut got = 0;
            while got < 3 * TURNS {
                let mut any = false;
                for (slot, back) in slots.iter().zip(&backs) {
                    if let Some(turn) = slot.try_take() {
                        back.put(turn);
                        (got, any) = (got + 1, true);
                    }
                }
                assert!(any || bell.wait(patience), "nobody rang");
            }
        });
        assert!(!Bell::new().wait(Duration::ZERO));
    }

    /// One puts as fast as it can, the other takes: what is taken only rises, and the last one is always got.
    #[test]
    fn a_fast_putter_loses_but_the_old_ones() {
        const ITEMS: u32 = 100_000;
        let newest = Newest::new();
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| {
                let (mut last, mut taken) = (0, 0);
                while last < ITEMS {
                    let item = newest.take(Duration::from_secs(5)).expect("the last one was not taken");
                    assert!(item > last, "{item} came after {last}");
                    (last, taken) = (item, taken + 1);
                }
                taken
            });
            let replaced = (1..=ITEMS).filter(|&item| newest.put(item).is_some()).count() as u32;
            let taken = taking.join().expect("it takes them");
            assert_eq!(taken + replaced, ITEMS, "each item is taken or comes back");
        });
    }
}
