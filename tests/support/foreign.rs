//! A small classifier of somebody else's: float32 NCHW, with a TOML that says how to use it.

use cyborg_models::onnx::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
    element,
};

/// Side of its input.
pub(crate) const SIDE: i64 = 32;

/// A TOML for [`network`] with two logits, without a map.
pub(crate) const TOML: &str = r#"
version = 1
network = "first_plane"
resize = "bilinear-antialias"

[crop]
margin = 1.0
alignment = "none"
border = "replicate"

[input]
name = "image"
side = 32
channels = "rgb"
scale = "unit"
mean = [0.1, 0.0, 0.0]
std = [0.5, 1.0, 1.0]

[output]
name = "out"
meaning = "logits"
classes = ["authentic", "synthetic"]

[thresholds]
authentic_below = 0.3
synthetic_above = 0.7
"#;

/// A network whose last number is ten times the mean of its first plane, less 5; of two numbers the first is 0.
///
/// Its output `map` is the mean of the planes, 4 x 4. `batch` of nothing leaves the batch size open.
pub(crate) fn network(numbers: usize, batch: Option<i64>) -> ModelProto {
    let node = |op: &str, input: &[&str], output: &str, attribute: Vec<AttributeProto>| NodeProto {
        attribute,
        ..NodeProto::plain(op, input.iter().copied(), output)
    };
    let mut weight = vec![0.0; 3 * numbers];
    weight[numbers - 1] = 10.0;
    let mut shift = vec![0.0; numbers];
    shift[numbers - 1] = -5.0;
    let batch = batch.map_or(Dimension::Param("n".into()), Dimension::Value);
    let size = |sizes: &[i64]| -> Vec<Dimension> {
        std::iter::once(batch.clone()).chain(sizes.iter().map(|&size| Dimension::Value(size))).collect()
    };
    let mean = |axes: &[i64]| vec![AttributeProto::ints("axes", axes), AttributeProto::int("keepdims", 0)];
    let cell = SIDE / 4;
    let pool =
        vec![AttributeProto::ints("kernel_shape", &[cell, cell]), AttributeProto::ints("strides", &[cell, cell])];
    let graph = GraphProto {
        name: "first_plane".into(),
        node: vec![
            node("ReduceMean", &["image"], "means", mean(&[2, 3])),
            node("MatMul", &["means", "weight"], "scaled", vec![]),
            node("Add", &["scaled", "shift"], "out", vec![]),
            node("AveragePool", &["image"], "cells", pool),
            node("ReduceMean", &["cells"], "map", mean(&[1])),
        ],
        initializer: vec![
            TensorProto::floats("weight", &[3, numbers as i64], &weight),
            TensorProto::floats("shift", &[numbers as i64], &shift),
        ],
        input: vec![ValueInfoProto::tensor("image", element::FLOAT, &size(&[3, SIDE, SIDE]))],
        output: vec![
            ValueInfoProto::tensor("out", element::FLOAT, &size(&[numbers as i64])),
            ValueInfoProto::tensor("map", element::FLOAT, &size(&[4, 4])),
        ],
        ..GraphProto::default()
    };
    ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 13 }],
        ..ModelProto::default()
    }
}
