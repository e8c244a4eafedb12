//! The first layers of a network in strips: four strips of the picture go through them, one after the other.
//!
//! The widest map of CenterFace has 96 channels at half the picture's side: 39 MB for 640 x 640 pixels, which must go to main
//! memory and back. A quarter of it is mostly still in the caches when the next layer asks for it, and a quarter of the
//! memory is enough. A strip takes along the rows above and below that its convolutions look at, so each value is computed
//! from the same numbers as before.
//!
//! For processors alone: an accelerator would rather have the whole picture, and no sizes that are computed.

use std::collections::HashMap;
use std::ops::Range;

use cyborg_models::onnx::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

/// Strips of a picture.
const STRIPS: i64 = 4;
/// Sides of the picture are multiples of this, so rows of all maps down to an eighth of it can be dealt out evenly.
const UNIT: i64 = crate::face::detector::settings::STRIDE as i64;
/// Maps that are smaller than the picture by more than this fit into the caches as they are.
const LARGE: i64 = 4;
/// The version of the operators from which on `Slice` takes computed places.
const OPERATORS: i64 = 11;
/// What means the same in the published file's version of the operators and in that one.
const UNCHANGED: [&str; 8] =
    ["Add", "BatchNormalization", "Cast", "Conv", "ConvTranspose", "Relu", "Sigmoid", "Transpose"];

/// Nodes in a row, each of which the next one alone reads.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chain {
    /// Places in the graph.
    nodes: Range<usize>,
    /// What goes in.
    input: String,
    /// The constant that names its axis of rows.
    axis: &'static str,
    /// How much smaller the map that goes in is than the picture.
    scale: i64,
    /// How much smaller what comes out is than what goes in.
    stride: i64,
    /// Rows of the input above a strip's own that it needs, and below.
    reach: [i64; 2],
}

/// What a node does to rows.
#[derive(Clone, Copy)]
struct Link {
    stride: i64,
    /// Rows that it looks at on each side of its own.
    reach: i64,
    /// The axis of rows in what goes in.
    axis: &'static str,
}

/// Writes the chains of a network's first layers in strips. False, with the network as it was, when it has none, or has
/// operators that aren't known here.
pub(super) fn in_strips(model: &mut ModelProto) -> bool {
    let Some(graph) = &mut model.graph else { return false };
    let is_known = |node: &NodeProto| UNCHANGED.contains(&node.op_type.as_str());
    let chains = chains(graph);
    let [input] = graph.input.as_slice() else { return false };
    let is_old = model.opset_import.iter().all(|set| set.domain.is_empty() && set.version <= OPERATORS);
    if chains.is_empty() || !is_old || !graph.node.iter().all(is_known) {
        return false;
    }
    let mut bounds = Bounds::default();
    let picture = input.name.clone();
    // From the end, so that the places before stay what they are.
    for chain in chains.iter().rev() {
        let strips = chain.cut(&graph.node[chain.nodes.clone()], &mut bounds);
        graph.node.splice(chain.nodes.clone(), strips);
    }
    let (first, constants) = bounds.compute(&picture);
    graph.node.splice(0..0, first);
    graph.initializer.extend(constants);
    for set in &mut model.opset_import {
        set.version = set.version.max(OPERATORS);
    }
    true
}

