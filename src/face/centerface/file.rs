//! The file of CenterFace: read, and mended in memory; what is on disk stays as it is.
//!
//! The published file declares a fixed input size and lists its weights among the inputs, which keeps ONNX Runtime from
//! folding them. It takes planes of floats; mended, it takes pixels as they lie in a frame.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use cyborg_models::onnx::{AttributeProto, Dimension, ModelProto, NodeProto, ValueInfoProto, element};
use cyborg_models::{digest, lock};
use prost::Message;

use super::strips::in_strips;
use crate::model::network_file::NetworkFile;
use crate::model::session::SessionError;
use crate::name;
use crate::wall;

/// Why the detector can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// There is no file.
    #[error(
        "the face detector is missing: {}; `cargo xtask setup` fetches it, or name one with `--detector`",
        name::of(path)
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is no cache folder to look in.
    #[error("no folder for fetched files is known: set HOME or CYBORG_CACHE, or name a detector with `--detector`")]
    NoCache,
    /// The file can't be read.
    #[error("can't read the face detector {}: {source}", name::of(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is another network, or none.
    #[error("{} is not a CenterFace model: {reason}", name::of(path))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// ONNX Runtime can't open it.
    #[error("the face detector {} can't be opened: {source}", name::of(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SessionError,
    },
}

/// The input of the mended network: RGB, `[n, h, w, 3]`.
pub(super) const PIXELS: &str = "pixels";

/// Names of the network's outputs.
#[derive(Clone, Debug)]
pub(super) struct Tensors {
    pub(super) heat: String,
    pub(super) scale: String,
    pub(super) offset: String,
    pub(super) landmarks: String,
}

/// The file of the detector, read and mended: once for all the sessions that run it.
#[derive(Clone, Debug)]
pub struct DetectorFile {
    pub(super) path: PathBuf,
    pub(super) digest: String,
    pub(super) network: NetworkFile<'static>,
    pub(super) tensors: Tensors,
}

impl DetectorFile {
    /// Where the detector file is: `path`, or the one that set-up fetched.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn find(path: Option<&Path>) -> Result<PathBuf, DetectorError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => lock::cached("centerface").ok_or(DetectorError::NoCache)?,
        };
        // What can't be told is found out by reading it.
        if matches!(path.try_exists(), Ok(false)) { Err(DetectorError::Missing { path }) } else { Ok(path) }
    }

    /// Reads the detector file at `path`, or the one that set-up fetched.
    ///
    /// # Errors
    ///
    /// When the file is missing or is another network.
    pub fn read(path: Option<&Path>) -> Result<Self, DetectorError> {
        let path = Self::find(path)?;
        let bytes = fs::read(&path).map_err(|source| DetectorError::Read { path: path.clone(), source })?;
        match wall::behind(|| mend(&bytes)).unwrap_or_else(|fault| Err(fault.to_string())) {
            Ok((network, tensors)) => Ok(Self { path, digest: digest::of_bytes(&bytes), network, tensors }),
            Err(reason) => Err(DetectorError::Foreign { path, reason }),
        }
    }
}

/// Has it take pixels of any size, drops the weights from the inputs, and finds the tensors by their place and channels. On a
/// processor it will be run in strips.
fn mend(bytes: &[u8]) -> Result<(NetworkFile<'static>, Tensors), String> {
    let mut model = ModelProto::decode(bytes).map_err(|error| format!("it is not an ONNX file ({error})"))?;
    let graph = model.graph.as_mut().ok_or("it has no graph")?;
    let weights: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    graph.input.retain(|input| !weights.contains(&input.name.as_str()));
    let [input] = graph.input.as_mut_slice() else {
        return Err(format!("it has {} inputs, expected 1", graph.input.len()));
    };
    let free = |name: &str| Dimension::Param(name.to_owned());
    let planes = input.name.clone();
    *input = ValueInfoProto::tensor(PIXELS, element::UINT8, &[free("n"), free("h"), free("w"), Dimension::Value(3)]);
    let [heat, scale, offset, landmarks] = graph.output.as_mut_slice() else {
        return Err(format!("it has {} outputs, expected 4", graph.output.len()));
    };
    let names = [&*heat, scale, offset, landmarks].map(|output| output.name.clone());
    for (output, channels) in [(heat, 1), (scale, 2), (offset, 2), (landmarks, 10)] {
        let dims = [free("n"), Dimension::Value(channels), free("gh"), free("gw")];
        *output = ValueInfoProto::tensor(&output.name, element::FLOAT, &dims);
    }
    graph.value_info.clear();
    let cast = vec![AttributeProto::int("to", element::FLOAT.into())];
    let transpose = vec![AttributeProto::ints("perm", &[0, 3, 1, 2])];
    let first = [
        NodeProto { attribute: cast, ..NodeProto::plain("Cast", [PIXELS], "pixels/floats") },
        NodeProto { attribute: transpose, ..NodeProto::plain("Transpose", ["pixels/floats"], &planes) },
    ];
    graph.node.splice(0..0, first);
    // Counters of the training are in there too, and ONNX Runtime complains of each.
    let read: HashSet<&str> = graph.node.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    graph.initializer.retain(|tensor| read.contains(tensor.name.as_str()));
    // Before version 4 of the format weights had to be inputs.
    model.ir_version = model.ir_version.max(4);
    let [heat, scale, offset, landmarks] = names;
    let network = NetworkFile::new(model.encode_to_vec());
    let network = network.with_processors_own(in_strips(&mut model).then(|| model.encode_to_vec()));
    Ok((network, Tensors { heat, scale, offset, landmarks }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_refused() {
        assert!(mend(b"not a model").is_err());
        assert_eq!(mend(&ModelProto::default().encode_to_vec()).map(drop), Err("it has no graph".to_owned()));
    }
}
