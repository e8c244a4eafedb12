//! Keeps a blocked read from hanging: FFmpeg asks here, again and again, whether it should give up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::Clock;

/// A limit on how long one call may take, and an ear for the user's wish to stop.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    stop: Option<&'static AtomicBool>,
    patience: Option<Duration>,
    clock: Clock,
    begun: Instant,
    /// Milliseconds from `begun` to when the present call has taken too long.
    deadline: Arc<AtomicU64>,
}

impl Watch {
    /// Without `patience` a call may take as long as it likes; `stop` ends it all the same.
    pub(super) fn new(patience: Option<Duration>, stop: Option<&'static AtomicBool>) -> Self {
        Self::by(Clock::machine(), patience, stop)
    }

    fn by(clock: Clock, patience: Option<Duration>, stop: Option<&'static AtomicBool>) -> Self {
        let (begun, deadline) = (clock.now(), Arc::new(AtomicU64::new(u64::MAX)));
        let watch = Self { stop, patience, clock, begun, deadline };
        watch.restart();
        watch
    }

    /// A call begins.
    pub(super) fn restart(&self) {
        if let Some(patience) = self.patience {
            let deadline = (self.clock.since(self.begun) + patience).as_millis();
            self.deadline.store(u64::try_from(deadline).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Whether the call has taken too long; the patience in seconds if so.
    pub(super) fn late(&self) -> Option<u64> {
        let late = self.clock.since(self.begun).as_millis() > u128::from(self.deadline.load(Ordering::Relaxed));
        self.patience.filter(|_| late).map(|patience| patience.as_secs())
    }

    /// The user's wish, as it was given.
    pub(super) fn stop(&self) -> Option<&'static AtomicBool> {
        self.stop
    }

    /// Whether the user wants an end.
    pub(super) fn stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Whether FFmpeg should give up what it is doing.
    pub(super) fn gives_up(&self) -> bool {
        self.stopped() || self.late().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_call_that_takes_too_long_is_late() {
        let clock = Clock::held();
        let watch = Watch::by(clock.clone(), Some(Duration::from_secs(15)), None);
        assert!(!watch.gives_up());
        clock.sleep(Duration::from_secs(15));
        assert!(!watch.gives_up(), "that long it may take");
        clock.sleep(Duration::from_millis(1));
        assert_eq!((watch.gives_up(), watch.late()), (true, Some(15)));
        watch.restart();
        assert!(!watch.gives_up());
        assert!(!Watch::new(None, None).gives_up());
    }

    #[test]
    fn the_users_wish_needs_no_deadline() {
        static STOP: AtomicBool = AtomicBool::new(false);
        let watch = Watch::new(None, Some(&STOP));
        assert!(!watch.gives_up());
        STOP.store(true, Ordering::Relaxed);
        assert!(watch.gives_up() && watch.stopped() && watch.late().is_none());
    }
}
