//! Why a network can't become a model file.

use cyborg_models::model_file::ModelFileError;

use crate::network::Tap;

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
    #[error("the file that was made breaks the contract: {0}")]
    Contract(#[from] ModelFileError),
    /// It can't be run.
    #[error("the exported file can't be checked in ONNX Runtime: {0:#}")]
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
    #[error("all layers of the network were trained, so there is no part to leave out")]
    AllTrained,
    /// A number is beyond what float16 holds.
    #[error("{what} is too large for float16: export in float32")]
    TooLarge {
        /// Where it stands.
        what: String,
    },
    /// There is nothing to compute in 8 bits.
    #[error("int8 is for convolutions in float32, of which the model has none: export in float32 or float16")]
    NoLayers,
    /// 8 bits cost too much.
    #[error(
        "int8 costs too much on {faces} faces, even with the first layers in float32: {fault}; no file was written"
    )]
    Costs {
        /// What is beyond what is allowed.
        fault: String,
        /// How many faces it was measured on.
        faces: usize,
    },
    /// ONNX Runtime gives other numbers than libtorch.
    #[error(
        "ONNX Runtime and libtorch disagree on {output} by {off} of their spread over the checked crops, {allowed} is allowed; no file was written"
    )]
    Differs {
        /// Which output.
        output: &'static str,
        /// The largest difference, see [`Difference`](super::Difference).
        off: f32,
        /// What the precision allows.
        allowed: f32,
    },
}
