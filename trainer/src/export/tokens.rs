//! The nodes of a transformer in a model file.

use cyborg_models::onnx::{AttributeProto, TensorProto};

use super::error::ExportError;
use super::fold::values;
use super::graph::Writer;
use crate::network::{LAYER_NORM_EPS, QUICK_GELU, Shape};

/// Size of a dimension that stays as it is, as `Reshape` has it.
const SAME: i64 = 0;

impl Writer<'_> {
    /// A linear layer that each token goes through by itself.
    pub(super) fn token_linear(
        &mut self,
        name: &str,
        input: String,
        (inputs, outputs): (usize, usize),
    ) -> Result<String, ExportError> {
        let (weight, bias) = self.linear(name, (inputs, outputs))?;
        let mut columns = vec![0.0; weight.len()];
        for (row, values) in weight.chunks_exact(inputs).enumerate() {
            for (column, &value) in values.iter().enumerate() {
                columns[column * outputs + row] = value;
            }
        }
        let (weight_name, bias_name) = (format!("{name}.weight"), format!("{name}.bias"));
        self.constant(&weight_name, &[inputs as i64, outputs as i64], &columns)?;
        self.constant(&bias_name, &[outputs as i64], &bias)?;
        let x = self.push("MatMul", vec![input, weight_name], format!("{name}.product"), Vec::new());
        Ok(self.push("Add", vec![x, bias_name], name.to_owned(), Vec::new()))
    }

    /// The cells of a picture as tokens. A row of zeros is put before them, and the class token is added with its place, so
    /// that nothing must know how large the batch is.
    pub(super) fn tokens(
        &mut self,
        name: &str,
        index: usize,
        input: String,
        picture: Shape,
    ) -> Result<String, ExportError> {
        let channels = picture.channels;
        let count = picture.height * picture.width;
        let class = values(self.state, &format!("{name}.class_embedding"), &[channels])?;
        let place = format!("{name}.position_embedding.weight");
        let mut places = values(self.state, &place, &[count + 1, channels])?.to_vec();
        places.iter_mut().zip(class).for_each(|(place, class)| *place += class);
        let order = vec![AttributeProto::ints("perm", &[0, 2, 1])];
        let x = self.reshape(input, &format!("cells_{index}"), &[SAME, channels as i64, count as i64]);
        let x = self.push("Transpose", vec![x], format!("rows_{index}"), order);
        let pads = self.integers("class.pads", &[0, 1, 0, 0, 0, 0]);
        let x = self.push("Pad", vec![x, pads], format!("with_class_{index}"), Vec::new());
        self.constant(&place, &[count as i64 + 1, channels as i64], &places)?;
        Ok(self.push("Add", vec![x, place], format!("tokens_{index}"), Vec::new()))
    }

    pub(super) fn layer_norm(&mut self, name: &str, input: String, channels: usize) -> Result<String, ExportError> {
        let mut inputs = vec![input];
        for part in ["weight", "bias"] {
            let part = format!("{name}.{part}");
            let values = values(self.state, &part, &[channels])?;
            self.constant(&part, &[channels as i64], values)?;
            inputs.push(part);
        }
        let settings = vec![AttributeProto::int("axis", -1), AttributeProto::float("epsilon", LAYER_NORM_EPS as f32)];
        Ok(self.push("LayerNormalization", inputs, name.to_owned(), settings))
    }

    /// Attention of the inputs queries, keys and values.
    pub(super) fn attention(
        &mut self,
        index: usize,
        inputs: &[String],
        channels: usize,
        heads: usize,
    ) -> Result<String, ExportError> {
        let each = channels / heads;
        let mut parts = Vec::new();
        // Keys stand the other way round, ready to be multiplied by.
        for (input, (what, order)) in
            inputs.iter().zip([("queries", [0, 2, 1, 3]), ("keys", [0, 2, 3, 1]), ("values", [0, 2, 1, 3])])
        {
            let name = format!("{what}_{index}");
            let x = self.reshape(input.clone(), &format!("{name}.heads"), &[SAME, SAME, heads as i64, each as i64]);
            parts.push(self.push("Transpose", vec![x], name, vec![AttributeProto::ints("perm", &order)]));
        }
        let [queries, keys, values] = <[String; 3]>::try_from(parts).unwrap_or_default();
        if !self.has("attention.scale") {
            self.constant("attention.scale", &[], &[1.0 / (each as f32).sqrt()])?;
        }
        let scale = "attention.scale".to_owned();
        let queries = self.push("Mul", vec![queries, scale], format!("scaled_{index}"), Vec::new());
        let x = self.push("MatMul", vec![queries, keys], format!("likeness_{index}"), Vec::new());
        let x = self.push("Softmax", vec![x], format!("shares_{index}"), vec![AttributeProto::int("axis", -1)]);
        let x = self.push("MatMul", vec![x, values], format!("seen_{index}"), Vec::new());
        let order = vec![AttributeProto::ints("perm", &[0, 2, 1, 3])];
        let x = self.push("Transpose", vec![x], format!("seen_{index}.rows"), order);
        Ok(self.reshape(x, &format!("attention_{index}"), &[SAME, SAME, channels as i64]))
    }

    pub(super) fn quick_gelu(&mut self, index: usize, input: String) -> Result<String, ExportError> {
        if !self.has("gelu.factor") {
            self.constant("gelu.factor", &[], &[QUICK_GELU as f32])?;
        }
        let factor = "gelu.factor".to_owned();
        let x = self.push("Mul", vec![input.clone(), factor], format!("gelu_{index}.scaled"), Vec::new());
        let x = self.push("Sigmoid", vec![x], format!("gelu_{index}.share"), Vec::new());
        Ok(self.push("Mul", vec![input, x], format!("gelu_{index}"), Vec::new()))
    }

    /// Tokens as a picture, without the class token.
    pub(super) fn patches(&mut self, index: usize, input: String, shape: Shape) -> String {
        let bounds = [("first", 1), ("end", i64::MAX), ("axis", 1)]
            .map(|(what, value)| self.integers(&format!("patch.{what}"), &[value]));
        let inputs = std::iter::once(input).chain(bounds).collect();
        let x = self.push("Slice", inputs, format!("patches_{index}.rows"), Vec::new());
        let order = vec![AttributeProto::ints("perm", &[0, 2, 1])];
        let x = self.push("Transpose", vec![x], format!("patches_{index}.planes"), order);
        let sizes = [shape.channels, shape.height, shape.width].map(|size| size as i64);
        self.reshape(x, &format!("patches_{index}"), &[SAME, sizes[0], sizes[1], sizes[2]])
    }

    fn reshape(&mut self, input: String, output: &str, sizes: &[i64]) -> String {
        let words: Vec<String> = sizes.iter().map(i64::to_string).collect();
        let shape = self.integers(&format!("shape.{}", words.join("x")), sizes);
        self.push("Reshape", vec![input, shape], output.to_owned(), Vec::new())
    }

    /// A constant of integers, written once.
    fn integers(&mut self, name: &str, values: &[i64]) -> String {
        if !self.has(name) {
            self.graph.initializer.push(TensorProto::integers(name, values));
        }
        name.to_owned()
    }

    fn has(&self, name: &str) -> bool {
        self.graph.initializer.iter().any(|tensor| tensor.name == name)
    }
}
