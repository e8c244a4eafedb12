//! What `train` says of the faces before it begins.

use crate::cli::outcome::wrong_usage;
use crate::data::config::{DataConfig, SaliencyName};
use crate::data::part::class_counts;
use crate::fit::{FitData, FitSettings};
use crate::runs::faces::{Unfit, makeable};

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
    if config.validation.is_none() && config.left_out.is_empty() {
        let classes = [("real", real, validation_real), ("synthetic", synthetic, validation_synthetic)];
        for (class, trained, kept) in classes.into_iter().filter(|&(_, trained, kept)| kept * 2 > trained) {
            log::warn!(
                "{kept} of {} {class} faces are kept out, since all of a clip stays together: more clips help, or rows of \
                 split validation",
                trained + kept
            );
        }
    }
    let guided: Vec<usize> = data.train.iter().copied().filter(|&index| data.faces.has_saliency(index)).collect();
    let (guided_real, guided_synthetic) = class_counts(&data.faces, &guided);
    if fit.loss.alpha < 1.0 {
        log::info!(
            "saliency: {} for {guided_real} real and {guided_synthetic} synthetic training faces",
            match (config.saliency, config.has_maps) {
                (SaliencyName::Maps, _) => "maps",
                (SaliencyName::Landmarks, false) | (SaliencyName::Prior, _) => "a prior by landmarks",
                (SaliencyName::MappedPrior, _) => "a prior by landmarks in place of maps",
                (SaliencyName::Landmarks, true) => "maps, and a prior by landmarks for faces without one,",
            }
        );
        if guided_real == 0 || guided_synthetic == 0 {
            log::warn!("one class has no saliency maps at all: only the other class's are used");
        }
    }
    let makeable = match makeable(data, fit) {
        Err(Unfit::NoCamError) => {
            return wrong_usage(&format!("{}: give another --best-by", Unfit::NoCamError));
        }
        makeable => makeable?,
    };
    if fit.forge > 0.0 {
        log::info!("forging fakes from {} of {real} real faces", makeable.forged);
    }
    if fit.swap > 0.0 {
        log::info!("swapping faces among {} of {real} real faces", makeable.swapped);
    }
    Ok(())
}
