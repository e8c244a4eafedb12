//! Running networks: ONNX Runtime, its execution providers, and their self-test.
//!
//! The only room that knows ONNX Runtime, and it knows neither faces nor verdicts. Detectors and classifiers get a ready
//! [`session::Network`] from here.

pub mod network_file;
pub mod processor;
pub mod provider;
pub mod runtime;
pub mod self_test;
pub mod session;
mod session_builder;
mod turned_bytes;
mod unsigned_convolutions;
mod unsigned_weights;
pub mod workload;
