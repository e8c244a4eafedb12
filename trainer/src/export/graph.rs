//! The graph of a model file, node by node from the description.
//!
//! In float16 the picture is still normalised in float32, where nothing overflows and no grey level is lost, and the
//! mean over the picture, the last linear layer and the activation map are float32 again: they are small, and sums of
//! thousands of values. All between is float16.

use cyborg_models::contract::{CAM, LOGITS, PIXELS};
use cyborg_models::onnx::{AttributeProto, Dimension, GraphProto, NodeProto, TensorProto, ValueInfoProto, element};

use super::error::ExportError;
use super::fold::{fold, foldable, into_classifier, parameter, scale_and_shift, through_norm, values};
use super::precision::Precision;
use crate::checkpoint::{Array, State};
use crate::network::{Network, Node, NodeId, Op, Pads, Shape, Window};

/// Index of the class whose map is written.
const SYNTHETIC: usize = 1;

pub(super) struct Writer<'a> {
    pub(super) network: &'a Network,
    pub(super) state: &'a State,
    precision: Precision,
    pub(super) graph: GraphProto,
    /// Name of the value of each node so far.
    names: Vec<String>,
    /// The batch normalisation that goes into the last linear layer.
    head_norm: Option<NodeId>,
}

pub(super) fn write(network: &Network, state: &State, precision: Precision) -> Result<GraphProto, ExportError> {
    let graph = GraphProto { name: network.architecture.name().to_owned(), ..GraphProto::default() };
    let head_norm = into_classifier(network);
    let mut writer = Writer { network, state, precision, graph, names: Vec::new(), head_norm };
    writer.bounds();
    let folds = foldable(network);
    for (index, node) in network.nodes.iter().enumerate() {
        // A convolution is written by the normalisation that goes into it.
        let waits = folds.get(index + 1).is_some_and(|&folds| folds) && matches!(node.op, Op::Conv { .. });
        let name = if waits { String::new() } else { writer.node(index, node, folds[index])? };
        writer.names.push(name);
    }
    writer.head()?;
    Ok(writer.graph)
}

/// What is multiplied into each channel, and added to it.
type ScaleAndShift = (Vec<f64>, Vec<f64>);

