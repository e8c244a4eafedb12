//! How much the loss is scaled up for half precision: as much as the gradients can hold (P. Micikevicius and others, "Mixed
//! Precision Training", ICLR 2018).

/// The factor at the start, and the largest one.
const START: f64 = 65_536.0;
/// Steps without an overflow after which the factor is doubled.
const PATIENCE: u32 = 2_000;

/// The factor, moved by what happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScale {
    factor: f64,
    good: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: START, good: 0 }
    }
}

impl LossScale {
    /// What the loss is multiplied by; at least 1.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// What must be kept to go on from here.
    #[must_use]
    pub fn state(&self) -> [f32; 2] {
        // A power of two and a small whole number: a 32-bit float holds both exactly.
        [self.factor as f32, self.good as f32]
    }

    /// Goes on from what [`Self::state`] gave.
    #[must_use]
    pub fn from_state([factor, good]: [f32; 2]) -> Self {
        Self { factor: f64::from(factor).clamp(1.0, START), good: good as u32 }
    }

    /// Gradients were infinite or no numbers.
    pub fn overflowed(&mut self) {
        self.factor = (self.factor / 2.0).max(1.0);
        self.good = 0;
    }

    /// Gradients were finite.
    pub fn fitted(&mut self) {
        self.good += 1;
        if self.good >= PATIENCE {
            self.factor = (self.factor * 2.0).min(START);
            self.good = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_at_an_overflow_and_rises_after_many_good_steps() {
        let mut scale = LossScale::default();
        scale.overflowed();
        assert_eq!(scale.factor(), START / 2.0);
        (1..PATIENCE).for_each(|_| scale.fitted());
        assert_eq!(scale.factor(), START / 2.0);
        scale.fitted();
        assert_eq!(scale.factor(), START);
        scale.fitted();
        assert_eq!(LossScale::from_state(scale.state()), scale);
        (0..100).for_each(|_| scale.overflowed());
        assert_eq!(scale.factor(), 1.0);
    }
}
