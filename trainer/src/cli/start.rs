//! The weights that training starts from.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use cyborg_models::lock;
use cyborg_models::name;

use super::session::absolute;
use crate::checkpoint::names::translate;
use crate::checkpoint::{self, State};
use crate::network::{Architecture, Network};
use crate::torch::{LastLayer, Model};

/// The weights that all runs start from: those that are given, or that set-up fetched for the network.
pub(super) fn first_weights(given: Option<&Path>, network: Architecture) -> anyhow::Result<Option<PathBuf>> {
    match (given, network.weights()) {
        (Some(path), _) if path.as_os_str() == "none" => Ok(None),
        (Some(path), _) => Ok(Some(absolute(path)?)),
        (None, Some((id, _))) => {
            let path = lock::cached(id);
            Ok(Some(path.context("there is no cache folder for the weights: set CYBORG_CACHE, or give `--weights`")?))
        }
        (None, None) => bail!(
            "no weights come with {}: give a file with `--weights` (torchvision's, for example), or `--weights none` for \
                 random ones",
            network
        ),
    }
}

/// The weights of a file; that they fit the network is found out before anything else is done.
pub(super) fn read_weights(path: &Path, network: &Network) -> anyhow::Result<State> {
    let cure = || match network.architecture.weights().filter(|(id, _)| lock::cached(id).is_some_and(|own| own == path))
    {
        Some((_, whose)) => format!("can't start from {whose} weights: `cargo xtask setup --trainer` fetches them"),
        None => format!("can't start from {}", name::of(path)),
    };
    let checkpoint = checkpoint::read(path).with_context(cure)?;
    let state = translate(network.architecture, checkpoint.state).state;
    let loaded = Model::new(network.clone(), 0)
        .load_start(&state)
        .with_context(|| format!("can't start from {}", name::of(path)))?;
    if let LastLayer::Fresh { classes } = loaded.last_layer {
        log::info!("starting from {}; its last layer of {classes} classes is replaced", name::of(path));
    }
    Ok(state)
}
