//! How long to wait before a lost source is tried again: longer each time, and not all cameras of a house at once.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Waits that double, up to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    /// Before the first try.
    pub first: Duration,
    /// Before any try at most.
    pub most: Duration,
}

impl BackOff {
    /// The wait before the next try, after `tries` that failed. `chance` in 0 to 1 takes away up to a half of it.
    #[must_use]
    pub fn wait(&self, tries: u32, chance: f64) -> Duration {
        let doubled = self.first.saturating_mul(1u32.checked_shl(tries).unwrap_or(u32::MAX));
        doubled.min(self.most).mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// A chance in 0 to 1, another one each time. Good enough to spread waits, and for nothing else.
pub(super) fn chance() -> f64 {
    // The standard library seeds each of these anew.
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tries: u32, chance: f64, expected: u64) {
        let backoff = BackOff { first: Duration::from_millis(500), most: Duration::from_secs(10) };
        assert_eq!(backoff.wait(tries, chance), Duration::from_millis(expected), "{tries} {chance}");
    }

    #[test]
    fn waits_double_up_to_the_limit() {
        check(0, 0.0, 500);
        check(1, 0.0, 1000);
        check(4, 0.0, 8000);
        check(5, 0.0, 10_000);
        check(31, 0.0, 10_000);
        check(32, 0.0, 10_000);
        check(u32::MAX, 0.0, 10_000);
    }

    #[test]
    fn chance_takes_up_to_a_half() {
        check(0, 1.0, 250);
        check(1, 0.5, 750);
        check(9, 1.0, 5000);
        check(0, 7.0, 250);
        check(0, -7.0, 500);
        let chances = [chance(), chance(), chance()];
        assert!(chances.iter().all(|chance| (0.0..=1.0).contains(chance)), "{chances:?}");
        assert!(chances[0] != chances[1] || chances[1] != chances[2], "{chances:?}");
    }
}
