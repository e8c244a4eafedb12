//! What was learnt of a network, apart from the trunk that stayed as it is: small enough to be passed on beside a package that
//! holds the trunk.

use super::error::ExportError;
use super::fold::{into_classifier, parameter, scale_and_shift, through_norm};
use crate::checkpoint::{Array, State};
use crate::network::{Network, Op};
use crate::torch::Tune;

/// The weights of the classifier, `[classes, C]`, for what the trunk gives, averaged.
pub const HEAD_WEIGHT: &str = "head.weight";
/// Its bias, `[classes]`.
pub const HEAD_BIAS: &str = "head.bias";

/// What learnt with `tune`: the classifier as `head.weight` and `head.bias`, with a batch normalisation before it gone into
/// them, and with [`Tune::Norms`] the trunk's normalisations under their own names.
///
/// # Errors
///
/// When all layers learnt, or a parameter is missing.
pub fn trained_alone(network: &Network, state: &State, tune: Tune) -> Result<State, ExportError> {
    if tune == Tune::All {
        return Err(ExportError::AllTrained);
    }
    let channels = network.node(network.trunk).shape.channels;
    let part = |part: &str| format!("{}.{part}", network.last_linear);
    let weight = parameter(state, &part("weight"), &[network.classes(), channels])?;
    let bias = parameter(state, &part("bias"), &[network.classes()])?;
    let norm = into_classifier(network).and_then(|id| network.node(id).op.name());
    let (weight, bias) = match norm {
        None => (weight.values.clone(), bias.values.clone()),
        Some(norm) => {
            let (scale, shift) = scale_and_shift(state, norm, channels, network.batch_norm.eps)?;
            through_norm(&weight.values, &bias.values, &scale, &shift)
        }
    };
    let classes = network.classes();
    let mut alone = State::from([
        (HEAD_WEIGHT.to_owned(), Array { shape: vec![classes, channels], values: weight }),
        (HEAD_BIAS.to_owned(), Array { shape: vec![classes], values: bias }),
    ]);
    if tune == Tune::Norms {
        let trunk = &network.nodes[..=network.trunk.0];
        let is_norm = |op: &Op| matches!(op, Op::LayerNorm { .. } | Op::BatchNorm { .. });
        let owners: Vec<String> = trunk
            .iter()
            .filter(|node| is_norm(&node.op))
            .filter_map(|node| Some(format!("{}.", node.op.name()?)))
            .collect();
        for needed in network.parameters() {
            if owners.iter().any(|owner| needed.name.starts_with(owner)) {
                let array = parameter(state, &needed.name, &needed.shape)?.clone();
                alone.insert(needed.name, array);
            }
        }
    }
    Ok(alone)
}

#[cfg(test)]
mod tests {
    use tch::{Tensor, no_grad};

    use super::*;
    use crate::export::textures;
    use crate::network::{VitSizes, vision_transformer};
    use crate::torch::Model;

    #[test]
    fn the_head_alone_gives_the_scores_of_the_whole() {
        let sizes = VitSizes { side: 32, patch: 8, width: 8, heads: 2, hidden: 16, depth: 2 };
        let mut model = Model::new(vision_transformer(2, sizes), 1);
        let mut state = model.state();
        for (number, part) in ["weight", "bias", "running_mean", "running_var"].into_iter().enumerate() {
            let array = state.get_mut(&format!("norm.{part}")).expect("it has a norm");
            array.values.iter_mut().enumerate().for_each(|(at, value)| *value += (at * (number + 1)) as f32 * 0.1);
        }
        model.load(&state).expect("the model's own state");
        let alone = trained_alone(model.network(), &state, Tune::Head).expect("it is whole");
        assert_eq!(alone.keys().collect::<Vec<_>>(), [HEAD_BIAS, HEAD_WEIGHT]);
        let pixels = textures(32, 3, 1);
        let trunk = Tensor::from_slice(&model.trunk(&pixels)).view([3, 8, 16]);
        let tensor = |name: &str, shape: &[i64]| Tensor::from_slice(&alone[name].values).view(shape);
        let logits = no_grad(|| {
            let mean = trunk.mean_dim([2_i64].as_slice(), false, tch::Kind::Float);
            mean.linear(&tensor(HEAD_WEIGHT, &[2, 8]), Some(&tensor(HEAD_BIAS, &[2])))
        });
        let expected = model.score(&pixels).logits;
        let found = crate::torch::to_values(&logits);
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");

        let norms = trained_alone(model.network(), &state, Tune::Norms).expect("it is whole");
        assert_eq!(norms.len(), 2 + 2 + 2 * 4);
        assert_eq!(norms["vision_model.pre_layrnorm.weight"], state["vision_model.pre_layrnorm.weight"]);
        assert!(matches!(trained_alone(model.network(), &state, Tune::All), Err(ExportError::AllTrained)));
    }
}
