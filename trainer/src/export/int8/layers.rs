//! The convolutions of a model file that can compute in 8 bits.

use std::collections::{HashMap, HashSet};

use cyborg_models::contract::LOGITS;
use cyborg_models::onnx::{AttributeProto, GraphProto, NodeProto, TensorProto, element};

/// A convolution with weights that lie in the file, and what is computed on its own output alone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    /// Its place among the nodes.
    pub(super) node: usize,
    /// The value that goes in.
    pub(super) input: String,
    /// The value that comes out, behind a ReLU that reads nothing else: the two are computed as one.
    pub(super) output: String,
    pub(super) weight: String,
    pub(super) bias: Option<String>,
    /// Channels out, channels in of a group, height and width of the window.
    pub(super) dims: [usize; 4],
    pub(super) groups: usize,
}

/// The convolutions that lead to the scores, in the order in which they are computed. The map's own is none of them: it is small,
/// and what people are shown.
pub(super) fn layers(graph: &GraphProto) -> Vec<Layer> {
    let constants: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let counted = leading_to(graph, LOGITS);
    let layer = |(index, node): (usize, &NodeProto)| {
        let output = node.output.first()?;
        let weight = constants.get(node.input.get(1)?.as_str())?;
        let fits = node.op_type == "Conv" && weight.data_type == element::FLOAT && counted.contains(output.as_str());
        let dims: Vec<usize> = weight.dims.iter().filter_map(|&size| usize::try_from(size).ok()).collect();
        let dims = <[usize; 4]>::try_from(dims).ok().filter(|_| fits)?;
        Some(Layer {
            node: index,
            input: node.input.first()?.clone(),
            output: behind(graph, output).to_owned(),
            weight: weight.name.clone(),
            bias: node.input.get(2).filter(|name| !name.is_empty()).cloned(),
            dims,
            groups: setting(node, "group").and_then(|groups| usize::try_from(groups.i).ok()).unwrap_or(1).max(1),
        })
    };
    graph.node.iter().enumerate().filter_map(layer).collect()
}

/// The value behind a ReLU, where that alone reads `value`; else `value` itself.
fn behind<'a>(graph: &'a GraphProto, value: &'a str) -> &'a str {
    let mut readers = graph.node.iter().filter(|node| node.input.iter().any(|input| input == value));
    match (readers.next(), readers.next()) {
        (Some(node), None) if node.op_type == "Relu" || node.op_type == "Clip" => {
            node.output.first().map_or(value, |output| output)
        }
        _ => value,
    }
}

/// The constant of this name as floats; nothing if it is none, or lies in another way than this program writes it.
pub(super) fn floats(graph: &GraphProto, name: &str) -> Option<Vec<f32>> {
    let tensor = graph.initializer.iter().find(|tensor| tensor.name == name)?;
    let count: i64 = tensor.dims.iter().product();
    let (values, rest) = tensor.raw_data.as_chunks::<4>();
    let whole = tensor.data_type == element::FLOAT && rest.is_empty() && values.len() as i64 == count;
    whole.then(|| values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}

fn setting<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|setting| setting.name == name)
}

/// All values that `last` is computed from, and it itself.
fn leading_to<'a>(graph: &'a GraphProto, last: &'a str) -> HashSet<&'a str> {
    let mut leading = HashSet::from([last]);
    // Nodes stand behind those that they read.
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|output| leading.contains(output.as_str())) {
            leading.extend(node.input.iter().map(String::as_str));
        }
    }
    leading
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> GraphProto {
        let weights = |name: &str| TensorProto::floats(name, &[2, 1, 1, 1], &[1.0, 2.0]);
        let group = vec![AttributeProto::int("group", 2)];
        GraphProto {
            initializer: vec![weights("a.weight"), weights("b.weight"), weights("cam.weight")],
            node: vec![
                NodeProto { attribute: group, ..NodeProto::plain("Conv", ["x", "a.weight", "a.bias"], "a") },
                NodeProto::plain("Relu", ["a"], "a.relu"),
                NodeProto::plain("Conv", ["a.relu", "b.weight"], "b"),
                NodeProto::plain("Relu", ["b"], "b.relu"),
                NodeProto::plain("Conv", ["b", "cam.weight"], "cam"),
                NodeProto::plain("Conv", ["b", "computed"], "c"),
                NodeProto::plain("Sum", ["b.relu", "c"], LOGITS),
            ],
            ..GraphProto::default()
        }
    }

    #[test]
    fn those_that_lead_to_the_scores_are_found() {
        let found = layers(&graph());
        let facts: Vec<_> =
            found.iter().map(|layer| (layer.node, layer.input.as_str(), layer.output.as_str())).collect();
        // The second one's own output is read by others too, so that its ReLU stays by itself.
        assert_eq!(facts, [(0, "x", "a.relu"), (2, "a.relu", "b")]);
        assert_eq!((found[0].groups, found[0].dims, found[0].bias.as_deref()), (2, [2, 1, 1, 1], Some("a.bias")));
        assert_eq!((found[1].groups, &found[1].bias), (1, &None));
        let mut halves = graph();
        halves.initializer.iter_mut().for_each(|tensor| tensor.data_type = element::FLOAT16);
        assert_eq!((layers(&halves), floats(&halves, "a.weight")), (vec![], None));
        assert_eq!(floats(&graph(), "a.weight"), Some(vec![1.0, 2.0]));
    }
}
