//! What a tower gives of faces, kept in a folder: it takes all of the time that a head takes, and is the same whatever is learnt from it.
//!
//! A file a set of faces, named by the digest of all that decides what is in it. A file that isn't whole isn't there: it is written
//! in one step.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use cyborg_models::{digest, name};

use super::features::{Described, TowerRunner};
use crate::checkpoint::{self, Array, Checkpoint};
use crate::data::loader::Batches;

/// Digits of the digest in the name of a file.
const DIGITS: usize = 24;
/// The arrays of a file.
const FEATURES: &str = "features";
const LABELS: &str = "labels";

/// A folder of them.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
    of: String,
}

impl Kept {
    /// That of a tower and a list in `folder`, which is made where it isn't there. `of` is what decides how each face is seen beside
    /// what is asked of [`Describer::describe`]: the tower, the photos, the crop.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub fn open(folder: &Path, of: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("can't make the folder {}", name::of(folder)))?;
        checkpoint::tidy_up(folder);
        Ok(Self { folder: folder.to_owned(), of: of.to_owned() })
    }

    fn path(&self, what: &str) -> PathBuf {
        let digest = digest::of_bytes(format!("{}\n{what}", self.of).as_bytes());
        self.folder.join(format!("{}.safetensors", &digest[..DIGITS]))
    }

    /// What is there of them; nothing where a file is missing or isn't what it should be, which is then made again.
    fn read(&self, what: &str, width: usize) -> Option<Described> {
        let path = self.path(what);
        if !path.is_file() {
            return None;
        }
        let found = checkpoint::read(&path).map_err(|error| error.to_string()).and_then(|mut found| {
            let features = found.state.remove(FEATURES).map(|array| array.values).unwrap_or_default();
            let labels = found.state.remove(LABELS).map(|array| array.values).unwrap_or_default();
            let is_whole = !labels.is_empty() && features.len() == labels.len() * width;
            let described = Described { features, labels: labels.iter().map(|&label| label > 0.5).collect() };
            is_whole.then_some(described).ok_or_else(|| "it holds something else".to_owned())
        });
        found.map_err(|error| log::warn!("{} is made again: {error}", name::of(&path))).ok()
    }

    fn write(&self, what: &str, width: usize, seen: &Described) -> anyhow::Result<()> {
        let faces = seen.labels.len();
        let labels = seen.labels.iter().map(|&label| f32::from(u8::from(label))).collect();
        let state = BTreeMap::from([
            (FEATURES.to_owned(), Array { shape: vec![faces, width], values: seen.features.clone() }),
            (LABELS.to_owned(), Array { shape: vec![faces], values: labels }),
        ]);
        let metadata = BTreeMap::from([("what".to_owned(), what.to_owned())]);
        Ok(checkpoint::write(&self.path(what), &Checkpoint { metadata, state })?)
    }
}

/// Describes faces by a tower, or finds what it gave of them before.
pub struct Describer<'a> {
    /// The tower.
    pub runner: &'a mut TowerRunner,
    /// Where it is kept; with none, all is computed.
    pub kept: Option<Kept>,
    /// Ends the work early when it becomes true.
    pub stop: &'a AtomicBool,
}

impl Describer<'_> {
    /// Values that a face is described by.
    #[must_use]
    pub fn width(&self) -> usize {
        self.runner.width()
    }

    /// Describes the faces of some batches, in their order; nothing when it was ended on the way. `what` tells them from all others of
    /// the same tower and list: which faces, in which order, how varied.
    ///
    /// # Errors
    ///
    /// When a batch can't be made, the tower fails, or the result can't be kept.
    pub fn describe(
        &mut self,
        what: &impl Debug,
        batches: impl FnOnce() -> Batches,
    ) -> anyhow::Result<Option<Described>> {
        let what = format!("{what:?}");
        let width = self.width();
        if let Some(found) = self.kept.as_ref().and_then(|kept| kept.read(&what, width)) {
            return Ok(Some(found));
        }
        let seen = self.runner.describe(batches(), self.stop)?;
        if let (Some(kept), Some(seen)) = (&self.kept, &seen) {
            kept.write(&what, width, seen)?;
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Described {
        Described { features: vec![0.5, -1.0, 2.0, 3.5, 4.0, 1e-8], labels: vec![true, false, true] }
    }

    #[test]
    fn what_was_kept_is_found_by_the_same_question_alone() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let kept = Kept::open(&folder.path().join("new"), "a tower, a list").expect("it can be made");
        assert_eq!(kept.read("plain", 2), None);
        kept.write("plain", 2, &seen()).expect("it can be written");
        assert_eq!(kept.read("plain", 2), Some(seen()));
        assert_eq!(kept.read("varied", 2), None);
        let other = Kept::open(&kept.folder, "a tower, another list").expect("it is there");
        assert_eq!(other.read("plain", 2), None);
    }

    #[test]
    fn a_damaged_file_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let kept = Kept::open(folder.path(), "a tower").expect("it is there");
        kept.write("plain", 2, &seen()).expect("it can be written");
        // Of another width, as after a change of the program.
        assert_eq!(kept.read("plain", 3), None);
        let bytes = fs::read(kept.path("plain")).expect("it is there");
        fs::write(kept.path("plain"), &bytes[..bytes.len() - 3]).expect("it can be written");
        assert_eq!(kept.read("plain", 2), None);
    }
}
