//! The clock that long waits go by: the machine's, or one that a test holds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

/// Tells the time, and waits. A clone is the same clock.
///
/// What must be told from another thread, a frame or an event, is waited for by the wall wherever it occurs. By this clock goes
/// how long such a wait may last before something is given up, tried again or forgotten.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

/// When held clocks stand at zero. Any moment does: only differences are looked at.
static ZERO: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn machine() -> Self {
        Self(None)
    }

    /// A clock that stands still, and moves only where somebody waits by it: such a wait is over at once.
    #[must_use]
    pub fn held() -> Self {
        Self(Some(Arc::default()))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.0 {
            None => Instant::now(),
            Some(passed) => *ZERO + Duration::from_nanos(passed.load(Ordering::SeqCst)),
        }
    }

    /// How long ago `moment` was; zero if it is still to come.
    #[must_use]
    pub fn since(&self, moment: Instant) -> Duration {
        self.now().saturating_duration_since(moment)
    }

    /// Waits.
    pub fn sleep(&self, time: Duration) {
        if !self.moved(time) {
            thread::sleep(time);
        }
    }

    /// Whether it moves only where somebody waits by it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_some()
    }

    /// Moves a clock that is held; `false` if this is the machine's, for which somebody has to wait.
    pub(crate) fn moved(&self, time: Duration) -> bool {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let Some(passed) = &self.0 else { return false };
        passed.fetch_add(nanos, Ordering::SeqCst);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_clock_moves_only_where_somebody_waits() {
        let clock = Clock::held();
        let (begun, same) = (clock.now(), clock.clone());
        assert_eq!(clock.since(begun), Duration::ZERO);
        same.sleep(Duration::from_secs(3600));
        assert_eq!(clock.since(begun), Duration::from_secs(3600));
        assert_eq!(Clock::held().since(clock.now()), Duration::ZERO, "each is its own, and no age is below zero");
    }

    #[test]
    fn the_machines_clock_goes_by_itself() {
        let clock = Clock::machine();
        let begun = clock.now();
        clock.sleep(Duration::from_millis(1));
        assert!(clock.since(begun) >= Duration::from_millis(1));
        assert!(!clock.moved(Duration::from_secs(1)), "nobody moves it");
    }
}
