//! The weights that training starts from.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cyborg_models::lock;
use cyborg_models::name;

use crate::checkpoint::names::translate;
use crate::checkpoint::{self, State};
use crate::data::config::absolute;
use crate::network::{Architecture, Network};
use crate::torch::{LastLayer, Model};

/// What runs start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The weights that set-up fetches for the network.
    Fetched,
    /// Random weights.
    Random,
    /// The weights of a file.
    File(PathBuf),
}

/// A network for which set-up has no weights.
#[derive(Debug, thiserror::Error)]
pub enum NoWeights {
    /// They would be in the cache folder, and there is none.
    #[error("there is no cache folder for the weights: set CYBORG_CACHE, or give a file of weights")]
    NoCache,
    /// None are fetched for it.
    #[error("no weights come with {0}")]
    NotFetched(Architecture),
}

/// Weights that set-up fetches, and that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("can't start from {0} weights")]
pub struct NoStart(&'static str);

impl Start {
    /// The file of weights that all runs start from; nothing for random ones.
    ///
    /// # Errors
    ///
    /// When it isn't known where it is.
    pub fn file(&self, network: Architecture) -> anyhow::Result<Option<PathBuf>> {
        match self {
            Self::Random => Ok(None),
            Self::File(path) => absolute(path).map(Some),
            Self::Fetched => {
                let (id, _) = network.weights().ok_or(NoWeights::NotFetched(network))?;
                Ok(Some(lock::cached(id).ok_or(NoWeights::NoCache)?))
            }
        }
    }
}

/// The weights of a file; that they fit the network is found out before anything else is done.
///
/// # Errors
///
/// When it can't be read, or holds weights of another network.
pub fn read_weights(path: &Path, network: &Network) -> anyhow::Result<State> {
    let fetched = network.architecture.weights().filter(|(id, _)| lock::cached(id).is_some_and(|own| own == path));
    let checkpoint = checkpoint::read(path);
    let checkpoint = match fetched {
        Some((_, whose)) => checkpoint.context(NoStart(whose))?,
        None => checkpoint.with_context(|| format!("can't start from {}", name::of(path)))?,
    };
    let state = translate(network.architecture, checkpoint.state).state;
    let loaded = Model::new(network.clone(), 0)
        .load_start(&state)
        .with_context(|| format!("can't start from {}", name::of(path)))?;
    if let LastLayer::Fresh { classes } = loaded.last_layer {
        log::info!("starting from {}; its last layer of {classes} classes is replaced", name::of(path));
    }
    Ok(state)
}
