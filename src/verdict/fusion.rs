//! Many looks at a face become one number: a robust weighted mean of their evidence, the older ones counting less.
//!
//! The mean is Huber's M-estimator of location: the m at which the sum of w * psi(e - m) is zero, where psi(x) is x within
//! a tolerance and held at its ends beyond (P. J. Huber, "Robust Estimation of a Location Parameter", 1964). Few bad
//! frames can't carry it far, and it grows with each of its inputs. The looks are kept as a histogram of evidence, so
//! that a track of any length takes the same memory and the order of the looks doesn't matter.

use crate::frame::PresentationTime;

/// Evidence beyond this says no more: p is 0.0003 or 0.9997.
const LIMIT: f64 = 8.0;
/// Bins a unit of evidence. A look between two bins is shared out among them, so that its evidence is kept.
const BINS_A_UNIT: usize = 8;
/// Bins in all.
const BINS: usize = 2 * LIMIT as usize * BINS_A_UNIT + 1;
/// How far from the mean a look may be and still pull with all its evidence, in logits.
const TOLERANCE: f64 = 2.0;
/// Halvings of the interval in which the mean is looked for: to 16 / 2^44.
const HALVINGS: u32 = 44;

/// The evidence of many looks at one face.
#[derive(Clone, Debug)]
pub struct Fusion {
    weights: [f64; BINS],
    age: Age,
}

/// How fast old looks lose their weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fading {
    /// Not at all.
    Never,
    /// To 1/e in so many seconds; greater than 0.
    Seconds(f64),
    /// The same, where from one look to the next no more than `most` seconds count: for looks that are far apart.
    Looks {
        /// Greater than 0.
        seconds: f64,
        /// Greater than 0.
        most: f64,
    },
}

/// How old looks are. Whoever sums them up lets its sums fade by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Age {
    fades: Fading,
    newest: Option<PresentationTime>,
}

impl Age {
    pub(super) fn new(fades: Fading) -> Self {
        Self { fades, newest: None }
    }

    /// Goes on to `time`: gives what is left of all looks before, 1 for all, and what a look of that time counts, less than 1
    /// where later ones were seen.
    pub(super) fn to(&mut self, time: PresentationTime) -> (f64, f64) {
        let newest = *self.newest.get_or_insert(time);
        let (constant, most) = match self.fades {
            Fading::Never => return (1.0, 1.0),
            Fading::Seconds(constant) => (constant, f64::INFINITY),
            Fading::Looks { seconds, most } => (seconds, most),
        };
        let passed = (newest.0.abs_diff(time.0) as f64 / 1e6).min(most);
        let left = (-passed / constant).exp();
        if time <= newest {
            return (1.0, left);
        }
        self.newest = Some(time);
        (left, 1.0)
    }
}

impl Fusion {
    /// No look so far.
    #[must_use]
    pub fn new(fades: Fading) -> Self {
        Self { weights: [0.0; BINS], age: Age::new(fades) }
    }

    /// Adds a look: `evidence` in logits (above 0 for synthetic), `weight` above 0.
    ///
    /// Evidence that is no number says nothing and is left out, and so is a weight that is none. Looks may come in any
    /// order of time.
    pub fn add(&mut self, time: PresentationTime, evidence: f32, weight: f64) {
        if evidence.is_nan() || !(weight > 0.0 && weight.is_finite()) {
            return;
        }
        let weight = weight * self.age_to(time);
        let place = (f64::from(evidence).clamp(-LIMIT, LIMIT) + LIMIT) * BINS_A_UNIT as f64;
        let (lower, part) = (place.floor() as usize, place.fract());
        self.weights[lower] += weight * (1.0 - part);
        if part > 0.0 {
            self.weights[lower + 1] += weight * part;
        }
    }

    /// Lets all looks age to `time`, and gives what a look of that time counts.
    fn age_to(&mut self, time: PresentationTime) -> f64 {
        let (left, counts) = self.age.to(time);
        if left < 1.0 {
            for weight in &mut self.weights {
                *weight *= left;
            }
        }
        counts
    }

    /// The fused evidence in logits, within -8 to 8; `None` without a look.
    #[must_use]
    pub fn evidence(&self) -> Option<f32> {
        let total: f64 = self.weights.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let pull = |mean: f64| -> f64 {
            let bins = self.weights.iter().enumerate();
            bins.map(|(bin, weight)| weight * (value(bin) - mean).clamp(-TOLERANCE, TOLERANCE)).sum()
        };
        let (mut low, mut high) = (-LIMIT, LIMIT);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if pull(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(((low + high) / 2.0) as f32)
    }
}

fn value(bin: usize) -> f64 {
    bin as f64 / BINS_A_UNIT as f64 - LIMIT
}

#[cfg(test)]
#[path = "fusion_tests.rs"]
mod tests;
