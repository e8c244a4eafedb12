//! The program's commands, run as their users run them, from photos and lists to model files that the runtime runs.

#[path = "../support/made_up.rs"]
#[allow(dead_code, reason = "whole checkpoints are wanted, and not the formula's numbers")]
mod made_up;
#[path = "../support/mod.rs"]
mod support;

mod agreement;
mod end_to_end;
mod experiment;
mod import;
mod int8;
mod paper_data;
mod people;
mod photos;
mod resume;
