//! Other people's names for the arrays of our networks, turned into the ones of the description.

use super::array::{Array, State};
use super::clip_names;
use crate::network::Architecture;

/// Arrays under the description's names.
#[derive(Clone, Debug, PartialEq)]
pub struct Renamed {
    /// The arrays; those that no rule knows keep their names.
    pub state: State,
    /// Arrays that the network knowingly does without.
    pub left_out: Vec<String>,
}

/// What wrappers put before every name: training on several GPUs, a class that holds the network.
const WRAPPERS: [&str; 3] = ["module.", "model.", "net."];

/// Turns the names of a checkpoint of `architecture` into those of its description.
///
/// - A wrapper's prefix (`module.`, `model.` or `net.`) that all names have is dropped, one after the other.
/// - DenseNet-121: `denselayer1.norm.1.weight`, as torchvision's files have it, becomes `denselayer1.norm1.weight`.
/// - Inception-v3: the auxiliary head (`AuxLogits`) is left out.
/// - Xception: `fc` becomes `last_linear`, and a pointwise weight of two dimensions gets the window of one pixel, as
///   the files made from Keras's weights need it.
/// - CLIP's tower: the names of its makers' archives become Hugging Face's; the text tower, projections, and blocks beyond the
///   depth are left out.
#[must_use]
pub fn translate(architecture: Architecture, state: State) -> Renamed {
    let mut renamed = Renamed { state: State::new(), left_out: Vec::new() };
    let has_last_linear = state.keys().any(|name| name.starts_with("last_linear."));
    for (name, array) in without_wrappers(state) {
        let (name, array) = match architecture.name() {
            "densenet121" => (dense_layer(&name), array),
            "xception" => xception(name, array, has_last_linear),
            "inception_v3" if name.starts_with("AuxLogits.") => {
                renamed.left_out.push(name);
                continue;
            }
            "clip_vit_b16" => {
                clip_names::add(&mut renamed.state, name, array, architecture.depth().unwrap_or_default());
                continue;
            }
            // Named as the public checkpoints name them.
            _ => (name, array),
        };
        renamed.state.insert(name, array);
    }
    renamed
}

fn without_wrappers(mut state: State) -> State {
    let shared = |state: &State| {
        WRAPPERS.into_iter().find(|prefix| !state.is_empty() && state.keys().all(|name| name.starts_with(prefix)))
    };
    while let Some(prefix) = shared(&state) {
        state = state.into_iter().map(|(name, array)| (name[prefix.len()..].to_owned(), array)).collect();
    }
    state
}

fn dense_layer(name: &str) -> String {
    let parts = [(".norm.1.", ".norm1."), (".norm.2.", ".norm2."), (".conv.1.", ".conv1."), (".conv.2.", ".conv2.")];
    match parts.into_iter().find(|(old, _)| name.contains(".denselayer") && name.contains(old)) {
        Some((old, new)) => name.replace(old, new),
        None => name.to_owned(),
    }
}

fn xception(name: String, mut array: Array, has_last_linear: bool) -> (String, Array) {
    if name.ends_with(".pointwise.weight") && array.shape.len() == 2 {
        array.shape.extend([1, 1]);
    }
    match name.strip_prefix("fc.") {
        Some(part) if !has_last_linear => (format!("last_linear.{part}"), array),
        _ => (name, array),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(architecture: Architecture, names: &[&str], expected: &[&str]) -> Renamed {
        let state = names.iter().map(|&name| (name.to_owned(), Array { shape: vec![2, 1], values: vec![1.0; 2] }));
        let renamed = translate(architecture, state.collect());
        assert_eq!(renamed.state.keys().collect::<Vec<_>>(), expected);
        renamed
    }

    #[test]
    fn other_peoples_names_are_understood() {
        check(
            Architecture::known("densenet121"),
            &["features.denseblock1.denselayer2.conv.2.weight", "features.denseblock1.denselayer2.norm.1.bias"],
            &["features.denseblock1.denselayer2.conv2.weight", "features.denseblock1.denselayer2.norm1.bias"],
        );
        // A transition's own convolution has no number.
        check(
            Architecture::known("densenet121"),
            &["features.transition1.conv.weight", "features.transition1.norm.weight"],
            &["features.transition1.conv.weight", "features.transition1.norm.weight"],
        );
        check(
            Architecture::known("resnet50"),
            &["module.model.fc.bias", "module.model.fc.weight"],
            &["fc.bias", "fc.weight"],
        );
        // Only a prefix of all names is a wrapper's.
        check(Architecture::known("resnet50"), &["fc.bias", "module.fc.weight"], &["fc.bias", "module.fc.weight"]);
        let renamed = check(Architecture::known("inception_v3"), &["AuxLogits.fc.weight", "fc.weight"], &["fc.weight"]);
        assert_eq!(renamed.left_out, ["AuxLogits.fc.weight"]);
        let renamed = check(
            Architecture::known("xception"),
            &["conv3.pointwise.weight", "fc.weight"],
            &["conv3.pointwise.weight", "last_linear.weight"],
        );
        assert_eq!(renamed.state["conv3.pointwise.weight"].shape, [2, 1, 1, 1]);
        assert_eq!(renamed.state["last_linear.weight"].shape, [2, 1]);
        check(Architecture::known("xception"), &["fc.bias", "last_linear.bias"], &["fc.bias", "last_linear.bias"]);
    }
}
