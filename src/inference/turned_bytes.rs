//! Signed bytes of a network as unsigned ones: the same numbers around another zero.

use cyborg_models::onnx::{TensorProto, element};

/// The byte that stands for zero.
pub(super) const ZERO: u8 = 128;
/// What a zero is called that had no name, and what the names of others begin with.
pub(super) const ZERO_NAME: &str = "cyborg.zero_of_unsigned_weights";

/// What an unsigned zero is called that was signed and has a name.
pub(super) fn zero_name(name: &str) -> String {
    format!("{ZERO_NAME}.{name}")
}

/// The same numbers as unsigned bytes; `None` if they aren't signed ones that lie in the file.
pub(super) fn turned(tensor: &TensorProto) -> Option<TensorProto> {
    // Other writers put small tensors into the typed field.
    let signed: Vec<u8> = match (tensor.raw_data.as_slice(), tensor.int32_data.as_slice()) {
        ([], []) => return None,
        ([], typed) => typed.iter().map(|&value| value as u8).collect(),
        (raw, _) => raw.to_vec(),
    };
    let raw_data = signed.into_iter().map(|byte| byte.wrapping_add(ZERO)).collect();
    let (name, dims) = (tensor.name.clone(), tensor.dims.clone());
    let unsigned = TensorProto { name, dims, data_type: element::UINT8, raw_data, ..TensorProto::default() };
    (tensor.data_type == element::INT8).then_some(unsigned)
}
