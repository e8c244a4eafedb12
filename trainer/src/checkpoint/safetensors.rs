//! Our own checkpoints: the safetensors format, which holds arrays and texts and no code.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView, serialize};

use super::array::{Array, Checkpoint, State};

/// A safetensors file that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SafetensorsError {
    /// It doesn't hold the format.
    #[error(transparent)]
    Format(#[from] SafeTensorError),
    /// An array of another kind of number.
    #[error("array `{name}` is of {kind:?}, only floats of 16, 32 and 64 bits are read")]
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
/// When they don't hold the format, or hold arrays of other numbers than floats and counters. Counters (integers) are left
/// out; all floats become 32-bit ones.
pub fn read(bytes: &[u8]) -> Result<Checkpoint, SafetensorsError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let metadata = header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    let file = SafeTensors::deserialize(bytes)?;
    let mut state = State::new();
    for (name, view) in file.iter() {
        let values = match view.dtype() {
            Dtype::F32 => numbers(view.data(), f32::from_le_bytes),
            Dtype::F64 => numbers(view.data(), |bytes| f64::from_le_bytes(bytes) as f32),
            Dtype::F16 => numbers(view.data(), |bytes| half::f16::from_le_bytes(bytes).to_f32()),
            Dtype::BF16 => numbers(view.data(), |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
            Dtype::I64 | Dtype::I32 => continue,
            kind => return Err(SafetensorsError::Kind { name: name.to_owned(), kind }),
        };
        state.insert(name.to_owned(), Array { shape: view.shape().to_vec(), values });
    }
    Ok(Checkpoint { metadata, state })
}

fn numbers<const SIZE: usize>(bytes: &[u8], read: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| read(bytes)).collect()
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
    Ok(sorted(serialize(views, Some(metadata))?))
}

/// The file with its texts in the order of their names. The library writes them as its hash table has them, another way in
/// each process.
fn sorted(file: Vec<u8>) -> Vec<u8> {
    let parts = file.split_first_chunk::<8>().and_then(|(length, rest)| {
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    });
    let Some((header, data)) = parts else { return file };
    let Ok(mut entries) = serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(header) else { return file };
    if let Some(texts) = entries.get_mut("__metadata__")
        && let Ok(by_name) = serde_json::from_value::<BTreeMap<String, String>>(texts.clone())
    {
        *texts = by_name.into_iter().map(|(name, text)| (name, serde_json::Value::from(text))).collect();
    }
    let Ok(mut header) = serde_json::to_vec(&entries) else { return file };
    // The arrays begin at a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat()
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
    fn the_same_checkpoint_gives_the_same_bytes() {
        let metadata: BTreeMap<String, String> =
            (0..40).map(|number| (format!("k{number}"), number.to_string())).collect();
        let array = Array { shape: vec![1], values: vec![1.0] };
        let checkpoint = Checkpoint { metadata, state: State::from([("w".to_owned(), array)]) };
        let bytes = || to_bytes(&checkpoint).expect("the values fill the shape");
        assert_eq!(bytes(), bytes());
        assert_eq!(read(&bytes()).expect("just written"), checkpoint);
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

    fn check(kind: Dtype, shape: &[usize], bytes: &[u8], expected: &[f32]) {
        let view = TensorView::new(kind, shape.to_vec(), bytes).expect("the bytes fill the shape");
        let bytes = serialize([("w", view)], None).expect("it can be written");
        let state = read(&bytes).expect("floats are read").state;
        assert_eq!(state["w"], Array { shape: shape.to_vec(), values: expected.to_vec() }, "{kind:?}");
    }

    #[test]
    fn floats_of_all_sizes_are_read() {
        check(
            Dtype::F16,
            &[2, 2],
            &[0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00],
            &[1.0, -2.0, 65504.0, 5.960_464_5e-8],
        );
        check(Dtype::BF16, &[2], &[0x80, 0x3f, 0x40, 0xc0], &[1.0, -3.0]);
        check(Dtype::F64, &[1], &0.1_f64.to_le_bytes(), &[0.1]);
        check(Dtype::F32, &[1], &0.1_f32.to_le_bytes(), &[0.1]);
    }

    #[test]
    fn counters_are_left_out_and_other_numbers_are_refused_by_name() {
        let counter = TensorView::new(Dtype::I64, vec![1], &[0; 8]).expect("eight bytes are one number");
        let bytes = serialize([("norm.num_batches_tracked", counter)], None).expect("it can be written");
        assert_eq!(read(&bytes).expect("a counter does no harm").state, State::new());
        let view = TensorView::new(Dtype::U8, vec![1], &[0]).expect("a byte is one number");
        let bytes = serialize([("quantised", view)], None).expect("it can be written");
        let error = read(&bytes).expect_err("bytes are no weights").to_string();
        assert!(error.contains("quantised") && error.contains("U8"), "{error}");
    }
}
