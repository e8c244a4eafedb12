//! Weights out of an ONNX file, float or quantised to bytes: the initializers under the names that PyTorch's exporter left in
//! them, and in the nodes that read them. Nothing of the graph is run.

use std::collections::{BTreeMap, HashMap};

use cyborg_models::onnx::{GraphProto, ModelProto, NodeProto, TensorProto, element};
use prost::Message;

use super::array::{Array, State};

/// Element type of signed bytes, which quantised weights are.
const INT8: i32 = 3;

/// Why an ONNX file gives no weights.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// It isn't ONNX's format.
    #[error("it is damaged: {0}")]
    Format(#[from] prost::DecodeError),
    /// It has no graph, or one without weights.
    #[error("it holds no weights")]
    NoWeights,
    /// Weights that lie in another file.
    #[error("the values of `{0}` are in an external file, which is not read")]
    Elsewhere(String),
    /// The values don't fill the shape.
    #[error("the values of `{0}` don't fill its shape: fetch the file again")]
    Array(String),
    /// Quantised weights without what makes numbers of them.
    #[error("`{0}` is quantised, and its scale or its zero point is missing or of another length")]
    Scale(String),
}

/// Whether a file is ONNX: it begins with the version of its format, and is no safetensors whose header has that length.
#[must_use]
pub fn is_onnx(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x08) && bytes.get(8) != Some(&b'{')
}

/// Reads the bytes of an ONNX file. A matrix that a node multiplies by gets the node's name (`/a/b.0/c/MatMul` makes it
/// `a.b.0.c.weight`) and is turned round, as PyTorch has it; quantised ones become `(w - zero point) * scale`. All other
/// floats keep their names.
///
/// # Errors
///
/// When the bytes are damaged, or a quantised matrix can't be made into numbers.
pub fn read(bytes: &[u8]) -> Result<State, OnnxError> {
    let graph = ModelProto::decode(bytes)?.graph.ok_or(OnnxError::NoWeights)?;
    let GraphProto { node, initializer, .. } = graph;
    let tensors: HashMap<&str, &TensorProto> =
        initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let mut state = State::new();
    let mut matrices = BTreeMap::new();
    for node in node.iter().filter(|node| matches!(node.op_type.as_str(), "MatMul" | "MatMulInteger")) {
        if let (Some(matrix), Some(name)) = (node.input.get(1), name_of(node))
            && let Some(&tensor) = tensors.get(matrix.as_str())
        {
            matrices.insert(matrix.as_str(), ());
            let array = match tensor.data_type {
                element::FLOAT => floats(tensor)?,
                INT8 | element::UINT8 => numbers(tensor, &tensors, node.input.get(3).map(String::as_str))?,
                _ => continue,
            };
            state.insert(format!("{name}.weight"), turned(array, &tensor.name)?);
        }
    }
    for tensor in initializer.iter().filter(|tensor| tensor.data_type == element::FLOAT) {
        // A scale belongs to its matrix.
        let of_matrix = tensor.name.strip_suffix("_scale").map(|matrix| format!("{matrix}_quantized"));
        let is_part = of_matrix.is_some_and(|matrix| matrices.contains_key(matrix.as_str()));
        if !is_part && !matrices.contains_key(tensor.name.as_str()) {
            state.insert(tensor.name.clone(), floats(tensor)?);
        }
    }
    if state.is_empty() { Err(OnnxError::NoWeights) } else { Ok(state) }
}

/// The module that a node was exported from, by its name.
fn name_of(node: &NodeProto) -> Option<String> {
    let path = node.name.strip_prefix('/')?;
    let module = path.strip_suffix("_quant").unwrap_or(path).strip_suffix("/MatMul")?;
    Some(module.replace('/', "."))
}

fn shape(tensor: &TensorProto) -> Result<Vec<usize>, OnnxError> {
    let sizes: Result<_, _> = tensor.dims.iter().map(|&size| usize::try_from(size)).collect();
    sizes.map_err(|_| OnnxError::Array(tensor.name.clone()))
}

fn filled(tensor: &TensorProto, values: Vec<f32>) -> Result<Array, OnnxError> {
    let shape = shape(tensor)?;
    let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
    if tensor.data_location != 0 {
        return Err(OnnxError::Elsewhere(tensor.name.clone()));
    }
    if count != Some(values.len()) {
        return Err(OnnxError::Array(tensor.name.clone()));
    }
    Ok(Array { shape, values })
}

fn floats(tensor: &TensorProto) -> Result<Array, OnnxError> {
    let values = match tensor.raw_data.is_empty() {
        true => tensor.float_data.clone(),
        false => tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
    };
    filled(tensor, values)
}

/// The values of a tensor of bytes.
fn bytes(tensor: &TensorProto) -> Result<Array, OnnxError> {
    let of_byte = |byte: u8| if tensor.data_type == INT8 { f32::from(byte.cast_signed()) } else { f32::from(byte) };
    let values = match tensor.raw_data.is_empty() {
        true => tensor.int32_data.iter().map(|&value| value as f32).collect(),
        false => tensor.raw_data.iter().map(|&byte| of_byte(byte)).collect(),
    };
    filled(tensor, values)
}

