//! Which faces are trained on and which epochs are judged by.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::ensure;

use super::config::DataConfig;
use super::faces::Faces;
use super::inspect::Inspected;
use super::list::{Label, Split, keep_out};

/// Faces of which one class is missing: nothing can be learnt or measured by them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} faces are {real} real and {synthetic} synthetic: both classes are needed")]
pub struct OneClass {
    /// What they are for.
    pub what: String,
    /// Real ones.
    pub real: usize,
    /// Synthetic ones.
    pub synthetic: usize,
}

/// Checks that both classes are there, by the counts of real and synthetic faces.
///
/// # Errors
///
/// When there is no face of one class.
pub fn both_classes((real, synthetic): (usize, usize), what: &str) -> Result<(), OneClass> {
    if real == 0 || synthetic == 0 {
        return Err(OneClass { what: what.to_owned(), real, synthetic });
    }
    Ok(())
}

/// Counts of both classes among some faces: (authentic, synthetic).
#[must_use]
pub fn class_counts(faces: &Faces, indices: &[usize]) -> (usize, usize) {
    let synthetic = indices.iter().filter(|&&index| faces.rows[index].label == Label::Synthetic).count();
    (indices.len() - synthetic, synthetic)
}

/// Faces to train on, and faces that epochs are judged by: those of the validation split, of the sources left out, or a tenth
/// of each source, which is the same for all runs, so that their numbers can be compared.
///
/// # Errors
///
/// When the training split has no face of a source that is to be left out.
pub fn part(inspected: &Inspected, config: &DataConfig, seed: u64) -> anyhow::Result<(Vec<usize>, Vec<usize>)> {
    let rows = &inspected.faces.rows;
    let all = inspected.of_split(Split::Train);
    if let Some(split) = config.validation {
        return Ok((all, inspected.of_split(split)));
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

/// Part of a list to measure on.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A split of it.
    Split(Split),
    /// What the epochs of some runs were judged by.
    Judged {
        /// The data of the runs.
        config: Box<DataConfig>,
        /// Seed of the first run, by which faces were kept out.
        seed: u64,
    },
}

impl Part {
    /// The split that its faces are of.
    #[must_use]
    pub fn split(&self) -> Split {
        match self {
            Self::Split(split) => *split,
            Self::Judged { config, .. } => config.validation.unwrap_or(Split::Train),
        }
    }

    /// Its faces.
    ///
    /// # Errors
    ///
    /// As [`part`].
    pub fn indices(&self, inspected: &Inspected) -> anyhow::Result<Vec<usize>> {
        match self {
            Self::Split(split) => Ok(inspected.of_split(*split)),
            Self::Judged { config, seed } => Ok(part(inspected, config, *seed)?.1),
        }
    }

    /// Faces that the network learnt from, as far as the list says it.
    ///
    /// # Errors
    ///
    /// As [`part`].
    pub fn learnt(&self, inspected: &Inspected) -> anyhow::Result<Vec<usize>> {
        match self {
            Self::Split(Split::Train) => Ok(Vec::new()),
            Self::Split(_) => Ok(inspected.of_split(Split::Train)),
            Self::Judged { config, seed } => Ok(part(inspected, config, *seed)?.0),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split(split) => write!(f, "split {split}"),
            Self::Judged { config, .. } => f.write_str(&config.judged_by()),
        }
    }
}
