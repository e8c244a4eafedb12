//! The files of a folder and the folders below it that have one of some endings.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files in `folder` and below that end in one of `endings` (lower case, no dot), in the order of their names.
///
/// # Errors
///
/// When a folder can't be read.
pub fn list(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            // A link to a folder is not followed: it may lead back up.
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if has_ending(&path, endings) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}
