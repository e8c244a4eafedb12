//! A study of where people look: faces that annotators call real or synthetic, and the regions that made them think so.
//!
//! A study is a folder, which `--maps` and other people's trainers read as it is:
//!
//! - `answers/NAME.jsonl`: what an annotator said, a line an answer, kept the moment it is given. All else is made of these.
//! - `study.toml`: how the faces are shown. `annotators.toml`: the code of each annotator, for its owner's eyes alone.
//! - `suggested.csv`: which faces come first, where a model ranked them.
//! - `faces.csv`: the list of the study's faces, with the `map` of each that has one.
//! - a grey PNG for each face that was painted, under its photo's name: the mean over annotators.
//! - `answers.csv`: a row an answer, with the label and the regions that were painted.

pub mod annotators;
pub mod answer;
pub mod faces;
pub mod heard;
pub mod import;
pub mod journal;
mod landmarks;
pub mod maps;
pub mod order;
pub mod painted;
pub mod regions;
pub mod settings;
pub mod suggest;
pub mod suggested;
pub mod table;

/// The folder of journals in that of a study.
pub const ANSWERS: &str = "answers";
/// The list of the faces in the folder of a study.
pub const FACES: &str = "faces.csv";
