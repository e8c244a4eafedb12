//! Running models: ONNX Runtime, its execution providers, and the classifier.
//!
//! No other place knows ONNX Runtime. The detector gets a ready [`session::Network`] from here.

pub mod classifier;
pub mod classifier_file;
pub mod experts;
mod foreign;
pub mod named;
pub mod network_file;
pub mod panel;
pub mod provider;
pub mod runtime;
pub mod self_test;
pub mod session;
pub mod shipped;
pub mod workload;
