//! What we trained of a model whose body a package ships: the last layer, what tells a familiar face, and the contract.
//!
//! It is a safetensors file of a few kilobytes. [`assemble`](crate::assemble) puts it on the tower that it was trained for.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

/// The one text of the file: with several, the library would write them in another order each time.
const TEXT: &str = "head";

/// Linear layers on the mean of a tower's patch tokens, one for each kind of synthetic face, with what is said of them.
///
/// The features of a face are the means of the patch tokens after each of `blocks`, one after the other. The evidence for a kind is
/// that of its layer, or of its two layers by what its gate says of the face; that of the face is the largest.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Blocks of the tower whose tokens are looked at, counted from 1, in rising order.
    pub blocks: Vec<usize>,
    /// A layer for each kind, in the order of the contract's `looks_for`.
    pub kinds: Vec<KindHead>,
    /// What tells how far a face is from those that were trained on.
    pub familiar: Option<Familiar>,
    /// The contract, as the metadata of a model file.
    pub contract: BTreeMap<String, String>,
}

/// The layer for one kind of synthetic face, or two of them.
#[derive(Clone, Debug, PartialEq)]
pub struct KindHead {
    /// Gives the evidence by itself, where there is no gate.
    pub layer: Layer,
    /// A second layer, for faces of other content.
    pub gated: Option<Gated>,
}

/// A linear layer on the features.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// `[blocks * width]`.
    pub weight: Vec<f32>,
    /// Added to the product.
    pub bias: f32,
}

/// evidence = (1 - g) * layer + g * other, with g = sigmoid(gate).
#[derive(Clone, Debug, PartialEq)]
pub struct Gated {
    /// How much a face is like those that `other` is for, in logits.
    pub gate: Layer,
    /// Gives the evidence where the gate is open.
    pub other: Layer,
}

/// What the text of a file holds, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    blocks: Vec<usize>,
    /// Layers for kinds, whose arrays are numbered from 0.
    kinds: usize,
    contract: BTreeMap<String, String>,
}

/// distance = root of the mean over all directions of ((means of the patch tokens - centre) . direction) squared.
#[derive(Clone, Debug, PartialEq)]
pub struct Familiar {
    /// `[blocks * width]`.
    pub centre: Vec<f32>,
    /// `[blocks * width, directions]`, each scaled to a spread of one over the training faces.
    pub directions: Vec<f32>,
}

/// A file that is no head.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// It doesn't hold the format.
    #[error("it is not a safetensors file ({0})")]
    Format(#[from] SafeTensorError),
    /// An array of another size or kind, or none.
    #[error("its array `{0}` is missing or not valid in a head")]
    Array(String),
    /// It doesn't say what it is.
    #[error("its metadata entry `head` is missing or invalid ({0})")]
    Text(String),
}

/// The most kinds that a head tells apart.
const MOST_KINDS: usize = 4;

impl Head {
    /// Values that a layer looks at: of one token, times the blocks.
    #[must_use]
    pub fn width(&self) -> usize {
        self.kinds.first().map_or(0, |kind| kind.layer.weight.len())
    }

    /// Reads the bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// When they don't hold a head.
    pub fn read(bytes: &[u8]) -> Result<Self, HeadError> {
        let (_, header) = SafeTensors::read_metadata(bytes)?;
        let text = header.metadata().as_ref().and_then(|texts| texts.get(TEXT));
        let text = text.ok_or_else(|| HeadError::Text("there is none".to_owned()))?;
        let text: Text = serde_json::from_str(text).map_err(|error| HeadError::Text(error.to_string()))?;
        let Text { blocks, kinds, contract } = text;
        if blocks.first().is_none_or(|&first| first == 0) || !blocks.is_sorted_by(|one, next| one < next) {
            return Err(HeadError::Text("its blocks are not numbers from 1 in rising order".to_owned()));
        }
        if !(1..=MOST_KINDS).contains(&kinds) {
            return Err(HeadError::Text(format!("it has {kinds} kinds, not 1 to {MOST_KINDS}")));
        }
        let file = SafeTensors::deserialize(bytes)?;
        let array = |name: &str, fits: &dyn Fn(usize) -> bool| -> Result<Vec<f32>, HeadError> {
            let view = file.tensor(name).ok().filter(|view| view.dtype() == Dtype::F32);
            let values = view.map(|view| view.data().as_chunks().0.iter().map(|&v| f32::from_le_bytes(v)).collect());
            let right = |values: &Vec<f32>| fits(values.len()) && values.iter().all(|value| value.is_finite());
            values.filter(right).ok_or_else(|| HeadError::Array(name.to_owned()))
        };
        let first = array("0.weight", &|length| length > 0 && length % blocks.len() == 0)?;
        let width = first.len();
        let layer = |name: &str| -> Result<Layer, HeadError> {
            let weight = array(&format!("{name}.weight"), &|length| length == width)?;
            Ok(Layer { weight, bias: array(&format!("{name}.bias"), &|length| length == 1)?[0] })
        };
        let has = |prefix: &str| file.names().iter().any(|name| name.starts_with(prefix));
        let kind = |at: usize| -> Result<KindHead, HeadError> {
            let gated = match has(&format!("{at}.gate.")) || has(&format!("{at}.other.")) {
                false => None,
                true => Some(Gated { gate: layer(&format!("{at}.gate"))?, other: layer(&format!("{at}.other"))? }),
            };
            Ok(KindHead { layer: layer(&at.to_string())?, gated })
        };
        let kinds = (0..kinds).map(kind).collect::<Result<_, _>>()?;
        let familiar = match has("familiar.") {
            false => None,
            true => Some(Familiar {
                centre: array("familiar.centre", &|length| length == width)?,
                directions: array("familiar.directions", &|length| length > 0 && length % width == 0)?,
            }),
        };
        Ok(Self { blocks, kinds, familiar, contract })
    }

    /// The bytes of a safetensors file that [`Head::read`] reads back. The same head always gives the same bytes.
    ///
    /// # Errors
    ///
    /// When its arrays don't fit each other.
    pub fn to_bytes(&self) -> Result<Vec<u8>, HeadError> {
        let width = self.width();
        let mut arrays = Vec::new();
        for (at, KindHead { layer, gated }) in self.kinds.iter().enumerate() {
            let mut add = |name: String, Layer { weight, bias }: &Layer| {
                arrays.push((format!("{name}.weight"), vec![width], bytes(weight)));
                arrays.push((format!("{name}.bias"), vec![1], bytes(&[*bias])));
            };
            add(at.to_string(), layer);
            if let Some(Gated { gate, other }) = gated {
                add(format!("{at}.gate"), gate);
                add(format!("{at}.other"), other);
            }
        }
        if let Some(Familiar { centre, directions }) = &self.familiar {
            arrays.push(("familiar.centre".to_owned(), vec![width], bytes(centre)));
            let shape = vec![width, directions.len() / width.max(1)];
            arrays.push(("familiar.directions".to_owned(), shape, bytes(directions)));
        }
        let mut views = Vec::with_capacity(arrays.len());
        for (name, shape, bytes) in &arrays {
            views.push((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?));
        }
        let text = Text { blocks: self.blocks.clone(), kinds: self.kinds.len(), contract: self.contract.clone() };
        let text = serde_json::to_string(&text).map_err(|error| HeadError::Text(error.to_string()))?;
        Ok(serialize(views, Some(HashMap::from([(TEXT.to_owned(), text)])))?)
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
