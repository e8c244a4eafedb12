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

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let array = Array { shape: vec![2, 2], values: vec![1.0, -2.0, 0.5, 1e-9] };
        let metadata = [("network".to_owned(), "a".to_owned())].into();
        let checkpoint = Checkpoint { metadata, state: State::from([("w".to_owned(), array)]) };
        let bytes = to_bytes(&checkpoint).expect("the values fill the shape");
        assert_eq!(read(&bytes).expect("just written"), checkpoint);
        bytes
    }

    #[test]
    fn a_file_that_ends_early_is_an_error_wherever_it_ends() {
        let bytes = bytes();
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length} of {} bytes were taken", bytes.len());
        }
    }

    #[test]
    fn a_flipped_bit_never_panics() {
        let whole = bytes();
        let mut damaged = whole.clone();
        for bit in 0..whole.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(checkpoint) = read(&damaged) {
                assert!(
                    checkpoint.state.values().all(|array| array.values.len() == array.shape.iter().product::<usize>())
                );
            }
            damaged[bit / 8] = whole[bit / 8];
        }
    }

    #[test]
    fn other_numbers_are_refused_by_name() {
        let view = TensorView::new(Dtype::I64, vec![1], &[0; 8]).expect("eight bytes are one number");
        let bytes = serialize([("counter", view)], None).expect("it can be written");
        let error = read(&bytes).expect_err("a counter is no weight").to_string();
        assert!(error.contains("counter") && error.contains("I64"), "{error}");
    }
}