/// The chains that work on large maps, in the order of the graph.
fn chains(graph: &GraphProto) -> Vec<Chain> {
    let mut readers: HashMap<&str, usize> = HashMap::new();
    let read = graph.node.iter().flat_map(|node| &node.input);
    for name in read.chain(graph.output.iter().map(|output| &output.name)) {
        *readers.entry(name).or_default() += 1;
    }
    let output = |node: &NodeProto| node.output.first().cloned().unwrap_or_default();
    // How much smaller than the picture a value is, as far as it is known.
    let mut scales: HashMap<String, i64> = graph.input.iter().map(|input| (input.name.clone(), 1)).collect();
    let (mut chains, mut at) = (Vec::new(), 0);
    while let Some(node) = graph.node.get(at) {
        let input = node.input.first().cloned().unwrap_or_default();
        let scale = scales.get(&input).copied();
        let mut links = Vec::new();
        let mut next = graph.node[at..].iter();
        let mut expected = input.clone();
        while let Some((node, link)) = next.next().and_then(|node| Some((node, Link::of(node)?)))
            && node.input.first() == Some(&expected)
            && (links.is_empty() || readers.get(expected.as_str()) == Some(&1))
            // Pixels become planes at the beginning or never: from there on rows are on another axis.
            && (link.axis == AXIS || links.iter().all(|before: &Link| before.reach == 0))
        {
            links.push(link);
            expected = output(node);
        }
        let nodes = at..at + links.len().max(1);
        at = nodes.end;
        let Some(scale) = scale else { continue };
        let stride: i64 = links.iter().map(|link| link.stride).product();
        if links.is_empty() && node.op_type != "Add" {
            continue;
        }
        scales.insert(output(&graph.node[nodes.end - 1]), scale * stride);
        let axis = links.iter().fold(AXIS, |axis, link| if link.axis == PIXELS_AXIS { PIXELS_AXIS } else { axis });
        let chain = Chain { nodes, input, axis, scale, stride, reach: reach(&links) };
        if chain.fits() {
            chains.push(chain);
        }
    }
    chains
}

/// Rows of the input above and below a strip's own that the links need to make the strip.
fn reach(links: &[Link]) -> [i64; 2] {
    links.iter().rev().fold([0; 2], |[above, below], link| {
        // A step of two rows looks at the row above its own two, and at none below them.
        [above * link.stride + link.reach, below * link.stride + if link.stride == 1 { link.reach } else { 0 }]
    })
}

impl Link {
    /// Nothing where a node isn't a convolution of one or three rows, or something that treats each value by itself.
    fn of(node: &NodeProto) -> Option<Self> {
        let setting = |name: &str, usual: &[i64]| {
            let found = node.attribute.iter().find(|attribute| attribute.name == name);
            found.map_or_else(|| usual.to_vec(), |attribute| attribute.ints.clone())
        };
        let plain = Self { stride: 1, reach: 0, axis: AXIS };
        match node.op_type.as_str() {
            "Cast" | "Relu" => return Some(plain),
            "Transpose" if setting("perm", &[]) == [0, 3, 1, 2] => return Some(Self { axis: PIXELS_AXIS, ..plain }),
            _ => {}
        }
        let is_plain = node.op_type == "Conv"
            && setting("dilations", &[1, 1]) == [1, 1]
            && !node.attribute.iter().any(|attribute| attribute.name == "auto_pad");
        let pads = setting("pads", &[0; 4]);
        match (&*setting("kernel_shape", &[]), &*setting("strides", &[1, 1])) {
            ([1, 1], [1, 1]) if is_plain && pads == [0; 4] => Some(plain),
            ([3, 3], &[stride @ 1..=2, _]) if is_plain && pads == [1; 4] => Some(Self { stride, reach: 1, ..plain }),
            _ => None,
        }
    }
}

impl Chain {
    /// Whether it is worth it, and each strip of the smallest picture has the rows that its neighbours need.
    fn fits(&self) -> bool {
        let [above, below] = self.reach;
        let reach = above.max(below);
        reach > 0 && self.scale <= LARGE && self.scale * self.stride * STRIPS <= UNIT && reach <= self.height()
    }

    /// Rows of its input in a strip of the smallest picture.
    fn height(&self) -> i64 {
        UNIT / (self.scale * STRIPS)
    }

