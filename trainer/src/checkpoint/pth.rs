//! PyTorch's own files: the old one (five pickles and raw storages in a row) and the newer one (a zip archive).
//!
//! Only what a state dictionary needs is known; see `pickle.rs` for why that is safe. Every size is held against
//! the length of the file before anything is allocated.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use super::array::{Array, State};
use super::pickle::{self, Id, Kind, Pickle, TensorRef, Value};
use super::pth_error::PthError;

/// The number 0x1950a86a20f9469cfc6c that old files begin with, as its pickle.
const OLD_MAGIC: [u8; 14] = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// Names under which training programs keep the state dictionary among other things, the most telling one first.
pub const WRAPPING: [&str; 4] = ["state_dict", "model_state_dict", "model", "net"];

/// Whether the bytes begin as a PyTorch file does.
#[must_use]
pub fn is_pth(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP_MAGIC) || bytes.starts_with(&OLD_MAGIC)
}

/// Reads the state dictionary of a PyTorch file.
///
/// A dictionary that has it under one of [`WRAPPING`] is taken too, and the prefix `module.` that all names of a network
/// trained on several GPUs have is dropped. Counters (integer arrays) are left out; all floats become 32-bit ones.
///
/// # Errors
///
/// When the bytes are damaged, or hold anything but plain data.
pub fn read(bytes: &[u8]) -> Result<State, PthError> {
    if bytes.starts_with(ZIP_MAGIC) { read_zip(bytes) } else { read_old(bytes) }
}

fn read_zip(bytes: &[u8]) -> Result<State, PthError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
    let root = archive
        .file_names()
        .filter_map(Result::ok)
        .find_map(|name| name.strip_suffix("data.pkl").map(str::to_owned))
        .filter(|root| root.is_empty() || root.ends_with('/'))
        .ok_or(PthError::NoState)?;
    let entry = |archive: &mut zip::ZipArchive<Cursor<&[u8]>>, name: &str, limit: usize| {
        let mut content = Vec::new();
        let file = archive.by_name(name)?;
        let read = file.take(limit as u64).read_to_end(&mut content);
        read.map_err(|error| PthError::Zip(error.into()))?;
        Ok::<_, PthError>(content)
    };
    if entry(&mut archive, &format!("{root}byteorder"), 16).is_ok_and(|order| order == b"big") {
        return Err(PthError::BigEndian);
    }
    let pickle = pickle::read(&entry(&mut archive, &format!("{root}data.pkl"), bytes.len())?)?;
    let mut storages = HashMap::new();
    // Nothing is compressed, so all storages together are shorter than the file; entries that overlap could be more.
    let mut bytes_left = bytes.len();
    for value in &pickle.values {
        if let Value::Storage { key, .. } = value
            && !storages.contains_key(key)
        {
            let content = entry(&mut archive, &format!("{root}data/{key}"), bytes_left)
                .map_err(|_| PthError::Storage { key: key.clone() })?;
            bytes_left -= content.len();
            storages.insert(key.clone(), content);
        }
    }
    let storages = storages.iter().map(|(key, content)| (key.as_str(), content.as_slice())).collect();
    build(&pickle, &storages, bytes.len())
}

fn read_old(bytes: &[u8]) -> Result<State, PthError> {
    let mut rest = bytes;
    let mut next = || {
        let pickle = pickle::read(rest)?;
        rest = &rest[pickle.length..];
        Ok::<_, PthError>(pickle)
    };
    let (_magic, _protocol, _system) = (next()?, next()?, next()?);
    let state = next()?;
    let keys = next()?;
    let Value::List(keys_listed) = &keys.values[keys.result] else {
        return Err(PthError::Malformed("it has no list of storages"));
    };
    let kinds: HashMap<&str, Kind> = state
        .values
        .iter()
        .filter_map(|value| match value {
            Value::Storage { key, kind, .. } => Some((key.as_str(), *kind)),
            _ => None,
        })
        .collect();
    let mut storages = HashMap::new();
    for &id in keys_listed {
        let Value::Text(key) = &keys.values[id] else {
            return Err(PthError::Malformed("the key of a storage is no text"));
        };
        let short = || PthError::Storage { key: key.clone() };
        let kind = *kinds.get(key.as_str()).ok_or_else(short)?;
        let (length, after) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let elements = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
        let length = elements.checked_mul(kind.size()).ok_or_else(short)?;
        let (content, after) = after.split_at_checked(length).ok_or_else(short)?;
        storages.insert(key.as_str(), content);
        rest = after;
    }
    build(&state, &storages, bytes.len())
}

