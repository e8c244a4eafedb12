//! Writes a tower with a trained head as the graph of a model file: from pixels to class scores, activation map and distance.

use super::{HEAD_WIDTH, Linear, MEAN, Norm, STD, Tower};
use crate::contract::{CAM, DISTANCE, KIND, LOGITS, PIXELS};
use crate::head::{Familiar, Head, KindHead, Layer};
use crate::onnx::{AttributeProto, Dimension, GraphProto, NodeProto, TensorProto, ValueInfoProto, element};

/// The operator set that the graph is written for.
pub const OPSET: i64 = 17;

/// Name of the output of [`write_features`], `[N, width]`.
pub const FEATURES: &str = "features";

/// Name of the constant in [`write()`]'s graph that holds the offsets of all gates of a head.
pub const GATE_OFFSETS: &str = "gates.bias";

/// Added to the variance in each normalisation.
const EPSILON: f32 = 1e-5;
/// x * sigmoid(1.702 x), which the tower was trained with, is an approximation of the GELU.
const QUICK_GELU: f32 = 1.702;

/// The graph of `tower` with `head`.
///
/// The scale of what goes into an 8-bit layer is taken over all that is in the batch, so a face's scores differ a little
/// with the faces beside it: run it with one face at a time where that matters.
#[must_use]
pub fn write(tower: &Tower, head: &Head) -> GraphProto {
    let mut writer = Writer::begin(tower);
    let seen = writer.seen(&head.blocks);
    writer.head(&seen, head);
    writer.graph
}

/// The graph of `tower` alone, for training a head: from `pixels` to [`FEATURES`], the means of the patch tokens after each of
/// `blocks`, counted from 1, one after the other.
#[must_use]
pub fn write_features(tower: &Tower, blocks: &[usize]) -> GraphProto {
    let mut writer = Writer::begin(tower);
    let seen = writer.seen(blocks);
    writer.features(&seen, FEATURES);
    let wide = Dimension::Value((tower.width * blocks.len()) as i64);
    writer.output(FEATURES, &[wide]);
    writer.graph
}

/// All layers of a head as the rows of one product, and which kind each speaks for.
struct Layers<'a> {
    list: Vec<&'a Layer>,
    /// The kind of each.
    of: Vec<usize>,
    kinds: usize,
    gates: Vec<&'a Layer>,
    /// What each counts with all gates shut.
    shut: Vec<f32>,
    /// What an open gate adds to that, `[gates, layers]`.
    turn: Vec<f32>,
}

impl<'a> Layers<'a> {
    fn of(head: &'a Head) -> Self {
        let (mut list, mut of, mut gates, mut shut, mut turns) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (kind, KindHead { layer, gated }) in head.kinds.iter().enumerate() {
            list.push(layer);
            of.push(kind);
            shut.push(1.0);
            if let Some(gated) = gated {
                turns.push([(list.len() - 1, -1.0), (list.len(), 1.0)]);
                gates.push(&gated.gate);
                list.push(&gated.other);
                of.push(kind);
                shut.push(0.0);
            }
        }
        let mut turn = vec![0.0; gates.len() * list.len()];
        for (gate, pair) in turns.into_iter().enumerate() {
            for (at, by) in pair {
                turn[gate * list.len() + at] = by;
            }
        }
        Self { list, of, kinds: head.kinds.len(), gates, shut, turn }
    }

    /// 1 where a layer is of a kind: `[layers, kinds]`, or the other way round.
    fn membership(&self, turned: bool) -> Vec<f32> {
        let (layers, kinds) = (self.list.len(), self.kinds);
        let mut is_of = vec![0.0; layers * kinds];
        for (layer, &kind) in self.of.iter().enumerate() {
            is_of[if turned { kind * layers + layer } else { layer * kinds + kind }] = 1.0;
        }
        is_of
    }
}

struct Writer<'a> {
    graph: GraphProto,
    tower: &'a Tower,
}

impl<'a> Writer<'a> {
    fn begin(tower: &'a Tower) -> Self {
        let side = Dimension::Value(tower.side() as i64);
        let pixels = [Dimension::Param("N".to_owned()), side.clone(), side, Dimension::Value(3)];
        let input = vec![ValueInfoProto::tensor(PIXELS, element::UINT8, &pixels)];
        Self { graph: GraphProto { name: "clip_vit_b16".to_owned(), input, ..GraphProto::default() }, tower }
    }

