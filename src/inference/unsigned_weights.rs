//! Weights of 8 bits on processors that would add their products inexactly.
//!
//! For a product of unsigned values and signed weights, ONNX Runtime has x86 processors without VNNI add products in pairs that
//! saturate at 16 bits (`vpmaddubsw`): a face would get another verdict there. For unsigned weights it takes a way that is
//! exact and slower, so weights become unsigned there: the same numbers around a zero point of 128. Where there is VNNI, or
//! another architecture, signed weights are exact as they are.
//!
//! ONNX Runtime's own setting for this, `session.x64quantprecision`, has no effect on products without a zero point in 1.27.

use std::collections::{BTreeMap, HashMap, HashSet};

use cyborg_models::onnx::{GraphProto, ModelProto, NodeProto, TensorProto, element};
use memchr::memmem;
use prost::Message;

use super::turned_bytes::{ZERO, ZERO_NAME, turned, zero_name};
use super::{processor, unsigned_convolutions};

/// The operator whose weights are turned.
const PRODUCT: &str = "MatMulInteger";
/// Its inputs: values, weights, and what is zero in either.
const VALUES: usize = 0;
const WEIGHTS: usize = 1;
const ZERO_OF_WEIGHTS: usize = 3;

/// The network in a form whose 8-bit products this processor adds exactly; `None` where it does so anyway.
pub(super) fn exact(onnx: &[u8]) -> Option<Vec<u8>> {
    if saturates() { unsigned(onnx) } else { None }
}

/// Whether this processor adds products of unsigned and signed bytes with saturation.
fn saturates() -> bool {
    cfg!(target_arch = "x86_64") && !processor::adds_products_of_bytes()
}

/// The network with unsigned weights; `None` if it has no products of unsigned values and signed weights.
fn unsigned(onnx: &[u8]) -> Option<Vec<u8>> {
    // Most networks have none, and needn't be read.
    let has = |operator: &str| memmem::find(onnx, operator.as_bytes()).is_some();
    if !has(PRODUCT) && !has(unsigned_convolutions::STEPS) {
        return None;
    }
    let mut model = ModelProto::decode(onnx).ok()?;
    let graph = model.graph.as_mut()?;
    let turned = [products(graph), unsigned_convolutions::turn(graph)];
    turned.contains(&true).then(|| model.encode_to_vec())
}

/// Makes the weights of products unsigned; says whether there were any.
fn products(graph: &mut GraphProto) -> bool {
    let signed = signed_weights(graph);
    if signed.is_empty() {
        return false;
    }
    let constants = std::mem::take(&mut graph.initializer);
    let by_name: HashMap<&str, &TensorProto> = constants.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    // Zeros are written anew: other operators may read those that are there.
    let mut zeros = BTreeMap::from([(ZERO_NAME.to_owned(), zero())]);
    for node in &mut graph.node {
        if node.op_type != PRODUCT || !signed.contains(&node.input[WEIGHTS]) {
            continue;
        }
        node.input.resize(ZERO_OF_WEIGHTS + 1, String::new());
        let own = by_name.get(node.input[ZERO_OF_WEIGHTS].as_str()).and_then(|tensor| turned(tensor));
        let own = own.map(|tensor| TensorProto { name: zero_name(&tensor.name), ..tensor });
        node.input[ZERO_OF_WEIGHTS] = own.as_ref().map_or(ZERO_NAME, |tensor| &tensor.name).to_owned();
        zeros.extend(own.map(|tensor| (tensor.name.clone(), tensor)));
    }
    let turn =
        |tensor: TensorProto| if signed.contains(&tensor.name) { turned(&tensor).unwrap_or(tensor) } else { tensor };
    graph.initializer = constants.into_iter().map(turn).chain(zeros.into_values()).collect();
    true
}

/// What stands for zero where a product names nothing.
fn zero() -> TensorProto {
    let raw_data = vec![ZERO];
    TensorProto { name: ZERO_NAME.to_owned(), data_type: element::UINT8, raw_data, ..TensorProto::default() }
}

