//! CLIP's image tower ViT-B/16 (A. Radford and others, "Learning Transferable Visual Models From Natural Language Supervision",
//! ICML 2021), its first blocks, with a classifier of the patch tokens behind them.
//!
//! The first blocks know how a picture is made, the last ones what it shows, so that a detector wants fewer than all twelve.
//! Parameter names are those of Hugging Face's vision tower. The class token takes part in attention and is dropped at the
//! end. Channels of patch tokens differ a hundredfold in size, so a batch normalisation comes before they are pooled; it goes
//! into the last linear layer when a model file is written.

use crate::network::architecture::{Architecture, Depths, Row};
use crate::network::builder::{Builder, Finish};
use crate::network::{BatchNormSettings, Network, NodeId, Op, Taps, Window};

/// The row of the registry. It has learnt the places of 14 x 14 patches, and no others.
pub(super) static ROW: Row = Row {
    name: "clip_vit_b16",
    side: SIDE,
    sides: SIDE..=SIDE,
    depths: Some(Depths { all: 1..=BLOCKS, usual: DEPTH }),
    weights: Some(("clip_vit_b16_int8", "CLIP's")),
    describe,
};

const SIDE: usize = 224;
/// Blocks of the whole tower.
const BLOCKS: usize = 12;
/// Blocks that are taken unless told otherwise.
const DEPTH: usize = 6;
/// Mean and deviation of CLIP's own pictures, in shares of white.
const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// Sizes of a transformer of this kind; those of CLIP are the only ones that weights are to be had for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Side of the input in pixels, a multiple of `patch`.
    pub side: usize,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Channels of a token, a multiple of `heads`.
    pub width: usize,
    /// Heads of attention.
    pub heads: usize,
    /// Values between the two layers of an MLP.
    pub hidden: usize,
    /// Blocks.
    pub depth: usize,
}

fn describe(classes: usize, side: usize, depth: usize) -> Network {
    describe_sized(classes, Sizes { side, patch: 16, width: 768, heads: 12, hidden: 3072, depth })
}

/// A network of the same form in other sizes, for tests on a processor.
#[must_use]
pub fn describe_sized(classes: usize, sizes: Sizes) -> Network {
    let (mut net, image) = Builder::new(sizes.side);
    let window = Window::square(sizes.patch, sizes.patch, 0);
    let x = net.conv(image, "vision_model.embeddings.patch_embedding".to_owned(), sizes.width, window, 1);
    let x = net.tokens(x, "vision_model.embeddings");
    // The public name is written like this.
    let mut x = net.layer_norm(x, "vision_model.pre_layrnorm".to_owned());
    for number in 0..sizes.depth {
        x = block(&mut net, x, &format!("vision_model.encoder.layers.{number}"), sizes);
    }
    let reference = net.patches(x);
    let head = net.batch_norm(reference, "norm".to_owned());
    let x = net.global_average_pool(head);
    net.linear(x, "classifier", classes);
    let levels = |shares: [f32; 3]| shares.map(|share| share * 255.0);
    let network = net.finish(Finish {
        architecture: Architecture::cut(&ROW, sizes.depth),
        mean: levels(MEAN),
        std: levels(STD),
        batch_norm: BatchNormSettings { eps: 1e-5, momentum: 0.1 },
        taps: Taps { head, reference },
        last_linear: "classifier",
    });
    // The batch normalisation is learnt with the classifier.
    Network { trunk: reference, ..network }
}

fn block(net: &mut Builder, input: NodeId, name: &str, sizes: Sizes) -> NodeId {
    let x = net.layer_norm(input, format!("{name}.layer_norm1"));
    let parts =
        ["q_proj", "k_proj", "v_proj"].map(|part| net.token_linear(x, format!("{name}.self_attn.{part}"), sizes.width));
    let x = net.attention(parts, sizes.heads);
    let x = net.token_linear(x, format!("{name}.self_attn.out_proj"), sizes.width);
    let attended = net.add(x, input);
    let x = net.layer_norm(attended, format!("{name}.layer_norm2"));
    let x = net.token_linear(x, format!("{name}.mlp.fc1"), sizes.hidden);
    let x = net.each(x, Op::QuickGelu);
    let x = net.token_linear(x, format!("{name}.mlp.fc2"), sizes.width);
    net.add(x, attended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Node;

    #[test]
    fn the_head_is_what_comes_after_the_trunk() {
        let network = Architecture::known("clip_vit_b16").with_depth(Some(1)).expect("one of its blocks").describe(2);
        let names = [
            "norm.weight",
            "norm.bias",
            "norm.running_mean",
            "norm.running_var",
            "classifier.weight",
            "classifier.bias",
        ];
        assert_eq!(network.head_parameters(), names);
        assert_eq!(network.node(network.trunk).op, Op::Patches);
        assert_eq!(network.clone().smoothed().head_parameters(), names);
        for architecture in Architecture::all() {
            let network = architecture.describe(2);
            let reads = |node: &Node| node.inputs.iter().all(|input| input.0 >= network.trunk.0);
            assert!(network.nodes[network.trunk.0 + 1..].iter().all(reads), "{architecture}");
        }
    }
}