    /// Tells of an output of floats, `shape` for each picture.
    fn output(&mut self, name: &str, shape: &[Dimension]) {
        let shape: Vec<_> = std::iter::once(Dimension::Param("N".to_owned())).chain(shape.iter().cloned()).collect();
        self.graph.output.push(ValueInfoProto::tensor(name, element::FLOAT, &shape));
    }

    /// The patch tokens after each of `blocks`, without the class token.
    fn seen(&mut self, blocks: &[usize]) -> Vec<String> {
        let image = self.image();
        let mut tokens = self.tokens(image);
        let end = self.integers("tokens.end", &[self.tower.tokens() as i64]);
        let mut seen = Vec::new();
        for index in 0..self.tower.blocks.len() {
            tokens = self.block(index, tokens);
            if blocks.contains(&(index + 1)) {
                let name = format!("seen{index}");
                seen.push(self.push("Slice", &[&tokens, "one", &end, "tokens.axis"], &name, Vec::new()));
            }
        }
        seen
    }

    /// Their means, one after the other.
    fn features(&mut self, seen: &[String], name: &str) -> String {
        let means: Vec<String> = seen.iter().map(|tokens| self.mean(tokens, &format!("{tokens}.mean"))).collect();
        let means: Vec<&str> = means.iter().map(String::as_str).collect();
        self.push("Concat", &means, name, vec![AttributeProto::int("axis", 1)])
    }

    fn mean(&mut self, tokens: &str, name: &str) -> String {
        let over = vec![AttributeProto::ints("axes", &[1]), AttributeProto::int("keepdims", 0)];
        self.push("ReduceMean", &[tokens], name, over)
    }

    /// From bytes, channels last, to the normalised picture, channels first.
    fn image(&mut self) -> String {
        let to_float = vec![AttributeProto::int("to", i64::from(element::FLOAT))];
        let x = self.push("Cast", &[PIXELS], "floats", to_float);
        let x = self.push("Transpose", &[&x], "planes", vec![AttributeProto::ints("perm", &[0, 3, 1, 2])]);
        let mean = self.floats("mean", &[3, 1, 1], &MEAN.map(|share| share * 255.0));
        let std = self.floats("std", &[3, 1, 1], &STD.map(|share| share * 255.0));
        let x = self.push("Sub", &[&x, &mean], "centred", Vec::new());
        self.push("Div", &[&x, &std], "image", Vec::new())
    }

    /// A token a patch, the class token before them, each told its place.
    fn tokens(&mut self, image: String) -> String {
        let Tower { width, grid, patch, patches, class, positions, norm, .. } = self.tower;
        let (wide, across, count) = (*width as i64, *patch as i64, (grid * grid) as i64);
        let weight = self.floats("patches.weight", &[wide, 3, across, across], patches);
        let settings =
            vec![AttributeProto::ints("kernel_shape", &[across; 2]), AttributeProto::ints("strides", &[across; 2])];
        let x = self.push("Conv", &[&image, &weight], "patches.map", settings);
        let shape = self.integers("patches.shape", &[0, wide, count]);
        let x = self.push("Reshape", &[&x, &shape], "patches.row", Vec::new());
        let x = self.push("Transpose", &[&x], "patches", vec![AttributeProto::ints("perm", &[0, 2, 1])]);
        // The class token once for each picture: the size of the batch is known to the graph through a patch alone.
        for (name, values) in [("zero", [0]), ("one", [1]), ("tokens.axis", [1])] {
            self.integers(name, &values);
        }
        let first = self.push("Slice", &[&x, "zero", "one", "tokens.axis"], "patch.first", Vec::new());
        let nothing = self.floats("nothing", &[1], &[0.0]);
        let zeros = self.push("Mul", &[&first, &nothing], "class.zeros", Vec::new());
        let class = self.floats("class.token", &[1, 1, wide], class);
        let class = self.push("Add", &[&zeros, &class], "class", Vec::new());
        let x = self.push("Concat", &[&class, &x], "tokens.bare", vec![AttributeProto::int("axis", 1)]);
        let positions = self.floats("positions", &[1, count + 1, wide], positions);
        let x = self.push("Add", &[&x, &positions], "tokens.placed", Vec::new());
        self.norm(norm, x, "tokens")
    }

