//! What every published file needs mended: weights among its inputs, planes of floats where ours takes the pixels as they lie in a
//! frame, and constants that nothing reads.

use std::collections::HashSet;

use cyborg_models::onnx::{AttributeProto, Dimension, GraphProto, NodeProto, ValueInfoProto, element};

/// The input of the mended network: RGB, `[n, h, w, 3]`, of unsigned bytes.
pub(super) const PIXELS: &str = "pixels";

/// Leaves only what is fed in among the inputs. A weight there could be replaced in each run, so ONNX Runtime would fold nothing
/// into it.
pub(super) fn drop_weights_from_inputs(graph: &mut GraphProto) {
    let weights: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    graph.input.retain(|input| !weights.contains(input.name.as_str()));
}

/// Drops constants that no node reads: ONNX Runtime complains of each.
pub(super) fn drop_unread(graph: &mut GraphProto) {
    let read: HashSet<&str> = graph.node.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    graph.initializer.retain(|tensor| read.contains(tensor.name.as_str()));
}

/// Puts pixels of any size before the one input of a graph, planes of floats. `batch` is how many pictures come at once.
pub(super) fn take_pixels(graph: &mut GraphProto, batch: Dimension) -> Result<(), String> {
    let [input] = graph.input.as_mut_slice() else {
        return Err(format!("it has {} inputs, expected 1", graph.input.len()));
    };
    let planes = input.name.clone();
    *input = ValueInfoProto::tensor(PIXELS, element::UINT8, &[batch, free("h"), free("w"), Dimension::Value(3)]);
    let cast = vec![AttributeProto::int("to", element::FLOAT.into())];
    let transpose = vec![AttributeProto::ints("perm", &[0, 3, 1, 2])];
    let first = [
        NodeProto { attribute: cast, ..NodeProto::plain("Cast", [PIXELS], "pixels/floats") },
        NodeProto { attribute: transpose, ..NodeProto::plain("Transpose", ["pixels/floats"], &planes) },
    ];
    graph.node.splice(0..0, first);
    Ok(())
}

/// A dimension that is free, under this name.
pub(super) fn free(name: &str) -> Dimension {
    Dimension::Param(name.to_owned())
}
