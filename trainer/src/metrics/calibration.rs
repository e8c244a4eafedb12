//! From logits to probabilities that mean what they say.
//!
//! ```text
//! p(synthetic) = sigmoid(d / temperature + bias),   d = logit of synthetic - logit of authentic
//! ```
//!
//! This is Platt scaling (J. Platt 1999) of the difference; with a bias of 0 it is temperature scaling (C. Guo and others,
//! ICML 2017). It is fitted by maximum likelihood with Platt's smoothed targets, `(N+ + 1) / (N+ + 2)` for the `N+` synthetic
//! faces and `1 / (N- + 2)` for the `N-` authentic ones, which keep it finite when the classes don't overlap. The minimum is
//! found by Newton's method with a line search, as H. Lin, C. Lin and R. Weng (2007) do it.

use super::Scored;
use crate::data::list::Label;

/// A temperature is at most so many standard deviations of `d`: where the scores tell nothing, or the contrary, the
/// likelihood would have it infinite or negative.
const HOTTEST: f64 = 1000.0;

/// How much a face of each class counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All faces alike: probabilities for a world with as large a share of synthetic faces as the list.
    AsListed,
    /// Both classes alike, whatever their numbers: probabilities for a world where every second face is synthetic.
    Balanced,
}

/// A calibration and how well it fits.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct CalibrationFit {
    /// Greater than zero.
    pub temperature: f64,
    /// Added after the division.
    pub bias: f64,
    /// Mean cross-entropy against the smoothed targets, which was made smallest.
    pub loss: f64,
    /// Whether the temperature is the highest allowed, 1000 standard deviations of `d`: the scores don't rise from authentic
    /// to synthetic faces, and all probabilities come out nearly the same.
    pub limited: bool,
}

/// Why a calibration can't be fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// No face of a class.
    #[error("a calibration needs faces of both classes, and there are no {0} ones: add some to the list")]
    OneClass(&'static str),
    /// A difference of logits that is no finite number.
    #[error("the logits of face {0} aren't finite, so calibration is impossible: check the model")]
    NotFinite(usize),
    /// All differences are the same, up to rounding.
    #[error("all faces have the same logits, so no temperature can be fitted: the model doesn't distinguish any faces")]
    Constant,
    /// The search didn't end.
    #[error("no calibration was found in {0} steps: look for logits that are far too large")]
    NotFound(usize),
}

/// Fits temperature and bias. The scores are `d`, the logit of synthetic minus that of authentic.
///
/// # Errors
///
/// When a class is missing, a score isn't finite, or all scores are the same.
pub fn fit_calibration(scored: &[Scored], weights: ClassWeights) -> Result<CalibrationFit, CalibrationError> {
    if let Some(face) = scored.iter().position(|each| !each.score.is_finite()) {
        return Err(CalibrationError::NotFinite(face));
    }
    let synthetic = scored.iter().filter(|each| each.label == Label::Synthetic).count() as f64;
    let authentic = scored.len() as f64 - synthetic;
    for (count, name) in [(authentic, "authentic"), (synthetic, "synthetic")] {
        if count == 0.0 {
            return Err(CalibrationError::OneClass(name));
        }
    }
    // Brought to a mean of 0 and a deviation of 1, so that large logits and far ones are as easy as others. By the largest
    // first, lest a square overflow.
    let count = scored.len() as f64;
    let largest = scored.iter().map(|each| each.score.abs()).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let mean = scored.iter().map(|each| each.score / largest).sum::<f64>() / count;
    let squares: f64 = scored.iter().map(|each| (each.score / largest - mean).powi(2)).sum();
    let deviation = (squares / count).sqrt();
    if deviation < 1e-12 {
        return Err(CalibrationError::Constant);
    }
    let face = |each: &Scored| {
        let (target, balanced) = match each.label {
            Label::Authentic => (1.0 / (authentic + 2.0), 0.5 / authentic),
            Label::Synthetic => ((synthetic + 1.0) / (synthetic + 2.0), 0.5 / synthetic),
        };
        let weight = match weights {
            ClassWeights::AsListed => 1.0 / count,
            ClassWeights::Balanced => balanced,
        };
        Face { z: (each.score / largest - mean) / deviation, target, weight }
    };
    let faces: Vec<_> = scored.iter().map(face).collect();
    let mut line = newton(&faces, Line { slope: 0.0, offset: 0.0 }, Free::Both)?;
    // The loss is convex: when its minimum has too small a slope, the smallest among those allowed is at the limit.
    let limited = line.slope < 1.0 / HOTTEST;
    if limited {
        line = newton(&faces, Line { slope: 1.0 / HOTTEST, offset: 0.0 }, Free::Offset)?;
    }
    Ok(CalibrationFit {
        temperature: deviation / line.slope * largest,
        bias: line.offset - line.slope * mean / deviation,
        loss: line.loss(&faces),
        limited,
    })
}

