//! A tower and heads of made-up numbers, small enough for tests, and what must hold of them.

use prost::Message;

use super::*;
use crate::assemble::{AssembleError, assemble};
use crate::head::{Familiar, Gated, Head, KindHead, Layer};
use crate::model_file::ModelFile;
use crate::onnx::{GraphProto, ModelProto, NodeProto, TensorProto, element};

const WIDTH: usize = HEAD_WIDTH;
const GRID: usize = 2;
const PATCH: usize = 4;

/// Numbers between -1 and 1 that look random and are the same everywhere.
fn numbers(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|at| (((at * 37 + seed * 101) % 113) as f32 / 56.0 - 1.0) * 0.5).collect()
}

/// A file as the package's, of `depth` blocks, a single head wide.
pub(crate) fn package(depth: usize) -> ModelProto {
    let mut graph = GraphProto::default();
    let mut add = |name: &str, dims: &[i64]| {
        let count = dims.iter().product::<i64>() as usize;
        graph.initializer.push(TensorProto::floats(name, dims, &numbers(name.len(), count)));
    };
    let (wide, across, tokens) = (WIDTH as i64, PATCH as i64, (GRID * GRID + 1) as i64);
    add("vision_model.embeddings.patch_embedding.weight", &[wide, 3, across, across]);
    add("vision_model.embeddings.class_embedding", &[wide]);
    add("vision_model.embeddings.position_embedding.weight", &[tokens, wide]);
    let mut norms = vec!["vision_model.pre_layrnorm".to_owned()];
    for block in 0..depth {
        norms.extend([1, 2].map(|which| format!("vision_model.encoder.layers.{block}.layer_norm{which}")));
    }
    for norm in &norms {
        add(&format!("{norm}.weight"), &[wide]);
        add(&format!("{norm}.bias"), &[wide]);
    }
    let mut product = 0;
    for block in 0..depth {
        for (part, inputs, outputs) in [
            ("self_attn.q_proj", wide, wide),
            ("self_attn.k_proj", wide, wide),
            ("self_attn.v_proj", wide, wide),
            ("self_attn.out_proj", wide, wide),
            ("mlp.fc1", wide, 4 * wide),
            ("mlp.fc2", 4 * wide, wide),
        ] {
            product += 1;
            let stem = format!("onnx::MatMul_{product}");
            let bias = format!("vision_model.encoder.layers.{block}.{part}.bias");
            let scale: Vec<f32> = (0..outputs).map(|at| 0.01 + 0.0001 * at as f32).collect();
            graph.initializer.push(TensorProto::floats(&bias, &[outputs], &numbers(product, outputs as usize)));
            // The package keeps scales in the typed field, not as raw bytes.
            graph.initializer.push(TensorProto {
                float_data: scale,
                raw_data: Vec::new(),
                ..TensorProto::floats(&format!("{stem}_scale"), &[outputs], &[])
            });
            let eight_bits = |name: String, dims: Vec<i64>, raw_data: Vec<u8>| TensorProto {
                name,
                dims,
                data_type: element::INT8,
                raw_data,
                ..TensorProto::default()
            };
            let weight = (0..inputs * outputs).map(|at| ((at * 31 + 7) % 251) as u8).collect();
            graph.initializer.push(eight_bits(format!("{stem}_quantized"), vec![inputs, outputs], weight));
            let zeros = vec![0; outputs as usize];
            graph.initializer.push(eight_bits(format!("{stem}_zero_point"), vec![outputs], zeros));
            let node = format!("/vision_model/encoder/layers.{block}/{}/MatMul_quant", part.replace('.', "/"));
            let inputs = ["x", &format!("{stem}_quantized"), "z", &format!("{stem}_zero_point")].map(str::to_owned);
            graph.node.push(NodeProto {
                op_type: "MatMulInteger".to_owned(),
                name: node,
                input: inputs.to_vec(),
                ..NodeProto::default()
            });
        }
    }
    ModelProto { graph: Some(graph), ..ModelProto::default() }
}

fn layer(seed: usize) -> Layer {
    Layer { weight: numbers(seed, WIDTH), bias: seed as f32 }
}

