//! Opening the gates of a model for frames of a video.
//!
//! A model may have two layers for one kind of face, one for photos and one for frames of a video, and a gate between them that looks at
//! what an encoder left in the picture (`cyborg.video_gates`). Good video leaves little: such a gate is nearly shut on it. Who plays a clip
//! needn't guess, though. With offsets of [`OPEN`] the gates are open whatever they see, and the network judges all faces by the
//! layer for video. The numbers are changed where they lie, since the rest of a model file is large.

use std::ops::Range;

use prost::DecodeError;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::onnx::element;

/// An offset that no evidence of a gate comes near; within the range of 16-bit floats.
pub const OPEN: f32 = 1e4;

/// Field numbers of the ONNX schema on the way to the numbers of a constant.
mod field {
    pub(super) const GRAPH: u32 = 7;
    pub(super) const INITIALIZER: u32 = 5;
    pub(super) const DATA_TYPE: u32 = 2;
    pub(super) const NAME: u32 = 8;
    pub(super) const RAW_DATA: u32 = 9;
}

/// Where the numbers of the constant `name` lie in a model file: 32-bit floats, lowest byte first. Nothing if there is no such constant
/// of floats, or it lies elsewhere than in the raw bytes that our exporter writes.
///
/// # Errors
///
/// When the bytes are no ONNX file.
pub fn place(bytes: &[u8], name: &str) -> Result<Option<Range<usize>>, DecodeError> {
    for graph in fields(bytes, 0..bytes.len())?.into_iter().filter(|field| field.number == field::GRAPH) {
        for tensor in fields(bytes, graph.bytes)?.into_iter().filter(|field| field.number == field::INITIALIZER) {
            let parts = fields(bytes, tensor.bytes)?;
            let part = |number: u32| parts.iter().find(|part| part.number == number);
            if part(field::NAME).is_none_or(|found| bytes[found.bytes.clone()] != *name.as_bytes()) {
                continue;
            }
            let is_float = part(field::DATA_TYPE).is_some_and(|found| found.value == element::FLOAT as u64);
            let numbers = part(field::RAW_DATA).filter(|_| is_float).map(|found| found.bytes.clone());
            return Ok(numbers.filter(|found| !found.is_empty() && found.len().is_multiple_of(size_of::<f32>())));
        }
    }
    Ok(None)
}

/// Opens the gates whose offsets lie at [`place`].
pub fn open(bytes: &mut [u8], place: Range<usize>) {
    for number in bytes[place].chunks_exact_mut(size_of::<f32>()) {
        number.copy_from_slice(&OPEN.to_le_bytes());
    }
}

/// A field of a message.
struct Field {
    number: u32,
    /// Where its bytes lie in the file; nothing of a number.
    bytes: Range<usize>,
    /// The number, if it is one.
    value: u64,
}

/// The fields of the message that lies at `place`.
fn fields(bytes: &[u8], place: Range<usize>) -> Result<Vec<Field>, DecodeError> {
    let end = place.end;
    let mut rest = &bytes[place];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (number, kind) = decode_key(&mut rest)?;
        let (mut value, mut length) = (0, 0);
        match kind {
            WireType::Varint => value = decode_varint(&mut rest)?,
            WireType::ThirtyTwoBit => length = 4,
            WireType::SixtyFourBit => length = 8,
            // Groups, which ONNX has none of, end with a key of their own.
            WireType::StartGroup | WireType::EndGroup => {}
            WireType::LengthDelimited => length = usize::try_from(decode_varint(&mut rest)?).unwrap_or(usize::MAX),
        }
        let start = end - rest.len();
        // A file that was cut off is told of by who reads it whole.
        let Some(after) = rest.get(length..) else { break };
        rest = after;
        found.push(Field { number, bytes: start..start + length, value });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::onnx::{GraphProto, ModelProto, TensorProto};

    fn tensor(name: &str, data_type: i32, raw_data: Vec<u8>) -> TensorProto {
        TensorProto { name: name.to_owned(), dims: vec![2], data_type, raw_data, ..TensorProto::default() }
    }

    fn model() -> ModelProto {
        let numbers = |values: [f32; 2]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let initializer = vec![
            tensor("gates.offset.not", element::FLOAT, numbers([5.0, 6.0])),
            tensor("gates.offset", element::FLOAT, numbers([-1.5, 2.0])),
            tensor("whole", element::INT64, vec![0; 16]),
            tensor("empty", element::FLOAT, Vec::new()),
        ];
        let graph = GraphProto { name: "gates.offset".to_owned(), initializer, ..GraphProto::default() };
        ModelProto { ir_version: 8, graph: Some(graph), ..ModelProto::default() }
    }

    #[test]
    fn the_offsets_become_large_and_nothing_else_changes() {
        let mut bytes = model().encode_to_vec();
        let found = place(&bytes, "gates.offset").expect("it is an ONNX file").expect("it has it");
        assert_eq!(bytes[found.clone()], [(-1.5_f32).to_le_bytes(), 2.0_f32.to_le_bytes()].concat());
        open(&mut bytes, found);
        let mut expected = model();
        let graph = expected.graph.as_mut().expect("it has one");
        graph.initializer[1].raw_data = [OPEN.to_le_bytes(); 2].concat();
        assert_eq!(ModelProto::decode(&bytes[..]).expect("it is still one"), expected);
    }

    #[test]
    fn what_holds_no_such_numbers_is_nothing() {
        let bytes = model().encode_to_vec();
        for name in ["whole", "empty", "gates", ""] {
            assert_eq!(place(&bytes, name), Ok(None), "{name}");
        }
        assert_eq!(place(&[], "gates.offset"), Ok(None));
    }

    #[test]
    fn a_file_that_was_cut_off_or_damaged_is_no_reason_to_panic() {
        let bytes = model().encode_to_vec();
        for length in 0..bytes.len() {
            let _ = place(&bytes[..length], "gates.offset");
        }
        for at in 0..bytes.len() {
            for value in [0, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                if let Ok(Some(found)) = place(&damaged, "gates.offset") {
                    assert!(found.end <= bytes.len());
                }
            }
        }
    }
}
