//! Outputs of `cyborg video` that are a file a clip.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::joined::joined;
use super::outcome::UsageError;
use crate::capture::address::Address;
use crate::name;

/// Where the outputs of one kind go that are a file a clip: one each, in the clips' order, or none at all.
pub(super) struct PerClip(Vec<PathBuf>);

impl PerClip {
    /// `path` is what stands after `flag`: a file, or with several clips a folder, which is created.
    pub(super) fn new(flag: &str, path: Option<&Path>, ending: &str, clips: &[Address]) -> Result<Self, UsageError> {
        let Some(path) = path else { return Ok(Self(Vec::new())) };
        if !path.is_dir() {
            if clips.len() <= 1 {
                return Ok(Self(vec![path.to_owned()]));
            }
            // A folder that is called `a.mp4` is nobody's wish.
            if path.exists() || path.extension().is_some() {
                let path = name::of(path);
                return Err(UsageError(format!(
                    "{flag} {path} names one file, but there are several clips: name a folder"
                )));
            }
            fs::create_dir_all(path)
                .map_err(|error| UsageError(format!("{flag}: can't create {}: {error}", name::of(path))))?;
        }
        let mut taken = HashSet::new();
        let names = clips.iter().map(|clip| path.join(free_name(clip.stem(), ending, &mut taken)));
        Ok(Self(names.collect()))
    }

    /// The output of the clip of this number, from 0.
    pub(super) fn of(&self, clip: usize) -> Option<&Path> {
        self.0.get(clip).map(PathBuf::as_path)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter()
    }
}

/// A name after the input's; inputs of one name from several folders are numbered.
pub(super) fn free_name(stem: OsString, ending: &str, taken: &mut HashSet<OsString>) -> OsString {
    let mut number = 1;
    loop {
        let name = if number == 1 {
            joined(&stem, &format!(".{ending}"))
        } else {
            joined(&stem, &format!(".{number}.{ending}"))
        };
        if taken.insert(name.clone()) {
            return name;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_of_one_name_are_numbered() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let clips = ["a/x.mp4", "b/x.mov", "x.2.mkv", "y.ts", "a/x.mp4"].map(|path| Address::File(path.into()));
        let outputs = PerClip::new("--annotate", Some(folder.path()), "annotated.mp4", &clips).expect("it is a folder");
        let names = ["x", "x.2", "x.2.2", "y", "x.3"].map(|stem| folder.path().join(format!("{stem}.annotated.mp4")));
        assert!(outputs.all().eq(&names), "{:?}", outputs.0);
        assert_eq!(outputs.of(3), Some(names[3].as_path()));
    }

    #[test]
    fn a_file_is_for_one_clip() {
        let clips = ["a.mp4", "b.mp4"].map(|path| Address::File(path.into()));
        let one = PerClip::new("--report", Some(Path::new("o.html")), "report.html", &clips[..1]).expect("one clip");
        assert_eq!(one.of(0), Some(Path::new("o.html")));
        let folder = tempfile::tempdir().expect("a folder for the test");
        let new = folder.path().join("new/reports");
        let two = PerClip::new("--report", Some(&new), "report.html", &clips).expect("it can be made");
        assert!(new.is_dir() && two.of(1) == Some(&new.join("b.report.html")));
        let file = folder.path().join("a.html");
        assert!(PerClip::new("--report", Some(&file), "report.html", &clips).is_err() && !file.exists());
        assert_eq!(PerClip::new("--report", None, "report.html", &clips).expect("none is asked for").of(0), None);
    }
}