impl Writer<'_> {
    /// The inputs and outputs of the contract.
    fn bounds(&mut self) {
        let batch = || Dimension::Param("N".to_owned());
        let fixed = |size: usize| Dimension::Value(size as i64);
        let side = self.network.input_side;
        let (height, width) = self.network.cam_size();
        let pixels = [batch(), fixed(side), fixed(side), fixed(3)];
        self.graph.input = vec![ValueInfoProto::tensor(PIXELS, element::UINT8, &pixels)];
        self.graph.output = vec![
            ValueInfoProto::tensor(LOGITS, element::FLOAT, &[batch(), fixed(2)]),
            ValueInfoProto::tensor(CAM, element::FLOAT, &[batch(), fixed(height), fixed(width)]),
        ];
    }

    /// Writes a node and gives the name of its value.
    fn node(&mut self, index: usize, node: &Node, folded: bool) -> Result<String, ExportError> {
        let inputs: Vec<String> = node.inputs.iter().map(|input| self.names[input.0].clone()).collect();
        let input = || inputs.first().cloned().unwrap_or_default();
        let name = |kind: &str| format!("{kind}_{index}");
        match &node.op {
            Op::Image => Ok(self.image()),
            Op::Conv { name, window, groups, .. } => {
                let weight = self.conv_weight(node)?.values.clone();
                self.conv(name, input(), node, &weight, None, (*window, *groups))
            }
            Op::BatchNorm { name } if folded => {
                let conv = self.network.node(node.inputs[0]);
                let Op::Conv { name: conv_name, window, groups, .. } = &conv.op else {
                    unreachable!("only a normalisation after a convolution is folded");
                };
                let both = fold(self.state, self.conv_weight(conv)?, name, self.network.batch_norm.eps)?;
                let input = self.names[conv.inputs[0].0].clone();
                self.conv(conv_name, input, conv, &both.weight, Some(&both.bias), (*window, *groups))
            }
            // Its scale and shift are in the last linear layer.
            Op::BatchNorm { .. } if self.head_norm == Some(NodeId(index)) => Ok(input()),
            Op::BatchNorm { name } => self.batch_norm(name, input(), node.shape),
            Op::Relu => Ok(self.push("Relu", inputs, name("relu"), Vec::new())),
            Op::Relu6 => {
                if !self.graph.initializer.iter().any(|tensor| tensor.name == "zero") {
                    self.constant("zero", &[], &[0.0])?;
                    self.constant("six", &[], &[6.0])?;
                }
                let inputs = vec![input(), "zero".to_owned(), "six".to_owned()];
                Ok(self.push("Clip", inputs, name("relu6"), Vec::new()))
            }
            Op::MaxPool(window) => Ok(self.push("MaxPool", inputs, name("max_pool"), window_settings(*window))),
            Op::AvgPool(window) => {
                let mut settings = window_settings(*window);
                settings.push(AttributeProto::int("count_include_pad", 1));
                Ok(self.push("AveragePool", inputs, name("avg_pool"), settings))
            }
            Op::Concat => {
                let axis = vec![AttributeProto::int("axis", 1)];
                Ok(self.push("Concat", inputs, name("concat"), axis))
            }
            Op::Add => Ok(self.push("Add", inputs, name("add"), Vec::new())),
            Op::GlobalAveragePool => {
                let wide = self.as_float(input());
                let pooled = self.push("GlobalAveragePool", vec![wide], name("mean"), Vec::new());
                Ok(self.push("Flatten", vec![pooled], name("flat"), vec![AttributeProto::int("axis", 1)]))
            }
            // Only for training.
            Op::Dropout { .. } | Op::DropConnect { .. } => Ok(input()),
            Op::Linear { name, outputs } if node.shape.height > 1 => {
                let inputs = self.network.node(node.inputs[0]).shape.channels;
                self.token_linear(name, input(), (inputs, *outputs))
            }
            Op::Linear { name, outputs } => {
                let inputs = self.network.node(node.inputs[0]).shape.channels;
                let (mut weight, mut bias) = self.linear(name, (inputs, *outputs))?;
                let last = *name == self.network.last_linear;
                if let (true, Some((scale, shift))) = (last, self.head_scale_and_shift()?) {
                    (weight, bias) = through_norm(&weight, &bias, &scale, &shift);
                }
                let names = [format!("{name}.weight"), format!("{name}.bias")];
                let (outputs, inputs) = (*outputs as i64, inputs as i64);
                self.graph.initializer.push(TensorProto::floats(&names[0], &[outputs, inputs], &weight));
                self.graph.initializer.push(TensorProto::floats(&names[1], &[outputs], &bias));
                let [weight, bias] = names;
                let output = if last { LOGITS.to_owned() } else { name.clone() };
                Ok(self.push("Gemm", vec![input(), weight, bias], output, vec![AttributeProto::int("transB", 1)]))
            }
            Op::Tokens { name } => {
                let picture = self.network.node(node.inputs[0]).shape;
                self.tokens(name, index, input(), picture)
            }
            Op::LayerNorm { name } => self.layer_norm(name, input(), node.shape.channels),
            Op::Attention { heads } => self.attention(index, &inputs, node.shape.channels, *heads),
            Op::QuickGelu => self.quick_gelu(index, input()),
            Op::Patches => Ok(self.patches(index, input(), node.shape)),
        }
    }

    /// Weight and bias of a linear layer as they are.
    pub(super) fn linear(
        &self,
        name: &str,
        (inputs, outputs): (usize, usize),
    ) -> Result<(Vec<f32>, Vec<f32>), ExportError> {
        let weight = values(self.state, &format!("{name}.weight"), &[outputs, inputs])?;
        let bias = values(self.state, &format!("{name}.bias"), &[outputs])?;
        Ok((weight.to_vec(), bias.to_vec()))
    }

    /// What the batch normalisation that goes into the last linear layer does to each channel.
    fn head_scale_and_shift(&self) -> Result<Option<ScaleAndShift>, ExportError> {
        let norm = self.head_norm.map(|id| self.network.node(id));
        let of = norm.and_then(|node| Some((node.op.name()?, node.shape.channels)));
        of.map(|(name, channels)| scale_and_shift(self.state, name, channels, self.network.batch_norm.eps)).transpose()
    }

    /// From bytes, channels last, to the normalised picture, channels first.
    ///
    /// The normalisation is not folded into the first convolution: that pads with zeros, which are not black but the
    /// mean, after it. It comes when the channels are planes: where they alternate, ONNX Runtime takes many times as long.
    fn image(&mut self) -> String {
        let network = self.network;
        let to_float = vec![AttributeProto::int("to", i64::from(element::FLOAT))];
        let x = self.push("Cast", vec![PIXELS.to_owned()], "floats".to_owned(), to_float);
        let order = vec![AttributeProto::ints("perm", &[0, 3, 1, 2])];
        let x = self.push("Transpose", vec![x], "planes".to_owned(), order);
        for (name, of_channels) in [("mean", network.mean), ("std", network.std)] {
            self.graph.initializer.push(TensorProto::floats(name, &[3, 1, 1], &of_channels));
        }
        let x = self.push("Sub", vec![x, "mean".to_owned()], "centred".to_owned(), Vec::new());
        let x = self.push("Div", vec![x, "std".to_owned()], "image".to_owned(), Vec::new());
        match self.precision {
            Precision::Float32 => x,
            Precision::Float16 => self.cast(x, element::FLOAT16),
        }
    }

    fn cast(&mut self, input: String, to: i32) -> String {
        let output = format!("{input}.cast");
        self.push("Cast", vec![input], output, vec![AttributeProto::int("to", i64::from(to))])
    }

    /// A value of the inner precision as float32; it is cast once, however many read it.
    fn as_float(&mut self, input: String) -> String {
        match self.precision {
            Precision::Float32 => input,
            Precision::Float16 => {
                let output = format!("{input}.cast");
                let is_there = self.graph.node.iter().any(|node| node.output.contains(&output));
                if is_there { output } else { self.cast(input, element::FLOAT) }
            }
        }
    }

    fn conv_weight(&self, node: &Node) -> Result<&Array, ExportError> {
        let Op::Conv { name, channels, window, groups } = &node.op else {
            unreachable!("only called for convolutions");
        };
        let inputs = self.network.node(node.inputs[0]).shape.channels;
        let shape = [*channels, inputs / groups, window.kernel[0], window.kernel[1]];
        parameter(self.state, &format!("{name}.weight"), &shape)
    }

    fn conv(
        &mut self,
        name: &str,
        input: String,
        node: &Node,
        weight: &[f32],
        bias: Option<&[f32]>,
        (window, groups): (Window, usize),
    ) -> Result<String, ExportError> {
        let inputs_count = self.network.node(node.inputs[0]).shape.channels;
        let [channels, group] = [node.shape.channels, inputs_count / groups].map(|size| size as i64);
        let [height, width] = window.kernel.map(|side| side as i64);
        let weight_name = format!("{name}.weight");
        self.constant(&weight_name, &[channels, group, height, width], weight)?;
        let mut inputs = vec![input, weight_name];
        if let Some(bias) = bias {
            let bias_name = format!("{name}.bias");
            self.constant(&bias_name, &[channels], bias)?;
            inputs.push(bias_name);
        }
        let mut settings = window_settings(window);
        settings.push(AttributeProto::int("group", groups as i64));
        Ok(self.push("Conv", inputs, name.to_owned(), settings))
    }

    /// A batch normalisation that goes into no convolution. In float16 it is a product and a sum: a small variance would
    /// be lost in that precision, and not every provider takes statistics of another one than the values.
    fn batch_norm(&mut self, name: &str, input: String, shape: Shape) -> Result<String, ExportError> {
        let channels = shape.channels;
        let eps = self.network.batch_norm.eps;
        match self.precision {
            Precision::Float32 => {
                let mut inputs = vec![input];
                for part in ["weight", "bias", "running_mean", "running_var"] {
                    let part = format!("{name}.{part}");
                    let values = values(self.state, &part, &[channels])?;
                    self.constant(&part, &[channels as i64], values)?;
                    inputs.push(part);
                }
                let eps = vec![AttributeProto::float("epsilon", eps as f32)];
                Ok(self.push("BatchNormalization", inputs, name.to_owned(), eps))
            }
            Precision::Float16 => {
                let (scale, shift) = scale_and_shift(self.state, name, channels, eps)?;
                let (scale_name, shift_name) = (format!("{name}.scale"), format!("{name}.shift"));
                for (name, values) in [(&scale_name, scale), (&shift_name, shift)] {
                    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
                    self.constant(name, &[channels as i64, 1, 1], &values)?;
                }
                let x = self.push("Mul", vec![input, scale_name], format!("{name}.scaled"), Vec::new());
                Ok(self.push("Add", vec![x, shift_name], name.to_owned(), Vec::new()))
            }
        }
    }

    /// The class activation map: a convolution of one pixel with the synthetic class's row of the last linear layer.
    fn head(&mut self) -> Result<(), ExportError> {
        let channels = self.network.node(self.network.tap_node()).shape.channels;
        let weight_name = format!("{}.weight", self.network.last_linear);
        let weight = values(self.state, &weight_name, &[self.network.classes(), channels])?;
        let row = &weight[SYNTHETIC * channels..(SYNTHETIC + 1) * channels];
        let dims = [1, channels as i64, 1, 1];
        let mut inputs = vec!["cam.weight".to_owned()];
        match self.head_scale_and_shift()? {
            Some((scale, shift)) if self.head_norm == Some(self.network.tap_node()) => {
                let (row, bias) = through_norm(row, &[0.0], &scale, &shift);
                self.graph.initializer.push(TensorProto::floats("cam.weight", &dims, &row));
                self.graph.initializer.push(TensorProto::floats("cam.bias", &[1], &bias));
                inputs.push("cam.bias".to_owned());
            }
            _ => self.graph.initializer.push(TensorProto::floats("cam.weight", &dims, row)),
        }
        self.graph.initializer.push(TensorProto::integers("cam.axis", &[1]));
        let tap = self.names[self.network.tap_node().0].clone();
        inputs.insert(0, self.as_float(tap));
        let map = self.push("Conv", inputs, "cam.channel".to_owned(), Vec::new());
        self.push("Squeeze", vec![map, "cam.axis".to_owned()], CAM.to_owned(), Vec::new());
        Ok(())
    }

    /// A constant in the inner precision.
    pub(super) fn constant(&mut self, name: &str, dims: &[i64], values: &[f32]) -> Result<(), ExportError> {
        self.graph.initializer.push(match self.precision {
            Precision::Float32 => TensorProto::floats(name, dims, values),
            Precision::Float16 => {
                let halves: Vec<half::f16> = values.iter().map(|&value| half::f16::from_f32(value)).collect();
                if halves.iter().zip(values).any(|(half, value)| half.is_infinite() && value.is_finite()) {
                    return Err(ExportError::TooLarge { what: format!("parameter `{name}`") });
                }
                let bits: Vec<u16> = halves.into_iter().map(half::f16::to_bits).collect();
                TensorProto::halves(name, dims, &bits)
            }
        });
        Ok(())
    }

    pub(super) fn push(
        &mut self,
        kind: &str,
        input: Vec<String>,
        output: String,
        attribute: Vec<AttributeProto>,
    ) -> String {
        let node = NodeProto::plain(kind, input.iter().map(String::as_str), &output);
        self.graph.node.push(NodeProto { attribute, ..node });
        output
    }
}

fn window_settings(window: Window) -> Vec<AttributeProto> {
    let Pads { top, left, bottom, right } = window.pads;
    vec![
        AttributeProto::ints("kernel_shape", &window.kernel.map(|side| side as i64)),
        AttributeProto::ints("strides", &[window.stride as i64; 2]),
        AttributeProto::ints("pads", &[top, left, bottom, right].map(|side| side as i64)),
    ]
}
