//! Weights by a formula that `fixtures/networks.py` has too: public networks can be compared without public weights.

use cyborg_trainer::checkpoint::{Array, State};
use cyborg_trainer::network::Architecture;

/// Numbers in 0 to 1 for the places in a tensor: a 32-bit mix of the place and of the FNV-1a hash of the name.
pub(crate) fn noise(name: &str) -> impl Fn(usize) -> f64 + use<> {
    let seed = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    move |place| {
        let mut x = (place as u32).wrapping_mul(0x9e37_79b1).wrapping_add(seed);
        for factor in [0x85eb_ca6b_u32, 0xc2b2_ae35] {
            x = (x ^ (x >> 15)).wrapping_mul(factor);
        }
        f64::from((x ^ (x >> 16)) >> 8) / f64::from(1 << 24)
    }
}

/// How strong the made-up weights are; the fixture's script has the same numbers.
#[derive(Clone, Copy)]
pub(crate) struct Strength {
    /// Of batch normalisations.
    pub(crate) gain: f64,
    /// Of the last linear layer, squared.
    pub(crate) linear: f64,
}

/// The values of a parameter; the fixture's script says why they are made like this.
fn made_up(name: &str, shape: &[usize], strength: Strength) -> Array {
    let (of_filter, of_place) = (noise(name), noise(&format!("{name} window")));
    let of_vector = |place: usize| match name.rsplit('.').next() {
        Some("running_var") => 0.5 + of_filter(place),
        Some("running_mean" | "bias") => (of_filter(place) * 2.0 - 1.0) * 0.1,
        _ => strength.gain * (0.6 + 0.8 * of_filter(place)),
    };
    if let [count] = *shape {
        return Array { shape: shape.to_vec(), values: (0..count).map(|place| of_vector(place) as f32).collect() };
    }
    let window: usize = shape[2..].iter().product();
    let alone = shape[1] == 1;
    let bound = ((if shape.len() == 4 { 6.0 } else { strength.linear }) / shape[1] as f64).sqrt() / window as f64;
    let mut values = Vec::with_capacity(shape.iter().product());
    for filter in 0..shape[0] * shape[1] {
        let odd = filter % (if alone { shape[0] } else { shape[1] }) % 2 == 1;
        let value = of_filter(if odd { filter - 1 } else { filter }) * 2.0 - 1.0;
        let value = if odd && !alone { -0.8 * value } else { value } * bound;
        let places = filter * window..(filter + 1) * window;
        values.extend(places.map(|place| (value * (0.75 + 0.5 * of_place(place))) as f32));
    }
    Array { shape: shape.to_vec(), values }
}

/// A checkpoint of the made-up weights, under the names and in the shapes that public files have.
pub(crate) fn checkpoint(architecture: Architecture, classes: usize, strength: Strength) -> State {
    let parameters = architecture.describe(classes).parameters();
    let mut state: State = parameters
        .into_iter()
        .map(|parameter| {
            let mut array = made_up(&parameter.name, &parameter.shape, strength);
            let name = match architecture.name() {
                "densenet121" if parameter.name.contains("denselayer") => {
                    let name = parameter.name.replace(".norm", ".norm.").replace(".conv", ".conv.");
                    format!("module.{name}")
                }
                "xception" => parameter.name.replace("last_linear", "fc"),
                "densenet121" => format!("module.{}", parameter.name),
                _ => parameter.name,
            };
            if name.ends_with("pointwise.weight") {
                array.shape.truncate(2);
            }
            (name, array)
        })
        .collect();
    if architecture.name() == "inception_v3" {
        state.insert("AuxLogits.fc.bias".to_owned(), Array { shape: vec![classes], values: vec![1.0; classes] });
    }
    state
}
