//! The accurate set: what we trained of it, which is part of this package, and how it becomes files.
//!
//! Its tower is fetched by set-up, or brought by the user as the package's wheel; [`files`] makes the set of it.

use crate::assemble::{AssembleError, assemble};
use crate::digest;
use crate::expert_set::{ExpertEntry, ExpertSet, ExpertSetError, FORMAT, FusionBias};
use crate::model_file::ModelFile;

/// The tower's file in the lock file.
pub const TOWER: &str = "clip_vit_b16_int8";
/// The folder of the set, in the folder `models` next to the program or in the cache folder.
pub const FOLDER: &str = "accurate";
/// The set's own file in it.
pub const SET_FILE: &str = "set.toml";

/// The model file that is assembled.
pub const MODEL_FILE: &str = "cyborg-clip.onnx";

/// What we trained.
static HEAD: &[u8] = include_bytes!("../accurate/head.safetensors");
/// The set, with the digest that its model file must have.
static SET: &str = include_str!("../accurate/set.toml");

/// Why the set can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccurateError {
    /// The tower is another one, or damaged.
    #[error("it is not the tower that the set was trained on: its SHA-256 is {found}, expected {expected}")]
    Tower {
        /// What it is.
        found: String,
        /// What models/lock.toml has.
        expected: String,
    },
    /// The head doesn't fit the tower, which would be our fault.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The set's own text is broken, which would be our fault.
    #[error("the set's own file is broken: {0}")]
    Set(#[from] ExpertSetError),
    /// Its thresholds have no form in TOML.
    #[error("the set can't be written: {0}")]
    Write(#[from] toml::ser::Error),
    /// What came out is not what was measured.
    #[error("the assembled model has SHA-256 {found}, the set names {expected}")]
    Model {
        /// What it is.
        found: String,
        /// What the set has.
        expected: String,
    },
}

/// The set as it is shipped: its experts, their weights, and its thresholds.
///
/// # Errors
///
/// When it is broken, which would be our fault.
pub fn set() -> Result<ExpertSet, ExpertSetError> {
    ExpertSet::parse(SET)
}

/// The files of the set, by their names, from the bytes of the tower's file; `tower_sha256` is the digest that it must have.
///
/// # Errors
///
/// When it is another tower, or what comes of it is not what was measured.
pub fn files(tower: &[u8], tower_sha256: &str) -> Result<Vec<(String, Vec<u8>)>, AccurateError> {
    let found = digest::of_bytes(tower);
    if found != tower_sha256 {
        return Err(AccurateError::Tower { found, expected: tower_sha256.to_owned() });
    }
    let set = set()?;
    let model = assemble(tower, HEAD)?;
    let found = digest::of_bytes(&model);
    // The first expert is the one that is assembled; the other is part of the program.
    let Some(expert) = set.experts.first() else { return Err(ExpertSetError::NoExpert.into()) };
    if found != expert.sha256 {
        return Err(AccurateError::Model { found, expected: expert.sha256.clone() });
    }
    // The set's file last: where it is, the set is whole.
    Ok(vec![(expert.file.clone(), model), (SET_FILE.to_owned(), SET.as_bytes().to_vec())])
}

/// The same for a head of somebody's own, on any tower that it fits: the set's thresholds are those of its contract.
///
/// # Errors
///
/// When the head doesn't fit the tower.
pub fn files_of(tower: &[u8], head: &[u8]) -> Result<Vec<(String, Vec<u8>)>, AccurateError> {
    let model = assemble(tower, head)?;
    let file = ModelFile::parse(&model).map_err(AssembleError::from)?;
    let expert = ExpertEntry {
        file: MODEL_FILE.to_owned(),
        sha256: file.digest,
        looks_for: file.expertise.looks_for,
        weight: 1.0,
    };
    let set = ExpertSet {
        version: FORMAT,
        name: FOLDER.to_owned(),
        fusion: FusionBias::default(),
        thresholds: file.contract.thresholds,
        experts: vec![expert],
    };
    Ok(vec![(MODEL_FILE.to_owned(), model), (SET_FILE.to_owned(), set.to_toml()?.into_bytes())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Head;

    #[test]
    fn what_is_part_of_the_package_holds() {
        let set = ExpertSet::parse(SET).expect("it is ours");
        assert_eq!((set.name.as_str(), set.experts.len()), (FOLDER, 2));
        let head = Head::read(HEAD).expect("it is ours");
        assert!(HEAD.len() < 1 << 20, "{} bytes", HEAD.len());
        assert!(head.contract["cyborg.contract_version"] == "2" && head.kinds.len() == 2);
    }

    #[test]
    fn another_tower_is_refused_by_its_digest() {
        let error = files(b"a tower", "0123").expect_err("it is none").to_string();
        assert!(error.contains("expected 0123"), "{error}");
    }
}
