//! Which faces are trained on and which epochs are judged by.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, ensure};

use super::session::{MachineArgs, ReadList, Wanted, both_classes, bytes, look, of_split, share};
use super::teacher::teach;
use crate::data::faces::Extent;
use crate::data::forge::swap::donor::Donors;
use crate::data::inspect::{Inspected, Need};
use crate::data::list::{Label, Split, keep_out};
use crate::fit::{FitData, FitSettings, Measure, class_counts};
use crate::network::Network;
use crate::run_folder::{DataConfig, SaliencyName};

/// Faces that were looked at and parted.
pub(super) struct Looked {
    pub(super) data: FitData,
    /// See [`Inspected`].
    pub(super) digest: String,
    /// See [`Inspected`].
    pub(super) list_digest: String,
}

/// Looks at all faces, and parts them for training and validation; nothing when the user ended it.
pub(super) fn faces(
    read: ReadList,
    network: &Network,
    landmarks: Need,
    seed: u64,
    machine: &MachineArgs,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Looked>> {
    let config = read.config.clone();
    let validation = config.validation;
    let splits: Vec<Split> = [Some(Split::Train), validation].into_iter().flatten().collect();
    let wanted = Wanted { network, splits: &splits, landmarks, memory: bytes(machine.memory) };
    let Some(mut inspected) = look(read, &wanted, stop)? else { return Ok(None) };
    let (train, judged) = part(&inspected, &config, seed)?;
    both_classes(class_counts(&inspected.faces, &train), "training")?;
    let counted = both_classes(class_counts(&inspected.faces, &judged), "validation");
    match validation {
        Some(_) => counted?,
        None if !config.left_out.is_empty() => {
            counted.context("sources of both classes must be left out: name some more with `--leave-out`")?;
        }
        None => counted.context(
            "a tenth of each source is kept out to validate on: a source needs at least 5 photos, or two clips, in each class",
        )?,
    }
    if let Some(table) = &config.taught_by {
        teach(&mut inspected, table, &train)?;
    }
    let (digest, list_digest) = (inspected.digest.clone(), inspected.list_digest.clone());
    let data = FitData { faces: share(inspected), train, validation: judged, trunk: None };
    Ok(Some(Looked { data, digest, list_digest }))
}

/// Tells what is trained on and judged by, and whether it can be done.
pub(super) fn tell_of(data: &FitData, config: &DataConfig, fit: &FitSettings) -> anyhow::Result<()> {
    let (real, synthetic) = class_counts(&data.faces, &data.train);
    let (validation_real, validation_synthetic) = class_counts(&data.faces, &data.validation);
    let from = match config.validation {
        Some(split) => format!("split {split}"),
        None if !config.left_out.is_empty() => format!("sources left out: {}", config.left_out.join(", ")),
        None => "a tenth kept out, which shares its sources".to_owned(),
    };
    log::info!(
        "training on {real} real and {synthetic} synthetic faces, validating on {validation_real} and \
         {validation_synthetic} ({from})"
    );
    let guided: Vec<usize> = data.train.iter().copied().filter(|&index| data.faces.has_saliency(index)).collect();
    let (guided_real, guided_synthetic) = class_counts(&data.faces, &guided);
    if fit.loss.alpha < 1.0 {
        log::info!(
            "saliency: {} for {guided_real} real and {guided_synthetic} synthetic training faces",
            match (config.saliency, config.has_maps) {
                (SaliencyName::Maps, _) => "maps",
                (SaliencyName::Landmarks, false) => "a prior by landmarks",
                (SaliencyName::Landmarks, true) => "maps, and a prior by landmarks for faces without one,",
            }
        );
        if guided_real == 0 || guided_synthetic == 0 {
            log::warn!("one class has no saliency maps at all: only the other class's are used");
        }
    }
    if fit.best_by == Measure::CamError && !data.validation.iter().any(|&index| data.faces.has_saliency(index)) {
        return super::outcome::wrong_usage(
            "no validation face has saliency, so no epoch is the best by CAM error: give another --best-by",
        );
    }
    let forgeable = |&&index: &&usize| {
        data.faces.rows[index].label == Label::Authentic && data.faces.landmarks(index, Extent::Wide).is_some()
    };
    if fit.forge > 0.0 {
        let forgeable = data.train.iter().filter(forgeable).count();
        ensure!(forgeable > 0, "no real training face has landmarks to forge by: leave out --forge");
        log::info!("forging fakes from {forgeable} of {real} real faces");
    }
    if fit.swap > 0.0 {
        let donors = Donors::among(&data.faces, &data.train);
        ensure!(
            donors.people() > 1,
            "the real training faces with landmarks are not of two people (by group, video or photo), so no face can be put \
             on another's: leave out --swap"
        );
        log::info!("swapping faces among {} of {real} real faces", donors.len());
    }
    Ok(())
}

/// Faces to train on, and faces that epochs are judged by: those of the validation split, of the sources left out, or a tenth
/// of each source, which is the same for all runs, so that their numbers can be compared.
///
/// # Errors
///
/// When the training split has no face of a source that is to be left out.
pub(super) fn part(inspected: &Inspected, config: &DataConfig, seed: u64) -> anyhow::Result<(Vec<usize>, Vec<usize>)> {
    let rows = &inspected.faces.rows;
    let all = of_split(inspected, Split::Train);
    if let Some(split) = config.validation {
        return Ok((all, of_split(inspected, split)));
    }
    if config.left_out.is_empty() {
        return Ok(keep_out(rows, &inspected.contents, &all, seed));
    }
    let sources: BTreeSet<&str> = all.iter().map(|&index| rows[index].source.as_str()).collect();
    for name in &config.left_out {
        ensure!(
            sources.contains(name.as_str()),
            "the training split has no source `{name}` to leave out; it has {}",
            sources.iter().copied().collect::<Vec<_>>().join(", ")
        );
    }
    let is_out = |index: usize| config.left_out.contains(&rows[index].source);
    // What belongs to a face that is judged by is not learnt from either, whatever its source.
    let groups: BTreeSet<&str> =
        all.iter().filter(|&&index| is_out(index)).map(|&index| inspected.faces.group(index)).collect();
    let (judged, others): (Vec<usize>, Vec<usize>) = all.iter().copied().partition(|&index| is_out(index));
    let count = others.len();
    let train: Vec<usize> =
        others.into_iter().filter(|&index| !groups.contains(inspected.faces.group(index))).collect();
    if train.len() < count {
        log::info!(
            "{} faces of other sources share a group with left-out faces: they are in neither part",
            count - train.len()
        );
    }
    Ok((train, judged))
}
