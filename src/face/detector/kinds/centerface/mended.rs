//! The file of CenterFace, mended.
//!
//! The published file declares a fixed input size and lists its weights among the inputs, which keeps ONNX Runtime from
//! folding them. It takes planes of floats; mended, it takes pixels as they lie in a frame.

use std::sync::Arc;

use cyborg_models::onnx::{Dimension, GraphProto, ModelProto, ValueInfoProto, element};
use prost::Message;

use super::strips::in_strips;
use crate::face::detector::kind::Mended;
use crate::face::detector::mending::{drop_unread, drop_weights_from_inputs, free, take_pixels};
use crate::inference::network_file::NetworkFile;

/// Names of the network's outputs.
#[derive(Clone, Debug)]
pub(super) struct Tensors {
    pub(super) heat: String,
    pub(super) scale: String,
    pub(super) offset: String,
    pub(super) landmarks: String,
}

/// Channels of the outputs, in their order.
const CHANNELS: [i64; 4] = [1, 2, 2, 10];

/// A network of this kind has four maps. Their names are numbers that an export chose; their channels tell, where an export
/// declares them.
pub(super) fn is_own(graph: &GraphProto) -> bool {
    let declared = |output: &ValueInfoProto| {
        let shape = output.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
        match shape.dim.get(1)?.value {
            Some(Dimension::Value(channels)) => Some(channels),
            _ => None,
        }
    };
    let fits = |(output, channels)| declared(output).is_none_or(|declared| declared == channels);
    graph.output.len() == CHANNELS.len() && graph.output.iter().zip(CHANNELS).all(fits)
}

/// Has it take pixels of any size, drops the weights from the inputs, and finds the tensors by their place and channels. On a
/// processor it will be run in strips.
pub(super) fn mend(mut model: ModelProto) -> Result<Mended, String> {
    let graph = model.graph.as_mut().ok_or("it has no graph")?;
    drop_weights_from_inputs(graph);
    take_pixels(graph, free("n"))?;
    let [heat, scale, offset, landmarks] = graph.output.as_mut_slice() else {
        return Err(format!("it has {} outputs, expected 4", graph.output.len()));
    };
    let names = [&*heat, scale, offset, landmarks].map(|output| output.name.clone());
    for (output, channels) in [heat, scale, offset, landmarks].into_iter().zip(CHANNELS) {
        let dims = [free("n"), Dimension::Value(channels), free("gh"), free("gw")];
        *output = ValueInfoProto::tensor(&output.name, element::FLOAT, &dims);
    }
    graph.value_info.clear();
    // Counters of the training are in there too.
    drop_unread(graph);
    // Before version 4 of the format weights had to be inputs.
    model.ir_version = model.ir_version.max(4);
    let [heat, scale, offset, landmarks] = names;
    let network = NetworkFile::new(model.encode_to_vec());
    let network = network.with_processors_own(in_strips(&mut model).then(|| model.encode_to_vec()));
    Ok(Mended { network, reader: Arc::new(Tensors { heat, scale, offset, landmarks }) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph whose outputs declare these channels, or nothing.
    fn check(channels: &[Option<i64>], expected: bool) {
        let output = |channels: &Option<i64>| match channels {
            Some(channels) => {
                let dims = [free("n"), Dimension::Value(*channels), free("h"), free("w")];
                ValueInfoProto::tensor("map", element::FLOAT, &dims)
            }
            None => ValueInfoProto { name: "map".to_owned(), ..ValueInfoProto::default() },
        };
        let graph = GraphProto { output: channels.iter().map(output).collect(), ..GraphProto::default() };
        assert_eq!(is_own(&graph), expected, "{channels:?}");
    }

    #[test]
    fn its_maps_are_told_by_their_channels() {
        check(&[Some(1), Some(2), Some(2), Some(10)], true);
        check(&[Some(1), None, None, Some(10)], true);
        check(&[Some(1), Some(2), Some(10), Some(2)], false);
        check(&[Some(1), Some(2), Some(2)], false);
        check(&[], false);
    }
}
