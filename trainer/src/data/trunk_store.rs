//! A network's trunk features of faces, kept on disk: the trunk is frozen while the head trains, so each face goes through it
//! once.
//!
//! A file a face, named by the digest of its pixels, in a folder named by the digest of the trunk: what has the same name is the
//! same, whatever list and whatever run it comes from. Each file is put in its place in one step and says what it holds, so that
//! a run that was stopped goes on, and what is damaged is found out.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cyborg_models::digest;
use cyborg_models::name;
use half::f16;

/// What each file begins with; the number is that of the format.
const MAGIC: &[u8] = b"cyborg trunk 1\n";
/// Digits of a digest.
const DIGITS: usize = 64;
/// Digits of the trunk's digest in the name of its folder.
const SHOWN: usize = 16;
const HEADER: usize = MAGIC.len() + 2 * DIGITS;

/// The values of one trunk.
#[derive(Debug)]
pub struct TrunkStore {
    folder: PathBuf,
    trunk: String,
    /// Values of a face.
    size: usize,
}

/// A file that is not what its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is of another trunk or format, or of no trunk.
    Foreign,
    /// Its content is not the one that was written.
    Damaged,
}

impl TrunkStore {
    /// Opens the part of a cache folder that belongs to a trunk, by its digest; `size` values come from it for each face. It is
    /// made where it isn't there.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub fn open(cache: &Path, trunk: String, size: usize) -> anyhow::Result<Self> {
        let folder = cache.join(&trunk[..SHOWN.min(trunk.len())]);
        fs::create_dir_all(&folder)
            .with_context(|| format!("can't make {}: name another folder for the cache", name::of(&folder)))?;
        Ok(Self { folder, trunk, size })
    }

    /// Digest of the trunk.
    #[must_use]
    pub fn trunk(&self) -> &str {
        &self.trunk
    }

    fn path(&self, face: &str) -> PathBuf {
        self.folder.join(face)
    }

    /// Whether the values of a face are there, whole and of this trunk.
    ///
    /// # Errors
    ///
    /// When a file of that name holds something else.
    pub fn check(&self, face: &str) -> Result<bool, Fault> {
        let Ok(bytes) = fs::read(self.path(face)) else { return Ok(false) };
        let Some((header, values)) = bytes.split_at_checked(HEADER) else { return Err(Fault::Foreign) };
        let (magic, digests) = header.split_at(MAGIC.len());
        let (trunk, content) = digests.split_at(DIGITS);
        if magic != MAGIC || trunk != self.trunk.as_bytes() {
            return Err(Fault::Foreign);
        }
        let is_whole = values.len() == self.size * 2 && content == digest::of_bytes(values).as_bytes();
        if is_whole { Ok(true) } else { Err(Fault::Damaged) }
    }

    /// Adds the values of a face to `out`. They were checked before.
    ///
    /// # Errors
    ///
    /// When they are gone, or of another length.
    pub fn read(&self, face: &str, out: &mut Vec<f16>) -> anyhow::Result<()> {
        let path = self.path(face);
        let cure = || format!("can't read {}: go on with the run, and it is made again", name::of(&path));
        let bytes = fs::read(&path).with_context(cure)?;
        let values = bytes.get(HEADER..).filter(|values| values.len() == self.size * 2);
        let values = values.context("it has changed while it was in use").with_context(cure)?;
        out.extend(values.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes)));
        Ok(())
    }

    /// Keeps the values of a face. Not brought to the disk at once: what a power cut takes is found out by its digest.
    ///
    /// # Errors
    ///
    /// When they can't be written.
    pub fn write(&self, face: &str, values: &[f32]) -> anyhow::Result<()> {
        let content: Vec<u8> = values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
        let path = self.path(face);
        let put = || {
            let mut file = tempfile::Builder::new().prefix(crate::checkpoint::UNFINISHED).tempfile_in(&self.folder)?;
            for part in [MAGIC, self.trunk.as_bytes(), digest::of_bytes(&content).as_bytes(), content.as_slice()] {
                file.write_all(part)?;
            }
            file.persist(&path)?;
            Ok::<_, std::io::Error>(())
        };
        put().with_context(|| {
            format!("can't write {}: make room, or name another folder for the cache", name::of(&path))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_whatever_is_not_whole_is_told() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let open = |trunk: &str| TrunkStore::open(folder.path(), trunk.repeat(DIGITS), 3).expect("it can be made");
        let store = open("a");
        assert_eq!(store.check("face"), Ok(false));
        store.write("face", &[1.0, -2.5, 1e-3]).expect("it can be written");
        assert_eq!(store.check("face"), Ok(true));
        let mut values = Vec::new();
        store.read("face", &mut values).expect("it is there");
        assert_eq!(values, [1.0, -2.5, 1e-3].map(f16::from_f32));
        assert_eq!(open("b").check("face"), Ok(false), "another trunk has its own folder");

        let path = store.path("face");
        let whole = fs::read(&path).expect("it is there");
        let check = |bytes: &[u8], expected| {
            fs::write(&path, bytes).expect("it can be written");
            assert_eq!(store.check("face"), expected);
        };
        let mut flipped = whole.clone();
        *flipped.last_mut().expect("it has bytes") ^= 1;
        check(&flipped, Err(Fault::Damaged));
        check(&whole[..whole.len() - 2], Err(Fault::Damaged));
        check(&whole[..20], Err(Fault::Foreign));
        check(b"", Err(Fault::Foreign));
        let mut other = whole.clone();
        other[MAGIC.len()] = b'b';
        check(&other, Err(Fault::Foreign));
        assert!(store.read("gone", &mut values).is_err());
        check(&whole, Ok(true));
    }
}
