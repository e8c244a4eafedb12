//! A head on a frozen tower that a package ships: one trained layer per kind of synthetic face.
//!
//! [`features`] are what the 8-bit tower gives when it is run as it will be in use; on them a head is a convex problem
//! ([`crate::torch::logistic`]). [`generated`] makes that for generated faces: of two groups of collections ([`parts`]), with a [`gate`] between
//! them ([`layer`]), without what coding moves ([`steady`]), by some of the blocks ([`narrow`]). [`judged`] sets calibration and thresholds by faces of other collections, and [`familiar`] says
//! which faces are unlike all that was learnt from. [`content`] says how far what a picture shows gives its class away. [`crossed`] scores the training faces for a network that is to be taught; [`strangers`] says how often those of a collection that a layer doesn't know are called synthetic. [`learn`] and [`judge`] make a head of all this, and what the tower gave may be [`kept`]; [`fused`] sets bias and thresholds of a set of
//! experts.

pub mod content;
pub mod crossed;
pub mod familiar;
pub mod features;
pub mod fused;
pub mod gate;
pub mod generated;
pub mod judge;
pub mod judged;
pub mod kept;
pub mod layer;
pub mod learn;
pub mod narrow;
pub mod parts;
pub mod settings;
pub mod steady;
pub mod strangers;
