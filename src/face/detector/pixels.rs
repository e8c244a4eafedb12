//! What goes into a detector's network: published ones take planes of floats, ours the pixels as they lie in a frame.

use cyborg_models::onnx::{AttributeProto, Dimension, GraphProto, NodeProto, ValueInfoProto, element};

/// The input of the mended network: RGB, `[n, h, w, 3]`, of unsigned bytes.
pub(super) const PIXELS: &str = "pixels";

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
