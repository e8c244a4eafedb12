//! From a face to scores and an activation map: one model, or several experts with one verdict.

pub mod classifier;
pub mod classifier_file;
pub mod experts;
mod foreign;
pub mod named;
pub mod panel;
pub mod shipped;