/// The numbers that quantised ones stand for, each column by its own scale and zero point, or all by one.
fn numbers(
    tensor: &TensorProto,
    tensors: &HashMap<&str, &TensorProto>,
    zero_point: Option<&str>,
) -> Result<Array, OnnxError> {
    let fail = || OnnxError::Scale(tensor.name.clone());
    let scale = tensor.name.strip_suffix("_quantized").map(|stem| format!("{stem}_scale")).ok_or_else(fail)?;
    let scale = floats(tensors.get(scale.as_str()).ok_or_else(fail)?)?.values;
    let zero_point = match zero_point.filter(|name| !name.is_empty()) {
        Some(name) => bytes(tensors.get(name).ok_or_else(fail)?)?.values,
        None => vec![0.0],
    };
    let mut array = bytes(tensor)?;
    let columns = array.shape.last().copied().filter(|&columns| columns > 0).ok_or_else(fail)?;
    let fits = |values: &[f32]| values.len() == 1 || values.len() == columns;
    if !fits(&scale) || !fits(&zero_point) {
        return Err(fail());
    }
    for row in array.values.chunks_exact_mut(columns) {
        for (column, value) in row.iter_mut().enumerate() {
            *value = (*value - zero_point[column % zero_point.len()]) * scale[column % scale.len()];
        }
    }
    Ok(array)
}

/// A matrix turned round.
fn turned(array: Array, name: &str) -> Result<Array, OnnxError> {
    let [rows, columns] = array.shape[..] else { return Err(OnnxError::Array(name.to_owned())) };
    let values = (0..columns).flat_map(|column| (0..rows).map(move |row| row * columns + column));
    let values = values.map(|at| array.values[at]).collect();
    Ok(Array { shape: vec![columns, rows], values })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, data_type: i32, dims: &[i64]) -> TensorProto {
        TensorProto { name: name.to_owned(), data_type, dims: dims.to_vec(), ..TensorProto::default() }
    }

    fn file(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Vec<u8> {
        let graph = GraphProto { node, initializer, ..GraphProto::default() };
        ModelProto { ir_version: 8, graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    fn product(name: &str, kind: &str, inputs: &[&str]) -> NodeProto {
        NodeProto { name: name.to_owned(), ..NodeProto::plain(kind, inputs.iter().copied(), "y") }
    }

    /// A matrix of two rows and three columns, with a scale and a zero point for each column.
    fn quantised(scales: &[f32], points: &[i32]) -> Vec<u8> {
        let node = product("/block.0/fc/MatMul_quant", "MatMulInteger", &["x", "m_quantized", "xz", "m_zero_point"]);
        let matrix = [1_i8, 2, 3, -4, -5, -128].map(i8::cast_unsigned).to_vec();
        let parts = vec![
            TensorProto { raw_data: matrix, ..tensor("m_quantized", INT8, &[2, 3]) },
            TensorProto { float_data: scales.to_vec(), ..tensor("m_scale", element::FLOAT, &[scales.len() as i64]) },
            TensorProto { int32_data: points.to_vec(), ..tensor("m_zero_point", INT8, &[points.len() as i64]) },
            TensorProto::floats("block.0.fc.bias", &[3], &[7.0, 8.0, 9.0]),
            TensorProto::integers("axis", &[1]),
        ];
        file(vec![node], parts)
    }

    #[test]
    fn quantised_matrices_become_numbers_under_their_names() {
        let bytes = quantised(&[0.5, 2.0, 1.0], &[1, 0, -28]);
        assert!(is_onnx(&bytes));
        let state = read(&bytes).expect("it is whole");
        assert_eq!(state.keys().collect::<Vec<_>>(), ["block.0.fc.bias", "block.0.fc.weight"]);
        let weight = &state["block.0.fc.weight"];
        // Rows and columns have changed places: (1, -4), (2, -5), (3, -128).
        assert_eq!((&weight.shape[..], &weight.values[..]), (&[3, 2][..], &[0.0, -2.5, 4.0, -10.0, 31.0, -100.0][..]));
        let all_by_one = read(&quantised(&[2.0], &[1])).expect("it is whole");
        assert_eq!(all_by_one["block.0.fc.weight"].values, [0.0, -10.0, 2.0, -12.0, 4.0, -258.0]);
    }

    #[test]
    fn float_matrices_are_turned_round_too() {
        let node = product("/fc/MatMul", "MatMul", &["x", "onnx::MatMul_7"]);
        let bytes = file(vec![node], vec![TensorProto::floats("onnx::MatMul_7", &[2, 1], &[1.0, 2.0])]);
        let state = read(&bytes).expect("it is whole");
        assert_eq!(state, State::from([("fc.weight".to_owned(), Array { shape: vec![1, 2], values: vec![1.0, 2.0] })]));
    }

    #[test]
    fn what_is_damaged_is_refused() {
        assert!(matches!(read(&quantised(&[0.5, 2.0], &[0])), Err(OnnxError::Scale(name)) if name == "m_quantized"));
        assert!(matches!(read(&quantised(&[0.5], &[0, 0])), Err(OnnxError::Scale(_))));
        let short = TensorProto::floats("w", &[3], &[1.0]);
        assert!(matches!(read(&file(vec![], vec![short])), Err(OnnxError::Array(name)) if name == "w"));
        let huge = tensor("w", element::FLOAT, &[i64::MAX, i64::MAX]);
        assert!(matches!(read(&file(vec![], vec![huge])), Err(OnnxError::Array(_))));
        let negative = tensor("w", element::FLOAT, &[-1]);
        assert!(matches!(read(&file(vec![], vec![negative])), Err(OnnxError::Array(_))));
        let elsewhere = TensorProto { data_location: 1, ..tensor("w", element::FLOAT, &[1]) };
        assert!(matches!(read(&file(vec![], vec![elsewhere])), Err(OnnxError::Elsewhere(_))));
        assert!(matches!(read(&file(vec![], vec![])), Err(OnnxError::NoWeights)));
        let whole = quantised(&[2.0], &[1]);
        for length in 1..whole.len() {
            // A file that ends early may be whole by the format; it must not be taken for the same weights.
            assert!(
                read(&whole[..length]).map_or(true, |state| state != read(&whole).expect("it is whole")),
                "{length}"
            );
        }
    }
}
