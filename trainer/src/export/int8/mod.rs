//! A model file whose convolutions compute in 8 bits: smaller, and faster on processors that add products of bytes at once.
//!
//! The steps of the values between the layers come from faces that a float model file is run on, and what the result costs is
//! measured on others before anybody gets it. The picture, the mean over it, the last linear layer and the map stay float32. So do
//! the first layers, as many as it takes: their few channels hold much, and errors that are made there go through all others.

mod check;
mod layers;
mod ranges;
mod write;

use cyborg_edge::inference::runtime::Runtime;
use cyborg_models::model_file::ModelFile;
use cyborg_models::onnx::{ModelProto, StringStringEntryProto};
use prost::Message;

pub use check::Cost;

use self::check::{ask, cost};
use self::layers::{Layer, layers};
use self::ranges::ranges;
use super::error::ExportError;
use crate::data::list::Label;

/// Places at most from which 8 bits are tried.
const MOST_TRIES: usize = 5;

/// Faces for a file in 8 bits: N * S * S * 3 bytes of RGB each.
#[derive(Clone, Copy, Debug)]
pub struct Int8Faces<'a> {
    /// Those that the steps are taken from.
    pub calibration: &'a [u8],
    /// Others, on which the cost is measured.
    pub judged: &'a [u8],
    /// What each of the others is.
    pub labels: &'a [Label],
}

/// A file in 8 bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Int8 {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it costs.
    pub cost: Cost,
    /// Convolutions that stayed float32, the first ones.
    pub float_layers: usize,
    /// All convolutions before the last linear layer.
    pub layers: usize,
}

/// Makes a file in 8 bits of `float`, a model file in float32, with as few layers in float32 as what it may [`Cost`] allows.
///
/// # Errors
///
/// When the file has no convolutions in float32, ONNX Runtime can't run it, or it costs too much whatever stays float32.
pub fn to_int8(runtime: &Runtime, float: &[u8], faces: Int8Faces<'_>) -> Result<Int8, ExportError> {
    let file = ModelFile::parse(float)?;
    let model = ModelProto::decode(float).map_err(|error| ExportError::Run(error.into()))?;
    let graph = model.graph.clone().unwrap_or_default();
    let all = layers(&graph);
    if all.is_empty() {
        return Err(ExportError::NoLayers);
    }
    let mut names: Vec<&str> = all.iter().flat_map(|layer| [layer.input.as_str(), &layer.output]).collect();
    names.sort_unstable();
    names.dedup();
    let crop = file.input_side.pow(2) * 3;
    let ranges = ranges(runtime, &model, &names, faces.calibration, file.input_side).map_err(ExportError::Run)?;
    let said = ask(runtime, float, faces.judged).map_err(ExportError::Run)?;
    let numbers = |layer: &Layer| ranges[&layer.input].numbers;
    let mut fault = String::new();
    for first in beginnings(&all.iter().map(numbers).collect::<Vec<_>>()).into_iter().take(MOST_TRIES) {
        let mut model = model.clone();
        model.graph = Some(write::write(&graph, &all[first..], &ranges)?);
        let says = [
            ("precision", "int8".to_owned()),
            ("precision.calibrated_on", format!("{} faces", faces.calibration.len() / crop)),
            ("precision.float_layers", format!("{first} of {}", all.len())),
        ];
        let pair = |(key, value): (&str, String)| StringStringEntryProto { key: key.to_owned(), value };
        model.metadata_props.extend(says.map(pair));
        let bytes = model.encode_to_vec();
        ModelFile::parse(&bytes)?;
        let says = ask(runtime, &bytes, faces.judged).map_err(ExportError::Run)?;
        let cost = cost(&said, &says, faces.labels, &file.contract);
        log::info!(
            "int8 with the first {first} of {} convolutions in float32: AUC {:+.4}, maps' cosine {:.4}, {:.2} % of verdicts change",
            all.len(),
            -cost.auc,
            cost.cosine,
            cost.changed * 100.0,
        );
        match cost.fault() {
            None => return Ok(Int8 { bytes, cost, float_layers: first, layers: all.len() }),
            Some(found) => fault = found,
        }
    }
    Err(ExportError::Costs { fault, faces: faces.labels.len() })
}

/// From which layer on 8 bits may begin: from the first one, or where less goes in than into the layers before and behind, as values
/// are changed from one form to the other there. `numbers` go into the layers.
fn beginnings(numbers: &[usize]) -> Vec<usize> {
    let narrow =
        |&at: &usize| numbers[at] <= numbers[at - 1] && numbers.get(at + 1).is_some_and(|&behind| numbers[at] < behind);
    std::iter::once(0).chain((1..numbers.len()).filter(narrow)).collect()
}

#[cfg(test)]
mod tests {
    use super::beginnings;

    #[test]
    fn eight_bits_begin_where_little_goes_through() {
        // A stem, a depthwise window and what narrows it; then blocks that widen, look and narrow.
        assert_eq!(beginnings(&[150, 400, 400, 200, 1200, 300, 75, 450, 450, 75, 450, 112]), [0, 3, 6, 9]);
        assert_eq!(beginnings(&[5, 5, 5]), [0]);
        assert_eq!(beginnings(&[5]), [0]);
    }
}
