//! New runs that go on from a network that was trained before: the next round, with more faces or with more maps of people.

use std::path::{Path, PathBuf};

use cyborg_models::name;

use crate::data::choice::Known;
use crate::data::config::absolute;
use crate::network::Network;
use crate::runs::trained::Target;

/// What new runs take from networks that were trained before.
#[derive(Debug)]
pub(super) struct Before(Target);

impl Before {
    /// Opens a folder of runs, one run of it, or a checkpoint.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let target = Target::open(path)?;
        if let [first, _, ..] = &target.trained[..] {
            log::info!("all new runs start from {} of {}", first.name, name::of(path));
        }
        Ok(Self(target))
    }

    /// The network.
    pub(super) fn network(&self) -> &Network {
        self.0.trained[0].network()
    }

    /// Whether it smooths its picture.
    pub(super) fn smooth(&self) -> bool {
        self.0.trained[0].is_smoothed
    }

    /// Name of the tap of its activation map.
    pub(super) fn tap(&self) -> String {
        self.0.trained[0].contract.saliency.tap.clone()
    }

    /// Its weights, from whatever folder the new runs are gone on with.
    pub(super) fn weights(&self) -> anyhow::Result<PathBuf> {
        absolute(&self.0.trained[0].path)
    }

    /// What is known of its data.
    pub(super) fn known(&self) -> Known {
        self.0.known()
    }

    /// The seed by which faces were kept out of its training: with the same one they are kept out again.
    pub(super) fn seed(&self) -> Option<u64> {
        self.0.folder.as_ref().map(|folder| folder.config.fit.seed)
    }
}
