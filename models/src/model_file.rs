//! A whole model file, read and checked against the contract: metadata, inputs, outputs, operator set.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::contract::{self, Contract, ContractError, Expertise};
use crate::digest;
use crate::name;
use crate::onnx::{self, Dimension, ModelProto, StringStringEntryProto, ValueInfoProto, element};
use crate::video_gates;

/// The oldest operator set that the contract allows.
pub const OLDEST_OPSET: i64 = 17;

/// A model file whose metadata and tensors hold the contract.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What it says of itself.
    pub contract: Contract,
    /// What it says of its field.
    pub expertise: Expertise,
    /// Side of the square input, in pixels.
    pub input_side: usize,
    /// Height and width of the activation map.
    pub cam_size: (usize, usize),
    /// SHA-256 of the file.
    pub digest: String,
}

/// Why a file is not a model that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// The file can't be read.
    #[error("can't read model {}: {source}", name::of(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are no ONNX file.
    #[error("it is not an ONNX file ({0})")]
    NotOnnx(#[from] prost::DecodeError),
    /// It holds no computation.
    #[error("it is not an ONNX file (no graph in it)")]
    NoGraph,
    /// The operators are too old.
    #[error("its operator set is {found}, the contract needs {OLDEST_OPSET} or newer: export the model again")]
    OldOpset {
        /// The version in the file.
        found: i64,
    },
    /// The metadata are not those of a known contract.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// A tensor is missing or of another shape.
    #[error("its {side} `{name}` is {found}, expected {expected}: export the model again")]
    Tensor {
        /// Input or output.
        side: &'static str,
        /// Its name.
        name: &'static str,
        /// What the file has.
        found: String,
        /// What it should have.
        expected: &'static str,
    },
    /// There is a distance, and nobody knows which is too far.
    #[error(
        "its output `distance` means nothing without the metadata key `cyborg.unfamiliar.distance_above`: export the model again"
    )]
    NoLimit,
    /// Its gates for video aren't there.
    #[error(
        "it has no float constant `{0}`, which its metadata key `cyborg.video_gates` names: export the model again"
    )]
    NoGates(String),
    /// There is an input that nobody would fill.
    #[error("it needs an extra input `{0}`, which is not part of the contract")]
    FurtherInput(String),
}

impl ModelFile {
    /// Reads the file at `path`; the bytes come back too, for the runtime to load.
    ///
    /// # Errors
    ///
    /// When it can't be read or doesn't hold the contract.
    pub fn open(path: &Path) -> Result<(Self, Vec<u8>), ModelFileError> {
        let bytes = fs::read(path).map_err(|source| ModelFileError::Read { path: path.to_owned(), source })?;
        Ok((Self::parse(&bytes)?, bytes))
    }

