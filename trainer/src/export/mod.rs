//! Writes a trained network as a model file of the contract: ONNX with `pixels` in, `logits` and `cam` out.
//!
//! The file is checked before anybody gets it: its metadata and tensors by the contract, and its numbers by running it
//! in ONNX Runtime beside libtorch.

mod check;
mod error;
mod fold;
mod graph;
mod int8;
mod precision;
mod textures;
mod tokens;
mod trained;

use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::Contract;
use cyborg_models::model_file::{ModelFile, set_contract};
use cyborg_models::onnx::{ModelProto, OperatorSetIdProto};
use prost::Message;

pub use check::{Difference, compare};
pub use error::ExportError;
pub use int8::{Cost, Int8, Int8Faces, to_int8};
pub use precision::{Form, Precision};
pub use textures::textures;
pub use trained::{HEAD_BIAS, HEAD_WEIGHT, trained_alone};

use self::check::largest_inside;
use crate::checkpoint::State;
use crate::network::Network;
use crate::torch::Model;

/// Operator set of the files.
const OPSET: i64 = 17;
/// Format version that goes with it.
const IR_VERSION: i64 = 8;
/// Crops by a formula that each file is checked with.
const TEXTURES: usize = 8;
/// Largest value that float16 may have to hold inside, half of what it can: other crops will have larger ones.
const LARGEST_HALF: f32 = 65504.0 / 2.0;

/// The bytes of a model file, not yet compared with libtorch.
///
/// # Errors
///
/// When the network has other than two classes or another tap than the contract says, parameters are missing or too
/// large for the precision, or the result doesn't hold the contract.
pub fn to_onnx(
    network: &Network,
    state: &State,
    contract: &Contract,
    precision: Precision,
) -> Result<Vec<u8>, ExportError> {
    if network.classes() != 2 {
        return Err(ExportError::Classes(network.classes()));
    }
    if contract.saliency.tap != network.tap.name() {
        return Err(ExportError::Tap { contract: contract.saliency.tap.clone(), network: network.tap });
    }
    let mut model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "cyborg-train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph::write(network, state, precision)?),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
        ..ModelProto::default()
    };
    set_contract(&mut model, contract);
    let bytes = model.encode_to_vec();
    ModelFile::parse(&bytes)?;
    Ok(bytes)
}

/// The bytes of a model file that gives the numbers of `model` within [`Precision::tolerance`]: for some [`textures`],
/// and for `crops`, N * S * S * 3 bytes of RGB, which may be none. As many crops as there are textures, or more, are held
/// to a spread of their own; fewer say little of it, and are held to that of both.
///
/// # Errors
///
/// As [`to_onnx`]; when ONNX Runtime can't run the file or gives other numbers than libtorch; and when values between
/// the layers come near to what the precision can't hold. That last one is measured in libtorch: a processor without
/// float16 runs the file in float32, and would not show it.
pub fn export(
    runtime: &Runtime,
    model: &Model,
    contract: &Contract,
    precision: Precision,
    crops: &[u8],
) -> Result<Vec<u8>, ExportError> {
    let bytes = to_onnx(model.network(), &model.state(), contract, precision)?;
    let mut textures = textures(model.network().input_side, TEXTURES, 1);
    let crops = if crops.len() < textures.len() {
        textures.extend_from_slice(crops);
        &[]
    } else {
        crops
    };
    for crops in [textures.as_slice(), crops].into_iter().filter(|crops| !crops.is_empty()) {
        if precision == Precision::Float16 {
            let (largest, layer) = largest_inside(model, crops);
            // Written this way round so that what is no number is refused too.
            let fits = largest <= LARGEST_HALF;
            if !fits {
                return Err(ExportError::TooLarge { what: format!("a value of {largest} after `{layer}`") });
            }
        }
        let difference = compare(runtime, &bytes, model, crops).map_err(ExportError::Run)?;
        log::debug!("{precision}: {difference:?}");
        for (output, off) in [("logits", difference.logits), ("activation maps", difference.maps)] {
            let allowed = precision.tolerance();
            let close = off <= allowed;
            if !close {
                return Err(ExportError::Differs { output, off, allowed });
            }
        }
    }
    Ok(bytes)
}
