//! The same as `unsigned_weights` for convolutions, in the form of exporters: weights are bytes that a
//! node makes numbers of, and so are the values.

use std::collections::{BTreeMap, HashMap, HashSet};

use cyborg_models::onnx::{GraphProto, NodeProto, TensorProto, element};

use super::turned_bytes::{turned, zero_name};

/// The operator that makes numbers of bytes.
pub(super) const STEPS: &str = "DequantizeLinear";
/// Its inputs: bytes, and which of them is zero.
const BYTES: usize = 0;
const ZERO: usize = 2;
/// The inputs of a convolution: values and weights.
const VALUES: usize = 0;
const WEIGHTS: usize = 1;

/// Makes the weights of convolutions of unsigned values unsigned; says whether there were any.
pub(super) fn turn(graph: &mut GraphProto) -> bool {
    let constants: HashMap<&str, &TensorProto> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let is = |name: Option<&String>, kind: i32| {
        name.and_then(|name| constants.get(name.as_str())).is_some_and(|tensor| tensor.data_type == kind)
    };
    let steps = || graph.node.iter().filter(|node| node.op_type == STEPS);
    let output = |node: &NodeProto| node.output.first().cloned();
    let unsigned: HashSet<String> =
        steps().filter(|node| is(node.input.get(ZERO), element::UINT8)).filter_map(output).collect();
    // Whether nothing but convolutions of unsigned values reads a value, as weights.
    let only_weights = |name: &String| {
        let mut readers = graph.node.iter().filter(|node| node.input.contains(name)).peekable();
        let of_unsigned = |node: &NodeProto| node.input.get(VALUES).is_some_and(|values| unsigned.contains(values));
        let fits = |node: &NodeProto| {
            node.op_type == "Conv"
                && of_unsigned(node)
                && node.input.iter().position(|input| input == name) == Some(WEIGHTS)
        };
        readers.peek().is_some() && readers.all(fits)
    };
    let read_once = |name: &String| graph.node.iter().filter(|node| node.input.contains(name)).count() == 1;
    let fits = |node: &&NodeProto| {
        let signed = is(node.input.get(BYTES), element::INT8) && is(node.input.get(ZERO), element::INT8);
        signed && node.input.get(BYTES).is_some_and(read_once) && node.output.first().is_some_and(only_weights)
    };
    let mut weights = BTreeMap::new();
    let mut zeros = BTreeMap::new();
    for node in steps().filter(fits) {
        let turn = |place: usize| constants.get(node.input[place].as_str()).and_then(|tensor| turned(tensor));
        if let (Some(bytes), Some(zero)) = (turn(BYTES), turn(ZERO)) {
            weights.insert(bytes.name.clone(), bytes);
            // Zeros are written anew: other operators may read those that are there.
            zeros.insert(zero.name.clone(), TensorProto { name: zero_name(&zero.name), ..zero });
        }
    }
    for node in graph.node.iter_mut().filter(|node| node.op_type == STEPS && weights.contains_key(&node.input[BYTES])) {
        node.input[ZERO] = zero_name(&node.input[ZERO]);
    }
    for tensor in &mut graph.initializer {
        if let Some(unsigned) = weights.get(&tensor.name) {
            *tensor = unsigned.clone();
        }
    }
    graph.initializer.extend(zeros.into_values());
    !weights.is_empty()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use cyborg_models::onnx::ModelProto;
    use cyborg_models::small;
    use prost::Message;

    use super::*;
    use crate::inference::network_file::NetworkFile;
    use crate::inference::provider::{Asked, Provider};
    use crate::inference::runtime::Runtime;
    use crate::inference::session::{Network, SessionSettings, Values};

    fn shipped() -> ModelProto {
        ModelProto::decode(small::INT8).expect("it is part of the program")
    }

    fn turned_graph(spoil: impl Fn(&mut GraphProto)) -> (bool, GraphProto) {
        let mut graph = shipped().graph.expect("it has one");
        spoil(&mut graph);
        (turn(&mut graph), graph)
    }

    #[test]
    fn unsigned_weights_say_exactly_the_same() {
        let (any, graph) = turned_graph(|_| {});
        let signed = |tensor: &&TensorProto| tensor.data_type == element::INT8 && tensor.dims.len() == 4;
        assert!(any && !graph.initializer.iter().any(|tensor| signed(&tensor)), "all weights are turned");
        let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
        let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
        let pixels: Vec<u8> = (0..224 * 224 * 3).map(|place| (place * 7 / 5) as u8).collect();
        let logits = |onnx: Vec<u8>| {
            let file = NetworkFile::new(onnx);
            let mut network = Network::open(&runtime, &file, settings).expect("it is whole");
            let outputs = network.run("pixels", [1, 224, 224, 3], Values::Bytes(&pixels)).expect("it runs");
            outputs.floats("logits", 2).expect("two a face").to_vec()
        };
        let unsigned = ModelProto { graph: Some(graph), ..shipped() };
        assert_eq!(logits(unsigned.encode_to_vec()), logits(small::INT8.to_vec()));
    }

    #[test]
    fn what_cannot_be_turned_stays() {
        let is_weight = |tensor: &TensorProto| tensor.data_type == element::INT8 && tensor.dims.len() == 4;
        let first = shipped().graph.expect("it has one").initializer.into_iter().find(is_weight);
        let name = first.expect("it has weights in bytes").name;
        let stays = |spoil: &dyn Fn(&mut GraphProto)| {
            let (_, graph) = turned_graph(spoil);
            graph.initializer.iter().any(|tensor| tensor.name == name && tensor.data_type == element::INT8)
        };
        assert!(!stays(&|_| {}));
        assert!(stays(&|graph| graph.node.push(NodeProto::plain("Shape", [name.as_str()], "s"))), "read elsewhere");
        let values_signed = |graph: &mut GraphProto| {
            graph
                .initializer
                .iter_mut()
                .filter(|tensor| tensor.dims.is_empty() && tensor.data_type == element::UINT8)
                .for_each(|tensor| tensor.data_type = element::INT8);
        };
        assert!(stays(&values_signed), "signed values");
    }
}
