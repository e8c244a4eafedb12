//! How much a look at a face counts, and when it counts for nothing.

use super::reason::Reason;
use crate::face::quality::Quality;

/// A face smaller than this, in pixels of its longer side, shows too little to be judged.
const LEAST_SIDE: f32 = 32.0;
/// From this size on a face counts in full: it fills half of a classifier's input or more.
const FULL_SIDE: f32 = 128.0;
/// A face less sharp than this shows too little. Measured: faces in clips have 0.6 to 2, and less than 0.1 after a blur
/// whose standard deviation is a fortieth of the face.
const LEAST_SHARPNESS: f32 = 0.1;
/// From this sharpness on a face counts in full.
const FULL_SHARPNESS: f32 = 0.5;
/// At this yaw the tip of the nose is in front of an eye: half of the face can't be seen.
const MOST_YAW: f32 = 1.0;
/// A face that lies more than this, in degrees, is not what classifiers are trained on.
const MOST_ROLL: f32 = 60.0;
/// What a face counts that is as far turned as may be, over one from the front.
const TURNED: f32 = 0.25;
/// What a look counts that is too poor to be judged by. Where there is nothing better, it still gives a probability.
const POOR: f64 = 0.02;

/// What a look at a face counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// Greater than 0, at most 1.
    pub value: f64,
    /// Why it is too poor to be judged by, if it is.
    pub fault: Option<Reason>,
}

impl Weight {
    /// The weight of this look at a face that is unlike anything that was trained on: what is said of it counts where there
    /// is nothing else.
    #[must_use]
    pub(super) fn of_unfamiliar(self) -> Self {
        Self { value: POOR, ..self }
    }

    /// The weight of a look of this quality. A quality that is no number is the worst.
    #[must_use]
    pub fn of(quality: &Quality) -> Self {
        // Written so that NaN fails.
        let large_enough = quality.side >= LEAST_SIDE;
        let sharp_enough = quality.sharpness >= LEAST_SHARPNESS;
        let upright = quality.yaw <= MOST_YAW && quality.roll <= MOST_ROLL;
        let fault = match (large_enough, sharp_enough, upright) {
            (false, ..) => Some(Reason::TooSmall),
            (_, false, _) => Some(Reason::TooBlurred),
            (.., false) => Some(Reason::TooTurned),
            (true, true, true) => None,
        };
        if fault.is_some() {
            return Self { value: POOR, fault };
        }
        let size = (quality.side / FULL_SIDE).min(1.0);
        let sharpness = (quality.sharpness / FULL_SHARPNESS).min(1.0);
        let turned = (quality.yaw / MOST_YAW).max(quality.roll / MOST_ROLL).clamp(0.0, 1.0);
        let pose = 1.0 - (1.0 - TURNED) * turned * turned;
        Self { value: f64::from(size * sharpness * pose).max(POOR), fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Quality = Quality { side: 200.0, sharpness: 1.0, yaw: 0.0, roll: 0.0 };

    fn check(quality: Quality, value: f64, fault: Option<Reason>) {
        let found = Weight::of(&quality);
        assert!((found.value - value).abs() < 1e-6 && found.fault == fault, "{quality:?}: {found:?}");
    }

    #[test]
    fn a_good_look_counts_in_full_and_a_worse_one_less() {
        check(GOOD, 1.0, None);
        check(Quality { side: 64.0, ..GOOD }, 0.5, None);
        check(Quality { sharpness: 0.25, ..GOOD }, 0.5, None);
        check(Quality { yaw: 1.0, ..GOOD }, 0.25, None);
        check(Quality { roll: 30.0, ..GOOD }, 0.8125, None);
        check(Quality { side: 64.0, sharpness: 0.25, ..GOOD }, 0.25, None);
    }

    #[test]
    fn a_poor_look_says_why() {
        check(Quality { side: 31.0, ..GOOD }, POOR, Some(Reason::TooSmall));
        check(Quality { sharpness: 0.05, ..GOOD }, POOR, Some(Reason::TooBlurred));
        check(Quality { yaw: 1.1, ..GOOD }, POOR, Some(Reason::TooTurned));
        check(Quality { roll: 90.0, ..GOOD }, POOR, Some(Reason::TooTurned));
        check(Quality { side: 20.0, sharpness: 0.0, yaw: 9.0, roll: 0.0 }, POOR, Some(Reason::TooSmall));
        check(Quality { yaw: f32::NAN, ..GOOD }, POOR, Some(Reason::TooTurned));
        check(Quality { side: f32::NAN, ..GOOD }, POOR, Some(Reason::TooSmall));
    }
}
