//! Reads a tower from the package's ONNX file: tensors by their names, 8-bit layers by the names of the nodes that use them.

use std::collections::HashMap;

use prost::Message;

use super::{Block, HEAD_WIDTH, Linear, Norm, Tower};
use crate::onnx::{ModelProto, TensorProto, element};

/// A file that holds no such tower.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TowerError {
    /// The bytes are no ONNX file.
    #[error("it is not an ONNX file ({0})")]
    NotOnnx(#[from] prost::DecodeError),
    /// A tensor or a node that a tower has is not there.
    #[error("it has no `{0}`, as an 8-bit image tower of CLIP would have")]
    Missing(String),
    /// A tensor of another size or kind.
    #[error("its `{name}` is {found}, not {expected}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What it is.
        found: String,
        /// What a tower has.
        expected: String,
    },
    /// More blocks are wanted than there are.
    #[error("it has no block {0}")]
    TooShallow(usize),
}

impl Tower {
    /// Reads the first `depth` blocks of the tower in the bytes of an ONNX file.
    ///
    /// # Errors
    ///
    /// When the bytes are no ONNX file, or hold no such tower.
    pub fn read(bytes: &[u8], depth: usize) -> Result<Self, TowerError> {
        let graph = ModelProto::decode(bytes)?.graph.unwrap_or_default();
        let file = File {
            tensors: graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
            // The weight that an 8-bit product reads is its second input.
            products: graph
                .node
                .iter()
                .filter(|node| node.op_type == "MatMulInteger")
                .filter_map(|node| Some((node.name.as_str(), node.input.get(1)?.as_str())))
                .collect(),
        };
        let stem = "vision_model.embeddings";
        let patches = file.tensor(&format!("{stem}.patch_embedding.weight"))?;
        let (width, patch) = match *patches.dims {
            [width, 3, height, across] if height == across && width > 0 && across > 0 => (width, across),
            _ => return Err(wrong(patches, "[width, 3, side, side]")),
        };
        let (width, patch) = (width as usize, patch as usize);
        if width % HEAD_WIDTH != 0 {
            return Err(wrong(patches, &format!("a multiple of {HEAD_WIDTH} wide")));
        }
        let positions = file.tensor(&format!("{stem}.position_embedding.weight"))?;
        let tokens = positions.dims.first().map_or(0, |&tokens| tokens as usize);
        let grid = tokens.saturating_sub(1).isqrt();
        if grid == 0 || grid * grid + 1 != tokens {
            return Err(wrong(positions, "a square of patches and one token more"));
        }
        let norm = |name: &str| -> Result<Norm, TowerError> {
            let part = |part: &str| file.floats(&format!("{name}.{part}"), width);
            Ok(Norm { weight: part("weight")?, bias: part("bias")? })
        };
        let block = |index: usize| -> Result<Block, TowerError> {
            let path = format!("layers.{index}");
            if !file.products.keys().any(|name| name.contains(&format!("/{path}/"))) {
                return Err(TowerError::TooShallow(index + 1));
            }
            let stem = format!("vision_model.encoder.{path}");
            let linear = |part: &str, inputs, outputs| file.linear(index, part, inputs, outputs);
            let inner = 4 * width;
            Ok(Block {
                norm1: norm(&format!("{stem}.layer_norm1"))?,
                attention: [
                    linear("self_attn.q_proj", width, width)?,
                    linear("self_attn.k_proj", width, width)?,
                    linear("self_attn.v_proj", width, width)?,
                ],
                out: linear("self_attn.out_proj", width, width)?,
                norm2: norm(&format!("{stem}.layer_norm2"))?,
                fc1: linear("mlp.fc1", width, inner)?,
                fc2: linear("mlp.fc2", inner, width)?,
            })
        };
        Ok(Self {
            width,
            grid,
            patch,
            patches: file.floats(&format!("{stem}.patch_embedding.weight"), width * 3 * patch * patch)?,
            class: file.floats(&format!("{stem}.class_embedding"), width)?,
            positions: file.floats(&format!("{stem}.position_embedding.weight"), tokens * width)?,
            // The package spells it so.
            norm: norm("vision_model.pre_layrnorm")?,
            blocks: (0..depth).map(block).collect::<Result<_, _>>()?,
        })
    }
}

/// What a file holds, by name.
struct File<'a> {
    tensors: HashMap<&'a str, &'a TensorProto>,
    products: HashMap<&'a str, &'a str>,
}

impl File<'_> {
    fn tensor(&self, name: &str) -> Result<&TensorProto, TowerError> {
        self.tensors.get(name).copied().ok_or_else(|| TowerError::Missing(name.to_owned()))
    }

    fn floats(&self, name: &str, count: usize) -> Result<Vec<f32>, TowerError> {
        let tensor = self.tensor(name)?;
        let (values, rest) = tensor.raw_data.as_chunks();
        let values: Vec<f32> = if tensor.raw_data.is_empty() {
            tensor.float_data.clone()
        } else {
            values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
        };
        let all_finite = values.iter().all(|value| value.is_finite());
        if tensor.data_type != element::FLOAT || !rest.is_empty() || values.len() != count || !all_finite {
            return Err(wrong(tensor, &format!("{count} finite floats")));
        }
        Ok(values)
    }

    /// An 8-bit layer: the product's node is named by its place in the network, its weight is not.
    fn linear(&self, block: usize, part: &str, inputs: usize, outputs: usize) -> Result<Linear, TowerError> {
        let place = format!("/vision_model/encoder/layers.{block}/{}/", part.replace('.', "/"));
        let product = self.products.iter().find(|(node, _)| node.starts_with(&place));
        let (_, quantized) = product.ok_or_else(|| TowerError::Missing(place.clone()))?;
        let weight = self.tensor(quantized)?;
        if weight.data_type != element::INT8 || weight.raw_data.len() != inputs * outputs {
            return Err(wrong(weight, &format!("{} integers of 8 bits", inputs * outputs)));
        }
        let stem = quantized.strip_suffix("_quantized").unwrap_or(quantized);
        let zero = self.tensor(&format!("{stem}_zero_point"))?;
        if zero.int32_data.iter().any(|&zero| zero != 0) || zero.raw_data.iter().any(|&zero| zero != 0) {
            return Err(wrong(zero, "zero, as weights around zero have it"));
        }
        Ok(Linear {
            inputs,
            weight: weight.raw_data.iter().map(|&byte| byte.cast_signed()).collect(),
            scale: self.floats(&format!("{stem}_scale"), outputs)?,
            bias: self.floats(&format!("vision_model.encoder.layers.{block}.{part}.bias"), outputs)?,
        })
    }
}

fn wrong(tensor: &TensorProto, expected: &str) -> TowerError {
    let found = format!("element type {} {:?}", tensor.data_type, tensor.dims);
    TowerError::Tensor { name: tensor.name.clone(), found, expected: expected.to_owned() }
}
