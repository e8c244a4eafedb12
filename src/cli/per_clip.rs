//! Outputs of `cyborg video` that are a file a clip.

use std::path::{Path, PathBuf};

use super::outcome::UsageError;
use crate::capture::address::Address;

/// Where the outputs of one kind go that are a file a clip.
pub(super) enum PerClip {
    Nowhere,
    File(PathBuf),
    /// The folder, and the end of the files' names.
    Folder(PathBuf, &'static str),
}

impl PerClip {
    /// `path` is what stands after `flag`.
    pub(super) fn new(
        flag: &str,
        path: Option<&Path>,
        ending: &'static str,
        clips: &[Address],
    ) -> Result<Self, UsageError> {
        let Some(path) = path else {
            return Ok(Self::Nowhere);
        };
        if path.is_dir() {
            let mut names: Vec<_> = clips.iter().map(Address::stem).collect();
            names.sort();
            let same = names.windows(2).find(|pair| pair[0] == pair[1]);
            return match same {
                None => Ok(Self::Folder(path.to_owned(), ending)),
                Some(_) => Err(UsageError(format!(
                    "two clips have the same name, and so would their files in the folder of {flag}: run them one by one"
                ))),
            };
        }
        if clips.len() > 1 {
            let path = path.display();
            let message = format!("{flag} {path} is no folder, and there are several clips: make the folder first");
            return Err(UsageError(message));
        }
        Ok(Self::File(path.to_owned()))
    }

    pub(super) fn file_for(&self, clip: &Address) -> Option<PathBuf> {
        match self {
            Self::Nowhere => None,
            Self::File(path) => Some(path.clone()),
            Self::Folder(folder, ending) => Some(folder.join(format!("{}.{ending}", clip.stem()))),
        }
    }
}
