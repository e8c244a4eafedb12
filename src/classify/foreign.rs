//! What a foreign classifier wants and gives, in terms of ours: bytes to normalised planes, its numbers to logits.

use cyborg_models::foreign::{Channels, Class, Foreign, Input, Meaning, Output, Scale};

use crate::verdict::Logits;

/// A probability is kept this far from 0 and 1, where its logit has no end.
const EDGE: f32 = 1e-7;

/// Fills planes for a foreign network and reads its numbers.
#[derive(Debug)]
pub(super) struct Adapter {
    pub(super) description: Foreign,
    /// Faces that one run takes at most.
    pub(super) batch: usize,
    planes: Vec<f32>,
}

impl Adapter {
    pub(super) fn new(description: Foreign, batch: usize) -> Self {
        Self { description, batch, planes: Vec::new() }
    }

    /// Takes crops, bytes [N, S, S, 3].
    pub(super) fn fill(&mut self, pixels: &[u8]) {
        let Input { side, channels, scale, mean, std, .. } = &self.description.input;
        let area = side * side;
        let white = match scale {
            Scale::Unit => 255.0,
            Scale::Byte => 1.0,
        };
        self.planes.resize(pixels.len(), 0.0);
        for (planes, crop) in self.planes.chunks_exact_mut(area * 3).zip(pixels.chunks_exact(area * 3)) {
            for (at, plane) in planes.chunks_exact_mut(area).enumerate() {
                let channel = match channels {
                    Channels::Rgb => at,
                    Channels::Bgr => 2 - at,
                };
                for (value, pixel) in plane.iter_mut().zip(crop.chunks_exact(3)) {
                    *value = (f32::from(pixel[channel]) / white - mean[at]) / std[at];
                }
            }
        }
    }

    /// The crops that were taken, as normalised float planes [N, 3, S, S].
    pub(super) fn planes(&self) -> &[f32] {
        &self.planes
    }
}

/// The logits that a network's numbers for one face stand for. Where it gives one number, or probabilities, only the
/// difference of the two logits is known: that of the authentic class is then 0.
pub(super) fn logits(output: &Output, numbers: &[f32]) -> anyhow::Result<Logits> {
    let of = |class| output.classes.iter().zip(numbers).find(|(each, _)| **each == class).map(|(_, &number)| number);
    let (authentic, synthetic) = (of(Class::Authentic), of(Class::Synthetic));
    if output.meaning == Meaning::Logits {
        return Ok(match (authentic, synthetic) {
            (Some(authentic), Some(synthetic)) => Logits { authentic, synthetic },
            (authentic, synthetic) => {
                Logits { authentic: 0.0, synthetic: synthetic.or(authentic.map(|logit| -logit)).unwrap_or_default() }
            }
        });
    }
    if let Some(number) = numbers.iter().find(|&&number| number.is_finite() && !(-EDGE..=1.0 + EDGE).contains(&number))
    {
        anyhow::bail!(
            "output `{}` gave {number}, which is not a probability: if it gives logits, say so in its TOML",
            output.name
        );
    }
    let kept = |p: f32| p.clamp(EDGE, 1.0 - EDGE);
    let odds = match (authentic, synthetic) {
        (Some(authentic), Some(synthetic)) => kept(synthetic) / kept(authentic),
        (None, Some(synthetic)) => kept(synthetic) / (1.0 - kept(synthetic)),
        (Some(authentic), None) => (1.0 - kept(authentic)) / kept(authentic),
        (None, None) => 1.0,
    };
    Ok(Logits { authentic: 0.0, synthetic: odds.ln() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(meaning: Meaning, classes: &[Class], numbers: &[f32], expected: (f32, f32)) {
        let output = Output { name: "out".into(), meaning, classes: classes.to_vec() };
        let Logits { authentic, synthetic } = logits(&output, numbers).expect("they can be read");
        let near = |a: f32, b: f32| (a - b).abs() < 1e-5;
        assert!(near(authentic, expected.0) && near(synthetic, expected.1), "{output:?}: {authentic}, {synthetic}");
    }

    #[test]
    fn each_meaning_has_its_logits() {
        use Class::{Authentic, Synthetic};
        use Meaning::{Logits, Probabilities};
        check(Logits, &[Authentic, Synthetic], &[1.0, 2.0], (1.0, 2.0));
        check(Logits, &[Synthetic, Authentic], &[1.0, 2.0], (2.0, 1.0));
        check(Logits, &[Synthetic], &[1.5], (0.0, 1.5));
        check(Logits, &[Authentic], &[1.5], (0.0, -1.5));
        // ln 3 and its opposite.
        check(Probabilities, &[Synthetic], &[0.75], (0.0, 1.098_612_3));
        check(Probabilities, &[Authentic], &[0.75], (0.0, -1.098_612_3));
        check(Probabilities, &[Synthetic, Authentic], &[0.75, 0.25], (0.0, 1.098_612_3));
        check(Probabilities, &[Authentic, Synthetic], &[0.5, 0.5], (0.0, 0.0));
    }

    #[test]
    fn what_is_no_probability_is_told() {
        let output = Output { name: "out".into(), meaning: Meaning::Probabilities, classes: vec![Class::Synthetic] };
        let error = logits(&output, &[3.5]).expect_err("it is no probability").to_string();
        assert!(error.contains("`out` gave 3.5") && error.contains("TOML"), "{error}");
        assert!(logits(&output, &[0.0]).expect("a certain answer").synthetic.is_finite());
        assert!(logits(&output, &[f32::NAN]).expect("no answer").synthetic.is_nan());
    }
}
