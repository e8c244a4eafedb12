//! `config.json`: how the runs of a folder are made. A run that goes on takes all of it from here.

use std::path::PathBuf;

use anyhow::Error;
use serde::{Deserialize, Serialize};

use super::build::described;
use crate::data::config::DataConfig;
use crate::fit::FitSettings;
use crate::network::{Architecture, Network, Tap};

/// Program and version, for what it writes.
pub const TOOL: &str = concat!("cyborg-train ", env!("CARGO_PKG_VERSION"));

/// All settings of the runs in a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Program and version that began the runs.
    pub tool: String,
    /// Network, by its name in flags.
    pub network: String,
    /// Tap of the activation map, by its name in flags.
    pub cam_tap: String,
    /// Side of the network's input in pixels; nothing for the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<usize>,
    /// Whether the network smooths its picture first, see [`crate::network::Network::smoothed`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub smooth: bool,
    /// Blocks of the network that are taken; nothing for a network that is always whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Folder where what the trunk gives for each face is kept; nothing where it runs in each epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
    /// Variants of each face that are kept there, where faces are augmented; nothing where there is no such folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<u64>,
    /// Weights that the runs start from; nothing for random ones.
    pub weights: Option<PathBuf>,
    /// The data.
    pub data: DataConfig,
    /// SHA-256 of the data's contents, see [`crate::data::inspect::Inspected`].
    pub data_sha256: String,
    /// SHA-256 of the list as it was used, see [`crate::data::inspect::Inspected`].
    pub list_sha256: String,
    /// The first run; the others differ in their seed alone.
    pub fit: FitSettings,
    /// Number of runs, with the seeds `fit.seed` and following.
    pub runs: u64,
}

impl Config {
    /// The network of the runs.
    ///
    /// # Errors
    ///
    /// When its name, its depth or its tap is unknown.
    pub fn network(&self) -> anyhow::Result<Network> {
        let architecture: Architecture = self.network.parse().map_err(Error::msg)?;
        let architecture = architecture.with_depth(self.depth).map_err(Error::msg)?;
        let tap: Tap = self.cam_tap.parse().map_err(Error::msg)?;
        Ok(described(architecture, self.side, tap, self.smooth))
    }
}