/// The names of signed weights that nothing but products with unsigned values reads.
fn signed_weights(graph: &GraphProto) -> HashSet<String> {
    let quantised = graph.node.iter().filter(|node| node.op_type == "DynamicQuantizeLinear");
    let values: HashSet<&str> = quantised.filter_map(|node| node.output.first()).map(String::as_str).collect();
    let is_signed = |name: &String| {
        let known = graph.initializer.iter().find(|tensor| tensor.name == *name);
        let lies_here = |tensor: &TensorProto| !tensor.raw_data.is_empty() || !tensor.int32_data.is_empty();
        known.is_some_and(|tensor| tensor.data_type == element::INT8 && lies_here(tensor))
    };
    let fits = |node: &NodeProto| {
        let is_unsigned = node.input.get(VALUES).is_some_and(|name| values.contains(name.as_str()));
        let zero = node.input.get(ZERO_OF_WEIGHTS).filter(|name| !name.is_empty());
        node.op_type == PRODUCT && is_unsigned && zero.is_none_or(is_signed)
    };
    let weights = graph.node.iter().filter(|node| fits(node)).filter_map(|node| node.input.get(WEIGHTS));
    let signed: HashSet<String> = weights.filter(|name| is_signed(name)).cloned().collect();
    let elsewhere = |name: &String| {
        graph.node.iter().any(|node| {
            let mut reads = node.input.iter().enumerate().filter(|(_, input)| *input == name);
            reads.any(|(place, _)| place != WEIGHTS || !fits(node))
        })
    };
    signed.into_iter().filter(|name| !elsewhere(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use cyborg_models::onnx::{AttributeProto, Dimension, OperatorSetIdProto, ValueInfoProto};

    use super::*;
    use crate::inference::network_file::NetworkFile;
    use crate::inference::provider::{Asked, Provider};
    use crate::inference::runtime::Runtime;
    use crate::inference::session::{Network, SessionSettings, Values};

    /// Values that go into a product: enough for every kernel to add them in pairs.
    const INPUTS: usize = 64;

    fn bytes(name: &str, dims: &[i64], values: &[i8]) -> TensorProto {
        TensorProto {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: element::INT8,
            raw_data: values.iter().map(|&value| value.cast_unsigned()).collect(),
            ..TensorProto::default()
        }
    }

    /// Two columns of weights, the largest and the smallest that there are.
    fn network(zero_of_weights: Option<TensorProto>) -> ModelProto {
        let weights: Vec<i8> = (0..INPUTS).flat_map(|_| [127, -128]).collect();
        let mut initializer = vec![bytes("weights", &[INPUTS as i64, 2], &weights)];
        let mut factors = vec!["values", "weights", "zero"];
        if let Some(zeros) = zero_of_weights {
            initializer.push(zeros);
            factors.push("zeros");
        }
        let quantise = NodeProto::plain("DynamicQuantizeLinear", ["x"], "values");
        let output = ["values", "scale", "zero"].map(str::to_owned).to_vec();
        let to_float = vec![AttributeProto::int("to", i64::from(element::FLOAT))];
        let wide = |count: usize| [1, 1, 1, count as i64].map(Dimension::Value);
        let graph = GraphProto {
            name: "products".to_owned(),
            initializer,
            node: vec![
                NodeProto { output, ..quantise },
                NodeProto::plain(PRODUCT, factors, "sums"),
                NodeProto { attribute: to_float, ..NodeProto::plain("Cast", ["sums"], "y") },
            ],
            input: vec![ValueInfoProto::tensor("x", element::FLOAT, &wide(INPUTS))],
            output: vec![ValueInfoProto::tensor("y", element::FLOAT, &wide(2))],
            ..GraphProto::default()
        };
        ModelProto {
            ir_version: 8,
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
            ..ModelProto::default()
        }
    }

    fn sums(onnx: Vec<u8>) -> Vec<f32> {
        let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
        let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
        let file = NetworkFile::new(onnx);
        let mut network = Network::open(&runtime, &file, settings).expect("it is whole");
        // All are the largest value, 255.
        let outputs = network.run("x", [1, 1, 1, INPUTS], Values::Floats(&[1.0; INPUTS])).expect("it runs");
        outputs.floats("y", 2).expect("two columns").to_vec()
    }

    #[test]
    fn products_of_bytes_are_exact_on_every_processor() {
        let largest = (INPUTS * 255) as f32;
        let zeros = bytes("zeros", &[2], &[0, 3]);
        let typed = TensorProto { raw_data: Vec::new(), int32_data: vec![0, 3], ..zeros.clone() };
        for (zeros, smallest) in [(None, -128.0), (Some(zeros), -131.0), (Some(typed), -131.0)] {
            let (onnx, exact) = (network(zeros).encode_to_vec(), [largest * 127.0, largest * smallest]);
            assert_eq!(sums(onnx.clone()), exact, "as it is opened here");
            // The same on processors that don't need it.
            assert_eq!(sums(unsigned(&onnx).expect("its weights are signed")), exact, "turned");
        }
    }

    #[test]
    fn what_cannot_be_turned_stays() {
        let turned = |spoil: &dyn Fn(&mut GraphProto)| {
            let mut model = network(Some(bytes("zeros", &[2], &[0, 3])));
            spoil(model.graph.as_mut().expect("it has one"));
            unsigned(&model.encode_to_vec()).is_some()
        };
        assert!(turned(&|_| {}));
        assert!(turned(&|graph| graph.node.push(NodeProto::plain("Shape", ["zeros"], "z"))), "its zeros stay beside");
        assert!(!turned(&|graph| graph.initializer[0].data_type = element::UINT8), "unsigned already");
        assert!(!turned(&|graph| graph.node[0].op_type = "Shape".to_owned()), "the values may be signed");
        assert!(!turned(&|graph| graph.node.push(NodeProto::plain("Shape", ["weights"], "z"))), "read elsewhere");
        assert!(!turned(&|graph| graph.node[1].input[ZERO_OF_WEIGHTS] = "x".to_owned()), "its zero is computed");
        assert!(!turned(&|graph| graph.node[1].op_type = "MatMul".to_owned()), "no product of bytes");
        assert_eq!(unsigned(b"MatMulInteger, and no network"), None);
    }
}
