//! The thresholds in use, which a reader may switch while the run goes on.

use std::sync::atomic::{AtomicU64, Ordering};

use cyborg_models::contract::{Contract, Thresholds};
use serde::{Deserialize, Serialize};

/// A pair of thresholds on p(synthetic), both in 0 to 1, the lower one first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Below it a face is authentic.
    pub authentic_below: f32,
    /// Above it a face is synthetic.
    pub synthetic_above: f32,
}

/// Numbers that are no thresholds.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("invalid thresholds {} and {}: both must be in 0 to 1, and authentic_below not above synthetic_above", .0.authentic_below, .0.synthetic_above)]
pub struct LimitsError(Limits);

impl Limits {
    /// The same, if it is a pair of thresholds.
    ///
    /// # Errors
    ///
    /// When a number is outside 0 to 1 or none at all, or the lower threshold is above the upper one.
    pub fn checked(self) -> Result<Self, LimitsError> {
        // Written so that NaN fails.
        let fits =
            0.0 <= self.authentic_below && self.authentic_below <= self.synthetic_above && self.synthetic_above <= 1.0;
        if fits { Ok(self) } else { Err(LimitsError(self)) }
    }
}

/// Whoever judges with thresholds that can be switched. No call may wait.
pub trait ThresholdSwitch: Send + Sync {
    /// The thresholds in use.
    fn now(&self) -> Limits;

    /// Judges by these from now on; by the model's own where there are none.
    fn switch(&self, asked: Option<Limits>);
}

/// Thresholds that one thread switches and others read, without a lock.
#[derive(Debug)]
pub struct SharedLimits {
    own: Limits,
    /// Both numbers as bits, so that nobody ever reads one old and one new.
    now: AtomicU64,
}

impl SharedLimits {
    /// The thresholds of the model that `contract` is of, until others are asked for.
    #[must_use]
    pub fn of(contract: &Contract) -> Self {
        let Thresholds { authentic_below, synthetic_above, .. } = contract.thresholds;
        Self::new(Limits { authentic_below, synthetic_above })
    }

    /// A model's own thresholds, until others are asked for.
    #[must_use]
    pub fn new(own: Limits) -> Self {
        Self { own, now: AtomicU64::new(bits(own)) }
    }

    /// The thresholds in use where they aren't the model's own.
    #[must_use]
    pub fn asked(&self) -> Option<Limits> {
        Some(self.now()).filter(|now| *now != self.own)
    }

    /// The model's own thresholds.
    #[must_use]
    pub fn own(&self) -> Limits {
        self.own
    }
}

impl ThresholdSwitch for SharedLimits {
    fn now(&self) -> Limits {
        let bits = self.now.load(Ordering::Relaxed);
        Limits { authentic_below: f32::from_bits((bits >> 32) as u32), synthetic_above: f32::from_bits(bits as u32) }
    }

    fn switch(&self, asked: Option<Limits>) {
        self.now.store(bits(asked.unwrap_or(self.own)), Ordering::Relaxed);
    }
}

fn bits(limits: Limits) -> u64 {
    u64::from(limits.authentic_below.to_bits()) << 32 | u64::from(limits.synthetic_above.to_bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(authentic_below: f32, synthetic_above: f32, fits: bool) {
        assert_eq!(
            Limits { authentic_below, synthetic_above }.checked().is_ok(),
            fits,
            "{authentic_below} {synthetic_above}"
        );
    }

    #[test]
    fn thresholds_are_in_order_and_in_0_to_1() {
        check(0.3, 0.7, true);
        check(0.5, 0.5, true);
        check(0.0, 1.0, true);
        check(0.7, 0.3, false);
        check(-0.1, 0.3, false);
        check(0.1, 1.1, false);
        check(f32::NAN, 0.3, false);
        check(0.3, f32::NAN, false);
    }

    #[test]
    fn others_are_used_until_the_own_ones_are_asked_for() {
        let own = Limits { authentic_below: 0.3, synthetic_above: 0.7 };
        let other = Limits { authentic_below: 0.1, synthetic_above: 0.2 };
        let shared = SharedLimits::new(own);
        assert_eq!((shared.now(), shared.asked()), (own, None));
        shared.switch(Some(other));
        assert_eq!((shared.now(), shared.asked()), (other, Some(other)));
        shared.switch(None);
        assert_eq!(shared.now(), own);
    }
}
