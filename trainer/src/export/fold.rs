//! Batch normalisation becomes part of the convolution before it, which saves its cost at run time.

use super::ExportError;
use crate::checkpoint::{Array, State};
use crate::network::{Network, NodeId, Op};

/// Which batch normalisations go into the convolution before them: those that are its only reader, unless the
/// convolution's own output is the tap.
pub(super) fn foldable(network: &Network) -> Vec<bool> {
    let readers = network.consumers();
    let can = |input: NodeId| {
        matches!(network.node(input).op, Op::Conv { .. }) && readers[input.0] == 1 && input != network.tap_node()
    };
    network.nodes.iter().map(|node| matches!(node.op, Op::BatchNorm { .. }) && can(node.inputs[0])).collect()
}

/// A convolution with a bias for each channel.
pub(super) struct Folded {
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// The convolution `conv` and the batch normalisation `norm` in one.
///
/// With `scale = weight / sqrt(variance + eps)`: each filter times its scale, and the bias `shift - mean * scale`.
pub(super) fn fold(state: &State, conv: &Array, norm: &str, eps: f64) -> Result<Folded, ExportError> {
    let channels = conv.shape[0];
    let part = |part: &str| values(state, &format!("{norm}.{part}"), &[channels]);
    let (scale, shift, mean, variance) = (part("weight")?, part("bias")?, part("running_mean")?, part("running_var")?);
    let size = conv.values.len() / channels;
    let mut folded = Folded { weight: conv.values.clone(), bias: Vec::with_capacity(channels) };
    for (channel, filter) in folded.weight.chunks_exact_mut(size).enumerate() {
        // In double precision, so that folding adds no error of its own.
        let scale = f64::from(scale[channel]) / (f64::from(variance[channel]) + eps).sqrt();
        for value in filter {
            *value = (f64::from(*value) * scale) as f32;
        }
        folded.bias.push((f64::from(shift[channel]) - f64::from(mean[channel]) * scale) as f32);
    }
    Ok(folded)
}

/// The values of a parameter that must have a shape.
pub(super) fn values<'a>(state: &'a State, name: &str, shape: &[usize]) -> Result<&'a [f32], ExportError> {
    Ok(&parameter(state, name, shape)?.values)
}

/// A parameter that must have a shape.
pub(super) fn parameter<'a>(state: &'a State, name: &str, shape: &[usize]) -> Result<&'a Array, ExportError> {
    let whole = |array: &&Array| array.shape == shape && array.values.len() == shape.iter().product::<usize>();
    state.get(name).filter(whole).ok_or_else(|| ExportError::Parameter(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Architecture;

    #[test]
    fn folds_by_the_formula() {
        let array = |values: &[f32]| Array { shape: vec![values.len()], values: values.to_vec() };
        let state = State::from([
            ("n.weight".to_owned(), array(&[2.0, 3.0])),
            ("n.bias".to_owned(), array(&[0.5, -1.0])),
            ("n.running_mean".to_owned(), array(&[1.0, 2.0])),
            ("n.running_var".to_owned(), array(&[3.0, 8.0])),
        ]);
        let conv = Array { shape: vec![2, 1, 1, 1], values: vec![10.0, 20.0] };
        let folded = fold(&state, &conv, "n", 1.0).expect("all is there");
        assert_eq!(folded.weight, [10.0, 20.0]);
        assert_eq!(folded.bias, [-0.5, -3.0]);
        assert!(fold(&state, &conv, "other", 1.0).is_err());
    }

    #[test]
    fn all_of_lite0_and_half_of_densenet_folds() {
        let count =
            |architecture: Architecture| foldable(&architecture.describe(2)).into_iter().filter(|&folds| folds).count();
        assert_eq!(count(Architecture::EfficientNetLite0), 49);
        // The stem's, and the second one of each of the 58 layers: the others follow a concatenation or a pooling.
        assert_eq!(count(Architecture::DenseNet121), 59);
    }
}
