//! Writes a trained network as a model file of the contract: ONNX with `pixels` in, `logits` and `cam` out.
//!
//! The file is checked before anybody gets it: its metadata and tensors by the contract, and its numbers by running it
//! in ONNX Runtime beside libtorch.

mod check;
mod fold;
mod graph;

use cyborg_edge::model::runtime::Runtime;
use cyborg_models::contract::Contract;
use cyborg_models::model_file::{ModelFile, ModelFileError, set_contract};
use cyborg_models::onnx::{ModelProto, OperatorSetIdProto};
use prost::Message;

pub use check::{Difference, TOLERANCE, compare};

use crate::checkpoint::State;
use crate::network::Network;
use crate::torch::Model;

/// Operator set of the files.
const OPSET: i64 = 17;
/// Format version that goes with it.
const IR_VERSION: i64 = 8;

/// A network that can't become a model file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The contract wants two classes.
    #[error("the network has {0} classes, a model file has 2 (authentic, synthetic): train it first")]
    Classes(usize),
    /// A parameter is missing or of another shape.
    #[error("parameter `{0}` is missing or has another shape: are these weights of this network?")]
    Parameter(String),
    /// What was written doesn't hold the contract.
    #[error("the file that was made doesn't hold the contract: {0}")]
    Contract(#[from] ModelFileError),
    /// It can't be run.
    #[error("the file that was made can't be checked in ONNX Runtime: {0:#}")]
    Run(anyhow::Error),
    /// ONNX Runtime gives other numbers than libtorch.
    #[error("ONNX Runtime gives other {output} than libtorch: off by {off}, allowed {TOLERANCE}; no file was written")]
    Differs {
        /// Which output.
        output: &'static str,
        /// The largest difference.
        off: f32,
    },
}

/// The bytes of a model file, not yet compared with libtorch.
///
/// # Errors
///
/// When the network has other than two classes, parameters are missing, or the result doesn't hold the contract.
pub fn to_onnx(network: &Network, state: &State, contract: &Contract) -> Result<Vec<u8>, ExportError> {
    if network.classes() != 2 {
        return Err(ExportError::Classes(network.classes()));
    }
    let mut model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "cyborg-train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph::write(network, state)?),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        ..ModelProto::default()
    };
    set_contract(&mut model, contract);
    let bytes = model.encode_to_vec();
    ModelFile::parse(&bytes)?;
    Ok(bytes)
}

/// The bytes of a model file that gives the numbers of `model` within [`TOLERANCE`].
///
/// # Errors
///
/// As [`to_onnx`], and when ONNX Runtime can't run the file or gives other numbers than libtorch.
pub fn export(runtime: &Runtime, model: &Model, contract: &Contract) -> Result<Vec<u8>, ExportError> {
    let bytes = to_onnx(model.network(), &model.state(), contract)?;
    for (batch, seed) in [(1, 1), (5, 2)] {
        let difference = compare(runtime, &bytes, model, batch, seed).map_err(ExportError::Run)?;
        for (output, off) in [("logits", difference.logits), ("activation maps", difference.maps)] {
            // Written this way round so that a difference that is no number is refused too.
            let close = off <= TOLERANCE;
            if !close {
                return Err(ExportError::Differs { output, off });
            }
        }
    }
    Ok(bytes)
}
