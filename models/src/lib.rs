//! What the trainer, the runtime and the set-up agree on, with no native dependency.
//!
//! - [`tower`], [`head`], [`assemble`]: a model whose body a package ships and whose last layer is ours.
//! - [`contract`]: the metadata that makes a model file explain itself.
//! - [`expert_set`]: the TOML that has several model files give one verdict.
//! - [`foreign`]: the TOML that lets a classifier of somebody else's be used.
//! - [`model_file`]: reading and checking a whole model file against that contract.
//! - [`video_gates`]: what tells a model that it sees frames of a video.
//! - [`onnx`]: the part of the ONNX protobuf schema that we read and write.
//! - [`lock`]: what set-up fetches, pinned by version and digest.
//! - [`cache`]: the folder of the user's where fetched files live; [`beside`] is where an installation has them.
//! - [`digest`]: SHA-256, as hexadecimal text.
//! - [`small`]: the small model itself; [`accurate`] is what we trained of the accurate set.
//! - [`name`]: how a path is named in tables and messages.

pub mod accurate;
pub mod assemble;
pub mod beside;
pub mod cache;
pub mod contract;
pub mod digest;
pub mod expert_set;
pub mod foreign;
pub mod head;
pub mod lock;
pub mod model_file;
pub mod name;
pub mod onnx;
pub mod small;
pub mod tower;
pub mod video_gates;
