//! The names that files of CLIP have for the arrays of its image tower.

use super::array::{Array, State};

/// What files hold beside the blocks of the tower, by the beginnings of their names, and what is left out without a word: the
/// text tower, projections, and what comes after the last block.
const LEFT_OUT: [&str; 12] = [
    "text_model.",
    "text_projection",
    "visual_projection.",
    "logit_scale",
    "logit_bias",
    "vision_model.post_layernorm.",
    "vision_model.embeddings.position_ids",
    "transformer.",
    "token_embedding.",
    "positional_embedding",
    "ln_final.",
    "visual.ln_post.",
];

/// What else is left out, by whole names.
const LEFT_OUT_WHOLE: [&str; 4] = ["visual.proj", "input_resolution", "context_length", "vocab_size"];

/// What a name begins with in the archives of CLIP's makers, and in Hugging Face's files.
const PARTS: [(&str, &str); 4] = [
    ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    ("visual.conv1.", "vision_model.embeddings.patch_embedding."),
    ("visual.ln_pre.", "vision_model.pre_layrnorm."),
];

/// The same within a block.
const BLOCK_PARTS: [(&str, &str); 5] = [
    ("attn.out_proj.", "self_attn.out_proj."),
    ("ln_1.", "layer_norm1."),
    ("ln_2.", "layer_norm2."),
    ("mlp.c_fc.", "mlp.fc1."),
    ("mlp.c_proj.", "mlp.fc2."),
];

const BLOCKS: &str = "vision_model.encoder.layers.";

/// Adds an array of a file to `state`, under the names of the description, if it is one of the first `depth` blocks or what
/// comes before them.
pub(super) fn add(state: &mut State, name: String, array: Array, depth: usize) {
    if LEFT_OUT.iter().any(|start| name.starts_with(start)) || LEFT_OUT_WHOLE.contains(&name.as_str()) {
        return;
    }
    if let Some(part) = name.strip_prefix("visual.transformer.resblocks.") {
        if let Some((block, part)) = part.split_once('.')
            && let Some(named) = in_block(part)
            && !is_deeper(block, depth)
        {
            match named {
                Named::One(part) => drop(state.insert(format!("{BLOCKS}{block}.{part}"), array)),
                Named::Three(parts) => {
                    for (part, third) in parts.into_iter().zip(thirds(&array)) {
                        state.insert(format!("{BLOCKS}{block}.self_attn.{part}"), third);
                    }
                }
            }
        } else if !part.split_once('.').is_some_and(|(block, _)| is_deeper(block, depth)) {
            state.insert(name, array);
        }
        return;
    }
    let deeper = name.strip_prefix(BLOCKS).and_then(|rest| rest.split_once('.'));
    if deeper.is_some_and(|(block, _)| is_deeper(block, depth)) {
        return;
    }
    let renamed = PARTS.iter().find_map(|(old, new)| Some(format!("{new}{}", name.strip_prefix(old)?)));
    state.insert(renamed.unwrap_or(name), array);
}

fn is_deeper(block: &str, depth: usize) -> bool {
    block.parse::<usize>().is_ok_and(|block| block >= depth)
}

