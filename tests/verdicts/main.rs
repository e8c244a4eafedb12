//! From a frame to a verdict: detectors, models and sets of them, execution providers, tracks, and the pipeline that they work in.

#[path = "../support/mod.rs"]
mod support;

mod accurate;
mod detectors;
mod expert_sets;
mod foreign;
#[cfg(feature = "video")]
mod golden;
mod heat_map;
#[cfg(feature = "video")]
mod library;
mod models;
mod pipeline;
mod provider;
mod several_models;
mod shipped;
mod shipped_record;
mod tracks;
