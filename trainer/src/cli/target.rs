//! What a command is pointed at: the runs of a folder, or one checkpoint.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cyborg_models::contract::Contract;
use cyborg_models::name;

use super::session::Known;
use super::train::described;
use crate::checkpoint::{self, Checkpoint};
use crate::network::{Architecture, Network, Tap};
use crate::run_folder::{BEST, RunFolder, at_depth, is_smoothed, trained_side};
use crate::torch::Model;

/// One network that was trained.
pub(super) struct Trained {
    /// `seed-1`, or the name of a file.
    pub(super) name: String,
    /// Its checkpoint.
    pub(super) path: PathBuf,
    /// What it says of itself.
    pub(super) contract: Contract,
    /// The network, at the side that it was trained with.
    network: Network,
    /// Whether that smooths the picture first.
    pub(super) is_smoothed: bool,
}

/// Networks of one setting.
pub(super) struct Target {
    /// Its name, for people.
    pub(super) name: String,
    /// The folder of its runs, where it is one.
    pub(super) folder: Option<RunFolder>,
    /// Its networks, one at least, all of one architecture and crop rule.
    pub(super) trained: Vec<Trained>,
}

impl Target {
    /// Finds the networks at `path`: a folder of runs stands for the best epoch of each that has one.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_name().map_or_else(|| name::of(path), |name| name.to_string_lossy().into_owned());
        if !path.is_dir() {
            let trained = open_one(path, name.clone())?;
            return Ok(Self { name, folder: None, trained: vec![trained] });
        }
        if path.join(BEST).is_file() {
            let trained = open_one(&path.join(BEST), name.clone())?;
            let folder = path.canonicalize().ok().and_then(|path| RunFolder::open(path.parent()?).ok());
            return Ok(Self { name, folder, trained: vec![trained] });
        }
        let folder = RunFolder::open(path)?;
        let mut trained = Vec::new();
        for seed in folder.seeds() {
            let best = folder.of_seed(seed).join(BEST);
            if best.is_file() {
                trained.push(open_one(&best, format!("seed-{seed}"))?);
            } else {
                log::warn!("{} has no {BEST} yet and is left out", name::of(folder.of_seed(seed)));
            }
        }
        ensure!(!trained.is_empty(), "no run in {} has finished an epoch yet", name::of(path));
        Ok(Self { name, folder: Some(folder), trained })
    }

    /// What is known of the data that they were trained on.
    pub(super) fn known(&self) -> Known {
        let data = self.folder.as_ref().map(|folder| folder.config.data.clone());
        Known { data, margin: self.trained.first().map(|trained| trained.contract.crop.margin) }
    }
}

impl Trained {
    /// From here on its network smooths the picture first; `write` of a command makes it last.
    pub(super) fn smooth(&mut self) {
        if !self.is_smoothed {
            self.is_smoothed = true;
            self.network = self.network.clone().smoothed();
        }
    }

    /// The network with its weights, and its checkpoint.
    pub(super) fn load(&self) -> anyhow::Result<(Model, Checkpoint)> {
        let checkpoint = checkpoint::read(&self.path)?;
        let mut model = Model::new(self.network.clone(), 0);
        model.load(&checkpoint.state).with_context(|| format!("can't use {}", name::of(&self.path)))?;
        Ok((model, checkpoint))
    }
}

fn open_one(path: &Path, name: String) -> anyhow::Result<Trained> {
    if path.extension().is_some_and(|ending| ending == "onnx") {
        bail!("{} is a model file: give the checkpoint that it was exported from", name::of(path));
    }
    let metadata = checkpoint::read(path)?.metadata;
    let contract = Contract::from_metadata(&metadata).with_context(|| {
        format!(
            "{} doesn't say how it is to be used; `cyborg-train import` gives a foreign checkpoint what it needs",
            name::of(path)
        )
    })?;
    let network = network_of(&metadata, &contract)?;
    Ok(Trained { name, path: path.to_owned(), contract, network, is_smoothed: is_smoothed(&metadata) })
}

/// The network that a checkpoint's contract and metadata speak of.
pub(super) fn network_of(metadata: &BTreeMap<String, String>, contract: &Contract) -> anyhow::Result<Network> {
    let architecture: Architecture = contract.network.parse().map_err(anyhow::Error::msg)?;
    let architecture = at_depth(metadata, architecture)?;
    let tap: Tap = contract.saliency.tap.parse().map_err(anyhow::Error::msg)?;
    Ok(described(architecture, Some(trained_side(metadata, architecture)), tap, is_smoothed(metadata)))
}
