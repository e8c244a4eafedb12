//! The faces of a setting's runs: looked at, parted, and taught.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;

use crate::data::choice::ReadList;
use crate::data::faces::Extent;
use crate::data::forge::swap::donor::Donors;
use crate::data::inspect::Need;
use crate::data::list::{Label, Split};
use crate::data::look::{Wanted, look};
use crate::data::part::{both_classes, class_counts, part};
use crate::data::teacher::teach;
use crate::fit::{FitData, FitSettings, Measure};
use crate::network::Network;

/// Sources were left out to judge epochs by, and their faces are all of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sources of both classes must be left out")]
pub struct LeftOutOneClass;

/// Faces that were looked at and parted.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The faces, and which are for what.
    pub data: FitData,
    /// See [`Inspected`](crate::data::inspect::Inspected).
    pub digest: String,
    /// See [`Inspected`](crate::data::inspect::Inspected).
    pub list_digest: String,
}

/// Looks at all faces, and parts them for training and validation; nothing when the user ended it. `memory` is how many
/// bytes of crops to keep.
///
/// # Errors
///
/// When a line of the list can't be used, a part has no faces of one class, or the teacher's table can't be used.
pub fn faces(
    read: ReadList,
    network: &Network,
    fit: &FitSettings,
    memory: usize,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Looked>> {
    let config = read.config.clone();
    let landmarks = if fit.makes_fakes() { Need::Needed } else { Need::Unneeded };
    let validation = config.validation;
    let splits: Vec<Split> = [Some(Split::Train), validation].into_iter().flatten().collect();
    let wanted = Wanted::by(network, &splits, landmarks, memory);
    let Some(mut inspected) = look(read, &wanted, stop)? else { return Ok(None) };
    let (train, judged) = part(&inspected, &config, fit.seed)?;
    both_classes(class_counts(&inspected.faces, &train), "training")?;
    let counted = both_classes(class_counts(&inspected.faces, &judged), "validation");
    match validation {
        Some(_) => counted?,
        None if !config.left_out.is_empty() => counted.context(LeftOutOneClass)?,
        None => counted.context(
            "a tenth of each source is kept out to validate on: a source needs at least 5 photos, or two clips, in each class",
        )?,
    }
    if let Some(table) = &config.taught_by {
        teach(&mut inspected, table, &train)?;
    }
    let (digest, list_digest) = (inspected.digest.clone(), inspected.list_digest.clone());
    let data = FitData { faces: Arc::new(inspected.faces), train, validation: judged, trunk: None };
    Ok(Some(Looked { data, digest, list_digest }))
}

/// What is asked of faces that they can't give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Epochs are judged by the CAM error, and no validation face has saliency.
    #[error("no validation face has saliency, so no epoch is the best by CAM error")]
    NoCamError,
    /// No real training face has landmarks.
    #[error("no real training face has landmarks to forge by")]
    NothingToForge,
    /// All real training faces are of one person.
    #[error(
        "the real training faces with landmarks are not of two people (by group, video or photo), so no face can be put on \
         another's"
    )]
    NobodyToSwap,
}

/// Real training faces that fakes can be made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Makeable {
    /// By forging; counted where that is asked for.
    pub forged: usize,
    /// By giving their faces to others; counted where that is asked for.
    pub swapped: usize,
}

/// Checks that faces can be trained with as the settings ask.
///
/// # Errors
///
/// When they can't.
pub fn makeable(data: &FitData, fit: &FitSettings) -> Result<Makeable, Unfit> {
    let FitData { faces, train, validation, .. } = data;
    if fit.best_by == Measure::CamError && !validation.iter().any(|&index| faces.has_saliency(index)) {
        return Err(Unfit::NoCamError);
    }
    let mut found = Makeable::default();
    if fit.forge > 0.0 {
        let forgeable = |&&index: &&usize| {
            faces.rows[index].label == Label::Authentic && faces.landmarks(index, Extent::Wide).is_some()
        };
        found.forged = train.iter().filter(forgeable).count();
        if found.forged == 0 {
            return Err(Unfit::NothingToForge);
        }
    }
    if fit.swap > 0.0 {
        let donors = Donors::among(faces, train);
        if donors.people() < 2 {
            return Err(Unfit::NobodyToSwap);
        }
        found.swapped = donors.len();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::faces::Faces;
    use crate::data::loader::tests::faces;
    use crate::fit::settings::tests::paper;

    fn data(faces: Arc<Faces>, train: &[usize]) -> FitData {
        FitData { faces, train: train.to_vec(), validation: vec![0, 1], trunk: None }
    }

    #[test]
    fn what_faces_can_t_give_is_named() {
        // Even ones are real; all have landmarks, and none a map.
        let (_folder, faces) = faces(6);
        let check = |train: &[usize], fit: &FitSettings, expected: Result<Makeable, Unfit>| {
            assert_eq!(makeable(&data(Arc::clone(&faces), train), fit), expected, "{train:?}");
        };
        let all = [0, 1, 2, 3, 4, 5];
        check(&all, &paper(), Ok(Makeable::default()));
        check(&all, &FitSettings { best_by: Measure::CamError, ..paper() }, Err(Unfit::NoCamError));
        let forge = FitSettings { forge: 0.5, ..paper() };
        check(&all, &forge, Ok(Makeable { forged: 3, swapped: 0 }));
        check(&[1, 3], &forge, Err(Unfit::NothingToForge));
        let swap = FitSettings { swap: 0.5, ..paper() };
        check(&all, &swap, Ok(Makeable { forged: 0, swapped: 3 }));
        check(&[0, 1], &swap, Err(Unfit::NobodyToSwap));
    }
}
