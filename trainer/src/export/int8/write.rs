//! Writes a float network with convolutions in 8 bits, in the form that ONNX calls QDQ: values become bytes and numbers again, and
//! the runtime takes what stands between two such steps as one operation on bytes.

use std::collections::{BTreeMap, HashMap};

use cyborg_models::onnx::{AttributeProto, GraphProto, NodeProto, TensorProto, element};

use super::layers::{Layer, floats};
use super::ranges::Range;
use crate::export::error::ExportError;

/// Steps of a value: 0 to 255.
const STEPS: f32 = 255.0;
/// Largest weight: the same on both sides of zero, so that zero is zero.
const LARGEST: f32 = 127.0;
/// A bias is kept in 32 bits, in steps of a product. It may take so many of them, half of what there is.
const MOST_BIAS: f32 = (1 << 30) as f32;

/// What a step of a value is worth, and which byte is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    step: f32,
    zero: u8,
}

/// The network with `layers` in 8 bits. `ranges` must have the values that go in and out of them.
pub(super) fn write(
    graph: &GraphProto,
    layers: &[Layer],
    ranges: &BTreeMap<String, Range>,
) -> Result<GraphProto, ExportError> {
    let scales = scales(layers, ranges);
    let by_node: HashMap<usize, &Layer> = layers.iter().map(|layer| (layer.node, layer)).collect();
    let replaced: Vec<&str> = layers
        .iter()
        .flat_map(|layer| [Some(&layer.weight), layer.bias.as_ref()])
        .flatten()
        .map(String::as_str)
        .collect();
    let mut out = GraphProto {
        node: Vec::new(),
        initializer: graph
            .initializer
            .iter()
            .filter(|tensor| !replaced.contains(&tensor.name.as_str()))
            .cloned()
            .collect(),
        ..graph.clone()
    };
    for (index, node) in graph.node.iter().enumerate() {
        let mut node = node.clone();
        if let Some(layer) = by_node.get(&index) {
            weights(&mut out, graph, layer, (&ranges[&layer.input], scales[layer.input.as_str()]), &mut node)?;
        }
        for input in &mut node.input {
            if scales.contains_key(input.as_str()) {
                *input = format!("{input}.number");
            }
        }
        let outputs = node.output.clone();
        out.node.push(node);
        for value in outputs {
            if let Some(&scale) = scales.get(value.as_str()) {
                bytes_and_back(&mut out, &value, scale);
            }
        }
    }
    Ok(out)
}

/// The values that become bytes: those that go into the layers and come out of them. A sum of such values that goes into a layer
/// is one of them, and so computed on bytes too.
fn scales<'a>(layers: &'a [Layer], ranges: &BTreeMap<String, Range>) -> BTreeMap<&'a str, Scale> {
    let names = layers.iter().flat_map(|layer| [layer.input.as_str(), &layer.output]);
    names.filter_map(|name| ranges.get(name).map(|range| (name, scale(range.low, range.high)))).collect()
}

/// Steps from `low` to `high`, of which one is zero itself: what pads and ReLUs give must be exact.
fn scale(low: f32, high: f32) -> Scale {
    let (low, high) = (low.min(0.0), high.max(0.0));
    let step = (high - low) / STEPS;
    if step < f32::MIN_POSITIVE {
        return Scale { step: 1.0, zero: 0 };
    }
    Scale { step, zero: (-low / step).round() as u8 }
}

/// Puts the weights and the bias of a layer into `out`, and has its node read them.
fn weights(
    out: &mut GraphProto,
    graph: &GraphProto,
    layer: &Layer,
    (range, scale): (&Range, Scale),
    node: &mut NodeProto,
) -> Result<(), ExportError> {
    let lost = |name: &str| ExportError::Parameter(name.to_owned());
    let values = floats(graph, &layer.weight).ok_or_else(|| lost(&layer.weight))?;
    let mut bias = match &layer.bias {
        Some(name) => floats(graph, name).ok_or_else(|| lost(name))?,
        None => vec![0.0; layer.dims[0]],
    };
    let rounded = round(layer, &values, &mut bias, range, scale.step);
    let channels = layer.dims[0] as i64;
    let dims = layer.dims.map(|size| size as i64);
    let bytes = rounded.weights.iter().map(|&weight| weight.cast_unsigned()).collect();
    constant(out, &layer.weight, (element::INT8, 1), &dims, bytes, &rounded.steps);
    let steps: Vec<f32> = rounded.steps.iter().map(|step| step * scale.step).collect();
    let whole = bias.iter().zip(&steps).flat_map(|(bias, step)| ((bias / step).round() as i32).to_le_bytes()).collect();
    let bias_name =
        layer.bias.clone().unwrap_or_else(|| format!("{}.bias", node.output.first().map_or("layer", |name| name)));
    constant(out, &bias_name, (element::INT32, 4), &[channels], whole, &steps);
    node.input.truncate(1);
    node.input.extend([format!("{}.number", layer.weight), format!("{bias_name}.number")]);
    Ok(())
}

/// Weights as bytes.
#[derive(Debug, PartialEq)]
struct Rounded {
    weights: Vec<i8>,
    /// What a step is worth, by the channel that comes out.
    steps: Vec<f32>,
}

