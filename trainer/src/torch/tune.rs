//! Which layers of a network learn.

use std::fmt;

use super::Model;
use crate::network::Op;

/// Which layers learn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Tune {
    /// All of them.
    #[default]
    All,
    /// Normalisations and the last linear layer.
    Norms,
    /// What comes after the trunk.
    Head,
}

impl fmt::Display for Tune {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Norms => "norms",
            Self::Head => "head",
        })
    }
}

impl Model {
    /// From now on only these layers learn. With [`Tune::Head`] the trunk's running statistics stay as they are too. Loading
    /// weights or moving to a device undoes it.
    pub fn tune(&mut self, tune: Tune) {
        let (from, only_norms) = match tune {
            Tune::All => (0, false),
            Tune::Norms => (0, true),
            Tune::Head => (self.network.trunk.0 + 1, false),
        };
        let last = self.network.last_linear.clone();
        let learns = move |op: &Op| match op {
            Op::BatchNorm { .. } | Op::LayerNorm { .. } => true,
            Op::Linear { name, .. } if *name == last => true,
            _ => !only_norms,
        };
        self.let_learn(from, learns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Architecture, VitSizes, vision_transformer};

    fn learning(tune: Tune) -> Vec<String> {
        let sizes = VitSizes { side: 32, patch: 16, width: 8, heads: 2, hidden: 16, depth: 1 };
        let mut model = Model::new(vision_transformer(2, sizes), 1);
        model.tune(tune);
        model.trained_names().map(str::to_owned).collect()
    }

    #[test]
    fn a_part_of_the_network_learns() {
        assert_eq!(learning(Tune::Head), ["norm.weight", "norm.bias", "classifier.weight", "classifier.bias"]);
        let norms = learning(Tune::Norms);
        let is_norm = |name: &String| name.contains("norm") || name.contains("layrnorm");
        assert_eq!(norms.iter().filter(|name| is_norm(name)).count(), 8, "{norms:?}");
        assert_eq!(
            norms.iter().filter(|name| !is_norm(name)).collect::<Vec<_>>(),
            ["classifier.weight", "classifier.bias"]
        );
        assert_eq!(learning(Tune::All).len(), 1 + 2 + 2 + 16 + 4);
    }

    #[test]
    fn a_trunk_that_stays_keeps_its_statistics() {
        let mut model = Model::new(Architecture::known("efficientnet_lite0").describe_at(2, 96), 1);
        model.tune(Tune::Head);
        let before = model.state();
        let pixels = tch::Tensor::from_slice(&crate::export::textures(96, 2, 3)).view([-1, 96, 96, 3]);
        model.forward(&pixels, super::super::Mode::Training).logits.sum(tch::Kind::Float).backward();
        assert_eq!(model.state(), before);
        assert_eq!(model.trained_names().collect::<Vec<_>>(), ["_fc.weight", "_fc.bias"]);
    }
}