    fn block(&mut self, index: usize, tokens: String) -> String {
        let block = &self.tower.blocks[index];
        let (wide, heads) = (self.tower.width as i64, (self.tower.width / HEAD_WIDTH) as i64);
        let count = self.tower.tokens() as i64;
        let name = |part: &str| format!("block{index}.{part}");
        let x = self.norm(&block.norm1, tokens.clone(), &name("norm1"));
        // One product for the three: what goes in is brought to 8 bits once.
        let x = self.linear(&block.attention, x, &name("attention"));
        let parted = self.integers(&name("parted"), &[0, count, 3, heads, HEAD_WIDTH as i64]);
        let x = self.push("Reshape", &[&x, &parted], &name("heads"), Vec::new());
        let order = vec![AttributeProto::ints("perm", &[2, 0, 3, 1, 4])];
        let x = self.push("Transpose", &[&x], &name("heads.first"), order);
        let [queries, keys, values] = ["queries", "keys", "values"].map(name);
        for (at, part) in [&queries, &keys, &values].into_iter().enumerate() {
            let at = self.scalar(&format!("{part}.at"), at as i64);
            self.push("Gather", &[&x, &at], part, vec![AttributeProto::int("axis", 0)]);
        }
        let order = vec![AttributeProto::ints("perm", &[0, 1, 3, 2])];
        let keys = self.push("Transpose", &[&keys], &name("keys.turned"), order);
        let root = self.floats(&name("root"), &[1], &[1.0 / (HEAD_WIDTH as f32).sqrt()]);
        let queries = self.push("Mul", &[&queries, &root], &name("queries.scaled"), Vec::new());
        let x = self.push("MatMul", &[&queries, &keys], &name("likeness"), Vec::new());
        let x = self.push("Softmax", &[&x], &name("shares"), vec![AttributeProto::int("axis", -1)]);
        let x = self.push("MatMul", &[&x, &values], &name("mixed"), Vec::new());
        let order = vec![AttributeProto::ints("perm", &[0, 2, 1, 3])];
        let x = self.push("Transpose", &[&x], &name("mixed.tokens"), order);
        let joined = self.integers(&name("joined"), &[0, count, wide]);
        let x = self.push("Reshape", &[&x, &joined], &name("mixed.joined"), Vec::new());
        let x = self.linear(std::slice::from_ref(&block.out), x, &name("out"));
        let tokens = self.push("Add", &[&tokens, &x], &name("attended"), Vec::new());
        let x = self.norm(&block.norm2, tokens.clone(), &name("norm2"));
        let x = self.linear(std::slice::from_ref(&block.fc1), x, &name("fc1"));
        let steep = self.floats(&name("steep"), &[1], &[QUICK_GELU]);
        let gate = self.push("Mul", &[&x, &steep], &name("gate.steep"), Vec::new());
        let gate = self.push("Sigmoid", &[&gate], &name("gate"), Vec::new());
        let x = self.push("Mul", &[&x, &gate], &name("gated"), Vec::new());
        let x = self.linear(std::slice::from_ref(&block.fc2), x, &name("fc2"));
        self.push("Add", &[&tokens, &x], &name("end"), Vec::new())
    }

    /// The evidence is that of the means of the patch tokens; the map is what each of them adds to it.
    fn head(&mut self, seen: &[String], head: &Head) {
        let (wide, grid) = (self.tower.width, self.tower.grid as i64);
        let all = head.width() as i64;
        let means = self.features(seen, "means");
        let layers = Layers::of(head);
        let count = layers.list.len() as i64;
        let mut evidence = self.gemm(&means, "head", &layers.list, all);
        let shares = self.shares(&means, &layers, all);
        if let Some(shares) = &shares {
            let weighed = self.push("Mul", &[&evidence, shares], "evidence.shares", Vec::new());
            let of_kinds = self.floats("head.kinds", &[count, layers.kinds as i64], &layers.membership(false));
            evidence = self.push("MatMul", &[&weighed, &of_kinds], "evidence", Vec::new());
        }
        let over = vec![AttributeProto::ints("axes", &[1]), AttributeProto::int("keepdims", 1)];
        let most = self.push("ReduceMax", &[&evidence], "evidence.most", over);
        let zero = self.push("Mul", &[&most, "nothing"], "evidence.none", Vec::new());
        self.push("Concat", &[&zero, &most], LOGITS, vec![AttributeProto::int("axis", 1)]);
        self.output(LOGITS, &[Dimension::Value(2)]);
        // What each token adds to the evidence of each layer, over all blocks.
        let mut map = String::new();
        for (at, tokens) in seen.iter().enumerate() {
            let columns: Vec<f32> = (0..wide)
                .flat_map(|value| layers.list.iter().map(move |layer| layer.weight[at * wide + value]))
                .collect();
            let columns = self.floats(&format!("{tokens}.columns"), &[wide as i64, count], &columns);
            let part = self.push("MatMul", &[tokens, &columns], &format!("{tokens}.map"), Vec::new());
            map = match at {
                0 => part,
                _ => self.push("Add", &[&map, &part], &format!("{tokens}.maps"), Vec::new()),
            };
        }
        if let Some(shares) = &shares {
            map = self.weigh(&map, shares, "map.shares");
        }
        if layers.kinds > 1 {
            // The map is that of the kind with most evidence, as is the kind.
            let is_most = self.push("Equal", &[&evidence, &most], "is_most", Vec::new());
            let to_float = vec![AttributeProto::int("to", i64::from(element::FLOAT))];
            let mut chosen = self.push("Cast", &[&is_most], "chosen", to_float.clone());
            if shares.is_some() {
                let of_layers = self.floats("head.layers", &[layers.kinds as i64, count], &layers.membership(true));
                chosen = self.push("MatMul", &[&chosen, &of_layers], "chosen.layers", Vec::new());
            }
            map = self.weigh(&map, &chosen, "map.chosen");
            let settings = vec![AttributeProto::int("axis", 1), AttributeProto::int("keepdims", 0)];
            let kind = self.push("ArgMax", &[&evidence], "kind.index", settings);
            self.push("Cast", &[&kind], KIND, to_float);
            self.output(KIND, &[]);
        }
        let axis = self.integers("map.axis", &[2]);
        let map = self.push("ReduceSum", &[&map, &axis], "map.column", vec![AttributeProto::int("keepdims", 0)]);
        let shape = self.integers("cam.shape", &[0, grid, grid]);
        self.push("Reshape", &[&map, &shape], CAM, Vec::new());
        self.output(CAM, &[Dimension::Value(grid), Dimension::Value(grid)]);
        if let Some(familiar) = &head.familiar {
            self.distance(&means, familiar, all);
        }
    }

