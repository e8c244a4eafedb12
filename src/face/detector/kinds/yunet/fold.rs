//! Constants computed once: weights of 8 bits become the floats that they stand for.
//!
//! The published file keeps its weights as bytes, a scale for each block of them, and has each run of the network multiply
//! them out. ONNX Runtime doesn't know that operator for blocks whose scales are in several rows, and would need it each time.

use std::collections::HashMap;

use cyborg_models::onnx::{GraphProto, NodeProto, TensorProto, element};

/// Replaces each `DequantizeLinear` and `Reshape` of constants by what comes out of it.
pub(super) fn fold(graph: &mut GraphProto) -> Result<(), String> {
    let constants = std::mem::take(&mut graph.initializer);
    let mut constants: HashMap<String, TensorProto> =
        constants.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let mut nodes = Vec::with_capacity(graph.node.len());
    for node in std::mem::take(&mut graph.node) {
        let inputs: Option<Vec<&TensorProto>> = node.input.iter().map(|name| constants.get(name)).collect();
        let folded = match (node.op_type.as_str(), inputs.as_deref()) {
            ("DequantizeLinear", Some(&[bytes, scales, ref zeros @ ..])) => {
                Some(multiplied_out(&node, bytes, scales, zeros.first().copied()))
            }
            ("Reshape", Some(&[values, shape])) => Some(reshaped(values, shape)),
            _ => None,
        };
        let Some(folded) = folded else {
            nodes.push(node);
            continue;
        };
        let name = node.output.first().cloned().unwrap_or_default();
        let folded = folded.map_err(|reason| format!("its constant {name} can't be read: {reason}"))?;
        constants.insert(name.clone(), TensorProto { name, ..folded });
    }
    graph.node = nodes;
    graph.initializer = constants.into_values().collect();
    // Files that are made of one are equal, too.
    graph.initializer.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// The floats that bytes stand for. Along one axis a scale holds for a block of them, for one, or for all.
fn multiplied_out(
    node: &NodeProto,
    bytes: &TensorProto,
    scales: &TensorProto,
    zeros: Option<&TensorProto>,
) -> Result<TensorProto, String> {
    let setting = |name: &str, usual: i64| {
        let found = node.attribute.iter().find(|attribute| attribute.name == name);
        usize::try_from(found.map_or(usual, |attribute| attribute.i)).map_err(|_| format!("its {name} is below 0"))
    };
    let (axis, block) = (setting("axis", 1)?, setting("block_size", 0)?);
    let sides = sides(bytes)?;
    let values = integers(bytes)?;
    let length = sides.get(axis).copied().unwrap_or(1).max(1);
    let inner: usize = sides.iter().skip(axis + 1).product();
    // The place of the scale that holds for a value.
    let scales = floats(scales)?;
    let place = |at: usize| match (scales.len(), block) {
        (1, _) => 0,
        (_, 0) => at / inner % length,
        _ => (at / inner / length * length.div_ceil(block) + at / inner % length / block) * inner + at % inner,
    };
    let zeros = zeros.map(integers).transpose()?;
    let mut floats = Vec::with_capacity(values.len());
    for (at, &value) in values.iter().enumerate() {
        let place = place(at);
        let zero = zeros.as_ref().map_or(Some(0), |zeros| zeros.get(place).copied()).ok_or("zeros are missing")?;
        let scale = scales.get(place).ok_or("scales are missing")?;
        floats.push((value - zero) as f32 * scale);
    }
    Ok(TensorProto::floats("", &bytes.dims, &floats))
}

/// The same values in another shape.
fn reshaped(values: &TensorProto, shape: &TensorProto) -> Result<TensorProto, String> {
    let count: usize = sides(values)?.iter().product();
    let (raw, rest) = shape.raw_data.as_chunks();
    let mut dims = match (raw, rest) {
        ([], []) => shape.int64_data.clone(),
        (raw, []) => raw.iter().map(|&bytes| i64::from_le_bytes(bytes)).collect(),
        _ => return Err("its shape is cut short".to_owned()),
    };
    let known: i64 = dims.iter().filter(|&&side| side >= 0).product();
    for side in dims.iter_mut().filter(|side| **side == -1) {
        *side = count as i64 / known.max(1);
    }
    let fits = dims.iter().all(|&side| side > 0) && dims.iter().product::<i64>() == count as i64;
    let message = || format!("{count} values don't fit the shape {dims:?}");
    if fits { Ok(TensorProto { dims: dims.clone(), ..values.clone() }) } else { Err(message()) }
}

/// The sides of a tensor, whose product is not too large.
fn sides(tensor: &TensorProto) -> Result<Vec<usize>, String> {
    let sides: Option<Vec<usize>> = tensor.dims.iter().map(|&side| usize::try_from(side).ok()).collect();
    let sides = sides.ok_or("a side is below 0")?;
    let product = sides.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
    if product.is_some_and(|product| product <= MOST) { Ok(sides) } else { Err("it is too large".to_owned()) }
}

/// Values of one constant at most: a thousand times what the largest has.
const MOST: usize = 10_000_000;

/// The values of a tensor of bytes, as many as its sides say.
fn integers(tensor: &TensorProto) -> Result<Vec<i32>, String> {
    let values: Vec<i32> = match tensor.data_type {
        _ if tensor.raw_data.is_empty() => tensor.int32_data.clone(),
        element::INT8 => tensor.raw_data.iter().map(|&byte| byte.cast_signed().into()).collect(),
        element::UINT8 => tensor.raw_data.iter().map(|&byte| byte.into()).collect(),
        other => return Err(format!("it is of type {other}, expected bytes")),
    };
    whole(values, tensor)
}

/// The values of a tensor of floats, as many as its sides say.
pub(super) fn floats(tensor: &TensorProto) -> Result<Vec<f32>, String> {
    if tensor.data_type != element::FLOAT {
        return Err(format!("it is of type {}, expected floats", tensor.data_type));
    }
    let (raw, _) = tensor.raw_data.as_chunks();
    let values = match raw {
        [] => tensor.float_data.clone(),
        raw => raw.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
    };
    whole(values, tensor)
}

fn whole<T>(values: Vec<T>, tensor: &TensorProto) -> Result<Vec<T>, String> {
    let expected: usize = sides(tensor)?.iter().product();
    if values.len() == expected { Ok(values) } else { Err(format!("it has {} of {expected} values", values.len())) }
}

#[cfg(test)]
mod tests {
    use cyborg_models::onnx::AttributeProto;

    use super::*;

    fn bytes(name: &str, dims: &[i64], values: &[i8]) -> TensorProto {
        TensorProto {
            raw_data: values.iter().map(|value| value.cast_unsigned()).collect(),
            data_type: element::INT8,
            ..TensorProto::floats(name, dims, &[])
        }
    }

    fn graph(dims: &[i64], values: &[i8], scales: TensorProto, zeros: TensorProto, block: i64) -> GraphProto {
        let attribute = vec![AttributeProto::int("axis", 1), AttributeProto::int("block_size", block)];
        let node = NodeProto { attribute, ..NodeProto::plain("DequantizeLinear", ["w", "s", "z"], "floats") };
        let node = vec![node, NodeProto::plain("Reshape", ["floats", "shape"], "weight")];
        let shape = TensorProto::integers("shape", &[2, -1]);
        GraphProto { node, initializer: vec![bytes("w", dims, values), scales, zeros, shape], ..GraphProto::default() }
    }

    fn check(mut graph: GraphProto, expected: &[f32]) {
        fold(&mut graph).expect("all is there");
        assert!(graph.node.is_empty());
        let weight = graph.initializer.iter().find(|tensor| tensor.name == "weight").expect("it is a constant now");
        assert_eq!(weight.dims, [2, expected.len() as i64 / 2]);
        assert_eq!(floats(weight).as_deref(), Ok(expected));
    }

    #[test]
    fn a_scale_holds_for_its_block() {
        // Blocks of two in rows of three: the last one is short.
        let scales = TensorProto::floats("s", &[2, 2], &[1.0, 10.0, 0.5, 2.0]);
        let zeros = bytes("z", &[2, 2], &[0, 0, 1, 0]);
        check(graph(&[2, 3], &[1, -2, 3, 5, 7, -9], scales, zeros, 2), &[1.0, -2.0, 30.0, 2.0, 3.0, -18.0]);
        // The axis is not the last one: each column has scales of its own.
        let scales = TensorProto::floats("s", &[1, 1, 2], &[1.0, 10.0]);
        check(graph(&[1, 2, 2], &[1, 2, 3, 4], scales, bytes("z", &[1, 1, 2], &[0, 0]), 2), &[1.0, 20.0, 3.0, 40.0]);
    }

    #[test]
    fn a_scale_holds_for_a_place_or_for_all() {
        let scales = TensorProto::floats("s", &[2], &[1.0, 10.0]);
        check(graph(&[2, 2], &[1, 2, 3, 4], scales, bytes("z", &[2], &[0, 1]), 0), &[1.0, 10.0, 3.0, 30.0]);
        let scale = TensorProto::floats("s", &[], &[2.0]);
        check(graph(&[2, 2], &[1, 2, 3, 4], scale, bytes("z", &[], &[1]), 0), &[0.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn what_is_damaged_is_told() {
        let told = |change: &dyn Fn(&mut GraphProto)| {
            let scales = TensorProto::floats("s", &[2, 2], &[1.0; 4]);
            let mut damaged = graph(&[2, 3], &[0; 6], scales, bytes("z", &[2, 2], &[0; 4]), 2);
            change(&mut damaged);
            fold(&mut damaged).expect_err("it is damaged")
        };
        assert!(told(&|graph| graph.initializer[0].raw_data.truncate(5)).contains("5 of 6 values"));
        assert!(told(&|graph| graph.initializer[0].dims = vec![i64::MAX, 3]).contains("too large"));
        assert!(told(&|graph| graph.initializer[0].data_type = element::INT64).contains("expected bytes"));
        assert!(told(&|graph| graph.initializer[1] = TensorProto::floats("s", &[2], &[1.0; 2])).contains("scales"));
        assert!(told(&|graph| graph.initializer[3] = TensorProto::integers("shape", &[4, 2])).contains("don't fit"));
        assert!(told(&|graph| graph.node[0].attribute[0].i = -1).contains("below 0"));
    }
}
