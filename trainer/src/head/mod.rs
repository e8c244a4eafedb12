//! A head on a tower that a package ships and that isn't trained: what is learnt is a layer for each kind of synthetic face.
//!
//! [`features`] are what the 8-bit tower gives when it is run as it will be in use; on them a head is a convex problem
//! ([`crate::torch::logistic`]), and [`steady`] takes out of it what coding moves. [`judged`] sets calibration and thresholds by faces of other collections, and [`familiar`] says
//! which faces are unlike all that was learnt from.

pub mod blend;
pub mod familiar;
pub mod features;
pub mod judged;
pub mod parts;
pub mod steady;