    /// How far the means are from those of the training faces.
    fn distance(&mut self, means: &str, familiar: &Familiar, all: i64) {
        let directions = (familiar.directions.len() as i64) / all;
        let centre = self.floats("familiar.centre", &[all], &familiar.centre);
        let directions = self.floats("familiar.directions", &[all, directions], &familiar.directions);
        let x = self.push("Sub", &[means, &centre], "familiar.off", Vec::new());
        let x = self.push("MatMul", &[&x, &directions], "familiar.along", Vec::new());
        let x = self.push("Mul", &[&x, &x], "familiar.squares", Vec::new());
        let x = self.mean(&x, "familiar.square");
        self.push("Sqrt", &[&x], DISTANCE, Vec::new());
        self.output(DISTANCE, &[]);
    }

    /// What each layer says of each face, `[N, layers]`.
    fn gemm(&mut self, means: &str, name: &str, layers: &[&Layer], all: i64) -> String {
        let count = layers.len() as i64;
        let weights: Vec<f32> = layers.iter().flat_map(|layer| layer.weight.iter().copied()).collect();
        let biases: Vec<f32> = layers.iter().map(|layer| layer.bias).collect();
        let weight = self.floats(&format!("{name}.weight"), &[count, all], &weights);
        let bias = self.floats(&format!("{name}.bias"), &[count], &biases);
        let turned = vec![AttributeProto::int("transB", 1)];
        self.push("Gemm", &[means, &weight, &bias], &format!("{name}.evidence"), turned)
    }

    /// How much each layer counts for each face, `[N, layers]`: 1 without a gate, else g or 1 - g. Nothing where there is no gate.
    fn shares(&mut self, means: &str, layers: &Layers<'_>, all: i64) -> Option<String> {
        if layers.gates.is_empty() {
            return None;
        }
        let (gates, count) = (layers.gates.len() as i64, layers.list.len() as i64);
        let open = self.gemm(means, "gates", &layers.gates, all);
        let open = self.push("Sigmoid", &[&open], "gates.open", Vec::new());
        let turn = self.floats("gates.turn", &[gates, count], &layers.turn);
        let shut = self.floats("gates.shut", &[count], &layers.shut);
        Some(self.push("Gemm", &[&open, &turn, &shut], "gates.shares", Vec::new()))
    }

    /// A map of each layer, `[N, tokens, layers]`, by how much they count, `[N, layers]`.
    fn weigh(&mut self, map: &str, shares: &str, name: &str) -> String {
        let axis = self.integers(&format!("{name}.axis"), &[1]);
        let shares = self.push("Unsqueeze", &[shares, &axis], &format!("{name}.tokens"), Vec::new());
        self.push("Mul", &[map, &shares], name, Vec::new())
    }

