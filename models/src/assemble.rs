//! Puts a head that we trained on the tower that a package ships: together they are a model file of the contract.
//!
//! The same two files give the same bytes on every machine, so the result has a digest that can be told beforehand.

use prost::Message;

use crate::head::{Head, HeadError};
use crate::model_file::{ModelFile, ModelFileError};
use crate::onnx::{ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::tower::{self, Tower, TowerError};

/// Version of the ONNX file format that is written.
const IR_VERSION: i64 = 8;

/// Why no model file came of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// The tower can't be used.
    #[error("the tower can't be used: {0}")]
    Tower(#[from] TowerError),
    /// The head can't be used.
    #[error("the head can't be used: {0}")]
    Head(#[from] HeadError),
    /// They are of different widths.
    #[error("the head is for tokens of {head} values, the tower's have {tower}")]
    Width {
        /// What the head takes.
        head: usize,
        /// What the tower gives.
        tower: usize,
    },
    /// The result doesn't hold the contract.
    #[error("the head breaks the contract: {0}")]
    Contract(#[from] ModelFileError),
}

/// The bytes of a model file of `tower`, an ONNX file, up to the last block that `head` looks at, and `head`, a safetensors file.
///
/// # Errors
///
/// When one of the files can't be used, or they don't fit.
pub fn assemble(tower: &[u8], head: &[u8]) -> Result<Vec<u8>, AssembleError> {
    let head = Head::read(head)?;
    let tower = Tower::read(tower, head.blocks.last().copied().unwrap_or(1))?;
    let width = head.width() / head.blocks.len().max(1);
    if width != tower.width {
        return Err(AssembleError::Width { head: width, tower: tower.width });
    }
    let pairs = head.contract.iter();
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "cyborg-edge".to_owned(),
        graph: Some(tower::write(&tower, &head)),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: tower::OPSET }],
        metadata_props: pairs
            .map(|(key, value)| StringStringEntryProto { key: key.clone(), value: value.clone() })
            .collect(),
        ..ModelProto::default()
    };
    let bytes = model.encode_to_vec();
    ModelFile::parse(&bytes)?;
    Ok(bytes)
}
