//! The part of the ONNX protobuf schema that the project reads and writes.
//!
//! Field numbers are those of the public ONNX schema (IR version 8). A field that isn't listed here is lost when
//! a file is read and written again; the lists below are complete for plain inference graphs.

use prost::{DecodeError, Message, Oneof};

/// Element type of a tensor, by the numbers of `TensorProto.DataType`.
pub mod element {
    /// 32-bit float.
    pub const FLOAT: i32 = 1;
    /// Unsigned 8-bit integer.
    pub const UINT8: i32 = 2;
    /// Signed 8-bit integer.
    pub const INT8: i32 = 3;
    /// Signed 32-bit integer.
    pub const INT32: i32 = 6;
    /// Signed 64-bit integer.
    pub const INT64: i32 = 7;
    /// 16-bit float of IEEE 754.
    pub const FLOAT16: i32 = 10;
}

/// Kind of an attribute, by the numbers of `AttributeProto.AttributeType`.
pub mod attribute {
    /// One float, in `f`.
    pub const FLOAT: i32 = 1;
    /// One integer, in `i`.
    pub const INT: i32 = 2;
    /// Several integers, in `ints`.
    pub const INTS: i32 = 7;
}

/// Reads a model file without its nodes and without the values of its weights, which are most of it: what is left costs next
/// to no memory.
///
/// # Errors
///
/// When the bytes are no ONNX file.
pub fn outline(bytes: &[u8]) -> Result<ModelProto, DecodeError> {
    let Outline { opset_import, metadata_props, graph } = Outline::decode(bytes)?;
    let graph = graph.map(|GraphOutline { input, output, initializer }| {
        let named = |outline: TensorOutline| TensorProto { name: outline.name, ..TensorProto::default() };
        GraphProto { input, output, initializer: initializer.into_iter().map(named).collect(), ..GraphProto::default() }
    });
    Ok(ModelProto { opset_import, metadata_props, graph, ..ModelProto::default() })
}

/// The fields of [`ModelProto`] that [`outline`] reads; a reader skips those that it doesn't know.
#[derive(Clone, PartialEq, Message)]
struct Outline {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphOutline>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSetIdProto>,
    #[prost(message, repeated, tag = "14")]
    metadata_props: Vec<StringStringEntryProto>,
}

/// The same of [`GraphProto`].
#[derive(Clone, PartialEq, Message)]
struct GraphOutline {
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorOutline>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
}

/// The same of [`TensorProto`].
#[derive(Clone, PartialEq, Message)]
struct TensorOutline {
    #[prost(string, tag = "8")]
    name: String,
}

/// A whole model file.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the file format itself.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// Program that wrote the file.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// Version of that program.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// Reverse-domain name space of the model.
    #[prost(string, tag = "4")]
    pub domain: String,
    /// Version of the model.
    #[prost(int64, tag = "5")]
    pub model_version: i64,
    /// Text for people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The computation.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Operator sets in use.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Free pairs of text; our contract lives here.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
}

/// An operator set and its version.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
    /// Empty for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Version number.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A pair of texts.
#[derive(Clone, PartialEq, Message)]
pub struct StringStringEntryProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Nodes in topological order, with their constants.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// Operations.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Name of the graph.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants, the weights among them.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Text for people.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// Inputs. Old files list their initializers here too.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Types of inner values, informative.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfoProto>,
}

/// One operation.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of the values that go in.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values that come out.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Name of the node.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Operator, `Conv` for example.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Settings of the operator.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// Text for people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// Operator set; empty for the standard one.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// A named setting of a node; `kind` says which field holds it.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Name of the setting.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A float.
    #[prost(float, tag = "2")]
    pub f: f32,
    /// An integer.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// A text, as bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// A graph.
    #[prost(message, optional, tag = "6")]
    pub g: Option<GraphProto>,
    /// Floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts, as bytes.
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// Which field is meant; see [`attribute`].
    #[prost(int32, tag = "20")]
    pub kind: i32,
}