    /// Checks the bytes of a model file.
    ///
    /// # Errors
    ///
    /// When they don't hold the contract.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let model = onnx::outline(bytes)?;
        let graph = model.graph.as_ref().ok_or(ModelFileError::NoGraph)?;
        // The metadata come first: a person with a foreign model should hear that it is foreign.
        let metadata: BTreeMap<_, _> =
            model.metadata_props.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect();
        let contract = Contract::from_metadata(&metadata)?;
        let expertise = Expertise::from_metadata(&metadata)?;
        let opset = model.opset_import.iter().find(|set| set.domain.is_empty()).map_or(0, |set| set.version);
        if opset < OLDEST_OPSET {
            return Err(ModelFileError::OldOpset { found: opset });
        }
        if let Some(other) = graph.input.iter().find(|input| input.name != contract::PIXELS) {
            return Err(ModelFileError::FurtherInput(other.name.clone()));
        }
        let input_side =
            check("input", contract::PIXELS, &graph.input, "uint8 [N, S, S, 3]", |elem, dims| match (elem, dims) {
                (element::UINT8, [None, Some(height), Some(width), Some(3)]) if height == width => Some(*height),
                _ => None,
            })?;
        check("output", contract::LOGITS, &graph.output, "float32 [N, 2]", |elem, dims| match (elem, dims) {
            (element::FLOAT, [None, Some(2)]) => Some(()),
            _ => None,
        })?;
        let cam_size =
            check("output", contract::CAM, &graph.output, "float32 [N, h, w]", |elem, dims| match (elem, dims) {
                (element::FLOAT, [None, Some(height), Some(width)]) => Some((*height, *width)),
                _ => None,
            })?;
        let has_distance = graph.output.iter().any(|output| output.name == contract::DISTANCE);
        // To a file of version 1 the name means nothing.
        let is_first = Contract::version_of(&metadata) == Some(contract::FIRST_VERSION);
        if expertise.unfamiliar.is_some() {
            let free = |elem: i32, dims: &[Option<usize>]| (elem == element::FLOAT && *dims == [None]).then_some(());
            check("output", contract::DISTANCE, &graph.output, "float32 [N]", free)?;
        } else if has_distance && !is_first {
            return Err(ModelFileError::NoLimit);
        }
        if !expertise.tells_apart.is_empty() {
            let free = |elem: i32, dims: &[Option<usize>]| (elem == element::FLOAT && *dims == [None]).then_some(());
            check("output", contract::KIND, &graph.output, "float32 [N]", free)?;
        }
        if let Some(name) = &expertise.video_gates
            && video_gates::place(bytes, name)?.is_none()
        {
            return Err(ModelFileError::NoGates(name.clone()));
        }
        Ok(Self { contract, expertise, input_side, cam_size, digest: digest::of_bytes(bytes) })
    }
}

/// Puts the contract into the metadata of `model`, in place of any that was there.
pub fn set_contract(model: &mut ModelProto, contract: &Contract) {
    set_contract_of_expert(model, contract, &Expertise::default());
}

/// The same for a model that has more to say of its field, which contract version 2 is for.
pub fn set_contract_of_expert(model: &mut ModelProto, contract: &Contract, expertise: &Expertise) {
    model.metadata_props.retain(|pair| !pair.key.starts_with("cyborg."));
    let mut metadata = contract.to_metadata();
    expertise.add_to(&mut metadata);
    model.metadata_props.extend(metadata.into_iter().map(|(key, value)| StringStringEntryProto { key, value }));
}

fn check<T>(
    side: &'static str,
    name: &'static str,
    values: &[ValueInfoProto],
    expected: &'static str,
    read: impl Fn(i32, &[Option<usize>]) -> Option<T>,
) -> Result<T, ModelFileError> {
    let fail = |found: String| ModelFileError::Tensor { side, name, found, expected };
    let value = values.iter().find(|value| value.name == name).ok_or_else(|| fail("missing".to_owned()))?;
    let tensor = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    let (elem, dims) = tensor.map_or((0, Vec::new()), |tensor| {
        let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
        (tensor.elem_type, dims.map(|dim| dim.value.as_ref()).collect())
    });
    // A batch dimension is free; all others are fixed sizes of at least one, small enough to allocate for.
    let sizes: Vec<Option<usize>> = dims
        .iter()
        .map(|dim| match dim {
            Some(Dimension::Value(size)) => usize::try_from(*size).ok().filter(|size| (1..=4096).contains(size)),
            _ => None,
        })
        .collect();
    read(elem, &sizes).ok_or_else(|| fail(describe(elem, &dims)))
}

fn describe(elem: i32, dims: &[Option<&Dimension>]) -> String {
    let kind = match elem {
        element::FLOAT => "float32".to_owned(),
        element::UINT8 => "uint8".to_owned(),
        element::INT64 => "int64".to_owned(),
        element::FLOAT16 => "float16".to_owned(),
        other => format!("element type {other}"),
    };
    let dims: Vec<String> = dims
        .iter()
        .map(|dim| match dim {
            Some(Dimension::Value(size)) => size.to_string(),
            Some(Dimension::Param(name)) => name.clone(),
            None => "?".to_owned(),
        })
        .collect();
    format!("{kind} [{}]", dims.join(", "))
}
