//! A setting whose runs are to be trained.

use std::sync::atomic::AtomicBool;

use crate::checkpoint::State;
use crate::fit::FitData;
use crate::network::Network;
use crate::run_folder::RunFolder;
use crate::torch::ComputeDevice;

/// All that the runs of a setting need.
pub struct Runs<'a> {
    /// Where they are kept, and how they are made.
    pub folder: RunFolder,
    /// The network.
    pub network: Network,
    /// Weights that each run starts from; nothing for random ones.
    pub start: Option<State>,
    /// The faces.
    pub data: FitData,
    /// Where the network runs.
    pub device: ComputeDevice,
    /// Ends the work early when it becomes true.
    pub stop: &'a AtomicBool,
    /// Runs to train for now, the first ones of the folder.
    pub most: u64,
}
