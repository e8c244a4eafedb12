//! Small models with known answers, written with the project's own ONNX types.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cyborg_models::contract::{
    Alignment, Border, CAM, Calibration, CamClass, Contract, CropRule, DISTANCE, Expertise, LOGITS, PIXELS,
    ResizeFilter, Saliency, Thresholds, Training,
};
use cyborg_models::model_file::{set_contract, set_contract_of_expert};
use cyborg_models::onnx::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
    element,
};
use prost::Message;

/// Side of the input of the small models.
pub(crate) const SIDE: i64 = 32;
/// Side of their activation map.
pub(crate) const MAP: i64 = 4;

/// A contract without calibration; thresholds at 0.3 and 0.7.
pub(crate) fn contract() -> Contract {
    Contract {
        network: "corner".into(),
        crop: CropRule { margin: 1.0, alignment: Alignment::None, border: Border::Replicate },
        resize: ResizeFilter::BilinearAntialias,
        saliency: Saliency { tap: "head".into(), cam_class: CamClass::True, alpha: 1.0, source: "none".into() },
        calibration: Calibration { temperature: 1.0, bias: 0.0 },
        thresholds: Thresholds { authentic_below: 0.3, synthetic_above: 0.7, error_rates: None },
        training: Training { data_digest: "0".repeat(64), seed: 0, tool: "test".into() },
        auc: BTreeMap::new(),
    }
}

/// A model whose synthetic logit is the brightness of the top-left sixteenth of the crop, in 0 to 1, times 10, less 5.
///
/// Its activation map is that brightness in the top-left cell and 0 elsewhere.
pub(crate) fn corner() -> ModelProto {
    corner_sized(SIDE, MAP)
}

/// The same with an input and a map of other sizes: the corner is the top-left cell of the map.
pub(crate) fn corner_sized(side: i64, map: i64) -> ModelProto {
    let cell = side / map;
    let mut mask = vec![0.0; (map * map) as usize];
    mask[0] = 1.0;
    let node = |op: &str, input: &[&str], output: &str, attribute: Vec<AttributeProto>| NodeProto {
        attribute,
        ..NodeProto::plain(op, input.iter().copied(), output)
    };
    let graph = GraphProto {
        name: "corner".into(),
        node: vec![
            node("Cast", &[PIXELS], "float", vec![AttributeProto::int("to", element::FLOAT.into())]),
            node("Transpose", &["float"], "planes", vec![AttributeProto::ints("perm", &[0, 3, 1, 2])]),
            node(
                "AveragePool",
                &["planes"],
                "cells",
                vec![
                    AttributeProto::ints("kernel_shape", &[cell, cell]),
                    AttributeProto::ints("strides", &[cell, cell]),
                ],
            ),
            node(
                "ReduceMean",
                &["cells"],
                "grey",
                vec![AttributeProto::ints("axes", &[1]), AttributeProto::int("keepdims", 0)],
            ),
            node("Mul", &["grey", "mask"], CAM, vec![]),
            node("ReduceSum", &[CAM, "axes"], "sum", vec![AttributeProto::int("keepdims", 0)]),
            node("Unsqueeze", &["sum", "last"], "column", vec![]),
            node("Mul", &["column", "weight"], "scaled", vec![]),
            node("Add", &["scaled", "shift"], LOGITS, vec![]),
        ],
        initializer: vec![
            TensorProto::floats("mask", &[map, map], &mask.iter().map(|m| m / 255.0).collect::<Vec<f32>>()),
            TensorProto::integers("axes", &[1, 2]),
            TensorProto::integers("last", &[1]),
            TensorProto::floats("weight", &[2], &[0.0, 10.0]),
            TensorProto::floats("shift", &[2], &[0.0, -5.0]),
        ],
        input: vec![ValueInfoProto::tensor(
            PIXELS,
            element::UINT8,
            &[batch(), Dimension::Value(side), Dimension::Value(side), Dimension::Value(3)],
        )],
        output: vec![
            ValueInfoProto::tensor(LOGITS, element::FLOAT, &[batch(), Dimension::Value(2)]),
            ValueInfoProto::tensor(CAM, element::FLOAT, &[batch(), Dimension::Value(map), Dimension::Value(map)]),
        ],
        ..GraphProto::default()
    };
    let mut model = ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        ..ModelProto::default()
    };
    set_contract(&mut model, &contract());
    model
}

/// A small model as an expert: it says what it looks for, and where it is to know a distance, that is the corner's brightness,
/// 0 to 1.
pub(crate) fn expert(mut model: ModelProto, contract: &Contract, expertise: &Expertise) -> ModelProto {
    if expertise.unfamiliar.is_some() {
        let graph = model.graph.as_mut().expect("it has one");
        graph.node.push(NodeProto::plain("Identity", ["sum"], DISTANCE));
        graph.output.push(ValueInfoProto::tensor(DISTANCE, element::FLOAT, &[batch()]));
    }
    set_contract_of_expert(&mut model, contract, expertise);
    model
}

/// Writes a model into a folder.
pub(crate) fn write(folder: &Path, name: &str, model: &ModelProto) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, model.encode_to_vec()).expect("the test's folder can be written");
    path
}

fn batch() -> Dimension {
    Dimension::Param("batch".into())
}

/// The same network turned round: what [`corner`] calls synthetic it calls authentic. It wants a wider crop, and has
/// thresholds of its own.
pub(crate) fn inverted() -> ModelProto {
    let mut model = corner();
    let graph = model.graph.as_mut().expect("it has one");
    for tensor in &mut graph.initializer {
        match tensor.name.as_str() {
            "weight" => *tensor = TensorProto::floats("weight", &[2], &[0.0, -10.0]),
            "shift" => *tensor = TensorProto::floats("shift", &[2], &[0.0, 5.0]),
            _ => {}
        }
    }
    let mut contract = contract();
    contract.crop.margin = 1.3;
    contract.thresholds = Thresholds { authentic_below: 0.45, synthetic_above: 0.55, error_rates: None };
    set_contract(&mut model, &contract);
    model
}
