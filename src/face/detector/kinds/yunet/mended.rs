//! YuNet's file, mended: its weights become floats, and it takes pixels of any size.
//!
//! Published files declare a picture of 640 x 640 pixels, in planes of floats, blue first. Their layers fit any size.

use std::sync::Arc;

use cyborg_models::onnx::{Dimension, GraphProto, ModelProto, TensorProto, ValueInfoProto, element};
use prost::Message;

use super::fold::{floats, fold};
use super::heads::{Heads, LEVELS, Level};
use crate::face::detector::kind::Mended;
use crate::face::detector::mending::{drop_unread, drop_weights_from_inputs, free, take_pixels};
use crate::inference::network_file::NetworkFile;

/// Its outputs have names that no other network has.
pub(super) fn is_own(graph: &GraphProto) -> bool {
    let expected = || LEVELS.iter().flat_map(|level| level.outputs().map(|(name, _)| name));
    let has = |name: &str| graph.output.iter().any(|output| output.name == name);
    graph.output.len() == expected().count() && expected().all(has)
}

/// Has it take pixels of any size, and computes all that is constant.
pub(super) fn mend(mut model: ModelProto) -> Result<Mended, String> {
    let graph = model.graph.as_mut().ok_or("it has no graph")?;
    drop_weights_from_inputs(graph);
    fold(graph)?;
    turn_colours(graph)?;
    // It writes the 1 into the shapes of its outputs.
    take_pixels(graph, Dimension::Value(1))?;
    for (name, channels) in LEVELS.iter().flat_map(Level::outputs) {
        let dims = [Dimension::Value(1), free("cells"), Dimension::Value(channels as i64)];
        let output = graph.output.iter_mut().find(|output| output.name == name);
        *output.ok_or_else(|| format!("it lacks the output {name}"))? =
            ValueInfoProto::tensor(name, element::FLOAT, &dims);
    }
    // The sizes that were declared are those of another picture.
    graph.value_info.clear();
    drop_unread(graph);
    Ok(Mended { network: NetworkFile::new(model.encode_to_vec()), reader: Arc::new(Heads) })
}

/// It was trained on blue, green, red; the weights of its first layer are put into the order of our pixels.
fn turn_colours(graph: &mut GraphProto) -> Result<(), String> {
    let first = "its first layer is not a convolution over three colour channels";
    let input = &graph.input.first().ok_or("it has no input")?.name;
    let mut readers = graph.node.iter().filter(|node| node.input.contains(input));
    let (Some(node), None) = (readers.next(), readers.next()) else { return Err(first.to_owned()) };
    let name = node.input.get(1).filter(|_| node.op_type == "Conv").ok_or(first)?;
    let weight = graph.initializer.iter_mut().find(|tensor| &tensor.name == name).ok_or(first)?;
    let &[_, 3, height, width] = &*weight.dims else { return Err(first.to_owned()) };
    let mut values = floats(weight).map_err(|reason| format!("{first}: {reason}"))?;
    let kernel = usize::try_from(height.saturating_mul(width)).ok().filter(|&kernel| kernel > 0).ok_or(first)?;
    for filter in values.chunks_exact_mut(3 * kernel) {
        let (blue, red) = filter.split_at_mut(2 * kernel);
        blue[..kernel].swap_with_slice(red);
    }
    *weight = TensorProto::floats(name, &weight.dims, &values);
    Ok(())
}
