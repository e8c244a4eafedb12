//! Weights on disk: PyTorch's files and ONNX are read, our own (safetensors) are read and written.
//!
//! Nothing here knows a tensor library: a checkpoint is names, shapes and floats.

mod array;
mod clip_names;
pub mod names;
pub mod onnx;
mod pickle;
pub mod pth;
mod pth_error;
pub mod safetensors;

use cyborg_models::name;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use array::{Array, Checkpoint, State};
pub use pth_error::PthError;

/// A checkpoint that can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file can't be read.
    #[error("can't read checkpoint {}: {source}", name::of(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is longer than any network of ours.
    #[error(
        "checkpoint {} has {length} bytes, more than the {LONGEST} that are read: is it a checkpoint?",
        name::of(path)
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// It is no PyTorch file that we read.
    #[error("{} is not a PyTorch checkpoint that can be read: {source}", name::of(path))]
    Pth {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PthError,
    },
    /// It is no ONNX file that we read.
    #[error("{} is not an ONNX file that weights can be read from: {source}", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: onnx::OnnxError,
    },
    /// It is no safetensors file that we read.
    #[error("{} is not a safetensors checkpoint that can be read: {source}", name::of(path))]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: safetensors::SafetensorsError,
    },
    /// The file can't be written.
    #[error("can't write {}: {source}; what was there before is still there", name::of(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Longest checkpoint that is read, in bytes.
const LONGEST: u64 = 4 << 30;

/// Reads a checkpoint: PyTorch's old or new format, ONNX, or safetensors. The format is told from the content.
///
/// # Errors
///
/// When the file can't be read or is none of these.
pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let fail = |source| CheckpointError::Read { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(fail)?.len();
    if length > LONGEST {
        return Err(CheckpointError::TooLong { path: path.to_owned(), length });
    }
    let bytes = fs::read(path).map_err(fail)?;
    if pth::is_pth(&bytes) {
        let state = pth::read(&bytes).map_err(|source| CheckpointError::Pth { path: path.to_owned(), source })?;
        return Ok(Checkpoint { metadata: BTreeMap::new(), state });
    }
    if onnx::is_onnx(&bytes) {
        let state = onnx::read(&bytes).map_err(|source| CheckpointError::Onnx { path: path.to_owned(), source })?;
        return Ok(Checkpoint { metadata: BTreeMap::new(), state });
    }
    safetensors::read(&bytes).map_err(|source| CheckpointError::Safetensors { path: path.to_owned(), source })
}

/// Writes a checkpoint as safetensors. A failure, or a power cut, leaves what was at `path` before.
///
/// # Errors
///
/// When the file can't be written.
pub fn write(path: &Path, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
    let fail = |source| CheckpointError::Write { path: path.to_owned(), source };
    let bytes = safetensors::to_bytes(checkpoint).map_err(|error| fail(io::Error::other(error)))?;
    replace(path, &bytes).map_err(fail)
}

/// What the names of files begin with that are not yet whole; those of a killed program stay behind.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Removes what a killed program left unfinished in `folder`.
pub fn tidy_up(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        if let Err(error) = fs::remove_file(entry.path()) {
            log::warn!("can't remove {}: {error}", name::of(entry.path()));
        }
    }
}

/// Puts `bytes` at `path` in one step: written beside it, brought to the disk, then renamed.
///
/// # Errors
///
/// When one of the steps fails; what was at `path` before is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Dropped on an early return, which removes it.
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private; a result is for others too.
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("a.safetensors");
        let state = State::from([("w".to_owned(), Array { shape: vec![2], values: vec![1.0, 2.0] })]);
        let checkpoint = Checkpoint { metadata: BTreeMap::from([("k".to_owned(), "v".to_owned())]), state };
        write(&path, &checkpoint).expect("the folder can be written");
        // A shape that its values don't fill can't be written.
        let broken = State::from([("w".to_owned(), Array { shape: vec![3], values: vec![1.0] })]);
        assert!(write(&path, &Checkpoint { metadata: BTreeMap::new(), state: broken }).is_err());
        assert_eq!(read(&path).expect("the old file is whole"), checkpoint);
        assert_eq!(fs::read_dir(folder.path()).expect("the folder is there").count(), 1);
    }
}
