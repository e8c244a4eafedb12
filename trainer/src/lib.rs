//! The trainer of cyborg-edge: trains detectors of synthetic faces with saliency in the loss, and exports them to ONNX.
//!
//! - [`network`]: the networks, as plain descriptions.
//! - [`torch`]: runs such a description with libtorch.
//! - [`export`]: writes such a description to ONNX.
//! - [`checkpoint`]: weights on disk.
//! - [`loss`]: the CYBORG loss.
//! - [`data`]: lists of faces, crops, saliency maps, augmentation.
//! - [`fit`]: the training loop and the evaluation.
//! - [`head`]: a last layer on a tower that isn't trained.
//! - [`run_folder`]: what runs leave behind, and go on from.
//! - [`runs`]: the runs of a setting, from a list of faces to model files.
//! - [`evaluation`]: scores of networks, reports and their pictures.
//! - [`metrics`]: what the results are measured by.
//! - [`plot`]: pictures of the results.
//! - [`study`]: what people say of faces, and where they saw it.
//! - [`annotate`]: the page on which they say it.
//! - [`agreement`]: how far they agree, and how right they are.
//! - [`events`]: the course of a run for TensorBoard.

pub mod agreement;
pub mod annotate;
pub mod checkpoint;
#[doc(hidden)]
pub mod cli;
pub mod data;
pub mod evaluation;
pub mod events;
pub mod export;
pub mod fit;
pub mod head;
pub mod loss;
pub mod metrics;
pub mod network;
pub mod plot;
pub mod run_folder;
pub mod runs;
pub mod study;
pub mod torch;
