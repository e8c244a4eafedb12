//! Our own checkpoints: the safetensors format, which holds arrays and texts and no code.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView, serialize};

use super::{Array, Checkpoint, State};

/// A safetensors file that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SafetensorsError {
    /// It doesn't hold the format.
    #[error(transparent)]
    Format(#[from] SafeTensorError),
    /// An array of another kind of number.
    #[error("array `{name}` is of {kind:?}, only 32-bit floats are read")]
    Kind {
        /// The array.
        name: String,
        /// What it holds.
        kind: Dtype,
    },
}

/// Reads the bytes of a safetensors file.
///
/// # Errors
///
/// When they don't hold the format, or hold arrays of other numbers than 32-bit floats.
pub fn read(bytes: &[u8]) -> Result<Checkpoint, SafetensorsError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let metadata = header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    let file = SafeTensors::deserialize(bytes)?;
    let mut state = State::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(SafetensorsError::Kind { name: name.to_owned(), kind: view.dtype() });
        }
        let values = view.data().chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        state.insert(name.to_owned(), Array { shape: view.shape().to_vec(), values: values.collect() });
    }
    Ok(Checkpoint { metadata, state })
}

/// The bytes of a safetensors file. The same checkpoint always gives the same bytes.
///
/// # Errors
///
/// When an array's values don't fill its shape.
pub fn to_bytes(checkpoint: &Checkpoint) -> Result<Vec<u8>, SafetensorsError> {
    let raw: Vec<(&String, &Array, Vec<u8>)> = checkpoint
        .state
        .iter()
        .map(|(name, array)| (name, array, array.values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let mut views = Vec::with_capacity(raw.len());
    for (name, array, bytes) in &raw {
        views.push((name.as_str(), TensorView::new(Dtype::F32, array.shape.clone(), bytes)?));
    }
    let metadata: HashMap<String, String> = checkpoint.metadata.clone().into_iter().collect();
    Ok(serialize(views, Some(metadata))?)
}
