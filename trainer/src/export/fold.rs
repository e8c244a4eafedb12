//! Batch normalisation becomes part of the convolution before it, or of the classifier behind it, which saves its cost at run
//! time.

use super::error::ExportError;
use crate::checkpoint::{Array, State};
use crate::network::{Network, NodeId, Op};

/// Which batch normalisations go into the convolution before them: those that are its only reader, unless the
/// convolution's own output is the tap.
pub(super) fn foldable(network: &Network) -> Vec<bool> {
    let (readers, tap) = (network.consumers(), network.tap_node());
    let can =
        |input: NodeId| matches!(network.node(input).op, Op::Conv { .. }) && readers[input.0] == 1 && input != tap;
    network.nodes.iter().map(|node| matches!(node.op, Op::BatchNorm { .. }) && can(node.inputs[0])).collect()
}

/// The batch normalisation that goes into the last linear layer: nothing stands between the two but the mean over the picture,
/// which scales and shifts may change places with.
pub(super) fn into_classifier(network: &Network) -> Option<NodeId> {
    let linear = network.nodes.last().filter(|node| matches!(node.op, Op::Linear { .. }))?;
    let mean = network.node(linear.inputs[0]);
    let id = *mean.inputs.first().filter(|_| mean.op == Op::GlobalAveragePool)?;
    let is_norm = matches!(network.node(id).op, Op::BatchNorm { .. });
    (is_norm && network.consumers()[id.0] == 1 && !foldable(network)[id.0]).then_some(id)
}

/// Weight and bias of a linear layer that does what a scale and a shift of its inputs and then `weight` and `bias` do. In double
/// precision inside.
pub(super) fn through_norm(weight: &[f32], bias: &[f32], scale: &[f64], shift: &[f64]) -> (Vec<f32>, Vec<f32>) {
    let rows = weight.chunks_exact(scale.len());
    let scaled =
        rows.clone().flat_map(|row| row.iter().zip(scale).map(|(&weight, scale)| (f64::from(weight) * scale) as f32));
    let shifted = rows.zip(bias).map(|(row, &bias)| {
        let shifts: f64 = row.iter().zip(shift).map(|(&weight, shift)| f64::from(weight) * shift).sum();
        (f64::from(bias) + shifts) as f32
    });
    (scaled.collect(), shifted.collect())
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
    let (scale, shift) = scale_and_shift(state, norm, channels, eps)?;
    let size = conv.values.len() / channels;
    let mut weight = conv.values.clone();
    for (filter, scale) in weight.chunks_exact_mut(size).zip(scale) {
        for value in filter {
            *value = (f64::from(*value) * scale) as f32;
        }
    }
    Ok(Folded { weight, bias: shift.into_iter().map(|shift| shift as f32).collect() })
}

/// What a batch normalisation multiplies each channel by, and what it then adds. In double precision, so that folding
/// adds no error of its own.
pub(super) fn scale_and_shift(
    state: &State,
    norm: &str,
    channels: usize,
    eps: f64,
) -> Result<(Vec<f64>, Vec<f64>), ExportError> {
    let part = |part: &str| values(state, &format!("{norm}.{part}"), &[channels]);
    let (weight, bias, mean, variance) = (part("weight")?, part("bias")?, part("running_mean")?, part("running_var")?);
    let scale: Vec<f64> = weight
        .iter()
        .zip(variance)
        .map(|(&weight, &variance)| f64::from(weight) / (f64::from(variance) + eps).sqrt())
        .collect();
    let shift =
        bias.iter().zip(mean).zip(&scale).map(|((&bias, &mean), scale)| f64::from(bias) - f64::from(mean) * scale);
    let shift = shift.collect();
    Ok((scale, shift))
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
    use crate::network::{Architecture, Tap};

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
    fn a_normalisation_goes_into_the_classifier() {
        // Two inputs x: scaled to 2 x0 + 1 and 3 x1 - 1, then one class of weights 10 and 100, bias 5.
        let (weight, bias) = through_norm(&[10.0, 100.0], &[5.0], &[2.0, 3.0], &[1.0, -1.0]);
        assert_eq!((weight, bias), (vec![20.0, 300.0], vec![-85.0]));
        for architecture in Architecture::all() {
            for tap in Tap::ALL {
                let network = architecture.describe(2).with_tap(tap);
                assert_eq!(into_classifier(&network).is_some(), architecture.depth().is_some(), "{architecture} {tap}");
            }
        }
    }

    fn check(architecture: Architecture, tap: Tap, folded: usize, left: usize) {
        let network = architecture.describe(2).with_tap(tap);
        let norms = network.nodes.iter().filter(|node| matches!(node.op, Op::BatchNorm { .. })).count();
        let found = foldable(&network).into_iter().filter(|&folds| folds).count();
        assert_eq!((found, norms - found), (folded, left), "{architecture} {tap}");
    }

    #[test]
    fn all_folds_but_what_follows_the_tap_or_no_convolution() {
        check(Architecture::known("efficientnet_lite0"), Tap::Head, 49, 0);
        check(Architecture::known("efficientnet_lite0"), Tap::Reference, 48, 1);
        // The stem's, and the second one of each of the 58 layers: the others follow a concatenation or a pooling.
        check(Architecture::known("densenet121"), Tap::Head, 59, 62);
        check(Architecture::known("densenet121"), Tap::Reference, 59, 62);
        check(Architecture::known("resnet50"), Tap::Head, 53, 0);
        check(Architecture::known("resnet50"), Tap::Reference, 52, 1);
        check(Architecture::known("inception_v3"), Tap::Head, 94, 0);
        check(Architecture::known("inception_v3"), Tap::Reference, 94, 0);
        check(Architecture::known("xception"), Tap::Head, 40, 0);
        check(Architecture::known("xception"), Tap::Reference, 39, 1);
    }
}