/// The same head, whose first kind has two layers.
fn gated(head: Head) -> Head {
    let mut head = head;
    head.kinds[0].gated = Some(Gated { gate: layer(5), other: layer(6) });
    head
}

/// A head for such a tower.
pub(crate) fn head(block: usize, familiar: bool) -> Head {
    let contract = [
        ("contract_version", "2"),
        ("network", "clip_vit_b16"),
        ("classes", "authentic,synthetic"),
        ("crop.margin", "1.3"),
        ("crop.alignment", "none"),
        ("crop.border", "replicate"),
        ("resize", "bilinear-antialias"),
        ("cam.tap", "head"),
        ("cam.class", "true"),
        ("alpha", "1"),
        ("saliency", "none"),
        ("calibration.temperature", "1"),
        ("calibration.bias", "0"),
        ("threshold.authentic_below", "0.3"),
        ("threshold.synthetic_above", "0.7"),
        ("training.data_sha256", "unknown"),
        ("training.seed", "0"),
        ("tool", "a test"),
        ("tells_apart", "generated,swapped"),
    ];
    let mut contract: std::collections::BTreeMap<String, String> =
        contract.map(|(key, value)| (format!("cyborg.{key}"), value.to_owned())).into();
    if familiar {
        contract.insert("cyborg.unfamiliar.distance_above".to_owned(), "3".to_owned());
    }
    let kind = |seed| KindHead { layer: layer(seed), gated: None };
    let familiar = familiar.then(|| Familiar { centre: numbers(1, WIDTH), directions: numbers(2, WIDTH * 3) });
    Head { blocks: vec![block], kinds: vec![kind(3), kind(4)], familiar, contract }
}

#[test]
fn a_tower_is_read_as_it_was_written() {
    let tower = Tower::read(&package(2).encode_to_vec(), 2).expect("it is whole");
    assert_eq!((tower.width, tower.grid, tower.patch, tower.blocks.len()), (WIDTH, GRID, PATCH, 2));
    assert_eq!((tower.side(), tower.tokens()), (8, 5));
    let Linear { inputs, weight, scale, bias } = &tower.blocks[1].fc2;
    assert_eq!((*inputs, weight.len(), scale.len(), bias.len()), (4 * WIDTH, 4 * WIDTH * WIDTH, WIDTH, WIDTH));
    assert_eq!((weight[0], weight[8], scale[1]), (7, 4, 0.0101));
    // The twelfth product of the file is the second block's last layer.
    assert_eq!(*bias, numbers(12, WIDTH));
}

#[test]
fn what_is_missing_or_otherwise_is_named() {
    let check = |spoil: &dyn Fn(&mut GraphProto), expected: &str| {
        let mut file = package(1);
        spoil(file.graph.as_mut().expect("it has one"));
        let error = Tower::read(&file.encode_to_vec(), 1).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    };
    let find = |graph: &mut GraphProto, end: &str| -> usize {
        graph.initializer.iter().position(|tensor| tensor.name.ends_with(end)).expect("it is there")
    };
    for end in ["patch_embedding.weight", "class_embedding", "position_embedding.weight", "pre_layrnorm.bias", "_scale"]
    {
        check(
            &|graph| {
                let at = find(graph, end);
                graph.initializer.remove(at);
            },
            end,
        );
        check(
            &|graph| {
                let at = find(graph, end);
                graph.initializer[at].dims = vec![3];
                graph.initializer[at].raw_data.truncate(12);
                graph.initializer[at].float_data.truncate(3);
            },
            end,
        );
    }
    check(&|graph| graph.node.clear(), "no block 1");
    check(&|graph| graph.node.truncate(5), "layers.0/mlp/fc2");
    check(
        &|graph| {
            let at = find(graph, "_zero_point");
            graph.initializer[at].raw_data[0] = 1;
        },
        "_zero_point",
    );
    check(
        &|graph| {
            let at = find(graph, "class_embedding");
            graph.initializer[at].raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        },
        "class_embedding",
    );
    assert!(Tower::read(b"no onnx", 1).is_err());
    assert!(matches!(Tower::read(&package(1).encode_to_vec(), 2), Err(TowerError::TooShallow(2))));
}

