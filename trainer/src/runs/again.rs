//! Going on with runs that were stopped.

use std::sync::atomic::AtomicBool;

use anyhow::ensure;
use cyborg_models::name;

use super::faces::{Looked, faces};
use super::setting::Runs;
use super::start::read_weights;
use crate::data::choice::ReadList;
use crate::run_folder::RunFolder;
use crate::torch::ComputeDevice;

/// The runs of a folder, with all that they began with; nothing when `stop` becomes true on the way. `memory` is how many bytes
/// of crops to keep.
///
/// # Errors
///
/// When the device can't do what their settings ask, or the faces or the weights aren't there any more or aren't those that they
/// began with.
pub fn again(
    folder: RunFolder,
    device: ComputeDevice,
    memory: usize,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Runs<'_>>> {
    let config = &folder.config;
    config.fit.check(device)?;
    let network = config.network()?;
    let start = config.weights.as_deref().map(|path| read_weights(path, &network)).transpose()?;
    let read = ReadList::again(&config.data)?;
    let Some(Looked { data, list_digest, .. }) = faces(read, &network, &config.fit, memory, stop)? else {
        return Ok(None);
    };
    ensure!(
        list_digest == config.list_sha256,
        "the data of {} are not those that the runs in {} began with: put them back, or begin again in another folder",
        name::of(&config.data.list),
        name::of(folder.path())
    );
    let most = config.runs;
    Ok(Some(Runs { folder, network, start, data, device, stop, most }))
}