    /// The nodes that do in strips what `links` do at once.
    fn cut(&self, links: &[NodeProto], bounds: &mut Bounds) -> Vec<NodeProto> {
        let [above, below] = self.reach;
        let (mut nodes, mut strips) = (Vec::new(), Vec::new());
        for strip in 0..STRIPS {
            let (is_first, is_last) = (strip == 0, strip == STRIPS - 1);
            let start = if is_first { TOP.to_owned() } else { bounds.row(self.height() * strip, -above) };
            let end = if is_last { BOTTOM.to_owned() } else { bounds.row(self.height() * (strip + 1), below) };
            let mut value = format!("{}/rows{strip}", self.input);
            nodes.push(NodeProto::plain("Slice", [self.input.as_str(), &start, &end, self.axis], &value));
            for link in links {
                let mut node = link.clone();
                node.input[0] = std::mem::replace(&mut value, format!("{}/strip{strip}", link.output[0]));
                node.output[0].clone_from(&value);
                node.name.clone_from(&value);
                // Zeros belong around the picture, not around a strip of it.
                let pads = node.attribute.iter_mut().filter(|attribute| attribute.name == "pads");
                for [top, _, bottom, _] in pads.filter_map(|pads| <&mut [i64; 4]>::try_from(&mut *pads.ints).ok()) {
                    *top *= i64::from(is_first);
                    *bottom *= i64::from(is_last);
                }
                nodes.push(node);
            }
            strips.push(value);
        }
        let whole = links.last().map_or(&self.input, |link| &link.output[0]);
        let mut concat = NodeProto::plain("Concat", strips.iter().map(String::as_str), whole);
        concat.attribute.push(AttributeProto::int("axis", ROWS));
        nodes.push(concat);
        nodes
    }
}

/// The axis of rows in `[N, C, H, W]`.
const ROWS: i64 = 2;
/// Constant: that axis.
const AXIS: &str = "strips/axis";
/// Constant: the axis of rows in `[N, H, W, 3]`.
const PIXELS_AXIS: &str = "strips/pixels-axis";
/// Constant: where the first strip starts.
const TOP: &str = "strips/top";
/// Constant: where the last one ends, or further.
const BOTTOM: &str = "strips/bottom";

/// Rows at which strips start and end: multiples of a thirty-second of the picture's height, and a few more or less. All are
/// computed at once, as each small operation takes as long as a good many numbers.
#[derive(Default)]
struct Bounds {
    multiples: Vec<i64>,
    shifts: Vec<i64>,
}

impl Bounds {
    /// The name of the row that is so many thirty-seconds down, and so many rows further.
    fn row(&mut self, multiple: i64, shift: i64) -> String {
        self.multiples.push(multiple);
        self.shifts.push(shift);
        Self::name(self.multiples.len() - 1)
    }

    fn name(index: usize) -> String {
        format!("strips/row{index}")
    }

