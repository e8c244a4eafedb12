//! A foreign classifier: a float32 NCHW network, and the TOML next to it that says what our models say about
//! themselves.
//!
//! `CONTRACT.md` beside this package has an example and says what each key means. An unknown key is an error.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::contract::{
    Calibration, CamClass, Contract, CropRule, Expertise, ResizeFilter, Saliency, Thresholds, Training,
};
use crate::digest;
use crate::model_file::ModelFile;
use crate::onnx::{self, Dimension, GraphProto, ValueInfoProto, element};

/// The version of the TOML's keys that this code reads.
const FORMAT: u32 = 1;
/// Longest side of an input or a map.
const LONGEST: usize = 4096;

/// What the TOML says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    /// Version of these keys.
    pub version: u32,
    /// Network architecture, for people.
    pub network: String,
    /// How crops are resized.
    pub resize: ResizeFilter,
    /// How a face is cut out.
    pub crop: CropRule,
    /// The image input.
    pub input: Input,
    /// The class output.
    pub output: Output,
    /// The activation map, where the network gives one.
    pub cam: Option<Cam>,
    /// From a probability to a verdict.
    pub thresholds: Thresholds,
    /// From logits to a probability; none where it was not calibrated.
    pub calibration: Option<Calibration>,
}

/// The image input: float32 [N, 3, side, side].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name in the graph.
    pub name: String,
    /// Height and width in pixels.
    pub side: usize,
    /// Order of the three planes.
    pub channels: Channels,
    /// What white is before mean and standard deviation.
    pub scale: Scale,
    /// Taken off each plane, in the order of `channels` and on the scale of `scale`.
    pub mean: [f32; 3],
    /// What each plane is then divided by; not 0.
    pub std: [f32; 3],
}

/// Order of the colour planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// What white is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// 1.
    Unit,
    /// 255.
    Byte,
}

/// The class output: float32, as many numbers a face as there are `classes`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name in the graph.
    pub name: String,
    /// What its numbers are.
    pub meaning: Meaning,
    /// The class that each number speaks for: both in their order, or the one that a single number grows with.
    pub classes: Vec<Class>,
}

/// What the numbers of an output are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// Before softmax (two numbers) or sigmoid (one).
    Logits,
    /// After it.
    Probabilities,
}

/// A class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A photo of a person.
    Authentic,
    /// Generated or swapped.
    Synthetic,
}

/// The activation map of the synthetic class: float32 [N, h, w] or [N, 1, h, w].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cam {
    /// Its name in the graph.
    pub name: String,
    /// Which tensor it is made from, for people.
    pub tap: String,
}

/// A foreign model whose file fits its TOML.
#[derive(Clone, Debug)]
pub struct ForeignModel {
    /// What the TOML says.
    pub description: Foreign,
    /// The same in the words of the contract. What a TOML can't know is `unknown`, and a map that isn't there has no size.
    pub file: ModelFile,
    /// Faces that one run takes at most: 1 where the file fixes its batch size, else nothing.
    pub batch: Option<usize>,
}

/// Why a foreign model can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// The TOML has another form. The message names the line and the key.
    #[error("its TOML can't be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// The TOML is of another version.
    #[error("its TOML has version {found}, this program reads version {FORMAT}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A key holds something that can't be.
    #[error("`{key}` in its TOML must be {expected}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What it may be.
        expected: &'static str,
    },
    /// The bytes are no ONNX file.
    #[error("it is not an ONNX file ({0})")]
    NotOnnx(String),
    /// A tensor is missing or of another shape.
    #[error("its TOML says that the {side} `{name}` is {expected}, but in the file it is {found}")]
    Tensor {
        /// Input or output.
        side: &'static str,
        /// Its name.
        name: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// There is an input that nobody would fill.
    #[error("it needs an extra input `{0}`, which can't be supplied")]
    FurtherInput(String),
}

impl Foreign {
    /// Reads the text of a TOML.
    ///
    /// # Errors
    ///
    /// When it has another form, an unknown key, or a number out of its range.
    pub fn parse(text: &str) -> Result<Self, ForeignError> {
        let read: Self = toml::from_str(text)?;
        if read.version != FORMAT {
            return Err(ForeignError::Version { found: read.version });
        }
        let unit = |value: f32| (0.0..=1.0).contains(&value);
        let rate = |value: f64| (0.0..=1.0).contains(&value);
        let Thresholds { authentic_below, synthetic_above, error_rates } = &read.thresholds;
        let calibrated = |holds: &dyn Fn(&Calibration) -> bool| read.calibration.as_ref().is_none_or(holds);
        let distinct = matches!(read.output.classes[..], [_]) || matches!(read.output.classes[..], [a, b] if a != b);
        for (holds, key, expected) in [
            ((1..=LONGEST).contains(&read.input.side), "input.side", "in 1 to 4096"),
            (read.input.mean.iter().all(|mean| mean.is_finite()), "input.mean", "finite numbers"),
            (read.input.std.iter().all(|std| std.is_normal()), "input.std", "finite numbers other than 0"),
            (distinct, "output.classes", "one class, or both in their order"),
            (CropRule::MARGINS.contains(&read.crop.margin), "crop.margin", "in 0.5 to 4"),
            (unit(*authentic_below), "thresholds.authentic_below", "in 0 to 1"),
            (unit(*synthetic_above), "thresholds.synthetic_above", "in 0 to 1"),
            (authentic_below <= synthetic_above, "thresholds.authentic_below", "at most `thresholds.synthetic_above`"),
            (
                error_rates.as_ref().is_none_or(|rates| rate(rates.apcer) && rate(rates.bpcer)),
                "thresholds.error_rates",
                "shares in 0 to 1",
            ),
            (calibrated(&|c| c.temperature.is_finite() && c.temperature > 0.0), "calibration.temperature", "above 0"),
            (calibrated(&|c| c.bias.is_finite()), "calibration.bias", "finite"),
        ] {
            if !holds {
                return Err(ForeignError::Invalid { key, expected });
            }
        }
        Ok(read)
    }
}

