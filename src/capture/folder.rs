//! The files of a folder and the folders below it that have one of some endings, and what was left out.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::name;

/// What the names of drawings end with that this program makes of its inputs, before their ending.
const OWN: &str = ".annotated";

/// What lies in a folder and below it.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files with a wanted ending, in the order of their names.
    pub files: Vec<PathBuf>,
    /// Folders below that can't be read, and why.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// Files that were left out of a folder, counted by their kind. Its text names them: `3 files skipped: 2 .heic, 1 .gif`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeMap<String, u64>);

impl LeftOut {
    /// Whether nothing was left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn count(&mut self, kind: impl Into<String>) {
        *self.0.entry(kind.into()).or_default() += 1;
    }
}

impl Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<(&String, &u64)> = self.0.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let kinds: Vec<String> = kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        match self.0.values().sum() {
            1u64 => write!(f, "1 file skipped: {}", kinds.join(", ")),
            count => write!(f, "{count} files skipped: {}", kinds.join(", ")),
        }
    }
}

/// The files in `folder` and below that end in one of `endings` (lower case, no dot).
///
/// Only files are taken: a named pipe would be waited for. What this program itself drew, `*.annotated.*`, is left out.
///
/// # Errors
///
/// When the folder can't be read.
pub fn list(folder: &Path, endings: &[&str]) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let mut folders = Vec::new();
    one(folder, endings, &mut listing, &mut folders)?;
    while let Some(below) = folders.pop() {
        if let Err(error) = one(&below, endings, &mut listing, &mut folders) {
            listing.unreadable.push((below, error));
        }
    }
    listing.files.sort();
    Ok(listing)
}

fn one(folder: &Path, endings: &[&str], listing: &mut Listing, folders: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // What a link leads to; where it leads nowhere, opening it will tell.
        let kind = path.metadata().map(|found| found.file_type());
        match kind {
            // A link to a folder is not followed: it may lead back up.
            Ok(kind) if kind.is_dir() && path.is_symlink() => {}
            Ok(kind) if kind.is_dir() => folders.push(path),
            Ok(kind) if !kind.is_file() => listing.left_out.count(special(kind)),
            _ if is_own(&path) => listing.left_out.count("drawn by this program"),
            _ => match ending(&path) {
                Some(ending) if endings.contains(&ending.as_str()) => listing.files.push(path),
                Some(ending) => listing.left_out.count(format!(".{ending}")),
                None => listing.left_out.count("without ending"),
            },
        }
    }
    Ok(())
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| name::of(ending).to_lowercase())
}

fn is_own(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.as_encoded_bytes().ends_with(OWN.as_bytes()))
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_fifo() => "named pipe",
        kind if kind.is_socket() => "socket",
        _ => "device",
    }
}

#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    "device"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let names =
            ["b.JPG", "a.png", "c.heic", "d.heic", "e.gif", "x.annotated.png", "Makefile", ".hidden", "f/g.jpg"];
        fs::create_dir(folder.path().join("f")).expect("it can be made");
        for name in names {
            fs::write(folder.path().join(name), "").expect("it can be written");
        }
        let listing = list(folder.path(), &["jpg", "png"]).expect("it can be read");
        let found: Vec<_> = listing.files.iter().filter_map(|path| path.strip_prefix(folder.path()).ok()).collect();
        assert_eq!(found, ["a.png", "b.JPG", "f/g.jpg"].map(Path::new));
        let told = "6 files skipped: 2 .heic, 2 without ending, 1 .gif, 1 drawn by this program";
        assert_eq!(listing.left_out.to_string(), told);
        assert!(list(&folder.path().join("none"), &["jpg"]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_files_are_taken() {
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let folder = tempfile::tempdir().expect("a folder for the test");
        let at = |name: &str| folder.path().join(name);
        nix::unistd::mkfifo(&at("pipe.jpg"), nix::sys::stat::Mode::S_IRWXU).expect("it can be made");
        let _socket = UnixListener::bind(at("socket.jpg")).expect("it can be made");
        symlink("/dev/zero", at("device.jpg")).expect("it can be made");
        symlink(folder.path(), at("loop.jpg")).expect("it can be made");
        symlink("nowhere", at("broken.jpg")).expect("it can be made");
        let listing = list(folder.path(), &["jpg"]).expect("it can be read");
        // What the link should lead to is missing, and that is told by whoever opens it.
        assert_eq!(listing.files, [at("broken.jpg")]);
        assert_eq!(listing.left_out.to_string(), "3 files skipped: 1 device, 1 named pipe, 1 socket");
    }
}