/// A constant tensor. We write `raw_data` (little endian); other writers may use the typed fields.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Shape.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Element type; see [`element`].
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Elements as floats.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Elements as 32-bit integers.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Elements as texts.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub string_data: Vec<Vec<u8>>,
    /// Elements as 64-bit integers.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Elements as little-endian bytes.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// Elements as doubles.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Elements as unsigned 64-bit integers.
    #[prost(uint64, repeated, tag = "11")]
    pub uint64_data: Vec<u64>,
    /// Text for people.
    #[prost(string, tag = "12")]
    pub doc_string: String,
    /// Where the elements are when they are in another file.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 0: in this file; 1: in another one.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

/// A value's name and type.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
    /// Text for people.
    #[prost(string, tag = "3")]
    pub doc_string: String,
}

/// A type. Only dense tensors are known here.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// Element type and shape.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// Element type and shape of a dense tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
    /// Element type; see [`element`].
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Shape, when known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// Dimensions, outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One dimension of a shape.
#[derive(Clone, PartialEq, Message)]
pub struct DimensionProto {
    /// A number, a name, or neither.
    #[prost(oneof = "Dimension", tags = "1, 2")]
    pub value: Option<Dimension>,
}

/// A dimension that is fixed, or free under a name.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum Dimension {
    /// A fixed size.
    #[prost(int64, tag = "1")]
    Value(i64),
    /// A free size.
    #[prost(string, tag = "2")]
    Param(String),
}

impl ValueInfoProto {
    /// A dense tensor of a name, an element type and dimensions.
    #[must_use]
    pub fn tensor(name: &str, elem_type: i32, dimensions: &[Dimension]) -> Self {
        let dim = dimensions.iter().cloned().map(|value| DimensionProto { value: Some(value) }).collect();
        Self {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                tensor_type: Some(TensorTypeProto { elem_type, shape: Some(TensorShapeProto { dim }) }),
            }),
            doc_string: String::new(),
        }
    }
}

impl NodeProto {
    /// A node of the standard operators without settings, named as what comes out of it.
    #[must_use]
    pub fn plain<'a>(operator: &str, input: impl IntoIterator<Item = &'a str>, output: &str) -> Self {
        Self {
            op_type: operator.to_owned(),
            name: output.to_owned(),
            input: input.into_iter().map(str::to_owned).collect(),
            output: vec![output.to_owned()],
            ..Self::default()
        }
    }
}

impl TensorProto {
    /// A constant of floats in row-major order; `dims` multiply to `elements.len()`.
    #[must_use]
    pub fn floats(name: &str, dims: &[i64], elements: &[f32]) -> Self {
        Self {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: element::FLOAT,
            raw_data: elements.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..Self::default()
        }
    }

    /// A constant of 16-bit floats of IEEE 754, each given by its bits, in row-major order.
    #[must_use]
    pub fn halves(name: &str, dims: &[i64], bits: &[u16]) -> Self {
        Self {
            name: name.to_owned(),
            dims: dims.to_vec(),
            data_type: element::FLOAT16,
            raw_data: bits.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..Self::default()
        }
    }

    /// A constant of 64-bit integers, as `Reshape`, `Slice` and their like want their settings.
    #[must_use]
    pub fn integers(name: &str, elements: &[i64]) -> Self {
        Self {
            name: name.to_owned(),
            dims: vec![elements.len() as i64],
            data_type: element::INT64,
            raw_data: elements.iter().flat_map(|value| value.to_le_bytes()).collect(),
            ..Self::default()
        }
    }
}

impl AttributeProto {
    /// A float setting.
    #[must_use]
    pub fn float(name: &str, value: f32) -> Self {
        Self { name: name.to_owned(), f: value, kind: attribute::FLOAT, ..Self::default() }
    }

    /// An integer setting.
    #[must_use]
    pub fn int(name: &str, value: i64) -> Self {
        Self { name: name.to_owned(), i: value, kind: attribute::INT, ..Self::default() }
    }

    /// A setting of several integers.
    #[must_use]
    pub fn ints(name: &str, values: &[i64]) -> Self {
        Self { name: name.to_owned(), ints: values.to_vec(), kind: attribute::INTS, ..Self::default() }
    }
}
