//! Parts of the comparison with a Python loop.

pub(crate) mod alone;
pub(crate) mod clips;
pub(crate) mod cost;
pub(crate) mod run;