#[test]
fn tower_and_head_make_a_model_file() {
    let tower = package(2).encode_to_vec();
    for head in [head(1, true), gated(head(1, true))] {
        check_file(&tower, &head);
    }
    // One kind alone has no kind to name.
    let mut only = gated(head(1, false));
    only.kinds.truncate(1);
    only.contract.remove("cyborg.tells_apart");
    only.contract.insert("cyborg.looks_for".to_owned(), "generated".to_owned());
    check_file(&tower, &only);
}

#[test]
fn gates_for_video_are_where_the_contract_says() {
    let tower = package(2).encode_to_vec();
    let mut told = gated(head(1, true));
    told.contract.insert("cyborg.contract_version".to_owned(), "3".to_owned());
    told.contract.insert("cyborg.video_gates".to_owned(), GATE_OFFSETS.to_owned());
    check_file(&tower, &told);
    // Without gates there is nothing to open.
    told.kinds[0].gated = None;
    let error = assemble(&tower, &told.to_bytes().expect("its arrays fit")).expect_err("it has no gates").to_string();
    assert!(error.contains(GATE_OFFSETS) && error.contains("export the model again"), "{error}");
}

fn check_file(tower: &[u8], head: &Head) {
    let bytes = assemble(tower, &head.to_bytes().expect("its arrays fit")).expect("they fit");
    assert_eq!(bytes, assemble(tower, &head.to_bytes().expect("its arrays fit")).expect("they fit"));
    let file = ModelFile::parse(&bytes).expect("it holds the contract");
    assert_eq!((file.input_side, file.cam_size), (8, (GRID, GRID)));
    let graph = ModelProto::decode(bytes.as_slice()).expect("it was just written").graph.expect("it has one");
    // Every value that is read was made before, and nothing is made twice.
    let mut known: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    known.push("pixels");
    for node in &graph.node {
        assert!(node.input.iter().all(|input| known.contains(&input.as_str())), "{node:?}");
        for output in &node.output {
            assert!(!known.contains(&output.as_str()), "{output} is made twice");
            known.push(output);
        }
    }
    assert!(graph.output.iter().all(|output| known.contains(&output.name.as_str())));
    assert!(!graph.initializer.iter().any(|tensor| tensor.name.starts_with("block1.")), "one block was wanted");
}

#[test]
fn what_does_not_fit_is_told() {
    let tower = package(1).encode_to_vec();
    let bytes = |head: &Head| head.to_bytes().expect("its arrays fit");
    let narrow = Head {
        kinds: vec![KindHead { layer: Layer { weight: numbers(3, WIDTH / 2), bias: 0.0 }, gated: None }],
        ..head(1, false)
    };
    assert!(matches!(assemble(&tower, &bytes(&narrow)), Err(AssembleError::Width { head: 32, tower: 64 })));
    assert!(matches!(assemble(&tower, &bytes(&head(2, false))), Err(AssembleError::Tower(TowerError::TooShallow(2)))));
    let silent = Head { contract: Default::default(), ..head(1, false) };
    assert!(matches!(assemble(&tower, &bytes(&silent)), Err(AssembleError::Contract(_))));
    assert!(matches!(assemble(&tower, b"no head"), Err(AssembleError::Head(_))));
}

#[test]
fn a_head_is_read_as_it_was_written_and_a_damaged_one_never_panics() {
    for head in [head(3, false), head(3, true), gated(head(3, true))] {
        let whole = head.to_bytes().expect("its arrays fit");
        assert_eq!(Head::read(&whole).expect("just written"), head);
        for length in (0..whole.len()).step_by(7) {
            assert!(Head::read(&whole[..length]).is_err(), "{length} of {} bytes were taken", whole.len());
        }
        let mut damaged = whole.clone();
        for (at, &byte) in whole.iter().enumerate().take(2000) {
            damaged[at] ^= 0x15;
            let _ = Head::read(&damaged);
            damaged[at] = byte;
        }
    }
}