/// Finds the state dictionary in the pickle and fills its arrays from the storages.
fn build(pickle: &Pickle, storages: &HashMap<&str, &[u8]>, file_length: usize) -> Result<State, PthError> {
    let mut dictionary = as_dict(pickle, pickle.result).ok_or(PthError::NoState)?;
    let inner = |dictionary: &[(Id, Id)], wrapping: &str| {
        let (_, value) = dictionary.iter().find(|(key, _)| as_text(pickle, *key) == Some(wrapping))?;
        as_dict(pickle, *value)
    };
    if let Some(found) = WRAPPING.into_iter().find_map(|wrapping| inner(dictionary, wrapping)) {
        dictionary = found;
    }
    // Arrays may share a storage; but a hundred of them that all claim the whole file are no network.
    let mut bytes_left = file_length.saturating_mul(2);
    let mut state = State::new();
    for &(key, value) in dictionary {
        let (Some(name), Value::Tensor(tensor)) = (as_text(pickle, key), &pickle.values[value]) else { continue };
        if let Some(array) = fill(pickle, tensor, storages, name, &mut bytes_left)? {
            state.insert(name.to_owned(), array);
        }
    }
    if state.is_empty() {
        return Err(PthError::NoState);
    }
    if state.keys().all(|name| name.starts_with("module.")) {
        state = state.into_iter().map(|(name, array)| (name["module.".len()..].to_owned(), array)).collect();
    }
    Ok(state)
}

fn as_dict(pickle: &Pickle, id: Id) -> Option<&[(Id, Id)]> {
    match &pickle.values[id] {
        Value::Dict(pairs) => Some(pairs),
        _ => None,
    }
}

fn as_text(pickle: &Pickle, id: Id) -> Option<&str> {
    match &pickle.values[id] {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Copies an array out of its storage; `None` for integers.
fn fill(
    pickle: &Pickle,
    tensor: &TensorRef,
    storages: &HashMap<&str, &[u8]>,
    name: &str,
    bytes_left: &mut usize,
) -> Result<Option<Array>, PthError> {
    let misfit = || PthError::Array { name: name.to_owned() };
    let Value::Storage { key, kind, elements } = &pickle.values[tensor.storage] else { return Err(misfit()) };
    if let Kind::Whole(_) = kind {
        return Ok(None);
    }
    let storage = storages.get(key.as_str()).ok_or_else(|| PthError::Storage { key: key.clone() })?;
    let count = tensor.shape.iter().try_fold(1_usize, |count, &side| count.checked_mul(side)).ok_or_else(misfit)?;
    let needed = count.checked_mul(4).ok_or_else(misfit)?;
    if count > (*elements).min(storage.len() / kind.size()) || needed > *bytes_left || tensor.shape.len() > 8 {
        return Err(misfit());
    }
    *bytes_left -= needed;
    let mut values = Vec::with_capacity(count);
    let mut place = vec![0; tensor.shape.len()];
    for _ in 0..count {
        let steps = place.iter().zip(&tensor.strides).try_fold(tensor.offset, |sum, (&index, &stride): (&usize, _)| {
            index.checked_mul(stride).and_then(|step| sum.checked_add(step))
        });
        let value = steps.and_then(|at| number(storage, *kind, at)).ok_or_else(misfit)?;
        values.push(value);
        // Counts up like an odometer, the last dimension fastest.
        for (index, &side) in place.iter_mut().zip(&tensor.shape).rev() {
            *index += 1;
            if *index < side {
                break;
            }
            *index = 0;
        }
    }
    Ok(Some(Array { shape: tensor.shape.clone(), values }))
}

fn number(storage: &[u8], kind: Kind, index: usize) -> Option<f32> {
    let bytes = storage.get(index.checked_mul(kind.size())?..)?;
    Some(match kind {
        Kind::Float => f32::from_le_bytes(*bytes.first_chunk()?),
        Kind::Double => f64::from_le_bytes(*bytes.first_chunk()?) as f32,
        Kind::Half => half::f16::from_le_bytes(*bytes.first_chunk()?).to_f32(),
        Kind::BFloat16 => half::bf16::from_le_bytes(*bytes.first_chunk()?).to_f32(),
        Kind::Whole(_) => return None,
    })
}
