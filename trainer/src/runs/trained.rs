//! Networks that were trained: those of the runs of a folder, or one checkpoint.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cyborg_models::contract::Contract;
use cyborg_models::name;

use crate::checkpoint::{self, Checkpoint};
use crate::data::choice::Known;
use crate::network::Network;
use crate::run_folder::{BEST, RunFolder, is_smoothed, network_of};
use crate::torch::Model;

/// One network that was trained.
#[derive(Clone, Debug)]
pub struct Trained {
    /// `seed-1`, or the name of a file.
    pub name: String,
    /// Its checkpoint.
    pub path: PathBuf,
    /// What it says of itself.
    pub contract: Contract,
    /// The network, at the side that it was trained with.
    network: Network,
    /// Whether that smooths the picture first.
    pub is_smoothed: bool,
}

/// Networks of one setting.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name, for people.
    pub name: String,
    /// The folder of its runs, where it is one.
    pub folder: Option<RunFolder>,
    /// Its networks, one at least, all of one architecture and crop rule.
    pub trained: Vec<Trained>,
}

impl Target {
    /// Finds the networks at `path`: a folder of runs stands for the best epoch of each that has one.
    ///
    /// # Errors
    ///
    /// When there is none, or one of them doesn't say how it is to be used.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
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
    #[must_use]
    pub fn known(&self) -> Known {
        let data = self.folder.as_ref().map(|folder| folder.config.data.clone());
        Known { data, margin: self.trained.first().map(|trained| trained.contract.crop.margin) }
    }
}

impl Trained {
    /// Its network, as it was built for training.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// From here on its network smooths the picture first; `write` of a command makes it last.
    pub fn smooth(&mut self) {
        if !self.is_smoothed {
            self.is_smoothed = true;
            self.network = self.network.clone().smoothed();
        }
    }

    /// The network with its weights, and its checkpoint.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or holds weights of another network.
    pub fn load(&self) -> anyhow::Result<(Model, Checkpoint)> {
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
