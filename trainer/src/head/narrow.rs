//! A layer that looks at some of the blocks that a face is described by. A later block knows more of what a picture shows, which a layer
//! for generated faces had better not know.

use super::features::Described;
use super::layer::{Gated, KindLayer};
use crate::torch::Logistic;

/// Which values of a face a layer looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrow {
    /// Values of each block.
    block: usize,
    /// Whether it looks at each block.
    seen: Vec<bool>,
}

impl Narrow {
    /// Looks at those of `blocks`, each described by `block` values, that `seen` names.
    #[must_use]
    pub fn new(blocks: &[usize], block: usize, seen: &[usize]) -> Self {
        Self { block, seen: blocks.iter().map(|number| seen.contains(number)).collect() }
    }

    /// Values that it looks at.
    #[must_use]
    pub fn width(&self) -> usize {
        self.seen.iter().filter(|&&seen| seen).count() * self.block
    }

    /// The faces by these values alone.
    #[must_use]
    pub fn of(&self, faces: &Described) -> Described {
        let blocks = faces.features.chunks_exact(self.block).zip(self.seen.iter().cycle());
        let features = blocks.filter(|(_, seen)| **seen).flat_map(|(block, _)| block).copied().collect();
        Described { features, labels: faces.labels.clone() }
    }

    /// A layer of these values as one of all, which has no weight on the others.
    #[must_use]
    pub fn widened(&self, layer: &KindLayer) -> KindLayer {
        let wide = |layer: &Logistic| {
            let mut blocks = layer.weight.chunks_exact(self.block);
            let none = vec![0.0; self.block];
            let weight = self.seen.iter().flat_map(|&seen| match seen {
                true => blocks.next().unwrap_or(&none).to_vec(),
                false => none.clone(),
            });
            Logistic { weight: weight.collect(), bias: layer.bias }
        };
        let gated = layer.gated.as_ref();
        let gated = gated.map(|Gated { gate, other }| Gated { gate: wide(gate), other: wide(other) });
        KindLayer { plain: wide(&layer.plain), gated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_of_some_blocks_gives_all_of_them_the_same_evidence() {
        let narrow = Narrow::new(&[4, 5, 8], 2, &[4, 8]);
        let faces = Described { features: (0..12).map(|value| value as f32).collect(), labels: vec![true, false] };
        let seen = narrow.of(&faces);
        assert_eq!(seen.features, [0.0, 1.0, 4.0, 5.0, 6.0, 7.0, 10.0, 11.0]);
        assert_eq!((narrow.width(), &seen.labels), (4, &faces.labels));
        let layer = |bias| Logistic { weight: vec![1.0, -2.0, 3.0, 0.5], bias };
        let gated = KindLayer { plain: layer(0.25), gated: Some(Gated { gate: layer(-3.0), other: layer(1.0) }) };
        for of in [KindLayer::plain(layer(0.5)), gated] {
            let wide = narrow.widened(&of);
            for (all, some) in faces.features.chunks_exact(6).zip(seen.features.chunks_exact(4)) {
                assert_eq!(wide.evidence(all), of.evidence(some));
            }
        }
    }
}
