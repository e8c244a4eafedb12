//! The layer for one kind of synthetic face: linear, or two of them with a gate between, which looks at what is in the picture.

use cyborg_models::head::{self, KindHead};

use crate::torch::Logistic;

/// Gives a face's evidence for one kind, in logits.
#[derive(Clone, Debug, PartialEq)]
pub struct KindLayer {
    /// Gives it by itself where there is no gate.
    pub plain: Logistic,
    /// A second one, for faces of other content.
    pub gated: Option<Gated>,
}

/// evidence = (1 - g) * plain + g * other, with g = sigmoid(gate).
#[derive(Clone, Debug, PartialEq)]
pub struct Gated {
    /// How much a face is like those that `other` is for, in logits.
    pub gate: Logistic,
    /// Gives the evidence where the gate is open.
    pub other: Logistic,
}

impl KindLayer {
    /// One without a gate.
    #[must_use]
    pub fn plain(plain: Logistic) -> Self {
        Self { plain, gated: None }
    }

    /// The evidence of one face, in logits.
    #[must_use]
    pub fn evidence(&self, features: &[f32]) -> f64 {
        let evidence = self.plain.evidence(features);
        match &self.gated {
            None => evidence,
            Some(Gated { gate, other }) => {
                let open = 1.0 / (1.0 + (-gate.evidence(features)).exp());
                evidence + open * (other.evidence(features) - evidence)
            }
        }
    }

    /// The layer whose evidence is `times` this one's, plus `plus`.
    #[must_use]
    pub fn scaled(&self, times: f64, plus: f64) -> Self {
        let scaled = |layer: &Logistic| Logistic {
            weight: layer.weight.iter().map(|weight| weight * times).collect(),
            bias: layer.bias * times + plus,
        };
        let gated = self.gated.as_ref();
        let gated = gated.map(|Gated { gate, other }| Gated { gate: gate.clone(), other: scaled(other) });
        Self { plain: scaled(&self.plain), gated }
    }

    /// The same as part of a head's file.
    #[must_use]
    pub fn to_kind(&self) -> KindHead {
        let layer = |layer: &Logistic| head::Layer {
            weight: layer.weight.iter().map(|&weight| weight as f32).collect(),
            bias: layer.bias as f32,
        };
        let gated = self.gated.as_ref();
        let gated = gated.map(|Gated { gate, other }| head::Gated { gate: layer(gate), other: layer(other) });
        KindHead { layer: layer(&self.plain), gated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_says_which_layer_counts() {
        let layer = |weight, bias| Logistic { weight: vec![weight, 0.0], bias };
        let gate = Logistic { weight: vec![0.0, 1.0], bias: 0.0 };
        let both = KindLayer { plain: layer(1.0, 0.5), gated: Some(Gated { gate, other: layer(-2.0, 1.0) }) };
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found} is not {wanted}");
        // Shut, open, and half open.
        near(both.evidence(&[3.0, -60.0]), 3.5);
        near(both.evidence(&[3.0, 60.0]), -5.0);
        near(both.evidence(&[3.0, 0.0]), -0.75);
        for second in [-60.0, 0.3, 60.0] {
            let face = [3.0, second];
            near(both.scaled(2.0, 0.25).evidence(&face), 2.0 * both.evidence(&face) + 0.25);
        }
        near(KindLayer::plain(layer(1.0, 0.5)).evidence(&[3.0, 60.0]), 3.5);
    }
}
