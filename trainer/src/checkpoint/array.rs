//! What a checkpoint holds: arrays of floats by their names.

use std::collections::BTreeMap;

/// An array of floats, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// Shape, outermost first; empty for a single number.
    pub shape: Vec<usize>,
    /// As many values as the shape multiplies to.
    pub values: Vec<f32>,
}

/// Named arrays: the parameters and running statistics of a network.
pub type State = BTreeMap<String, Array>;

/// What a checkpoint file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Free pairs of text; a checkpoint of ours keeps the model contract here. Empty for files of PyTorch.
    pub metadata: BTreeMap<String, String>,
    /// The arrays.
    pub state: State,
}
