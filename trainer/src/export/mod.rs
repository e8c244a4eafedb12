//! Writes a trained network as a model file of the contract: ONNX with `pixels` in, `logits` and `cam` out.
//!
//! The file is checked before anybody gets it: its metadata and tensors by the contract, and its numbers by running it
//! in ONNX Runtime beside libtorch.

mod check;
mod fold;
mod graph;
mod precision;
mod textures;
mod tokens;
mod trained;

use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::contract::Contract;
use cyborg_models::model_file::{ModelFile, ModelFileError, set_contract};
use cyborg_models::onnx::{ModelProto, OperatorSetIdProto};
use prost::Message;

pub use check::{Difference, compare};
pub use precision::Precision;
pub use textures::textures;
pub use trained::{HEAD_BIAS, HEAD_WEIGHT, trained_alone};

use self::check::largest_inside;
use crate::checkpoint::State;
use crate::network::{Network, Tap};
use crate::torch::Model;

/// Operator set of the files.
const OPSET: i64 = 17;
/// Format version that goes with it.
const IR_VERSION: i64 = 8;
/// Index of the class whose map is written.
const SYNTHETIC: usize = 1;
/// Crops by a formula that each file is checked with.
const TEXTURES: usize = 8;
/// Largest value that float16 may have to hold inside, half of what it can: other crops will have larger ones.
const LARGEST_HALF: f32 = 65504.0 / 2.0;

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
    /// The contract says another tap than the network has.
    #[error("the contract says that the activation map is taken at `{contract}`, the network takes it at `{network}`")]
    Tap {
        /// What the contract says.
        contract: String,
        /// What the network does.
        network: Tap,
    },
    /// There is no part that stayed as it was.
    #[error(
        "all layers of the network were trained, so there is no part to leave out: train with `--tune head` or `--tune norms`"
    )]
    AllTrained,
    /// A number is beyond what float16 holds.
    #[error("{what} is too large for float16: export in float32")]
    TooLarge {
        /// Where it stands.
        what: String,
    },
    /// ONNX Runtime gives other numbers than libtorch.
    #[error(
        "ONNX Runtime gives other {output} than libtorch: off by {off} of their spread over the checked crops, allowed {allowed}; no file was written"
    )]
    Differs {
        /// Which output.
        output: &'static str,
        /// The largest difference, see [`Difference`].
        off: f32,
        /// What the precision allows.
        allowed: f32,
    },
}

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