    /// The nodes that compute them from the picture, `[N, H, W, 3]`, and the constants that these and the strips read.
    fn compute(&self, picture: &str) -> ([NodeProto; 6], [TensorProto; 7]) {
        let [shape, height, unit, scaled, shifted] =
            ["strips/shape", "strips/height", "strips/unit", "strips/scaled", "strips/shifted"];
        let [thirty_two, multiples, shifts] = ["strips/thirty-two", "strips/multiples", "strips/shifts"];
        let mut split = NodeProto::plain("Split", [shifted], "strips/rows");
        split.output = (0..self.multiples.len()).map(Self::name).collect();
        let nodes = [
            NodeProto::plain("Shape", [picture], shape),
            NodeProto::plain("Gather", [shape, PIXELS_AXIS], height),
            NodeProto::plain("Div", [height, thirty_two], unit),
            NodeProto::plain("Mul", [unit, multiples], scaled),
            NodeProto::plain("Add", [scaled, shifts], shifted),
            split,
        ];
        let constants = [
            TensorProto::integers(AXIS, &[ROWS]),
            TensorProto::integers(PIXELS_AXIS, &[1]),
            TensorProto::integers(TOP, &[0]),
            TensorProto::integers(BOTTOM, &[i64::MAX]),
            TensorProto::integers(thirty_two, &[UNIT]),
            TensorProto::integers(multiples, &self.multiples),
            TensorProto::integers(shifts, &self.shifts),
        ];
        (nodes, constants)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use cyborg_models::onnx::OperatorSetIdProto;

    use super::*;
    use crate::face::detector::{DetectorFile, DetectorName};
    use crate::inference::network_file::NetworkFile;
    use crate::inference::provider::{Asked, Provider};
    use crate::inference::runtime::Runtime;
    use crate::inference::session::{Network, SessionSettings, Values};

    fn conv(input: &str, output: &str, kernel: i64, stride: i64) -> NodeProto {
        let attribute = vec![
            AttributeProto::ints("kernel_shape", &[kernel; 2]),
            AttributeProto::ints("strides", &[stride; 2]),
            AttributeProto::ints("pads", &[kernel / 2; 4]),
        ];
        NodeProto { attribute, ..NodeProto::plain("Conv", [input, "weight"], output) }
    }

    fn graph(node: Vec<NodeProto>) -> GraphProto {
        let input = vec![cyborg_models::onnx::ValueInfoProto { name: "x".into(), ..Default::default() }];
        GraphProto { node, input, ..GraphProto::default() }
    }

    #[test]
    fn a_chain_ends_where_another_reads_along() {
        let perm = vec![AttributeProto::ints("perm", &[0, 3, 1, 2])];
        let nodes = vec![
            NodeProto { attribute: perm, ..NodeProto::plain("Transpose", ["x"], "planes") },
            conv("planes", "a", 3, 2),
            NodeProto::plain("Relu", ["a"], "b"),
            conv("b", "c", 3, 1),
            conv("c", "d", 1, 1),
            // Reads the chain's end, and so does the sum.
            conv("d", "e", 3, 1),
            NodeProto::plain("Add", ["d", "e"], "f"),
            conv("f", "g", 3, 2),
            conv("g", "h", 3, 2),
            conv("h", "i", 3, 2),
        ];
        let found = chains(&graph(nodes));
        // The last chain would end at a sixteenth of the side: strips of the smallest picture would have no row.
        let first = Chain { nodes: 0..5, input: "x".into(), axis: PIXELS_AXIS, scale: 1, stride: 2, reach: [3, 2] };
        let second = Chain { nodes: 5..6, input: "d".into(), axis: AXIS, scale: 2, stride: 1, reach: [1, 1] };
        assert_eq!(found, [first, second]);
    }

    #[test]
    fn a_network_with_other_operators_stays_as_it_is() {
        let set = OperatorSetIdProto { domain: String::new(), version: 9 };
        let model = |last: &str| ModelProto {
            graph: Some(graph(vec![conv("x", "a", 3, 1), NodeProto::plain(last, ["a"], "b")])),
            opset_import: vec![set.clone()],
            ..ModelProto::default()
        };
        let mut strange = model("Resize");
        assert!(!in_strips(&mut strange));
        assert_eq!(strange, model("Resize"));
        assert!(in_strips(&mut model("Sigmoid")));
    }

    #[test]
    fn strips_change_no_number() {
        let runtime = Runtime::load().expect("set-up fetched ONNX Runtime");
        let file = DetectorFile::read(&DetectorName::of("centerface".into())).expect("set-up fetched the detector");
        let settings = SessionSettings { provider: Asked::Named(Provider::CPU), threads: NonZeroUsize::MIN };
        let network = &file.mended.network;
        assert_ne!(network.on_processor(), network.bytes(), "it has large maps");
        let open = |network| Network::open_for(&runtime, network, settings, 320).expect("it is a network");
        let (mut whole, mut strips) = (open(&NetworkFile::new(network.bytes())), open(network));
        // Of the smallest size, where a strip has a single row of the last maps, and of sizes that are no squares.
        for (height, width) in [(32, 32), (32, 96), (64, 32), (192, 320)] {
            let pixels: Vec<u8> = (0..3 * height * width).map(|place| (place * place % 1021) as u8).collect();
            let run = |network: &mut Network| {
                let outputs = network.run("pixels", [1, height, width, 3], Values::Bytes(&pixels)).expect("it runs");
                let cells = height / 4 * (width / 4);
                let [heat, marks] = [("537", 1), ("540", 10)].map(|(name, channels)| {
                    outputs.floats(name, cells * channels).expect("it has this output").to_vec()
                });
                [heat, marks].concat()
            };
            let (expected, got) = (run(&mut whole), run(&mut strips));
            let difference = expected.iter().zip(&got).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 1e-4, "{height} x {width}: {difference}");
        }
    }
}