    /// The normalisation of each token over its values, step by step: ONNX Runtime has a loop without vectors for
    /// `LayerNormalization`, which took three times as long as these steps. It doesn't find the pattern of a normalisation in them
    /// as long as there is a reciprocal in place of the division.
    fn norm(&mut self, norm: &Norm, input: String, name: &str) -> String {
        let wide = self.tower.width as i64;
        let part = |part: &str| format!("{name}.{part}");
        let weight = self.floats(&part("weight"), &[wide], &norm.weight);
        let bias = self.floats(&part("bias"), &[wide], &norm.bias);
        let epsilon = self.floats(&part("epsilon"), &[1], &[EPSILON]);
        let over = || vec![AttributeProto::ints("axes", &[-1]), AttributeProto::int("keepdims", 1)];
        let mean = self.push("ReduceMean", &[&input], &part("mean"), over());
        let x = self.push("Sub", &[&input, &mean], &part("centred"), Vec::new());
        let squares = self.push("Mul", &[&x, &x], &part("squares"), Vec::new());
        let variance = self.push("ReduceMean", &[&squares], &part("variance"), over());
        let variance = self.push("Add", &[&variance, &epsilon], &part("variance.some"), Vec::new());
        let deviation = self.push("Sqrt", &[&variance], &part("deviation"), Vec::new());
        let scale = self.push("Reciprocal", &[&deviation], &part("scale"), Vec::new());
        let x = self.push("Mul", &[&x, &scale], &part("even"), Vec::new());
        let x = self.push("Mul", &[&x, &weight], &part("weighed"), Vec::new());
        self.push("Add", &[&x, &bias], name, Vec::new())
    }

    /// Layers of the same input as one product, their outputs one after the other.
    fn linear(&mut self, layers: &[Linear], input: String, name: &str) -> String {
        let inputs = layers[0].inputs;
        let outputs: usize = layers.iter().map(|layer| layer.scale.len()).sum();
        let rows = (0..inputs).flat_map(|row| {
            layers.iter().flat_map(move |Linear { weight, scale, .. }| &weight[row * scale.len()..][..scale.len()])
        });
        let weight = TensorProto {
            name: format!("{name}.weight"),
            dims: vec![inputs as i64, outputs as i64],
            data_type: element::INT8,
            raw_data: rows.map(|&value| value.cast_unsigned()).collect(),
            ..TensorProto::default()
        };
        let weight_name = weight.name.clone();
        self.graph.initializer.push(weight);
        let all = |part: fn(&Linear) -> &Vec<f32>| -> Vec<f32> { layers.iter().flat_map(part).copied().collect() };
        let scale = self.floats(&format!("{name}.scale"), &[outputs as i64], &all(|layer| &layer.scale));
        let bias = self.floats(&format!("{name}.bias"), &[outputs as i64], &all(|layer| &layer.bias));
        let [bytes, byte_scale, zero] = ["bytes", "bytes.scale", "bytes.zero"].map(|part| format!("{name}.{part}"));
        let node = NodeProto::plain("DynamicQuantizeLinear", [input.as_str()], &bytes);
        let output = vec![bytes.clone(), byte_scale.clone(), zero.clone()];
        self.graph.node.push(NodeProto { output, ..node });
        let x = self.push("MatMulInteger", &[&bytes, &weight_name, &zero], &format!("{name}.sums"), Vec::new());
        let to_float = vec![AttributeProto::int("to", i64::from(element::FLOAT))];
        let x = self.push("Cast", &[&x], &format!("{name}.sums.floats"), to_float);
        let scale = self.push("Mul", &[&byte_scale, &scale], &format!("{name}.both"), Vec::new());
        let x = self.push("Mul", &[&x, &scale], &format!("{name}.scaled"), Vec::new());
        self.push("Add", &[&x, &bias], name, Vec::new())
    }

    fn floats(&mut self, name: &str, dims: &[i64], values: &[f32]) -> String {
        self.graph.initializer.push(TensorProto::floats(name, dims, values));
        name.to_owned()
    }

    fn integers(&mut self, name: &str, values: &[i64]) -> String {
        self.graph.initializer.push(TensorProto::integers(name, values));
        name.to_owned()
    }

    fn scalar(&mut self, name: &str, value: i64) -> String {
        let tensor = TensorProto { dims: Vec::new(), ..TensorProto::integers(name, &[value]) };
        self.graph.initializer.push(tensor);
        name.to_owned()
    }

    fn push(&mut self, kind: &str, input: &[&str], output: &str, attribute: Vec<AttributeProto>) -> String {
        let node = NodeProto::plain(kind, input.iter().copied(), output);
        self.graph.node.push(NodeProto { attribute, ..node });
        output.to_owned()
    }
}