/// What an array of a block is called.
enum Named {
    One(String),
    /// Queries, keys and values in one.
    Three([&'static str; 3]),
}

fn in_block(part: &str) -> Option<Named> {
    match part {
        "attn.in_proj_weight" => Some(Named::Three(["q_proj.weight", "k_proj.weight", "v_proj.weight"])),
        "attn.in_proj_bias" => Some(Named::Three(["q_proj.bias", "k_proj.bias", "v_proj.bias"])),
        _ => BLOCK_PARTS.iter().find_map(|(old, new)| Some(Named::One(format!("{new}{}", part.strip_prefix(old)?)))),
    }
}

/// An array in three parts along its first dimension; what can't be parted so has another shape then, and is refused by it.
fn thirds(array: &Array) -> [Array; 3] {
    let mut shape = array.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first /= 3;
    }
    let size = array.values.len() / 3;
    [0, 1, 2].map(|part| Array { shape: shape.clone(), values: array.values[part * size..(part + 1) * size].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[(&str, &[usize])], expected: &[&str]) -> State {
        let mut state = State::new();
        for (name, shape) in names {
            let count: usize = shape.iter().product();
            let values = (0..count).map(|value| value as f32).collect();
            add(&mut state, (*name).to_owned(), Array { shape: shape.to_vec(), values }, 2);
        }
        assert_eq!(state.keys().collect::<Vec<_>>(), expected);
        state
    }

    #[test]
    fn names_of_its_makers_become_those_of_the_description() {
        let state = check(
            &[
                ("visual.class_embedding", &[4]),
                ("visual.positional_embedding", &[5, 4]),
                ("visual.conv1.weight", &[4, 3, 2, 2]),
                ("visual.ln_pre.bias", &[4]),
                ("visual.transformer.resblocks.1.attn.in_proj_weight", &[6, 2]),
                ("visual.transformer.resblocks.1.attn.in_proj_bias", &[6]),
                ("visual.transformer.resblocks.1.attn.out_proj.weight", &[2, 2]),
                ("visual.transformer.resblocks.1.ln_2.weight", &[2]),
                ("visual.transformer.resblocks.1.mlp.c_fc.weight", &[8, 2]),
                ("visual.transformer.resblocks.1.mlp.c_proj.bias", &[2]),
                // Beyond the depth, and not of the tower.
                ("visual.transformer.resblocks.2.ln_1.weight", &[2]),
                ("visual.transformer.resblocks.11.attn.in_proj_weight", &[6, 2]),
                ("visual.ln_post.weight", &[2]),
                ("visual.proj", &[2, 2]),
                ("transformer.resblocks.0.ln_1.weight", &[2]),
                ("positional_embedding", &[2]),
                ("token_embedding.weight", &[2]),
                ("text_projection", &[2]),
                ("logit_scale", &[]),
                ("ln_final.weight", &[2]),
            ],
            &[
                "vision_model.embeddings.class_embedding",
                "vision_model.embeddings.patch_embedding.weight",
                "vision_model.embeddings.position_embedding.weight",
                "vision_model.encoder.layers.1.layer_norm2.weight",
                "vision_model.encoder.layers.1.mlp.fc1.weight",
                "vision_model.encoder.layers.1.mlp.fc2.bias",
                "vision_model.encoder.layers.1.self_attn.k_proj.bias",
                "vision_model.encoder.layers.1.self_attn.k_proj.weight",
                "vision_model.encoder.layers.1.self_attn.out_proj.weight",
                "vision_model.encoder.layers.1.self_attn.q_proj.bias",
                "vision_model.encoder.layers.1.self_attn.q_proj.weight",
                "vision_model.encoder.layers.1.self_attn.v_proj.bias",
                "vision_model.encoder.layers.1.self_attn.v_proj.weight",
                "vision_model.pre_layrnorm.bias",
            ],
        );
        let keys = &state["vision_model.encoder.layers.1.self_attn.k_proj.weight"];
        assert_eq!((&keys.shape[..], &keys.values[..]), (&[2, 2][..], &[4.0, 5.0, 6.0, 7.0][..]));
    }

    #[test]
    fn what_hugging_face_has_beside_the_tower_is_left_out_and_strangers_are_told() {
        check(
            &[
                ("vision_model.encoder.layers.1.layer_norm1.weight", &[2]),
                ("vision_model.encoder.layers.2.layer_norm1.weight", &[2]),
                ("vision_model.post_layernorm.weight", &[2]),
                ("visual_projection.weight", &[2, 2]),
                ("text_model.encoder.layers.0.layer_norm1.weight", &[2]),
                ("text_projection.weight", &[2, 2]),
                ("visual.transformer.resblocks.0.adapter.weight", &[2]),
                ("norm.weight", &[2]),
                ("stranger", &[2]),
            ],
            &[
                "norm.weight",
                "stranger",
                "vision_model.encoder.layers.1.layer_norm1.weight",
                "visual.transformer.resblocks.0.adapter.weight",
            ],
        );
    }
}
