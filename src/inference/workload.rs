//! What a network is fed: read from its file, so that accelerators can be prepared for it before the first frame.

use cyborg_models::onnx::{self, Dimension, element};

/// The sizes of batch that an accelerator is prepared for. Others are padded up: a new size costs it a new search for
/// algorithms, or a new engine.
pub const BATCHES: [usize; 4] = [1, 2, 4, 8];

/// Free sides of a picture are at least this, in pixels.
const LEAST_SIDE: usize = 32;

/// The values of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Unsigned bytes.
    Bytes,
    /// 32-bit floats.
    Floats,
}

/// Shapes that a network of one input will run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Name of the input.
    pub input: String,
    /// What it holds.
    pub form: Form,
    /// The smallest shape.
    pub least: [usize; 4],
    /// The shape to be fastest at.
    pub usual: [usize; 4],
    /// The largest shape.
    pub most: [usize; 4],
    /// The sizes of batch to prepare for, rising.
    pub batches: Vec<usize>,
}

impl Workload {
    /// Reads it from the ONNX file in `bytes`. Sides that the file leaves free are taken to be up to `longest_side`
    /// pixels, and pictures of free sides to come one by one.
    ///
    /// `None` when the file isn't a network of one input, of bytes or floats in four dimensions.
    #[must_use]
    pub fn of(bytes: &[u8], longest_side: usize) -> Option<Self> {
        let graph = onnx::outline(bytes).ok()?.graph?;
        let is_weight = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let mut inputs = graph.input.iter().filter(|input| !is_weight(&input.name));
        let (input, None) = (inputs.next()?, inputs.next()) else {
            return None;
        };
        let tensor = input.r#type.as_ref()?.tensor_type.as_ref()?;
        let form = match tensor.elem_type {
            element::FLOAT => Form::Floats,
            element::UINT8 => Form::Bytes,
            _ => return None,
        };
        let sizes = tensor.shape.as_ref()?.dim.iter().map(|dimension| match dimension.value {
            Some(Dimension::Value(size)) => usize::try_from(size).ok().filter(|&size| size > 0),
            _ => None,
        });
        let sizes: [Option<usize>; 4] = sizes.collect::<Vec<_>>().try_into().ok()?;
        let [batch, sides @ ..] = sizes;
        let batches = match batch {
            Some(fixed) => vec![fixed],
            None if sides.contains(&None) => vec![1],
            None => BATCHES.to_vec(),
        };
        let shape = |batch: usize, free: usize| [Some(batch), sides[0], sides[1], sides[2]].map(|s| s.unwrap_or(free));
        let most = longest_side.next_multiple_of(LEAST_SIDE);
        let (first, last) = (*batches.first()?, *batches.last()?);
        let (least, usual, most) = (shape(first, LEAST_SIDE), shape(last, most), shape(last, most));
        Some(Self { input: input.name.clone(), form, least, usual, most, batches })
    }

    /// The size of batch to run `count` items in: the next one that the network was prepared for, or `count` itself
    /// when there is none.
    #[must_use]
    pub fn padded(&self, count: usize) -> usize {
        self.batches.iter().copied().find(|&batch| batch >= count).unwrap_or(count)
    }

    /// The usual shape with another number of items.
    #[must_use]
    pub fn shape_of(&self, batch: usize) -> [usize; 4] {
        let [_, a, b, c] = self.usual;
        [batch, a, b, c]
    }
}

#[cfg(test)]
mod tests {
    use cyborg_models::onnx::{GraphProto, ValueInfoProto};

    use super::*;
    use cyborg_models::onnx::ModelProto;
    use prost::Message;

    fn free(name: &str) -> Dimension {
        Dimension::Param(name.to_owned())
    }

    fn network(inputs: Vec<ValueInfoProto>) -> Vec<u8> {
        let graph = GraphProto { input: inputs, ..GraphProto::default() };
        ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    fn of_one(element: i32, dimensions: &[Dimension]) -> Option<Workload> {
        Workload::of(&network(vec![ValueInfoProto::tensor("x", element, dimensions)]), 300)
    }

    #[test]
    fn a_classifier_comes_in_batches() {
        let sides = [free("n"), Dimension::Value(224), Dimension::Value(224), Dimension::Value(3)];
        let workload = of_one(element::UINT8, &sides).expect("it is one");
        assert_eq!((workload.form, workload.input.as_str()), (Form::Bytes, "x"));
        assert_eq!((workload.least, workload.most), ([1, 224, 224, 3], [8, 224, 224, 3]));
        let padded: Vec<usize> = (1..=9).map(|count| workload.padded(count)).collect();
        assert_eq!(padded, [1, 2, 4, 4, 8, 8, 8, 8, 9]);
    }

    #[test]
    fn a_detector_takes_pictures_of_any_size_one_by_one() {
        let sides = [free("n"), Dimension::Value(3), free("h"), free("w")];
        let workload = of_one(element::FLOAT, &sides).expect("it is one");
        assert_eq!((workload.least, workload.most), ([1, 3, 32, 32], [1, 3, 320, 320]));
        assert_eq!(workload.batches, [1]);
    }

    #[test]
    fn a_fixed_batch_stays() {
        let sides = [5, 3, 64, 64].map(Dimension::Value);
        let workload = of_one(element::FLOAT, &sides).expect("it is one");
        assert_eq!((workload.batches, workload.usual), (vec![5], [5, 3, 64, 64]));
    }

    #[test]
    fn other_networks_have_none() {
        let fixed = |count: usize| vec![Dimension::Value(1); count];
        assert_eq!(of_one(element::FLOAT, &fixed(3)), None);
        assert_eq!(of_one(element::INT64, &fixed(4)), None);
        let two = ["a", "b"].map(|name| ValueInfoProto::tensor(name, element::FLOAT, &fixed(4)));
        assert_eq!(Workload::of(&network(two.to_vec()), 300), None);
        assert_eq!(Workload::of(b"not a network", 300), None);
    }
}