impl ForeignModel {
    /// Holds the bytes of an ONNX file against the text of its TOML.
    ///
    /// # Errors
    ///
    /// When the text is wrong in itself, or the file has other tensors.
    pub fn parse(text: &str, bytes: &[u8]) -> Result<Self, ForeignError> {
        let description = Foreign::parse(text)?;
        let model = onnx::outline(bytes).map_err(|error| ForeignError::NotOnnx(error.to_string()))?;
        let graph = model.graph.as_ref().ok_or_else(|| ForeignError::NotOnnx("no graph in it".to_owned()))?;
        let side = description.input.side;
        // Old files list their weights among the inputs.
        let constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let other = |input: &&ValueInfoProto| input.name != description.input.name && !constant(&input.name);
        if let Some(other) = graph.input.iter().find(other) {
            return Err(ForeignError::FurtherInput(other.name.clone()));
        }
        let batch = input(graph, &description.input.name, side)?;
        let cam_size = match &description.cam {
            None => (0, 0),
            Some(cam) => map(graph, &cam.name)?,
        };
        output(graph, &description.output.name)?;
        let file = ModelFile {
            contract: description.contract(),
            expertise: Expertise::default(),
            input_side: side,
            cam_size,
            digest: digest::of_bytes(bytes),
        };
        Ok(Self { description, file, batch })
    }
}

impl Foreign {
    fn contract(&self) -> Contract {
        let unknown = || "unknown".to_owned();
        Contract {
            network: self.network.clone(),
            crop: self.crop,
            resize: self.resize,
            saliency: Saliency {
                tap: self.cam.as_ref().map_or_else(|| "none".to_owned(), |cam| cam.tap.clone()),
                cam_class: CamClass::True,
                alpha: 1.0,
                source: unknown(),
            },
            calibration: self.calibration.unwrap_or(Calibration { temperature: 1.0, bias: 0.0 }),
            thresholds: self.thresholds.clone(),
            training: Training { data_digest: unknown(), seed: 0, tool: unknown() },
            auc: BTreeMap::new(),
        }
    }
}

/// Checks the image input, and gives the batch size where the file fixes it.
fn input(graph: &GraphProto, name: &str, side: usize) -> Result<Option<usize>, ForeignError> {
    let (elem, dims) = shape(&graph.input, name);
    let free_or = |dim: Option<i64>, wanted: usize| dim.is_none_or(|size| usize::try_from(size) == Ok(wanted));
    match dims[..] {
        [batch, planes, height, width]
            if elem == element::FLOAT
                && free_or(batch, 1)
                && free_or(planes, 3)
                && free_or(height, side)
                && free_or(width, side) =>
        {
            Ok(batch.map(|_| 1))
        }
        _ => Err(ForeignError::Tensor {
            side: "input",
            name: name.to_owned(),
            expected: format!("float32 [N or 1, 3, {side}, {side}]"),
            found: describe(elem, &dims),
        }),
    }
}

/// Checks that there is such an output of floats. Its shape is often left open; it is checked when the network ran.
fn output(graph: &GraphProto, name: &str) -> Result<(), ForeignError> {
    match shape(&graph.output, name) {
        (element::FLOAT, _) => Ok(()),
        (elem, dims) => Err(ForeignError::Tensor {
            side: "output",
            name: name.to_owned(),
            expected: "float32".to_owned(),
            found: describe(elem, &dims),
        }),
    }
}

/// Height and width of the activation map.
fn map(graph: &GraphProto, name: &str) -> Result<(usize, usize), ForeignError> {
    let (elem, dims) = shape(&graph.output, name);
    let size = |dim: i64| usize::try_from(dim).ok().filter(|size| (1..=LONGEST).contains(size));
    let found = match dims[..] {
        [_, Some(height), Some(width)] | [_, Some(1), Some(height), Some(width)] if elem == element::FLOAT => {
            size(height).zip(size(width))
        }
        _ => None,
    };
    found.ok_or_else(|| ForeignError::Tensor {
        side: "output",
        name: name.to_owned(),
        expected: "float32 [N, h, w] with h and w fixed".to_owned(),
        found: describe(elem, &dims),
    })
}

/// Element type and dimensions of a tensor, free ones as `None`; element type 0 when there is no such tensor.
fn shape(values: &[ValueInfoProto], name: &str) -> (i32, Vec<Option<i64>>) {
    let value = values.iter().find(|value| value.name == name);
    let Some(tensor) = value.and_then(|value| value.r#type.as_ref()?.tensor_type.as_ref()) else {
        return (0, Vec::new());
    };
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dim| match &dim.value {
        Some(Dimension::Value(size)) => Some(*size),
        _ => None,
    });
    (tensor.elem_type, dims.collect())
}

fn describe(elem: i32, dims: &[Option<i64>]) -> String {
    let kind = match elem {
        0 => return "missing".to_owned(),
        element::FLOAT => "float32".to_owned(),
        element::UINT8 => "uint8".to_owned(),
        element::FLOAT16 => "float16".to_owned(),
        other => format!("element type {other}"),
    };
    let dims: Vec<String> =
        dims.iter().map(|dim| dim.map_or_else(|| "N".to_owned(), |size| size.to_string())).collect();
    format!("{kind} [{}]", dims.join(", "))
}