impl CalibrationFit {
    /// p(synthetic) for a difference of logits.
    #[must_use]
    pub fn probability(&self, difference: f64) -> f64 {
        sigmoid(difference / self.temperature + self.bias)
    }
}

struct Face {
    z: f64,
    target: f64,
    weight: f64,
}

#[derive(Clone, Copy)]
struct Line {
    slope: f64,
    offset: f64,
}

enum Free {
    Both,
    Offset,
}

impl Line {
    fn at(&self, z: f64) -> f64 {
        self.slope * z + self.offset
    }

    fn loss(&self, faces: &[Face]) -> f64 {
        let each = |face: &Face| {
            let logit = self.at(face.z);
            // ln(1 + e^logit), without overflow.
            let softplus = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
            face.weight * (softplus - face.target * logit)
        };
        faces.iter().map(each).sum()
    }
}

fn newton(faces: &[Face], mut line: Line, free: Free) -> Result<Line, CalibrationError> {
    const STEPS: usize = 200;
    // Keeps the matrix regular where all faces are sure.
    const RIDGE: f64 = 1e-12;
    let mut loss = line.loss(faces);
    for _ in 0..STEPS {
        let (mut by_slope, mut by_offset) = (0.0, 0.0);
        let (mut slope_slope, mut slope_offset, mut offset_offset) = (RIDGE, 0.0, RIDGE);
        for face in faces {
            let p = sigmoid(line.at(face.z));
            let off = face.weight * (p - face.target);
            by_slope += off * face.z;
            by_offset += off;
            let bend = face.weight * p * (1.0 - p);
            slope_slope += bend * face.z * face.z;
            slope_offset += bend * face.z;
            offset_offset += bend;
        }
        if matches!(free, Free::Offset) {
            (by_slope, slope_slope, slope_offset) = (0.0, 1.0, 0.0);
        }
        if by_slope.abs().max(by_offset.abs()) < 1e-14 {
            return Ok(line);
        }
        let determinant = slope_slope * offset_offset - slope_offset * slope_offset;
        let step = Line {
            slope: (slope_offset * by_offset - offset_offset * by_slope) / determinant,
            offset: (slope_offset * by_slope - slope_slope * by_offset) / determinant,
        };
        let descent = by_slope * step.slope + by_offset * step.offset;
        let mut share = 1.0;
        loop {
            let next = Line { slope: line.slope + share * step.slope, offset: line.offset + share * step.offset };
            let found = next.loss(faces);
            // Near the minimum the loss moves by less than it is rounded; there Newton's whole step is right.
            if found <= loss + 1e-4 * share * descent + 1e-14 {
                (line, loss) = (next, found);
                break;
            }
            share /= 2.0;
            if share < 1e-15 {
                return Err(CalibrationError::NotFound(STEPS));
            }
        }
        // What is left of the step is less than the digits of the line.
        if descent.abs() < 1e-24 {
            return Ok(line);
        }
    }
    Err(CalibrationError::NotFound(STEPS))
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::super::classes::tests::faces;
    use super::super::log_loss;
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
    }

    fn fit(authentic: &[f64], synthetic: &[f64], weights: ClassWeights) -> CalibrationFit {
        fit_calibration(&faces(authentic, synthetic), weights).expect("it can be fitted")
    }

    #[test]
    fn two_points_give_two_equations() {
        // All faces of a class alike: both probabilities are the smoothed targets, 1/5 and 5/6.
        for weights in [ClassWeights::AsListed, ClassWeights::Balanced] {
            let found = fit(&[-3.0; 3], &[1.0; 4], weights);
            let (low, high) = (0.25_f64.ln(), 5.0_f64.ln());
            close(found.temperature, 4.0 / (high - low));
            close(found.bias, high - 1.0 / found.temperature);
            close(found.probability(-3.0), 0.2);
            close(found.probability(1.0), 5.0 / 6.0);
            assert!(!found.limited);
        }
    }

    #[test]
    fn follows_the_scale_of_the_logits() {
        let one = fit(&[-2.0, -1.0, 1.5], &[-0.5, 1.0, 2.0], ClassWeights::AsListed);
        for (scale, shift) in [(1e-6, 0.0), (50.0, 0.0), (1e200, 0.0), (1.0, 80.0)] {
            let moved = |scores: &[f64]| scores.iter().map(|score| score * scale + shift).collect::<Vec<_>>();
            let other = fit(&moved(&[-2.0, -1.0, 1.5]), &moved(&[-0.5, 1.0, 2.0]), ClassWeights::AsListed);
            close(other.temperature / scale, one.temperature);
            close(other.loss, one.loss);
            close(other.probability(0.7 * scale + shift), one.probability(0.7));
        }
    }

    #[test]
    fn weights_move_the_world() {
        let (authentic, synthetic) = ([-1.0, 0.5, -2.0, -1.5, 0.2, -0.7, -1.2, 0.9, -0.1], [-0.5, 1.0]);
        let listed = fit(&authentic, &synthetic, ClassWeights::AsListed);
        let balanced = fit(&authentic, &synthetic, ClassWeights::Balanced);
        // Nine of eleven are authentic.
        assert!(listed.probability(0.0) < 0.3 && balanced.probability(0.0) > 0.4);
    }

    #[test]
    fn a_contrary_score_has_a_temperature_all_the_same() {
        let found = fit(&[2.0, 3.0, 2.5], &[-1.0, -2.0], ClassWeights::Balanced);
        assert!(found.limited && found.temperature > 100.0 && found.temperature.is_finite(), "{found:?}");
        assert!((found.probability(3.0) - found.probability(-2.0)).abs() < 0.01);
    }

    #[test]
    fn makes_an_overconfident_model_no_worse() {
        let scored = faces(&[-9.0, -30.0, 12.0, -20.0, -3.0, -15.0], &[10.0, 25.0, -8.0, 18.0, 30.0, 5.0]);
        let found = fit_calibration(&scored, ClassWeights::AsListed).expect("it can be fitted");
        let with = |of: &dyn Fn(f64) -> f64| {
            let scored: Vec<_> = scored.iter().map(|each| Scored { score: of(each.score), ..*each }).collect();
            log_loss(&scored).expect("probabilities")
        };
        assert!(with(&|d| found.probability(d)) < 0.5 * with(&sigmoid));
        assert!(found.temperature > 5.0);
    }

    #[test]
    fn refuses_what_has_no_answer() {
        let check = |authentic: &[f64], synthetic: &[f64], expected| {
            assert_eq!(fit_calibration(&faces(authentic, synthetic), ClassWeights::Balanced), Err(expected));
        };
        check(&[], &[1.0, 2.0], CalibrationError::OneClass("authentic"));
        check(&[1.0, 2.0], &[], CalibrationError::OneClass("synthetic"));
        check(&[], &[], CalibrationError::OneClass("authentic"));
        check(&[1.0, 2.0], &[f64::INFINITY], CalibrationError::NotFinite(2));
        check(&[f64::NAN], &[1.0], CalibrationError::NotFinite(0));
        check(&[0.7, 0.7], &[0.7], CalibrationError::Constant);
        check(&[0.0], &[0.0], CalibrationError::Constant);
    }
}