/// Rounds the weights of each channel by steps of its own, and changes its bias by what that does to its mean: the errors of few
/// weights, those of a depthwise window, don't cancel out.
fn round(layer: &Layer, values: &[f32], bias: &mut [f32], range: &Range, input_step: f32) -> Rounded {
    let [channels, inputs, height, width] = layer.dims;
    let size = inputs * height * width;
    let mut rounded = Rounded { weights: Vec::with_capacity(values.len()), steps: Vec::with_capacity(channels) };
    for (channel, (filter, bias)) in values.chunks_exact(size).zip(bias).enumerate() {
        let largest = filter.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
        let step = (largest / LARGEST).max(bias.abs() / MOST_BIAS / input_step).max(f32::MIN_POSITIVE);
        let first = channel / (channels / layer.groups).max(1) * inputs;
        let mut added = 0.0;
        for (at, &weight) in filter.iter().enumerate() {
            let whole = (weight / step).round().clamp(-LARGEST, LARGEST);
            let mean = range.means.get(first + at / (height * width)).copied().unwrap_or_default();
            added += (f64::from(whole) * f64::from(step) - f64::from(weight)) * mean;
            rounded.weights.push(whole as i8);
        }
        *bias = (f64::from(*bias) - added) as f32;
        rounded.steps.push(step);
    }
    rounded
}

/// A constant of whole numbers with a step for each of its first dimension, and the node that makes numbers of it.
fn constant(
    out: &mut GraphProto,
    name: &str,
    (kind, bytes): (i32, usize),
    dims: &[i64],
    raw_data: Vec<u8>,
    steps: &[f32],
) {
    let [whole, step, zero] = parts(name);
    let tensor = |name: &str, dims: &[i64], raw_data| TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: kind,
        raw_data,
        ..TensorProto::default()
    };
    let count = [steps.len() as i64];
    out.initializer.push(tensor(&whole, dims, raw_data));
    out.initializer.push(TensorProto::floats(&step, &count, steps));
    out.initializer.push(tensor(&zero, &count, vec![0; steps.len() * bytes]));
    let inputs = [whole.as_str(), &step, &zero];
    let node = NodeProto::plain("DequantizeLinear", inputs, &format!("{name}.number"));
    out.node.push(NodeProto { attribute: vec![AttributeProto::int("axis", 0)], ..node });
}

/// The nodes that make a byte of a value, and a number of the byte.
fn bytes_and_back(out: &mut GraphProto, name: &str, scale: Scale) {
    let [byte, step, zero] = parts(name);
    out.initializer.push(TensorProto::floats(&step, &[], &[scale.step]));
    let raw_data = vec![scale.zero];
    out.initializer.push(TensorProto {
        name: zero.clone(),
        data_type: element::UINT8,
        raw_data,
        ..TensorProto::default()
    });
    out.node.push(NodeProto::plain("QuantizeLinear", [name, &step, &zero], &byte));
    out.node.push(NodeProto::plain("DequantizeLinear", [byte.as_str(), &step, &zero], &format!("{name}.number")));
}

fn parts(name: &str) -> [String; 3] {
    ["whole", "step", "zero"].map(|part| format!("{name}.{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(dims: [usize; 4], groups: usize) -> Layer {
        let name = |name: &str| name.to_owned();
        Layer { node: 0, input: name("x"), output: name("y"), weight: name("w"), bias: None, dims, groups }
    }

    #[test]
    fn zero_is_a_step_of_every_scale() {
        assert_eq!(scale(0.0, 6.0), Scale { step: 6.0 / 255.0, zero: 0 });
        assert_eq!(scale(-1.0, 4.1), Scale { step: 5.1 / 255.0, zero: 50 });
        assert_eq!(scale(1.0, 5.1), Scale { step: 5.1 / 255.0, zero: 0 }, "from zero on");
        assert_eq!(scale(0.0, 0.0), Scale { step: 1.0, zero: 0 }, "a value that is always zero");
    }

    #[test]
    fn rounding_keeps_the_mean() {
        // Two channels, each from two: steps of 1 and of 2 (the largest weights are 127 and 254).
        let range = Range { means: vec![10.0, 100.0], ..Range::default() };
        let mut bias = [0.0, 1.0];
        let rounded = round(&layer([2, 2, 1, 1], 1), &[127.0, 2.25, -254.0, 0.5], &mut bias, &range, 1.0);
        assert_eq!(rounded, Rounded { weights: vec![127, 2, -127, 0], steps: vec![1.0, 2.0] });
        // The second weight of the first channel lost 0.25 of a mean input of 100, that of the second one 0.5.
        assert_eq!(bias, [25.0, 51.0]);
        // In groups of one, the second channel reads the second input.
        let mut bias = [0.0, 0.0];
        round(&layer([2, 1, 1, 2], 2), &[127.0, 1.5, 127.0, 1.25], &mut bias, &range, 1.0);
        assert_eq!(bias, [-5.0, 25.0]);
        // A channel of zeros has a bias alone, which must fit.
        let mut bias = [3.0];
        let rounded = round(&layer([1, 1, 1, 1], 1), &[0.0], &mut bias, &range, 0.5);
        let steps = 3.0 / (rounded.steps[0] * 0.5);
        assert!(rounded.weights == [0] && (steps - MOST_BIAS).abs() <= 64.0, "{steps}");
    }
}
